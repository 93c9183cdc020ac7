"""Serve the API of a running installation, with or without recording: HOME on|off."""

import sys
from pathlib import Path

import uvloop

from roadworthy import bootstrap
from roadworthy.api import serve
from roadworthy.installation import attached_installation
from roadworthy.plumbing.logs import log_to
from roadworthy.plumbing.settings import load_settings
from roadworthy.traces import Begun, Trace, TraceRecorder


class _Silent(TraceRecorder):
    """Records nothing."""

    def begin(self, begun: Begun) -> None:
        """Forget it."""

    def end(self, trace: Trace) -> None:
        """Forget it."""


def main() -> None:
    home, tracing = sys.argv[1:]
    if tracing == "off":
        bootstrap.TraceRecorder = _Silent
    uvloop.run(_serve(Path(home)))


async def _serve(home: Path) -> None:
    settings = load_settings(overrides={"home": home})
    log_to(None, level=settings.log_level)
    with attached_installation(settings) as place:
        async with bootstrap.services(settings, urls=place.urls, engine=place.engine) as services:
            print("ready", flush=True)
            await serve(services)


if __name__ == "__main__":
    main()
