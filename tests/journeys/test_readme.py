"""What the documentation shows is run as a stranger runs it, and says what is shown."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import roadworthy
from roadworthy.cli.running import api_url
from roadworthy.plumbing.settings import PREFIX, load_settings
from roadworthy.releases.records import DEFAULT

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
# Blocks that nobody can run, by how they begin.
DRAWINGS = ("cli   ", "roadworthy up (supervisor)")

BLOCK = re.compile(r"^ *(```+|~~~+) *(\S*).*\n((?:.*\n)*?)(?: *\1|\Z)", re.MULTILINE)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", re.MULTILINE)
MAKE = re.compile(r"((?:\w+=\S+ )*)make ([\w-]+) *(?:#.*)?")
PRINTED = re.compile(r"(?:^#.*\n)+\Z", re.MULTILINE)  # the comments that end a program

BOAT = """# Boat rental

The harbour boat is rented from Odalys Quen until 30 June 2027 for EUR 410 a month.
"""
LOCAL_MODEL = "smollm2"  # where the documentation writes MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a document."""

    place: str
    language: str
    text: str

    @property
    def is_drawing(self) -> bool:
        return self.text.startswith(DRAWINGS)

    @property
    def made(self) -> list[re.Match[str]]:
        """Read it as calls of make; none unless each line is one."""
        found = [MAKE.fullmatch(line) for line in self.text.splitlines()]
        return [each for each in found if each] if all(found) else []

    @property
    def examples(self) -> list["Example"]:
        """Read it as a program, or as commands at a terminal."""
        if self.language == "python":
            printed = PRINTED.search(self.text)
            shown = re.sub(r"^# ?", "", printed[0], flags=re.MULTILINE) if printed else ""
            command = shlex.join([".venv/bin/python", "-c", self.text])
            return [Example(place=self.place, command=command, shown=shown)]
        found = COMMAND.findall(self.text) if self.text.startswith("$ ") else []
        return [
            Example(place=f"{self.place}.{number}", command=command, shown=shown)
            for number, (command, shown) in enumerate(found, 1)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What a stranger types, and what he is shown in return."""

    place: str
    command: str
    shown: str


def blocks() -> Iterator[Block]:
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            place = f"{document.relative_to(ROOT)}:{line}"
            yield Block(place=place, language=found[2], text=found[3])


def says(said: str, shown: str) -> bool:
    """Compare words and their order; `...` stands for anything."""
    pieces = (re.escape(" ".join(piece.split())) for piece in shown.split("..."))
    return bool(re.fullmatch(".*".join(pieces), " ".join(said.split())))


BLOCKS = list(blocks())
EXAMPLES = [example for block in BLOCKS for example in block.examples]
MADE = [made for block in BLOCKS for made in block.made]


@pytest.fixture(scope="module")
def told(started, tmp_path_factory):
    """All output by place, of all examples in their order: one may need those before it."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / ".venv").symlink_to(sys.prefix)
    (checkout / "contracts").mkdir()
    (checkout / "contracts" / "boat.md").write_text(BOAT)
    (checkout / "contracts" / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")

    def run(command: str) -> str:
        for shown, ours in ((api_url(load_settings({})), started.url), ("MODEL", LOCAL_MODEL)):
            command = command.replace(shown, ours)
        return subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=checkout,
            env={
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "PYTHONPATH": str(Path(roadworthy.__file__).parents[1]),  # what is under test
                "ROADWORTHY_HOME": str(started.up.home),
                "KEY": started.key("sam"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        ).stdout

    try:
        yield {example.place: run(example.command) for example in EXAMPLES}
    finally:
        started.cli("release", "use", DEFAULT)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_an_example_says_what_is_shown(told, example):
    said = told[example.place]
    assert says(said, example.shown), f"{example.command}\nshown:\n{example.shown}\nsaid:\n{said}"


def test_the_release_of_the_tour_answers(started, told):
    response = httpx.post(
        f"{started.url}/v1/answers",
        json={"question": "How many paid holidays do I have per year?", "release": "mine"},
        headers=started.headers("sam"),
        timeout=60,
    )
    assert response.raise_for_status().json()["release"] == "mine"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_every_block_is_run_or_known(block):
    assert block.examples or block.made or block.is_drawing, block.text


def test_every_target_that_is_named_is_in_the_makefile():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    in_text = [re.findall(r"`make ([\w-]+)", each.read_text("utf-8")) for each in DOCUMENTS]
    assert targets
    assert {made[2] for made in MADE}.union(*in_text) <= set(targets[1].split())


@pytest.mark.parametrize("made", MADE, ids=lambda made: made[0])
def test_what_is_set_for_make_is_a_setting(made):
    named = dict(word.split("=", 1) for word in made[1].split())
    assert all(name.startswith(PREFIX) for name in named)
    load_settings(named)


@pytest.mark.parametrize(
    ("shown", "agrees"),
    [
        ("It rains\n  today.", True),
        ("... today.", True),
        ("It ... .", True),
        ("It rains.", False),
        ("It rains", False),
        ("rains today.", False),
        ("today. ... It", False),
        ("", False),
    ],
)
def test_only_dots_leave_anything_out(shown, agrees):
    assert says("It rains today.\n", shown) is agrees
