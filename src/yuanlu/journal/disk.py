"""A full disk declines new sales first, and still journals reversals.

A file of the reserve's size stands beside the database. New sales are declined as soon as less than the reserve is
free; if the disk fills all the same, the file is given up and its room serves the reversals.
"""

import os
from pathlib import Path

SALES_NEED_RESERVES = 1
"""New sales are taken while this many reserves are free beside the file itself."""


class DiskReserve:
    """The file `DATABASE.reserve` and what is free around it."""

    def __init__(self, database: Path, size_bytes: int) -> None:
        self._path = Path(f"{database}.reserve")
        self._folder = database.parent
        self._size_bytes = size_bytes
        self.low = False
        """True: new sales are to be declined."""

    def look(self) -> bool:
        """Measure the free space, refill the reserve when there is room again; returns `low`."""
        free = self._free_bytes()
        held = self._path.stat().st_size if self._path.exists() else 0
        if held < self._size_bytes and free > 2 * self._size_bytes:
            self._fill()
            free, held = self._free_bytes(), self._size_bytes
        # Without its file the reserve is what is free: sales must not use it up.
        self.low = held < self._size_bytes or free < SALES_NEED_RESERVES * self._size_bytes
        return self.low

    def release(self) -> None:
        """Give the reserve's room to the journal."""
        self._path.unlink(missing_ok=True)
        self.low = True

    def _fill(self) -> None:
        with self._path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, self._size_bytes)

    def _free_bytes(self) -> int:
        stat = os.statvfs(self._folder)
        return stat.f_bavail * stat.f_frsize
