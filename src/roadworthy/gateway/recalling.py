"""Scores that are kept are not asked for again."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Protocol

from roadworthy.core.errors import Unavailable
from roadworthy.core.scores import Score, digest_of
from roadworthy.gateway.classifying import Scores, Text

AT_ONCE = 8  # texts of one request: what was scored before time ran out is not lost

MOST_REMEMBERED = 10_000  # scores: about 2 MB


class Scorer(Protocol):
    """What scores texts, such as gateway.classifying.Classifier."""

    def version(self, head: str) -> str:
        """Name the version that is expected to answer; raises Missing for an unknown head."""
        ...

    async def score(self, head: str, texts: Sequence[Text]) -> Scores:
        """Score texts, in their order."""
        ...


class Recalling:
    """A classifier that asks another one only about texts whose score is not kept.

    What it was told is not lost where it could not ask to the end.
    """

    def __init__(self, scorer: Scorer, kept: Mapping[Text, Score]) -> None:
        self._scorer = scorer
        self._kept = kept
        self._told: dict[Text, Score] = {}

    @property
    def fresh(self) -> dict[Text, Score]:
        """Give what it was told and may be kept: of texts that were read to their end."""
        return {text: score for text, score in self._told.items() if score.is_whole}

    def version(self, head: str) -> str:
        """Name the version that is expected to answer; raises Missing for an unknown head."""
        return self._scorer.version(head)

    async def score(self, head: str, texts: Sequence[Text]) -> Scores:
        """Score texts, in their order, all by one version.

        Raises:
            Unavailable: the version changed in between; or as the other one raises.
        """
        kept = self._kept_of(head)
        lacking = [text for text in dict.fromkeys(texts) if text not in kept]
        if not await self._ask(head, lacking) <= {self.version(head)}:
            # Another version answers than the one that is expected: all by that one, then.
            await self._ask(head, [text for text in dict.fromkeys(texts) if text in kept])
        known = self.known(head)
        found = [known[text] for text in texts]
        if len({score.version for score in found}) > 1:
            raise Unavailable("What scores for guards changed in between; try again.")
        return Scores(
            values=[score.value for score in found],
            threshold=found[0].threshold,
            version=found[0].version,
            unread=[at for at, score in enumerate(found) if not score.is_whole],
        )

    def known(self, head: str) -> dict[Text, Score]:
        """Give what is known by now: what is kept, and what it was told instead or besides."""
        return self._kept_of(head) | self._told

    def _kept_of(self, head: str) -> dict[Text, Score]:
        version = self.version(head)
        return {text: score for text, score in self._kept.items() if score.version == version}

    async def _ask(self, head: str, texts: Sequence[Text]) -> set[str]:
        """Ask about texts; gives the versions that answered."""
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            said = await self._scorer.score(head, some)
            self._told |= zip(some, said.each(), strict=True)
        return {self._told[text].version for text in texts}


class Remembering:
    """A classifier that remembers what another one told lately.

    A conversation is handed in anew with each of its questions; so only what is new is asked for.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._kept: OrderedDict[tuple[str, bytes], Score] = OrderedDict()  # no text is held

    def version(self, head: str) -> str:
        """Name the version that is expected to answer; raises Missing for an unknown head."""
        return self._scorer.version(head)

    async def score(self, head: str, texts: Sequence[Text]) -> Scores:
        """Score texts, in their order; raises as `Recalling`, and forgets nothing by that."""
        kept = {text: score for text in texts if (score := self._kept.get(_known_by(head, text)))}
        recalling = Recalling(self._scorer, kept)
        try:
            return await recalling.score(head, texts)
        finally:
            self._remember(head, kept | recalling.fresh)

    def _remember(self, head: str, scores: Mapping[Text, Score]) -> None:
        for text, score in scores.items():
            self._kept[_known_by(head, text)] = score
            self._kept.move_to_end(_known_by(head, text))
        while len(self._kept) > MOST_REMEMBERED:
            self._kept.popitem(last=False)


def _known_by(head: str, text: Text) -> tuple[str, bytes]:
    return head, digest_of(text if isinstance(text, str) else "\0".join(text))
