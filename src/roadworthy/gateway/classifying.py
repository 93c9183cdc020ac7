"""Scores of texts by the small classifiers of the local engine."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from roadworthy.core.errors import Missing, RoadworthyError, Unavailable
from roadworthy.core.scores import Score
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.gateway.engine.catalogue import HEADS
from roadworthy.gateway.lanes import MOST_FAILURES, is_to_blame
from roadworthy.gateway.trying import tried
from roadworthy.plumbing.breaker import Breaker

MOST_TEXTS = 64  # of one request; the engine lets those with somebody waiting go first
MOST_BYTES = 100_000  # of an answer
PART = 8_000  # characters of a text that are read at once, by the engine in parts of its own
SHARED = 400  # of two parts
LONG = 1_000  # characters of a call; with more, a well engine may be late on a busy machine
LONGEST_S = 1.8  # of a call: less than a guard waits, so that it is known who was late
LONGEST_BACKGROUND_S = 30.0  # of a call that nobody waits for; a transaction may idle for 60
LONGEST_REST_S = 10.0  # each look meanwhile is by rules alone

Pair = tuple[str, str]  # a question or sentence, and the passage that it is held against
Text = str | Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a head says of some texts.

    Invariant: all values are of one version, the one that the threshold was measured with.
    """

    values: Sequence[float]  # from 0 to 1, one a text, in their order
    version: str
    threshold: float  # the value from which on the head says yes
    unread: Collection[int] = ()  # places of texts that cannot be read to their end

    def each(self) -> list[Score]:
        """Give what is said of each text."""
        return [
            Score(
                value=value,
                threshold=self.threshold,
                version=self.version,
                is_whole=at not in self.unread,
            )
            for at, value in enumerate(self.values)
        ]


class _Answer(BaseModel):
    version: str
    threshold: FiniteFloat
    scores: list[Annotated[FiniteFloat, Field(ge=0, le=1)]]
    truncated: list[bool]


class Classifier:
    """Asks the engine for scores by a head, such as `injection` and `passage_injection`.

    A head reads texts or pairs, a pair being a text that is held against a passage. A long text is
    read in parts, and the highest score counts. The passage of a pair may be cut.

    Args:
        is_background: nobody waits for it: the engine lets all others go first.
    """

    def __init__(self, endpoint: Endpoint, *, is_background: bool = False) -> None:
        self.endpoint = endpoint
        self._is_background = is_background
        self._breaker = Breaker(failures=MOST_FAILURES, longest_rest_s=LONGEST_REST_S)

    @property
    def is_resting(self) -> bool:
        """Tell whether to ask would be in vain now."""
        return self._breaker.is_resting

    def version(self, head: str) -> str:
        """Name the version of a head that ships.

        Raises:
            Missing: there is none.
        """
        if head not in HEADS:
            raise Missing(f"No classifier has a head {head!r}.")
        return HEADS[head].version

    async def score(self, head: str, texts: Sequence[Text]) -> Scores:
        """Score each text, or each pair; of no texts not even the version is known.

        Raises:
            Unavailable: the engine is down or left alone, has no such head, changed in between, or
                answers nonsense.
            Invalid: no text, an empty one, a pair that is too long, or pairs where texts belong.
            Busy: the engine is at its limit.
        """
        parts = [_parts(text) for text in texts]
        asked = [part for each in parts for part in each]
        blames = partial(self._blames, asked)
        with tried(self._breaker, what="What scores texts", blames=blames):
            found = [
                await self._score(head, asked[i : i + MOST_TEXTS])
                for i in range(0, max(1, len(asked)), MOST_TEXTS)
            ]
        if len({scores.version for scores in found}) != 1:
            raise self._wrong("comes from two versions")
        of_parts = (score for scores in found for score in scores.each())
        of_texts = [list(islice(of_parts, len(each))) for each in parts]
        return Scores(
            values=[max(score.value for score in each) for each in of_texts],
            version=found[0].version,
            threshold=found[0].threshold,
            unread=_places(not all(score.is_whole for score in each) for each in of_texts),
        )

    async def _score(self, head: str, texts: Sequence[Text]) -> Scores:
        kind = "input" if all(isinstance(text, str) for text in texts) else "pairs"
        asked: dict[str, object] = {"model": head, kind: list(texts)}
        if self._is_background:
            asked["background"] = True
        reply = await self.endpoint.post("/classify", asked, most_bytes=MOST_BYTES)
        try:
            answer = _Answer.model_validate_json(reply.body)
        except ValidationError as error:
            raise self._wrong("is no list of scores") from error
        if not len(answer.scores) == len(answer.truncated) == len(texts):
            raise self._wrong("does not score each text once")
        return Scores(
            values=answer.scores,
            version=answer.version,
            threshold=answer.threshold,
            unread=_places(answer.truncated) if kind == "input" else (),
        )

    def _blames(self, asked: Sequence[Text], failure: RoadworthyError) -> bool:
        """Tell whether a failure is the engine's: one asker's long texts keep no others unscored.

        Of a pair it reads little, whatever its length, and in the background there is time enough.
        """
        characters = sum(len(text) for text in asked if isinstance(text, str))
        may_be_late = characters > LONG and not self._is_background
        return is_to_blame(failure) and not (may_be_late and "is_late" in failure.facts)

    def _wrong(self, what: str) -> Unavailable:
        return Unavailable(f"What {self.endpoint.address.url}/classify answers {what}.")


def _places(holds: Iterable[bool]) -> Collection[int]:
    return [at for at, is_so in enumerate(holds) if is_so]


def _parts(text: Text) -> Sequence[Text]:
    """Cut a text that is longer than the engine takes; a pair is left to it."""
    if isinstance(text, tuple):
        return [text]
    ends = max(1, len(text) - SHARED)
    return [text[start : start + PART] for start in range(0, ends, PART - SHARED)]
