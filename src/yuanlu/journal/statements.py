"""SQL for many rows at once.

The writer works in a thread beside the event loop. Each step of SQLite gives up and retakes the interpreter's lock,
so a thousand one-row statements under a busy loop wait a thousand times. One statement of many rows waits once:
6 times the commits per second under load (`docs/performance.md`). So a statement here knows how to write itself for
1, 4, 16 or 64 rows; the texts are made from the Core tables, once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Table

CHUNKS = (64, 16, 4, 1)

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Insert:
    """INSERT of `columns` in their table order; `replace` overwrites the row of the same primary key."""

    table: Table
    replace: bool = False
    texts: dict[int, str] = field(default_factory=dict)
    rank: int = 0

    @cached_property
    def width(self) -> int:
        """How many values a row has."""
        return len(self.table.columns)

    def text(self, rows: int) -> str:
        """The statement for so many rows."""
        if rows not in self.texts:
            names = ", ".join(self.table.columns.keys())
            values = ", ".join(["(" + ", ".join("?" * self.width) + ")"] * rows)
            self.texts[rows] = f"INSERT INTO {self.table.name} ({names}) VALUES {values}{self._conflict()}"  # noqa: S608
        return self.texts[rows]

    def _conflict(self) -> str:
        if not self.replace:
            return ""
        keys = ", ".join(self.table.primary_key.columns.keys())
        rest = ", ".join(
            f"{name} = excluded.{name}"
            for name in (column.name for column in self.table.columns)
            if name not in self.table.primary_key.columns
        )
        return f" ON CONFLICT ({keys}) DO UPDATE SET {rest}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Update:
    """UPDATE setting `sets` where `match` are equal; a row is the new values, then the values to match.

    Each row must find exactly one: that is the compare-and-set.
    """

    table: Table
    sets: tuple[str, ...]
    match: tuple[str, ...]
    texts: dict[int, str] = field(default_factory=dict)
    rank: int = 1

    @cached_property
    def width(self) -> int:
        """How many values a row has."""
        return len(self.sets) + len(self.match)

    def text(self, rows: int) -> str:
        """The statement for so many rows."""
        if rows not in self.texts:
            given = [f"s_{name}" for name in self.sets] + [f"m_{name}" for name in self.match]
            values = ", ".join(["(" + ", ".join("?" * self.width) + ")"] * rows)
            sets = ", ".join(f"{name} = given.s_{name}" for name in self.sets)
            where = " AND ".join(f"{self.table.name}.{name} = given.m_{name}" for name in self.match)
            self.texts[rows] = (
                f"WITH given ({', '.join(given)}) AS (VALUES {values}) "  # noqa: S608
                f"UPDATE {self.table.name} SET {sets} FROM given WHERE {where}"
            )
        return self.texts[rows]


@dataclass(frozen=True, kw_only=True, eq=False)
class Delete:
    """DELETE of the one row where `match` are equal."""

    table: Table
    match: tuple[str, ...]
    texts: dict[int, str] = field(default_factory=dict)
    rank: int = 2

    @cached_property
    def width(self) -> int:
        """How many values a row has."""
        return len(self.match)

    def text(self, rows: int) -> str:
        """The statement for so many rows."""
        if rows not in self.texts:
            keys = ", ".join(self.match)
            values = ", ".join(["(" + ", ".join("?" * self.width) + ")"] * rows)
            self.texts[rows] = f"DELETE FROM {self.table.name} WHERE ({keys}) IN (VALUES {values})"  # noqa: S608
        return self.texts[rows]


Statement = Insert | Update | Delete


def chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in runs of 64, 16, 4 and 1, so that few texts serve every number."""
    start, left = 0, len(rows)
    for size in CHUNKS:
        while left >= size:
            yield rows[start : start + size]
            start, left = start + size, left - size


def execute(cursor: Any, statement: Statement, rows: Sequence[Row]) -> bool:
    """Run `statement` for all rows; True when each row affected exactly one in the database."""
    for run in chunks(rows):
        cursor.execute(statement.text(len(run)), [value for row in run for value in row])
        if cursor.rowcount != len(run):
            return False
    return True
