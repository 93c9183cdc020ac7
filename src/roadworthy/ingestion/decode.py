"""Turn the bytes of a text file into characters, whichever encoding they were saved in."""

import codecs
import re

# The longer mark first: UTF-32's begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Older encodings, each with the letters that its languages use most. Lower case only:
# a wrong Cyrillic table swaps the case, and that gives it away.
LEGACY = {
    "cp1252": "éèàùâêîôûçëïœæäöüßñáíóúãõåøìò’‘“”–—…«»¿¡°§£€ÉÄÖÜ",
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф№«»—",
    "koi8-r": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэф",
    "cp1256": "اليمنتربعدفسكهحقجشصطخغذزضثظءئؤأإآىة،؟؛",
    "gb18030": "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于"
    "着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部"
    "其些主样理心本前开但因只从想实公司员工，。、：；（）？！“”",
    "big5": "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於"
    "著下自之年過發後作裡用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部"
    "其些主樣理心本前開但因只從想實公司員工，。、：；（）？！「」",
}
SAMPLE = 65_536  # bytes that are looked at to choose a legacy encoding
CONTROL = re.compile(r"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # but tab, line and page ends, escape
STRAY, BINARY_SHARE = 4, 0.02  # control characters above so many and this share: not a text


def decode(content: bytes) -> str | None:
    """Read text in UTF-8, UTF-16 or UTF-32, or in the likeliest older encoding.

    Returns: None when the bytes are no text at all.
    """
    text = _decode_unicode(content)
    if text is None:
        text = content.decode(_likeliest(content[:SAMPLE]), errors="replace")
    controls = len(CONTROL.findall(text, 0, SAMPLE))
    return None if controls > STRAY + BINARY_SHARE * len(text[:SAMPLE]) else text


def _decode_unicode(content: bytes) -> str | None:
    for encoding in [name for mark, name in MARKS if content.startswith(mark)] or _by_zeros(
        content
    ):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _by_zeros(content: bytes) -> list[str]:
    """Guess from where the zero bytes of ordinary letters stand."""
    even, odd = content[:SAMPLE:2].count(0), content[1:SAMPLE:2].count(0)
    if max(even, odd) * 5 < len(content[:SAMPLE]):
        return ["utf-8"]
    return ["utf-16-be" if even > odd else "utf-16-le", "utf-8"]


def _likeliest(sample: bytes) -> str:
    """Choose the encoding whose common letters explain the bytes best; ties go to the first."""
    return max(LEGACY, key=lambda encoding: _plausibility(sample, encoding))


def _plausibility(sample: bytes, encoding: str) -> float:
    foreign = [c for c in sample.decode(encoding, errors="replace") if c > "\x7f"]
    common = frozenset(LEGACY[encoding])
    return sum(c in common for c in foreign) / max(len(foreign), 1)
