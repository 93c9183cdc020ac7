"""What personal data and secrets look like, and the checksums that tell them from other numbers.

A value may stand between letters of any script: no blank parts words in Chinese, and a particle
follows a name in Korean. So what is forbidden beside a value are letters and digits of ASCII.
"""

import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

CONTACT, FINANCIAL, IDENTITY, SECRETS = (
    "contact_data",
    "financial_data",
    "identity_data",
    "secrets",
)
GROUPS = (SECRETS, FINANCIAL, IDENTITY, CONTACT)  # the surest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type of data. Invariant: group is a field of the policy."""

    name: str
    group: str
    hint: Callable[[str], object]  # whether a text, in small letters, may hold one; it is quick
    pattern: re.Pattern[str]  # its last group that took part is the value
    is_valid: Callable[[str], bool] = bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where a value stands, or several that overlap. The value itself goes nowhere."""

    kind: Kind  # the surest
    start: int
    end: int
    groups: frozenset[str]  # of all that stand there


def digits(text: str) -> str:
    """Keep the digits of a text."""
    return "".join(c for c in text if c.isdecimal())


def luhn(text: str) -> bool:
    """Check a card number's length and last digit (ISO/IEC 7812-1)."""
    number = [int(c) for c in reversed(digits(text))]
    doubled = [sum(divmod(2 * n, 10)) for n in number[1::2]]
    return (
        12 <= len(number) <= 19
        and len(set(number)) > 1
        and not (sum(number[::2]) + sum(doubled)) % 10
    )


def iban(text: str) -> bool:
    """Check an account number's check digits (ISO 13616: modulo 97)."""
    compact = re.sub(r"[\s-]", "", text).upper()
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def nir(text: str) -> bool:
    """Check a French social security number's key: 97 minus the rest modulo 97."""
    compact = re.sub(r"\s", "", text).upper()
    number = compact[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and int(compact[13:]) == 97 - int(number) % 97


def ssn(text: str) -> bool:
    """Exclude the United States' numbers that are never given out."""
    area, group, serial = re.split(r"[- ]", text)
    return not (area in {"000", "666"} or area >= "900" or group == "00" or serial == "0000")


def telephone(text: str) -> bool:
    """Tell a telephone number from dates, versions and amounts by its digits and their grouping."""
    count = len(digits(text))
    plausible = 7 <= count <= 15 and len(set(digits(text))) > 2
    return plausible and not DATE.fullmatch(text.strip())


def random_looking(text: str) -> bool:
    """Tell a generated secret from a placeholder or a word: letters, digits and no repetition."""
    return various(text) and any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def various(text: str) -> bool:
    """Tell what is long and has many different characters from a placeholder."""
    if PLACEHOLDER.search(text) or len(text) < 12:
        return False
    share = [count / len(text) for count in Counter(text).values()]
    return -sum(p * math.log2(p) for p in share) > 3  # bits a character


def real_password(text: str) -> bool:
    """Tell a password from a variable, a placeholder or a word of prose."""
    kinds = [any(map(test, text)) for test in (str.isdigit, str.isalpha)]
    return all(kinds) and not PLACEHOLDER.search(text) and len(set(text)) > 4


# Of each country, how many characters an account number has (SWIFT IBAN registry).
LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22,
    "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SA": 24, "SE": 24, "SI": 19,
    "SK": 24, "TR": 26,
}  # fmt: skip
IBAN = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        rf"{country}\d{{2}}(?:[ -]?[A-Z0-9]){{{length - 4}}}" for country, length in LENGTHS.items()
    )
    + r")(?!\w)",
    re.A | re.I,
)
DATE = re.compile(r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ]\d{2,4}")
PLACEHOLDER = re.compile(
    r"example|sample|dummy|placeholder|changeme|change_me|your|my[-_]|redacted|secret|password"
    r"|xxx|\*\*\*|\.\.\.|<|>|\$\{|\{\{|%s|0{6}|1234567|abcdef",
    re.I,
)
# Seven digits that stand near each other; what has none holds no number of anybody.
LONG_NUMBER = re.compile(r"\d(?:[ .()/-]{0,2}\d){6}")
ADDRESS_PARTS = re.compile(r"\d\.\d{1,3}\.\d|:[0-9a-f]{1,4}:[0-9a-f]{1,4}:")
# Letters of scripts that part words by blanks.
LETTERS = r"A-Za-z\u00c0-\u052f\u05d0-\u05ea\u0620-\u06ff\u0900-\u0dff\u1e00-\u1fff"
EXTENSION = r"(?: ?x\d{1,5})?(?!\w)"
# Then at most a few words until the number: "my phone number is", "call Ms Quen at".
PHONE_WORD = (
    r"(?:(?i:\b(?:t[eéÉ]l(?:[eéÉ]phone|[eéÉ]fono|efon)?|phone|mobile|cell|call|dial|reach|fax|voicemail"
    r"|handy|portable|m[óÓ]vil)\b)|[Тт]ел(?:ефон)?|ТЕЛ|هاتف|电话|電話|手机|手機)[^\d\n]{0,30}?"
)
# At a word's beginning, or at a capital inside of one, as in dbPassword.
NAME_START = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
FOREIGN = re.compile(r"[^\D0-9]|[\u00a0\u2007\u2009\u202f]")  # digits, and spaces between them


def _has(*words: str) -> Callable[[str], bool]:
    return lambda text: any(word in text for word in words)


KINDS = (
    Kind(
        name="email",
        group=CONTACT,
        hint=_has("@"),
        pattern=re.compile(
            rf"(?<![{LETTERS}\d_.+%-])[{LETTERS}\d_.+%-]{{1,64}}@"
            rf"(?:[{LETTERS}\d-]{{1,63}}\.){{1,8}}[{LETTERS}]{{2,24}}(?![{LETTERS}\d_])"
        ),
    ),
    Kind(
        name="iban",
        group=FINANCIAL,
        hint=LONG_NUMBER.search,
        pattern=IBAN,
        is_valid=iban,
    ),
    Kind(
        name="card",
        group=FINANCIAL,
        hint=LONG_NUMBER.search,
        pattern=re.compile(
            r"(?<![\w./-])(?:[2-6]\d{3}[ -]?(?:\d{4}[ -]?){2}\d{1,7}"
            r"|3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|3\d{3}[ -]?\d{6}[ -]?\d{4}"
            r"|5[06-8]\d{10,17})(?![\w-])",
            re.A,
        ),
        is_valid=luhn,
    ),
    Kind(
        name="us_ssn",
        group=IDENTITY,
        hint=LONG_NUMBER.search,
        pattern=re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])", re.A),
        is_valid=ssn,
    ),
    Kind(
        name="fr_nir",
        group=IDENTITY,
        hint=LONG_NUMBER.search,
        pattern=re.compile(
            r"(?<!\w)[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[ABab]) ?\d{3} ?\d{3} ?"
            r"\d{2}(?!\w)",
            re.A,
        ),
        is_valid=nir,
    ),
    Kind(
        name="ip_address",
        group=IDENTITY,
        hint=ADDRESS_PARTS.search,
        pattern=re.compile(
            r"(?<![\w.:])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.])"
            r"|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])",
            re.A,
        ),
        is_valid=lambda text: text not in {"127.0.0.1", "0.0.0.0", "255.255.255.255"},  # noqa: S104
    ),
    Kind(
        name="telephone",
        group=CONTACT,
        hint=LONG_NUMBER.search,
        pattern=re.compile(
            # +44 20 7946 0000, 0033 1 ...
            rf"(?<![\w.+/-])(?<!\d )(?:\+|00)[1-9](?:[ .()/-]{{0,2}}\d){{6,14}}{EXTENSION}"
            # (505) 498-8487 x12
            rf"|(?<![\w.])\(\d{{2,4}}\) ?\d{{3,4}}[- .]?\d{{3,4}}{EXTENSION}"
            # 678-777-1600, 930.167.3943
            rf"|(?<![\w./+-])(?:1[- .])?\d{{3}}([-.])\d{{3}}\1\d{{4}}{EXTENSION}(?!-)"
            # 0490 75 40 81, 040 898 9331
            r"|(?<![\w.,/-])(?<!\d )0\d{1,4}(?: \d{2,4}){2,4}(?!\w|[,.-]\d)"
            # 60-56-85-91
            r"|(?<![\w.,/-])\d{2}([-.])\d{2}(?:\2\d{2}){2,3}(?!\w|[,.-]\d)"
            rf"|{PHONE_WORD}(\+?\(?\d(?:[ .()/-]{{0,2}}\d){{6,14}}{EXTENSION})",
            re.A,
        ),
        is_valid=telephone,
    ),
    Kind(
        name="private_key",
        group=SECRETS,
        hint=_has("private key"),
        pattern=re.compile(
            # A key has lines without blanks, whatever else its head says. It ends as it says, or,
            # where the end is missing, with what a key is written in.
            r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
            r"(?:(?!-----)[\s\S]){0,600}?"
            r"(?:[A-Za-z0-9+/]{40}|(?:[A-Za-z0-9+/]{16,}+\s{1,4}+){2}[A-Za-z0-9+/]{16})"
            r"(?:[^-]*+(?:-(?!----)[^-]*+)*+-----END [A-Z0-9 ]{0,80}PRIVATE KEY(?: BLOCK)?-----"
            r"|[A-Za-z0-9+/=\s\\]*+)"
        ),
    ),
    Kind(
        name="access_key",
        group=SECRETS,
        hint=_has(
            "akia",
            "asia",
            "gh",
            "glpat-",
            "xox",
            "_live_",
            "sk-",
            "aiza",
            "sg.",
            "hf_",
            "npm_",
            "pypi-",
            "rw_",
        ),
        pattern=re.compile(
            r"(?<![A-Za-z0-9_])(?:(?:AKIA|ASIA)[A-Z2-7]{16}"  # AWS
            r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255}"
            r"|glpat-[A-Za-z0-9_-]{20,}|xox[abposr]-[A-Za-z0-9-]{20,}"
            r"|(?:sk|rk)_live_[A-Za-z0-9]{16,}|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{24,}"
            r"|AIza[A-Za-z0-9_-]{35}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{30,}"
            r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|rw_[A-Za-z0-9_-]{40,})(?![A-Za-z0-9_])"
        ),
        is_valid=various,
    ),
    Kind(
        name="token",
        group=SECRETS,
        hint=_has("eyj", "bearer "),
        pattern=re.compile(
            r"(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"
            r"|(?i:\bbearer) ([A-Za-z0-9_\-.+/]{20,}={0,2})",
            re.A,
        ),
        is_valid=random_looking,
    ),
    Kind(
        name="assigned_secret",
        group=SECRETS,
        hint=_has("key", "secret", "token"),
        pattern=re.compile(
            rf"{NAME_START}(?i:(?:api|access|account)[_-]?key|secret(?:[_-]?(?:access[_-]?)?key)?"
            r"|token)[\"']?\s{0,3}(?::=|[:=])\s{0,3}[\"'`]?([A-Za-z0-9_\-.+/~]{16,200}={0,2})"
        ),
        is_valid=random_looking,
    ),
    Kind(
        name="password",
        group=SECRETS,
        hint=_has("passw", "pwd", "kennwort", "mot de passe", "contraseña", "пароль", "密码"),
        pattern=re.compile(
            rf"{NAME_START}(?i:password|passwd|pwd|passwort|kennwort|mot de passe|contraseña|"
            r"пароль|密码)[\"']?(?: is| ist| est| es)?\s{0,3}[:=]\s{0,3}[\"'`]?"
            r"([^\s\"'`,;<>(){}\[\]|]{6,100})"
        ),
        is_valid=real_password,
    ),
    Kind(
        name="address_with_password",
        group=SECRETS,
        hint=_has("://"),
        pattern=re.compile(
            r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@<>\"']{1,60}:([^\s:/@<>\"']{4,100})@"
        ),
        is_valid=lambda text: not PLACEHOLDER.search(text),
    ),
)


def sightings(text: str, *, acted: Collection[str] = GROUPS) -> list[Sighting]:
    """Find all, in order and apart.

    Those that overlap are one, named after the surest: in an address with a password, the password
    and the host look like one of mail. Nothing hides what is to be acted upon.

    Args:
        acted: groups that a policy does not just let through.
    """
    plain = text if text.isascii() else FOREIGN.sub(_plain, text)
    found = list(_all(plain))
    first = _joined(each for each in found if each.kind.group in acted)
    ends = [each.end for each in first]
    for each in _joined(each for each in found if each.kind.group not in acted):
        at = bisect_right(ends, each.start)
        if at == len(ends) or each.end <= first[at].start:
            first.append(each)
    return sorted(first, key=lambda each: each.start)


def _plain(found: re.Match[str]) -> str:
    return str(int(found[0])) if found[0].isdecimal() else " "


def _joined(found: Iterable[Sighting]) -> list[Sighting]:
    joined: list[Sighting] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if joined and each.start < joined[-1].end:
            joined[-1] = _union(joined[-1], each)
        else:
            joined.append(each)
    return joined


def _union(one: Sighting, other: Sighting) -> Sighting:
    surest = min(one.kind, other.kind, key=lambda kind: GROUPS.index(kind.group))
    return replace(one, kind=surest, end=max(one.end, other.end), groups=one.groups | other.groups)


def _all(text: str) -> Iterator[Sighting]:
    small = text.lower()
    for kind in (kind for kind in KINDS if kind.hint(small)):
        for found in kind.pattern.finditer(text):
            # A group that holds a separator alone is no value.
            group = found.lastindex if found.lastindex and len(found[found.lastindex]) > 1 else 0
            if kind.is_valid(found[group]):
                start, end = found.span(group)
                yield Sighting(kind=kind, start=start, end=end, groups=frozenset((kind.group,)))
