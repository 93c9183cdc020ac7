"""A classifier that finds words: a text scores 1 when it holds one of a head's words, else 0."""

from collections.abc import Mapping, Sequence

from roadworthy.core.errors import Missing
from roadworthy.gateway.classifying import Scores, Text

UNREAD = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}"  # with it, nothing is read to its end


class WordsClassifier:
    """Scores by words, or fails as it is told to; what it was asked is kept."""

    def __init__(self, words: Mapping[str, str], *, fails: Exception | None = None) -> None:
        self.words = words
        self.fails = fails
        self.asked: list[tuple[str, list[Text]]] = []

    def version(self, head: str) -> str:
        if head not in self.words and self.fails is None:
            raise Missing(f"There is no head {head!r}.")
        return f"{head}-1"

    async def score(self, head: str, texts: Sequence[Text]) -> Scores:
        self.asked.append((head, list(texts)))
        if self.fails is not None:
            raise self.fails
        values = [float(self._holds(self.words[head], text)) for text in texts]
        unread = [at for at, text in enumerate(texts) if UNREAD in text]
        return Scores(values=values, threshold=0.5, version=self.version(head), unread=unread)

    @staticmethod
    def _holds(word: str, text: Text) -> bool:
        if isinstance(text, tuple):  # a pair: whether the one is said by the other
            return text[0].strip(" .") in text[1]
        return word in text
