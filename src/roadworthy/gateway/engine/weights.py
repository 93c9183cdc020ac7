"""Find the weights inside installed packages, and trust a file by its content only."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.catalogue import Weights


def verified(weights: Weights) -> Path:
    """Return the path of a weights file whose content is the one that we know.

    Raises:
        Unavailable: the package or the file is not there, or the content is another one.
    """
    path = locate(weights)
    if sha256_of(path) != weights.sha256:
        raise Unavailable(
            f"the weights in {weights.distribution} are not the expected ones; reinstall the "
            f"pinned version of {weights.distribution}",
            package=weights.distribution,
            file=path.name,
        )
    return path


def locate(weights: Weights) -> Path:
    """Return where the file lies, without importing the package that carries it.

    Importing would run code, and pull in dependencies, for the sake of one data file.

    Raises:
        Unavailable: the package or the file is not there.
    """
    spec = find_spec(weights.package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = [path for folder in folders if (path := Path(folder, weights.path)).is_file()]
    if not found:
        raise Unavailable(
            f"{weights.distribution} carries the weights of a local model and is not installed; "
            f"install {weights.distribution}",
            package=weights.distribution,
            file=weights.path,
        )
    return found[0]


def sha256_of(path: Path) -> str:
    """Digest a file without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
