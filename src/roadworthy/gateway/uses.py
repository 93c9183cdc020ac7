"""What models read that write nothing: those that embed questions, and those that rerank."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

BYTES_A_TOKEN = 6  # more than in nearly any text: by this there are too few tokens
MOST_TOLD = 1_000_000_000  # what is told beyond is nonsense
EMBEDDINGS, RERANK = "embeddings", "rerank"  # the endpoints, as the price book names them


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A question's share of one request to such a model."""

    endpoint: str
    model: str
    tokens: int  # read
    is_at_least: bool = False  # the endpoint did not tell them: estimated, low
    share: Decimal = Decimal(1)  # of the request itself


OnUse = Callable[[Use], None]


def use_of(
    endpoint: str, model: str, texts: Sequence[str], *, tokens: int | None, among: int = 1
) -> Use:
    """Say what texts have used; where the endpoint does not tell, at least so much.

    Args:
        among: questions that share the request.
    """
    return Use(
        endpoint=endpoint,
        model=model,
        tokens=least_tokens(texts) if tokens is None else tokens,
        is_at_least=tokens is None,
        share=Decimal(1) / among,
    )


def least_tokens(texts: Sequence[str]) -> int:
    """Estimate, low, how many tokens texts have."""
    return sum(len(text.encode()) for text in texts) // BYTES_A_TOKEN


def told_tokens(usage: object) -> int | None:
    """Read how many tokens an endpoint says that it has read; None: it does not say."""
    if not isinstance(usage, Mapping):
        return None
    for name in ("prompt_tokens", "input_tokens", "total_tokens"):
        told: object = usage.get(name)
        if isinstance(told, int) and 0 <= told <= MOST_TOLD:
            return told
    return None


def shares(tokens: int, texts: Sequence[str]) -> list[int]:
    """Part the tokens of a request among its texts by their lengths; together they are all."""
    whole = sum(map(len, texts)) or 1
    parts: list[int] = []
    read = 0
    for text in texts:
        before = tokens * read // whole
        read += len(text)
        parts.append(tokens * read // whole - before)
    return parts
