"""What `serve`, `worker` and `relay` do before they begin: the same checks as `doctor`."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from roadworthy.bootstrap import DatabaseUrls, pseudonyms_of
from roadworthy.cli.faults import refuse_faults
from roadworthy.cli.options import told
from roadworthy.diagnosis.database import check_database
from roadworthy.diagnosis.machine import check_machine
from roadworthy.diagnosis.models import check_models
from roadworthy.installation import Installation, attached_installation, running_database
from roadworthy.plumbing.logs import log_to
from roadworthy.plumbing.settings import Settings, process_locales


@contextmanager
def fit_installation(ctx: typer.Context) -> Iterator[tuple[Settings, Installation]]:
    """Attach to what runs here, and refuse to go on if anything is not as it should be.

    Raises:
        Exit: there is a fault; each was told.
        Unavailable: the database or the engine does not run.
    """
    settings = _fit_settings(ctx)
    with attached_installation(settings) as place:
        refuse_faults(
            check_database(place.urls, stage=settings.stage, pseudonyms=pseudonyms_of(settings))
        )
        refuse_faults(check_models(settings, urls=place.urls, engine=place.engine))
        yield settings, place


@contextmanager
def fit_database(ctx: typer.Context) -> Iterator[tuple[Settings, DatabaseUrls]]:
    """Do the same for what needs no models."""
    settings = _fit_settings(ctx)
    with running_database(settings) as urls:
        refuse_faults(check_database(urls, stage=settings.stage))
        yield settings, urls


def _fit_settings(ctx: typer.Context) -> Settings:
    settings = told(ctx).settings()
    log_to(None, level=settings.log_level)
    refuse_faults(check_machine(settings, locales=process_locales()))
    return settings
