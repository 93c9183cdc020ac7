"""Read the language out of a locale, strictly: what is malformed is named, never guessed at.

A guess would choose the wrong index for every question of a user, and nothing would fail.
"""

import re

from roadworthy.core.errors import Invalid

UNDETERMINED = "und"  # ISO 639-2: there is a language, and nobody said which

# Two-letter codes beside the three-letter ones of the same languages. Source: ISO 639-1, 639-2/T.
_PAIRS = (
    "aa:aar ab:abk ae:ave af:afr ak:aka am:amh an:arg ar:ara as:asm av:ava ay:aym az:aze"
    " ba:bak be:bel bg:bul bi:bis bm:bam bn:ben bo:bod br:bre bs:bos ca:cat ce:che ch:cha"
    " co:cos cr:cre cs:ces cu:chu cv:chv cy:cym da:dan de:deu dv:div dz:dzo ee:ewe el:ell"
    " en:eng eo:epo es:spa et:est eu:eus fa:fas ff:ful fi:fin fj:fij fo:fao fr:fra fy:fry"
    " ga:gle gd:gla gl:glg gn:grn gu:guj gv:glv ha:hau he:heb hi:hin ho:hmo hr:hrv ht:hat"
    " hu:hun hy:hye hz:her ia:ina id:ind ie:ile ig:ibo ii:iii ik:ipk io:ido is:isl it:ita"
    " iu:iku ja:jpn jv:jav ka:kat kg:kon ki:kik kj:kua kk:kaz kl:kal km:khm kn:kan ko:kor"
    " kr:kau ks:kas ku:kur kv:kom kw:cor ky:kir la:lat lb:ltz lg:lug li:lim ln:lin lo:lao"
    " lt:lit lu:lub lv:lav mg:mlg mh:mah mi:mri mk:mkd ml:mal mn:mon mr:mar ms:msa mt:mlt"
    " my:mya na:nau nb:nob nd:nde ne:nep ng:ndo nl:nld nn:nno no:nor nr:nbl nv:nav ny:nya"
    " oc:oci oj:oji om:orm or:ori os:oss pa:pan pi:pli pl:pol ps:pus pt:por qu:que rm:roh"
    " rn:run ro:ron ru:rus rw:kin sa:san sc:srd sd:snd se:sme sg:sag si:sin sk:slk sl:slv"
    " sm:smo sn:sna so:som sq:sqi sr:srp ss:ssw st:sot su:sun sv:swe sw:swa ta:tam te:tel"
    " tg:tgk th:tha ti:tir tk:tuk tl:tgl tn:tsn to:ton tr:tur ts:tso tt:tat tw:twi ty:tah"
    " ug:uig uk:ukr ur:urd uz:uzb ve:ven vi:vie vo:vol wa:wln wo:wol xh:xho yi:yid yo:yor"
    " za:zha zh:zho zu:zul"
)
# 639-2/B and codes that were withdrawn.
_OTHER_SPELLINGS = (
    "bo:tib cs:cze cy:wel de:ger el:gre eu:baq fa:per fr:fre hy:arm is:ice ka:geo mi:mao"
    " mk:mac ms:may my:bur nl:dut ro:rum sk:slo sq:alb zh:chi he:iw id:in yi:ji jv:jw ro:mo"
    " sr:sh bho:bh"
)
# ISO 3166-1, and XK for Kosovo as CLDR has it.
_REGION_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO"
    " BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ"
    " DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP"
    " GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG"
    " KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML"
    " MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE"
    " PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL"
    " SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM"
    " US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)
_REGIONS = frozenset(_REGION_CODES.split())
_TWO_LETTER = frozenset(pair[:2] for pair in _PAIRS.split())
_WRITTEN_NOW = {
    other: code
    for code, _, other in (pair.partition(":") for pair in f"{_PAIRS} {_OTHER_SPELLINGS}".split())
}
_CODESET = "[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"
_NEUTRAL = re.compile(rf"(?:C|POSIX)(?:\.{_CODESET})?")
_POSIX = re.compile(r"([^_.@]*)(_[^.@]*)?(\.[^@]*)?(@.*)?", re.DOTALL)
_EXTENSIONS = re.compile(r"(?:[0-9a-wy-z](?:-[a-z0-9]{2,8})+-)*(?:x(?:-[a-z0-9]{1,8})+-)?")
_SUBTAGS = (  # in the order that a tag has them
    ("[a-z]{3}", 3),  # extended language
    ("[a-z]{4}", 1),  # script
    ("[a-z]{2}|[0-9]{3}", 1),  # region
    ("[a-z0-9]{5,8}|[0-9][a-z0-9]{3}", 8),  # variant
)
_LONGEST = 100


def language_of(locale: str) -> str:
    """Read the language of a BCP 47 tag ("fr-CA") or a POSIX locale ("fr_CA.UTF-8").

    Returns:
        The ISO 639 code in small letters, of two where there is one; "und" for "und" itself and
        for the locales that name no language ("C", "POSIX", "C.UTF-8").

    Raises:
        Invalid: the locale is not one of these, or its language or region does not exist; the
            message names the part and, where it is known, what to write instead.

    Source: RFC 5646, section 2.1; ISO/IEC 15897.
    """
    if not locale:
        raise Invalid("the locale is empty; write one such as 'fr' or 'fr-CA'")
    if len(locale) > _LONGEST:
        raise Invalid(f"the locale is longer than {_LONGEST} characters", length=len(locale))
    if not locale.isascii():
        raise _malformed(locale, "it may hold only letters from a to z, digits and '-_.@'")
    if _NEUTRAL.fullmatch(locale):
        return UNDETERMINED
    if set(locale) & set("_.@"):
        return _language_of_posix(locale)
    return _language_of_tag(locale)


def _language_of_posix(locale: str) -> str:
    matched = _POSIX.fullmatch(locale)
    assert matched is not None, "the pattern takes any text"
    language, region, codeset, modifier = matched.groups()
    if region is not None:
        _check_region(region[1:], locale)
    if codeset is not None and not re.fullmatch(_CODESET, codeset[1:]):
        raise _malformed(locale, f"{codeset[1:]!r} is no character set such as 'UTF-8'")
    if modifier is not None and not re.fullmatch("[A-Za-z0-9]+", modifier[1:]):
        raise _malformed(locale, f"{modifier[1:]!r} is no modifier such as 'euro'")
    return _checked_language(language, locale)


def _language_of_tag(tag: str) -> str:
    language, *subtags = tag.lower().split("-")
    known = _checked_language(language, tag)
    single = next((i for i, s in enumerate(subtags) if len(s) == 1), len(subtags))
    extensions = "".join(f"{s}-" for s in subtags[single:])
    _check_subtags(subtags[:single], tag)
    if not _EXTENSIONS.fullmatch(extensions):
        raise _malformed(tag, f"{extensions[:-1]!r} is no extension")
    return known


def _check_subtags(subtags: list[str], tag: str) -> None:
    rest = list(subtags)
    for pattern, most in _SUBTAGS:
        for _ in range(most):
            if rest and re.fullmatch(pattern, rest[0]):
                subtag = rest.pop(0)
                if len(subtag) == 2:
                    _check_region(subtag, tag)
    if rest and not rest[0]:
        raise _malformed(tag, "nothing stands after a '-'")
    if rest:
        raise _malformed(tag, f"{rest[0]!r} is no script, region or variant at its place")


def _checked_language(language: str, locale: str) -> str:
    code = language.lower()
    if code in _WRITTEN_NOW:
        raise _malformed(locale, f"write {_WRITTEN_NOW[code]!r} for the language {language!r}")
    if code not in _TWO_LETTER and not re.fullmatch("[a-z]{3}", code):
        raise _malformed(locale, f"{language!r} is no language code such as 'fr'")
    return code


def _check_region(region: str, locale: str) -> None:
    if not region:
        raise _malformed(locale, "nothing stands after the '_'")
    if region.upper() == "UK":
        raise _malformed(locale, "write 'GB' for the region 'UK'")
    if region.upper() not in _REGIONS and not re.fullmatch("[0-9]{3}", region):
        raise _malformed(locale, f"{region!r} is no region code such as 'CA'")


def _malformed(locale: str, what: str) -> Invalid:
    return Invalid(f"the locale {locale!r} is malformed: {what}", locale=locale)
