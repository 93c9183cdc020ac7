"""Cut text into the terms that keyword search counts, the same way for passage and question.

A text is made of tokens: a word, a compound ("AX-200", "jane@acme.com") or a run of a script
that puts no spaces between words. A token yields units: the whole of a compound and its parts,
or the character pairs of a run. A unit becomes a term in one language: accents folded, stemmed,
or dropped as a stop word. An acronym that would be lost by that ("WHO", "AIDS") is a term as it
is written, too.
"""

import re
import threading
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache, lru_cache

import Stemmer
import stop_words

from roadworthy.core.errors import Invalid
from roadworthy.core.normal_forms import normalized

METHOD = "terms-2"  # changes when the same text would yield other terms
MAX_TERM = 64  # characters; the rest of a longer term is not looked at
MAX_QUESTION = 20_000  # characters
MAX_QUESTION_TERMS = 128  # distinct ones
LONGEST_KEPT = 40  # characters of a token that is remembered; a longer one may be a sentence

_SNOWBALL = (
    "ar:arabic hy:armenian eu:basque ca:catalan cs:czech da:danish nl:dutch en:english"
    " eo:esperanto et:estonian fi:finnish fr:french de:german el:greek hi:hindi hu:hungarian"
    " id:indonesian ga:irish it:italian lt:lithuanian ne:nepali no:norwegian nb:norwegian"
    " nn:norwegian fa:persian pl:polish pt:portuguese ro:romanian ru:russian sr:serbian"
    " st:sesotho es:spanish sv:swedish ta:tamil tr:turkish yi:yiddish"
)
_STEMMERS = {code: name for code, _, name in (p.partition(":") for p in _SNOWBALL.split())}
# In these, questions are often typed without accents: folding first makes both spellings one.
# (French questions without accents: nDCG@10 .792 against .780 when the stem is folded.)
_FOLDED_FIRST = frozenset({"ca", "de", "es", "fr", "it", "pt"})

# The package's English list has 1,333 words, "computer", "fire", "date" and "page" among them;
# a document about them could not be found. Source: Snowball, english/stop.txt.
_ENGLISH = (
    "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself"
    " she her hers herself it its itself they them their theirs themselves what which who whom"
    " this that these those am is are was were be been being have has had having do does did"
    " doing a an the and but if or because as until while of at by for with about against between"
    " into through during before after above below to from up down in out on off over under again"
    " further then once here there when where why how all any both each few more most other some"
    " such no nor not only own same so than too very s t can will just don should now"
    # what is left of "isn't" and "we'll" when the apostrophe parts them
    " d ll m re ve ain aren couldn didn doesn hadn hasn haven isn mightn mustn needn shan"
    " shouldn wasn weren wouldn"
)
_ENGLISH_STOP_WORDS = frozenset(_ENGLISH.split())
_LONGEST_STOP_LIST = 700  # a longer one is no list of function words

_SCANNED = [chr(c) for c in (*range(0x300, 0x1E00), *range(0xA600, 0xAC00))]
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Han, kana, Hangul (whose
# particles cling to the noun).
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]")
# `\w` knows no combining marks, without which Hindi or pointed Hebrew would fall to pieces.
_MARKS = "".join(
    c for c in _SCANNED if unicodedata.category(c) in {"Mn", "Mc"} and not _RUN.match(c)
)
_WORD = rf"[^\W_{_UNSPACED}]++(?:[{_MARKS}]++[^\W_{_UNSPACED}]*+)*+"
_JOINERS = r"(?:[-_./@:+]|(?<=\d),(?=\d{3}(?!\d)))"  # the comma of 1,000 only
_SUFFIX = r"(?:\+\+|#)?"  # C++, C#
_TOKEN = re.compile(rf"{_WORD}(?:{_JOINERS}{_WORD})*+{_SUFFIX}|[{_UNSPACED}]++")
_ASCII_TOKEN = re.compile(rf"[a-z0-9]++(?:{_JOINERS}[a-z0-9]++)*+{_SUFFIX}")
_PART = re.compile(rf"\d+(?:[.,]\d+)*|(?:[^\W\d_]|[{_MARKS}])+")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_CAPITALS = re.compile(r"(?<!\w)[^\W\d_a-z]+(?!\w)")  # or any word without Latin letters
_BETWEEN = re.compile(r"[^\w\n]{1,3}")  # two words of one row
_LONGEST_ACRONYM = 8  # letters
_SHOUTED = 4  # words in capitals, one after the other, are no acronyms
_OPERATORS = frozenset({"AND", "OR", "NOT"})  # of other search engines; their users type them
_LOOSE_JOINER = re.compile(r"(?<!\d)[-_./:+]|[-_./:+](?!\d)")  # not between two digits

_CLEANED: dict[int, str | None] = {
    **dict.fromkeys((0xAD, 0x640, 0x200D, 0x2060, 0xFEFF)),  # soft hyphen, tatweel, joiners
    **dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-"),
    **{ord(c): str(unicodedata.decimal(c)) for c in _SCANNED if c.isdecimal()},
}
_FOLDED: dict[int, str | None] = {
    # Only Latin and Greek: elsewhere a mark makes another letter.
    **{
        c: unicodedata.normalize("NFD", chr(c))[0]
        for c in (*range(0xC0, 0x250), *range(0x386, 0x3D0), *range(0x1E00, 0x2000))
    },
    **dict.fromkeys(range(0x300, 0x370)),
    **str.maketrans(
        {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
    ),
    0x451: "\u0435",  # Russian yo is mostly printed as ye
}


def terms(text: str, *, language: str) -> list[str]:
    """List the terms of a passage in their order, repeated as often as they stand there.

    A text of stop words alone keeps them, so that it can be found.

    Args:
        language: ISO 639-1 of the text, or "und"; one without rules is neither stemmed nor
            thinned out.

    Raises:
        Invalid: `language` is no language code.
    """
    analysis = _analysis(language)
    tokens = _tokens(text)
    found: list[str] = []
    for token in tokens:
        found += analysis[token]
    found += [each for each in _acronyms(text) if analysis.loses(each)]
    return found or [analysis.stem(unit) for token in tokens for unit in _units(token)]


def query_terms(text: str, languages: Collection[str]) -> list[frozenset[str]]:
    """List the distinct terms of a question, each as the class of its forms by language.

    A short question's language is uncertain, so each unit is looked up as every language of the
    corpus would have written it. The forms of a class count as one term. A unit that is a stop
    word of a language has no form in it; a question of stop words alone keeps them. What stands
    after `MAX_QUESTION` characters or `MAX_QUESTION_TERMS` classes is not looked at.

    Args:
        languages: those that the corpus was indexed in; none counts as "und".

    Raises:
        Invalid: one of `languages` is no language code.

    Source: Lucene, SynonymQuery.
    """
    analyses = [_analysis(language) for language in sorted(languages)] or [_analysis("und")]
    tokens = _tokens(text[:MAX_QUESTION])
    units = list(dict.fromkeys(unit for token in tokens for unit in _units(token)))
    spoken = _language_of_the_stop_words(units, analyses)
    classes = [
        frozenset(a.stem(unit) for a in analyses if unit not in a.stop_words)
        for unit in units
        if spoken is None or unit not in spoken.stop_words
    ]
    acronyms = [
        frozenset({each})
        for each in _acronyms(text[:MAX_QUESTION])
        if any(a.loses(each) for a in analyses)
    ]
    kept = acronyms + [c for c in classes if c] or [
        frozenset(a.stem(u) for a in analyses) for u in units
    ]
    return list(dict.fromkeys(kept))[:MAX_QUESTION_TERMS]


def words(text: str) -> str:
    """Write the words of a text one behind the other, folded, a blank before and behind each.

    A compound is its parts: "AX-200" and "ax 200" are alike. A run of a script without spaces
    between words is one.
    """
    return "".join([" ", *map(_words, _tokens(text))])


def words_in_a_row(phrase: str) -> str:
    """Write a phrase as it stands in the `words` of every text that holds it; "" if it has none."""
    row = words(phrase)
    if not row.strip():
        return ""
    # A run may begin before it, or end behind it.
    begins, ends = _RUN.match(row[1]), _RUN.match(row[-2])
    return row[1 if begins else 0 : -1 if ends else None]


def terms_of_words(phrase: str, *, language: str) -> frozenset[str]:
    """Name terms that every passage in a language holds that holds this phrase.

    Stop words have none there, nor has a single sign of a script without spaces.

    Raises:
        Invalid: `language` is no language code.
    """
    analysis = _analysis(language)
    parts = [part for token in _tokens(phrase) for part in _parts(token)]
    return frozenset(
        term for part in parts if len(part) > 1 or not _RUN.match(part) for term in analysis[part]
    )


def stop_words_of(language: str) -> frozenset[str]:
    """Name the words of a language that are no terms, with and without their accents.

    Raises:
        Invalid: `language` is no language code.
    """
    return _analysis(language).stop_words


def has_rules(language: str) -> bool:
    """Say whether words of a language are stemmed or thinned out."""
    return language in _STEMMERS or language in stop_words.LANGUAGE_MAPPING


class _Analysis(dict[str, tuple[str, ...]]):
    """The rules of one language, and the terms of the tokens met so far."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._fold_first = language in _FOLDED_FIRST
        self._stemmer = Stemmer.Stemmer(_STEMMERS[language], 0) if language in _STEMMERS else None
        self._lock = threading.Lock()  # a stemmer serves one thread at a time
        listed = _stop_words(language)
        self.stop_words = listed | {_fold(word) for word in listed}

    def __missing__(self, token: str) -> tuple[str, ...]:
        units = [unit for unit in _units(token) if unit not in self.stop_words]
        found = tuple(units if _RUN.match(token) else map(self.stem, units))
        if len(self) >= 200_000:
            self.clear()
        if len(token) <= LONGEST_KEPT:
            self[token] = found
        return found

    def loses(self, acronym: str) -> bool:
        """Say whether an acronym would share its term with other words, or have none."""
        word = acronym.casefold()
        return word in self.stop_words or self.stem(word) != _fold(word)

    def stem(self, unit: str) -> str:
        """Give the term of a unit, stop word or not."""
        word = _fold(unit) if self._fold_first else unit
        if self._stemmer is not None and word.isalpha() and not _RUN.match(word):
            with self._lock:
                word = self._stemmer.stemWord(word)
        return _fold(word)


def _analysis(language: str) -> _Analysis:
    if not re.fullmatch("[a-z]{2,3}", language):
        raise Invalid("write the language as a code such as 'fr', or 'und'", language=language[:40])
    return _shared_analysis(language if has_rules(language) else "und")


@cache  # at most one for each language with rules
def _shared_analysis(language: str) -> _Analysis:
    return _Analysis(language)


def _stop_words(language: str) -> frozenset[str]:
    if language == "en":
        return _ENGLISH_STOP_WORDS
    listed = stop_words.safe_get_stop_words("nb" if language in {"no", "nn"} else language)
    return frozenset(listed if len(listed) <= _LONGEST_STOP_LIST else ())


def _language_of_the_stop_words(
    units: Iterable[str], analyses: list[_Analysis]
) -> _Analysis | None:
    """Find the language that claims most of the units as stop words; none if two claim as many.

    Otherwise the "what is the" of an English question would be rare, telling words in the
    French documents of the same corpus.
    """
    units = set(units)
    claims = sorted(((len(units & a.stop_words), i) for i, a in enumerate(analyses)), reverse=True)
    (most, winner), (second, _) = claims[0], (claims[1] if len(claims) > 1 else (0, 0))
    return analyses[winner] if most >= 2 and most > second else None


def _tokens(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_TOKEN.findall(text.lower())
    folded = normalized(text).casefold().translate(_CLEANED)
    return _TOKEN.findall(folded)


def _acronyms(text: str) -> list[str]:
    """List the words in capitals, in their order, but none that stand in a row of many."""
    rows: list[list[str]] = []
    end = -1  # of the row
    for match in _CAPITALS.finditer(text):
        if not match.group().isupper():
            continue
        if end < 0 or not _BETWEEN.fullmatch(text, end, match.start()):
            rows.append([])
        rows[-1].append(match.group())
        end = match.end()
    words = [word for row in rows if len(row) < _SHOUTED for word in row]
    return [w for w in words if 2 <= len(w) <= _LONGEST_ACRONYM and w not in _OPERATORS]


def _units(token: str) -> tuple[str, ...]:
    """Split a token into what is looked up: the whole first, then its parts.

    The whole leaves out the joiners that do not stand between digits, so that "AX-200",
    "AX_200" and "AX200" are one.
    """
    if _RUN.match(token):
        return tuple(token[i : i + 2] for i in range(len(token) - 1)) or (token,)
    if token.isalpha():
        return (token[:MAX_TERM],)
    parts = _parts(token)
    if token.replace(",", ".").replace(".", "").isdecimal():
        return (parts[0][:MAX_TERM],)
    stem = token.rstrip("+#")
    whole = stem if "@" in stem else _LOOSE_JOINER.sub("", stem)
    whole += token[len(stem) :]
    return tuple(dict.fromkeys(unit[:MAX_TERM] for unit in (whole, *parts)))


def _parts(token: str) -> list[str]:
    """Split a token at its joiners, and between letters and digits."""
    if token.isalpha() or _RUN.match(token):
        return [token]
    return [_without_thousands_marks(part) for part in _PART.findall(token)]


def _words(token: str) -> str:
    return _short_words(token) if len(token) <= LONGEST_KEPT else _written_apart(token)


@lru_cache(20_000)  # most tokens of a text stand in others; a long one would outlive its document
def _short_words(token: str) -> str:
    return _written_apart(token)


def _written_apart(token: str) -> str:
    return _fold(" ".join(_parts(token))) + token[len(token.rstrip("+#")) :] + " "


def _without_thousands_marks(number: str) -> str:
    if _THOUSANDS.fullmatch(number):
        return number.replace(",", "").replace(".", "")
    return number


def _fold(word: str) -> str:
    return word if word.isascii() else word.translate(_FOLDED)
