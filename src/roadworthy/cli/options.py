"""What every command is told: the home, the tenant, and in whose name."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from roadworthy.core.errors import Invalid

if TYPE_CHECKING:
    from roadworthy.plumbing.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """The options that each command takes."""

    home: Path | None = None
    tenant: str | None = None
    user: str | None = None  # None: the operator of this machine

    def settings(self) -> "Settings":
        """Read the settings, with the home of the command line.

        Raises:
            Invalid: a setting is unknown or unusable.
        """
        from roadworthy.plumbing.settings import load_settings  # noqa: PLC0415 - slow, see lazy.py

        return load_settings(overrides={"home": self.home})


def everywhere(home: Path | None, tenant: str | None, user: str | None) -> Everywhere:
    """Combine the options; `ana@acme` names user and tenant.

    Raises:
        Invalid: the user is nobody, or two tenants are named.
    """
    name, _, of_user = (user or "").partition("@")
    if user is not None and not name:
        raise Invalid(f"--as {user!r} names nobody; write --as ana or --as ana@acme.")
    if of_user and tenant and of_user != tenant:
        raise Invalid(f"--as names the tenant {of_user!r} and --tenant {tenant!r}; drop one.")
    return Everywhere(home=home, tenant=of_user or tenant, user=name or None)


def told(ctx: typer.Context) -> Everywhere:
    """Get what stood on the command line, whatever the depth of the command."""
    found = ctx.find_root().obj
    assert isinstance(found, Everywhere)
    return found
