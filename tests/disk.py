"""A disk that is full as far as traces are concerned."""

import errno
import os
from types import SimpleNamespace

import pytest

from roadworthy.traces import recorder as recorder_module


@pytest.fixture
def disk(monkeypatch):
    """How many bytes the disk still takes; None: any number."""
    room, write = {"left": None}, os.write

    def take(descriptor, data):
        if room["left"] is None:
            return write(descriptor, data)
        if not room["left"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = write(descriptor, data[: room["left"]])
        room["left"] -= taken
        return taken

    monkeypatch.setattr(recorder_module, "os", SimpleNamespace(**vars(os) | {"write": take}))
    return room
