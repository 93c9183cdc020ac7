"""Cut a text into the tokens of an embedding model, in little memory.

The folder of a converted model holds `tokenizer.json`, a file of the `tokenizers` library. For the
250,000 pieces of e5 that library takes 280 MB and 1.4 s to open; the same cuts come out of one
dictionary here in about 50 MB, and a test holds the two equal.
"""

from array import array
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from tokenizers import Regex, Tokenizer, normalizers

from roadworthy.core.errors import Unavailable

TOKENIZER_FILE: Final = "tokenizer.json"
PIECES_FILE: Final = "pieces.txt"  # one piece a line, its id is the line
SCORES_FILE: Final = "scores.bin"  # a double for each piece

BEGIN, END, UNKNOWN = 0, 2, 3  # the ids of XLM-RoBERTa
SPACE: Final = "\u2581"  # begins each word

_UNKNOWN_PENALTY = 10.0  # as SentencePiece has it
_CACHED_WORDS = 32_768
_LONGEST_CACHED = 40  # characters; scripts without spaces make words as long as a text
_DROPPED = "\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f"
_SPACES = "\t\n\x0c\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd"


class CutsText(Protocol):
    """What turns a text into token ids."""

    def cut(self, text: str, *, max_tokens: int) -> tuple[Sequence[int], bool]:
        """Return at most `max_tokens` ids, special ones included, and whether some were cut off."""
        ...


def open_tokens(folder: Path) -> CutsText:
    """Open the tokenizer of a converted model.

    Raises:
        Unavailable: the folder holds no tokenizer.
    """
    if (folder / PIECES_FILE).is_file():
        return UnigramTokens(folder)
    if not (folder / TOKENIZER_FILE).is_file():
        raise Unavailable("the model has no tokenizer; delete its folder and start again")
    return LibraryTokens(folder)


def e5_normalizer() -> normalizers.Normalizer:
    """Return the character rules of XLM-RoBERTa, written as NFKC and its exceptions."""
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex(f"[{_DROPPED}]"), ""),
            normalizers.Replace(Regex(f"[{_SPACES}]"), " "),
            normalizers.NFKC(),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )


class LibraryTokens:
    """A tokenizer of the `tokenizers` library; right for small vocabularies."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        # A file may ask for both; callers say themselves how much they can take.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def cut(self, text: str, *, max_tokens: int) -> tuple[Sequence[int], bool]:
        """Return at most `max_tokens` ids, special ones included, and whether some were cut off."""
        ids = self._tokenizer.encode(text).ids
        if len(ids) <= max_tokens:
            return ids, False
        return [*ids[: max_tokens - 1], ids[-1]], True


class UnigramTokens:
    """A unigram tokenizer: of all ways to cut a word, the most probable."""

    def __init__(self, folder: Path) -> None:
        pieces = (folder / PIECES_FILE).read_text(encoding="utf-8").split("\n")
        self._ids = {piece: number for number, piece in enumerate(pieces)}
        self._scores = array("d", (folder / SCORES_FILE).read_bytes())
        self._longest = max(map(len, pieces))
        self._begins_word = bytes(piece.startswith(SPACE) for piece in pieces)
        self._unknown_score = min(self._scores) - _UNKNOWN_PENALTY
        self._normalizer = e5_normalizer()
        self._cut_short_word = lru_cache(_CACHED_WORDS)(self._most_probable)

    def cut(self, text: str, *, max_tokens: int) -> tuple[Sequence[int], bool]:
        """Return at most `max_tokens` ids, special ones included, and whether some were cut off."""
        normalised = self._normalizer.normalize_str(text).replace(" ", SPACE)
        ids = [BEGIN]
        for word in normalised.removeprefix(SPACE).split(SPACE) if normalised else ():
            ids.extend(self._cut_word(SPACE + word))
            if len(ids) >= max_tokens:
                break
        is_cut = len(ids) >= max_tokens
        return [*ids[: max_tokens - 1], END], is_cut

    def information(self, ids: Sequence[int]) -> list[float]:
        """Tell how much each token says: the rarer its piece is, the more; in nats, from 0 on."""
        return [-(self._unknown_score if id == UNKNOWN else self._scores[id]) for id in ids]

    def word_lengths(self, ids: Sequence[int]) -> list[int]:
        """Tell of each token how many its word has; without blanks a clause is a word."""
        words: list[int] = []
        number: list[int] = []
        for id in ids:
            if not words or self._begins_word[id]:
                words.append(0)
            words[-1] += 1
            number.append(len(words) - 1)
        return [words[at] for at in number]

    def _cut_word(self, word: str) -> tuple[int, ...]:
        is_short = len(word) <= _LONGEST_CACHED
        return self._cut_short_word(word) if is_short else self._most_probable(word)

    def _most_probable(self, word: str) -> tuple[int, ...]:
        """Find the cut of `word` with the highest sum of scores; ties go to the shorter piece."""
        length = len(word)
        best = [0.0] + [float("-inf")] * length
        ends = [(0, UNKNOWN)] * (length + 1)  # where the best piece that ends here begins, its id
        for start in range(length):
            so_far = best[start]
            if word[start] not in self._ids and so_far + self._unknown_score > best[start + 1]:
                best[start + 1] = so_far + self._unknown_score
                ends[start + 1] = (start, UNKNOWN)
            for end in range(start + 1, min(length, start + self._longest) + 1):
                piece = self._ids.get(word[start:end])
                if piece is not None and so_far + self._scores[piece] > best[end]:
                    best[end] = so_far + self._scores[piece]
                    ends[end] = (start, piece)
        return _followed(ends)


def _followed(ends: list[tuple[int, int]]) -> tuple[int, ...]:
    """Walk back over the best pieces; neighbouring unknown characters are one token."""
    ids: list[int] = []
    at = len(ends) - 1
    while at > 0:
        at, piece = ends[at]
        if not (piece == UNKNOWN and ids and ids[-1] == UNKNOWN):
            ids.append(piece)
    return tuple(reversed(ids))
