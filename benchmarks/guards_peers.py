"""Injection scanners that run without a network, in environments of their own."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.peer import run_peer

PEERS = ("metatronnanoguard", "forcefield")
TIMEOUT_S = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What a scanner said of each text, at its own threshold."""

    name: str
    is_attack: list[bool]
    milliseconds: list[float]


def peers(texts: Sequence[str]) -> Iterator[Peer]:
    """Have each peer read the texts; one that cannot is told and left out."""
    told = "\n".join(json.dumps(text) for text in texts)
    for name in PEERS:
        try:
            said = run_peer(name, f"{name}_scan.py", told=told, timeout_s=TIMEOUT_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"{name}: left out, {type(error).__name__}")
            continue
        answer = json.loads(said.splitlines()[-1])
        yield Peer(name=name, is_attack=answer["is_attack"], milliseconds=answer["milliseconds"])
