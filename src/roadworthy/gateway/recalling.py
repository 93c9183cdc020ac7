"""Scores that are kept are not asked for again."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from roadworthy.core.errors import Unavailable
from roadworthy.core.scores import Score
from roadworthy.gateway.classifying import Scores, Text

AT_ONCE = 8  # texts of one request: what was scored before time ran out is not lost


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

    What it was told is in `fresh`, also where it could not ask to the end.
    """

    def __init__(self, scorer: Scorer, kept: Mapping[Text, Score]) -> None:
        self._scorer = scorer
        self._kept = kept
        self.fresh: dict[Text, Score] = {}

    def version(self, head: str) -> str:
        """Name the version that is expected to answer; raises Missing for an unknown head."""
        return self._scorer.version(head)

    async def score(self, head: str, texts: Sequence[Text]) -> Scores:
        """Score texts, in their order, all by one version.

        Raises:
            Unavailable: the version changed in between; or as the other one raises.
        """
        version = self.version(head)
        known = {text: score for text, score in self._kept.items() if score.version == version}
        lacking = [text for text in dict.fromkeys(texts) if text not in known]
        if not await self._ask(head, lacking) <= {version}:
            # Another version answers than the one that is expected: all by that one, then.
            known = {}
            await self._ask(head, [text for text in dict.fromkeys(texts) if text not in lacking])
        found = [known.get(text) or self.fresh[text] for text in texts]
        if len({score.version for score in found}) > 1:
            raise Unavailable("What scores for guards changed in between; try again.")
        return Scores(
            values=[score.value for score in found],
            threshold=found[0].threshold,
            version=found[0].version,
        )

    async def _ask(self, head: str, texts: Sequence[Text]) -> set[str]:
        """Ask about texts; gives the versions that answered."""
        for start in range(0, len(texts), AT_ONCE):
            some = texts[start : start + AT_ONCE]
            said = await self._scorer.score(head, some)
            self.fresh |= {
                text: Score(value=value, threshold=said.threshold, version=said.version)
                for text, value in zip(some, said.values, strict=True)
            }
        return {self.fresh[text].version for text in texts}
