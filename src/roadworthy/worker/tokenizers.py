"""The tokenizers by which documents are split: each space counts with its own."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from roadworthy.core.errors import Invalid
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.gateway.embeddings import SpaceEmbedder
from roadworthy.gateway.engine.cache import converted
from roadworthy.gateway.engine.catalogue import EMBEDDING_MODELS
from roadworthy.gateway.engine.tokens import TOKENIZER_FILE
from roadworthy.ingestion.split import TokenCounter, load_tokenizer
from roadworthy.plumbing.settings import Settings

log = structlog.get_logger(__name__)


class Tokenizers(Mapping[int, TokenCounter]):
    """The tokenizers of the spaces that are served, by the space's id, loaded when needed.

    A space whose tokenizer is not known here has none; its jobs wait for another worker.
    """

    def __init__(self, settings: Settings, spaces: Mapping[int, SpaceEmbedder]) -> None:
        """Load that of the default space.

        Raises:
            Invalid: it is not known.
        """
        self._settings, self._spaces = settings, spaces
        self._loaded: dict[Path, TokenCounter] = {}
        for space_id, embedder in spaces.items():
            if embedder.space.name == settings.embeddings_model:
                _ = self[space_id]

    def __getitem__(self, space_id: int) -> TokenCounter:
        """Give the tokenizer of a space; raises KeyError where it has none."""
        space = self._spaces[space_id].space
        path = tokenizer_path(self._settings, space)
        if path is None:
            _complain(self._settings, space)
            raise KeyError(space_id)
        if path not in self._loaded:
            self._loaded[path] = load_tokenizer(path)
        return self._loaded[path]

    def __iter__(self) -> Iterator[int]:
        """List the spaces."""
        return iter(self._spaces)

    def __len__(self) -> int:
        """Count the spaces."""
        return len(self._spaces)


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
