"""What curation is judged on: texts with labels, and texts damaged in a known way."""

import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roadworthy.ingestion.records import Origin, ParsedDocument

# Spans of presidio_pii that curation claims to find, and what it calls them.
CLAIMED = {
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "us_ssn",
    "PHONE_NUMBER": "telephone",
    "IP_ADDRESS": "ip_address",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text with the spans of personal data in it: type, start, end."""

    text: str
    spans: Sequence[tuple[str, int, int]]


def document(text: str) -> ParsedDocument:
    return ParsedDocument(
        text=text, pages=(), title="", media_type="text/plain", markdown=False, origin=Origin()
    )


def clean_texts(data: Path) -> dict[str, list[str]]:
    """Read all texts that people wrote for people, by set."""
    found = {
        path.parent.name: [
            f"{row.get('title', '')}\n{row['text']}".strip() for row in rows_of(path)
        ]
        for path in sorted(
            [*data.glob("retrieval/*/corpus.jsonl"), *data.glob("languages/*/corpus.jsonl")]
        )
    }
    pages = handbook(data)
    if pages:
        found["handbook"] = [text for text in pages.values() if text.strip()]
    return found


def handbook(data: Path) -> dict[str, str]:
    root = data / "documents" / "company_handbook" / "content"
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*.md"))}


def edits(data: Path) -> list[tuple[str, str, str]]:
    """Give the last text of each page that people edited: path, before, after."""
    pages, latest = handbook(data), dict[str, str]()
    changes = data / "documents" / "company_handbook" / "changes.jsonl.gz"
    if changes.exists():
        with gzip.open(changes, "rt", encoding="utf-8") as file:
            for row in map(json.loads, file):
                if row["op"] == "M" and row["path"] in pages and row["text"]:
                    latest[row["path"]] = row["text"]
    return [
        (path, pages[path], after) for path, after in sorted(latest.items()) if after != pages[path]
    ]


def personal_data(data: Path) -> list[Labelled]:
    return [
        Labelled(
            text=row["text"],
            spans=[
                (span["entity_type"], span["start_position"], span["end_position"])
                for span in row["spans"]
            ],
        )
        for row in rows_of(data / "privacy" / "presidio_pii" / "examples.jsonl")
    ]


def indirect_attacks(data: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Give third-party texts as they are, and with an attack inside (its kind, the text)."""
    folder, chance = data / "guards" / "bipia", random.Random(5)  # noqa: S311
    attacks = [r for r in rows_of(folder / "attacks.jsonl") if r["split"] == "test"]
    contexts = {
        kind: [_flat(r["context"]) for r in rows_of(folder / "contexts" / f"{kind}_test.jsonl")]
        for kind in ("email", "table", "code")
    }
    harmless = [text for texts in contexts.values() for text in texts]
    if not harmless:
        return [], []
    attacked = []
    for attack in attacks:
        kinds = ("code",) if attack["kind"] == "code" else ("email", "table")
        for kind in kinds:
            lines = chance.choice(contexts[kind]).split("\n")
            lines.insert(chance.choice((0, len(lines) // 2, len(lines))), attack["attack"])
            attacked.append((attack["kind"], "\n".join(lines)))
    return harmless, attacked


def direct_attacks(data: Path) -> tuple[list[str], list[str]]:
    """Give harmless texts with words of attacks, and texts that attack."""
    rows = rows_of(data / "guards" / "injection_test.jsonl")
    harmless = [r["text"] for r in rows if not r["label"]]
    harmless += [r["text"] for r in rows_of(data / "guards" / "notinject" / "examples.jsonl")]
    return harmless, [r["text"] for r in rows if r["label"]]


def rows_of(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def damages(chance: random.Random) -> dict[str, Callable[[str], str]]:
    """Name the ways in which a text is spoiled here; each is a bad one, not a mild one."""

    def lost(text: str) -> str:
        return "".join("\ufffd" if chance.random() < 0.25 else c for c in text)

    def misread(text: str) -> str:
        return "".join(chance.choice("|!1l0$*~^") if chance.random() < 0.2 else c for c in text)

    return {
        "lost_characters": lost,
        "wrong_encoding": lambda text: text.encode().decode("cp1252", errors="replace"),
        "misread_scan": misread,
        "torn_words": lambda text: " ".join(text.replace(" ", "")),
        "joined_words": lambda text: text.replace(" ", ""),
    }


def secrets(chance: random.Random) -> Iterator[str]:
    """Make one secret after another of the kinds that are handed out, as they are written down.

    Shapes are those of vendors' manuals and of files that leaked, known to curation or not.
    """
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    while True:
        yield "AKIA" + "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
        yield "ghp_" + "".join(chance.choices(letters, k=36))
        yield "Password: " + "".join(chance.choices(letters + "!%&+", k=12)) + "7x"
        yield "api_key = " + "".join(chance.choices(letters, k=31)) + "4"
        key = "".join(chance.choices(letters + "+/", k=400))
        yield f"-----BEGIN RSA PRIVATE KEY-----\n{key}\n-----END RSA PRIVATE KEY-----"
        password = "".join(chance.choices(letters, k=14))
        yield f"postgres://reporting:{password}@db.internal:5432/sales"
        escaped = "\\n".join(key[i : i + 64] for i in range(0, 384, 64))
        yield (
            '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n'
            f'{escaped}\\n-----END PRIVATE KEY-----\\n"}}'
        )
        yield f"AccountName=sales;AccountKey={key[:86]}==;EndpointSuffix=core.windows.net"
        yield f"spring.datasource.dbPassword={password}3"
        yield f"jdbc:mysql://db.internal/sales?user=reporting&password={password}5"
        yield f"curl -u reporting:{password}8 https://api.acme.org/sales"
        yield f"The password of the guest network is {password}6, please pass it on."
        yield f"PuTTY-User-Key-File-2: ssh-rsa\nPrivate-Lines: 14\n{key[:64]}\n{key[64:128]}"


def _flat(context: object) -> str:
    return context if isinstance(context, str) else "\n".join(map(str, context))  # type: ignore[arg-type]
