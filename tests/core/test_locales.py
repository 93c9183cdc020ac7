"""A locale gives its language, or an error that names the malformed part; never a guess."""

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import Invalid
from roadworthy.core.locales import language_of

SOUND = {
    "fr": "fr",
    "FR-ca": "fr",
    "zh-Hans-CN": "zh",
    "zh-yue-HK": "zh",
    "es-419": "es",
    "de-1996": "de",
    "sl-rozaj-biske": "sl",
    "en-u-ca-buddhist": "en",
    "de-DE-x-goethe": "de",
    "fil-PH": "fil",
    "en_GB": "en",
    "en_GB.UTF-8": "en",
    "en.UTF-8": "en",
    "sr_RS@latin": "sr",
    "ca_ES.UTF-8@valencia": "ca",
}
MALFORMED = {
    "": "empty",
    "fr-": "nothing stands after a '-'",
    "es_": "nothing stands after the '_'",
    "xx_YY_ZZ": "'YY_ZZ' is no region",
    "xx": "'xx' is no language",
    "xx-FR": "'xx' is no language",
    "english": "'english' is no language",
    "fr_FR.": "'' is no character set",
    "fr_FR.UTF-8.UTF-8": "'UTF-8.UTF-8' is no character set",
    "fr_FR@": "'' is no modifier",
    "fr FR": "'fr fr' is no language",
    "fr\n": "no language",
    "_FR": "'' is no language",
    "-": "'' is no language",
    "en--GB": "nothing stands after a '-'",
    "fr-FR.UTF-8": "'fr-FR' is no language",
    "fr-FR-x": "'x' is no extension",
    "fr-FR-u-x": "'u-x' is no extension",
    "fr-CA-FR": "'fr' is no script, region or variant",
    "fr_ZZ": "'ZZ' is no region",
    "zh_Hans_CN": "'Hans_CN' is no region",
    "x-klingon": "'x' is no language",
    "fr,en;q=0": "no language",
    "*": "no language",
    "C.": "no character set",
    "C@x": "'C' is no language",
    "\uff46\uff52": "letters from a to z",
    "fr_\u00df": "letters from a to z",  # whose capital is SS, a region
    "en_UK": "write 'GB'",
    "eng": "write 'en'",
    "ger_DE": "write 'de'",
    "iw_IL": "write 'he'",
    "fr" * 51: "longer than 100",
}


@pytest.mark.parametrize("locale", SOUND)
def test_a_sound_locale_gives_its_language(locale):
    assert language_of(locale) == SOUND[locale]


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "C.utf8", "und"])
def test_a_locale_without_language_is_undetermined(locale):
    assert language_of(locale) == "und"


@pytest.mark.parametrize("locale", MALFORMED)
def test_a_malformed_locale_is_refused_and_the_part_named(locale):
    with pytest.raises(Invalid) as refused:
        language_of(locale)
    assert MALFORMED[locale] in refused.value.message


@given(st.sampled_from(sorted(SOUND)), st.sampled_from(["-", "_", ".", "@", " ", "-é", "\0"]))
def test_a_dangling_end_is_never_overlooked(locale, end):
    with pytest.raises(Invalid):
        language_of(locale + end)


@given(st.text(st.sampled_from(string.ascii_letters + string.digits + "-_.@ é"), max_size=20))
def test_any_text_gives_a_code_or_is_refused(text):
    with contextlib.suppress(Invalid):
        language = language_of(text)
        assert language == "und" or text.lower().startswith(language)
