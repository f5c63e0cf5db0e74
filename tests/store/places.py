"""Where a journal of a test is: an SQLite file, or a database of a real PostgreSQL."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Place:
    """`[store] url`, and the folder where a relative file starts."""

    url: str
    folder: Path


def sqlite_place(folder: Path) -> Place:
    """A file that is not there yet."""
    return Place(url="sqlite:///j.db", folder=folder)
