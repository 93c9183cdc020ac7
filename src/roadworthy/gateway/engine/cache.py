"""Keep converted models on disk: made once, complete or absent, checked whenever opened."""

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.catalogue import EmbeddingModel
from roadworthy.gateway.engine.graph import GRAPH
from roadworthy.gateway.engine.weights import sha256_of

DIGESTS_FILE: Final = "sha256.json"

_STALE_S = 3600  # a conversion takes seconds; what is older was left by a killed one
_TEMPORARY = ".making-"

Progress = Callable[[str, float, str], None]  # model, fraction from 0 to 1, what comes next


def converted(model: EmbeddingModel, models: Path, *, progress: Progress) -> Path:
    """Return the folder of the converted model, converting it first if need be.

    The folder appears by one rename, so another process sees all of it or nothing; of two that
    convert at once the first wins and the other's work is dropped. A folder whose content changed
    is made anew.

    Raises:
        Unavailable: the weights are missing or wrong, or the disk is full or not writable.
    """
    folder = models / model.folder
    try:
        if not is_intact(folder, model):
            models.mkdir(parents=True, exist_ok=True)
            _sweep(models)
            _make(model, folder, progress)
    except OSError as error:
        raise Unavailable(
            f"the model {model.name} cannot be written to {models}; free some space there or "
            "choose another home",
            model=model.name,
        ) from error
    return folder


def is_intact(folder: Path, model: EmbeddingModel) -> bool:
    """Tell whether `folder` holds exactly what the conversion of `model` wrote there."""
    try:
        recorded = json.loads((folder / DIGESTS_FILE).read_bytes())
        return recorded == _record(folder, model)
    except (OSError, ValueError):
        return False


def _make(model: EmbeddingModel, folder: Path, progress: Progress) -> None:
    temporary = folder.parent / f"{_TEMPORARY}{model.name}-{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        _convert_apart(model, temporary, progress)
        record = _record(temporary, model)
        (temporary / DIGESTS_FILE).write_text(json.dumps(record, indent=1), encoding="utf-8")
        _publish(temporary, folder, model)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _publish(temporary: Path, folder: Path, model: EmbeddingModel) -> None:
    try:
        temporary.rename(folder)
    except OSError:
        if is_intact(folder, model):
            return  # another process was faster
        # Renamed before it is deleted: nobody may open a half-deleted folder.
        broken = folder.parent / f"{_TEMPORARY}broken-{uuid.uuid4().hex}"
        folder.rename(broken)
        shutil.rmtree(broken, ignore_errors=True)
        temporary.rename(folder)


def _convert_apart(model: EmbeddingModel, folder: Path, progress: Progress) -> None:
    command = [sys.executable, "-m", "roadworthy.gateway.engine.convert", model.name, str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for fraction, step in _steps(child.stdout):
            progress(model.name, fraction, step)
        said = child.stderr.read().strip()
    if child.returncode != 0:
        reason = said.splitlines()[-1] if said else "the conversion was killed; is memory short?"
        raise Unavailable(reason, model=model.name)


def _steps(lines: IO[str]) -> Iterator[tuple[float, str]]:
    for line in lines:
        fraction, _, step = line.strip().partition(" ")
        yield float(fraction), step


def _record(folder: Path, model: EmbeddingModel) -> dict[str, object]:
    classifiers = [classifier.version for classifier in model.classifiers]
    return {
        "revision": model.revision,
        "classifiers": classifiers,
        "graph": GRAPH,
        "files": _digests(folder),
    }


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.iterdir() if path.name != DIGESTS_FILE)
    return {path.name: sha256_of(path) for path in files}


def _sweep(models: Path) -> None:
    for path in models.glob(f"{_TEMPORARY}*"):
        if time.time() - path.stat().st_mtime > _STALE_S:
            shutil.rmtree(path, ignore_errors=True)
