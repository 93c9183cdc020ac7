"""The embedding spaces that this process serves, by id, as they come to be."""

from collections.abc import Iterator, Mapping

from roadworthy.bootstrap import Services
from roadworthy.gateway.embeddings import SpaceEmbedder


class ServedSpaces(Mapping[int, SpaceEmbedder]):
    """The embedders of the services, which may become more while we work."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __getitem__(self, space_id: int) -> SpaceEmbedder:
        """Give the embedder of a space."""
        return self._known()[space_id]

    def __iter__(self) -> Iterator[int]:
        """List the spaces."""
        return iter(self._known())

    def __len__(self) -> int:
        """Count the spaces."""
        return len(self._known())

    def _known(self) -> dict[int, SpaceEmbedder]:
        return {each.space.id: each for each in self._services.embedders.values()}
