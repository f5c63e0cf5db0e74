"""Tools of the system that a proof needs beside Python: found, or installed where that is allowed."""

import os
import shutil
import subprocess

from yuanlu.kernel.errors import YuanluError

INSTALL_S_MAX = 300


class ToolMissing(YuanluError):
    """A tool is not there and cannot be installed; the text says what to do."""


def need(command: str, package: str = "") -> str:
    """Where `command` is; installs Debian's `package`, called as the command by default. Raises ToolMissing."""
    found = shutil.which(command)
    if found is None:
        _install(package or command)
        found = shutil.which(command)
    if found is None:
        raise ToolMissing(f"{command} is not there although {package or command} is installed")
    return found


def _install(package: str) -> None:
    """Install a Debian package. Raises ToolMissing where this is not Debian, or we are not root."""
    advice = f"{package} is not installed; on Debian: apt-get install {package}"
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise ToolMissing(advice)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", package]):
        done = subprocess.run(
            [apt, *arguments], env=environment, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
        )
    if done.returncode != 0:
        raise ToolMissing(f"{advice} ({done.stderr.strip().splitlines()[-1:]})")
