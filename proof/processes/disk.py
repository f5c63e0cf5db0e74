"""A small disk for the journal, which can be filled."""

import contextlib
import os
import subprocess
from pathlib import Path

BALLAST = "ballast"
MIB_MIN = 64


class SmallDisk:
    """A tmpfs of its own at `folder`. `mounted` is False where that is not allowed."""

    def __init__(self, folder: Path, mib: int) -> None:
        self._folder = folder
        self.why_not = ""
        command = ["mount", "-t", "tmpfs", "-o", f"size={max(mib, MIB_MIN)}m", "none", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.mounted = done.returncode == 0
            self.why_not = done.stderr.strip()
        except OSError as error:
            self.mounted, self.why_not = False, str(error)

    def fill(self, spare_kib: int) -> None:
        """Leave room for so much."""
        stat = os.statvfs(self._folder)
        size = stat.f_bavail * stat.f_frsize - spare_kib * 1024
        if size <= 0:
            return
        with (self._folder / BALLAST).open("wb") as file, contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, size)

    def free(self) -> None:
        """There is room again."""
        (self._folder / BALLAST).unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it: what is on it is gone."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self._folder)], check=False)
