"""The tokenizers by which documents are split: each space counts with its own."""

from collections.abc import Iterable
from pathlib import Path

import structlog

from roadworthy.core.errors import Invalid
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.gateway.engine.cache import converted
from roadworthy.gateway.engine.catalogue import EMBEDDING_MODELS
from roadworthy.gateway.engine.tokens import TOKENIZER_FILE
from roadworthy.ingestion.split import TokenCounter, load_tokenizer
from roadworthy.plumbing.settings import Settings

log = structlog.get_logger(__name__)


def tokenizers_of(settings: Settings, spaces: Iterable[EmbeddingSpace]) -> dict[int, TokenCounter]:
    """Load the tokenizer of each space, by the space's id.

    A space whose tokenizer is not known here is left out; its jobs wait for another worker.

    Raises:
        Invalid: the default space is one of those.
    """
    loaded: dict[Path, TokenCounter] = {}
    found: dict[int, TokenCounter] = {}
    for space in spaces:
        path = tokenizer_path(settings, space)
        if path is None:
            _complain(settings, space)
            continue
        if path not in loaded:
            loaded[path] = load_tokenizer(path)
        found[space.id] = loaded[path]
    return found


def tokenizer_path(settings: Settings, space: EmbeddingSpace) -> Path | None:
    """Find the tokenizer.json of a space: of the settings, or of a model that we ship."""
    if settings.tokenizer_file and space.name == settings.embeddings_model:
        if not settings.tokenizer_file.is_file():
            raise Invalid(
                f"The file {settings.tokenizer_file} does not exist; correct tokenizer_file."
            )
        return settings.tokenizer_file
    model = EMBEDDING_MODELS.get(space.model)
    if model is None:
        return None
    folder = settings.home / "models" / model.folder
    if not (folder / TOKENIZER_FILE).is_file():  # the engine runs elsewhere
        folder = converted(model, settings.home / "models", progress=lambda *_: None)
    return folder / TOKENIZER_FILE


def _complain(settings: Settings, space: EmbeddingSpace) -> None:
    if space.name == settings.embeddings_model:
        raise Invalid(
            f"How {space.model} counts tokens is not known; set tokenizer_file "
            "(ROADWORTHY_TOKENIZER_FILE) to its tokenizer.json.",
            setting="tokenizer_file",
        )
    log.warning("no tokenizer for this space; its jobs wait", space=space.name)
