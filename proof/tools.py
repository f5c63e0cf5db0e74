"""Tools of the system that a proof needs beside Python: found, or installed where that is allowed."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from yuanlu.kernel.errors import YuanluError

INSTALL_S_MAX = 300


class ToolMissing(YuanluError):
    """A tool is not there and cannot be installed; the text says what to do."""


def need(command: str, package: str = "") -> str:
    """Where `command` is; installs Debian's `package`, called as the command by default. Raises ToolMissing."""
    found = shutil.which(command)
    if found is None:
        install(package or command)
        found = shutil.which(command)
    if found is None:
        raise ToolMissing(f"{command} is not there although {package or command} is installed")
    return found


def install(package: str) -> None:
    """Install a Debian package, without asking. Raises ToolMissing where that is not allowed or does not work."""
    why = _installed(package)
    if why:
        raise ToolMissing(f"{package} is not installed; on Debian: apt-get install {package} ({why})")


@cache
def _installed(package: str) -> str:
    """Why it cannot be installed, or "". Tried once: many tests may ask."""
    apt = shutil.which("apt-get")
    if apt is None:
        return "this is not Debian"
    if os.geteuid() != 0:
        return "only root may install it"
    return _updated(apt) or _apt(apt, "install", "-y", "-qq", package)


@cache
def _updated(apt: str) -> str:
    """The lists of packages, once for all of them."""
    return _apt(apt, "update", "-qq")


def _apt(apt: str, *arguments: str) -> str:
    """The last line of what went wrong, or ""."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        with _alone():
            done = subprocess.run(
                [apt, *arguments], env=environment, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
            )
    except subprocess.TimeoutExpired:
        return f"apt-get {arguments[0]} took longer than {INSTALL_S_MAX} s"
    return (done.stderr.strip().splitlines() or ["apt-get failed"])[-1] if done.returncode else ""


@contextmanager
def _alone() -> Iterator[None]:
    """Tests in several processes ask at the same time, and apt-get turns away who comes second."""
    with open(Path(tempfile.gettempdir()) / "yuanlu-apt-get.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
