"""Peers run in an environment of their own, which is made once and kept."""

import os
import subprocess
import sys
from pathlib import Path

import platformdirs

PEERS = Path(__file__).parent / "peers"


def peer_python(name: str) -> Path:
    """Give the Python that has what peers/NAME.txt lists; installs it if that is new."""
    folder = platformdirs.user_cache_path("roadworthy") / "peers" / name
    python = folder / "bin" / "python"
    uv = Path(sys.executable).parent / "uv"
    listed = PEERS / f"{name}.txt"
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != listed.read_text():
        print(f"Installing the peer {name}, once.")
        subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, folder], check=True)
        subprocess.run([uv, "pip", "install", "-q", "-p", python, "-r", listed], check=True)
        installed.write_text(listed.read_text())
    return python


def run_peer(name: str, script: str, *, told: str, timeout_s: float) -> str:
    """Run peers/SCRIPT with `told` on its input; gives what it printed.

    Raises:
        CalledProcessError: it failed.
        TimeoutExpired: it took too long.
    """
    return subprocess.run(
        [str(peer_python(name)), "-P", str(PEERS / script)],
        input=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=timeout_s,
        check=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    ).stdout
