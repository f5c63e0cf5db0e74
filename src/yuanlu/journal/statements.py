"""SQL for many rows at once.

The writer works in a thread beside the event loop. Each step of SQLite gives up and retakes the interpreter's lock,
so a thousand one-row statements under a busy loop wait a thousand times. One statement of many rows waits once:
6 times the commits per second under load (`docs/performance.md`). So a statement here knows how to write itself for
any of `CHUNKS` rows; the texts are made from the Core tables, once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from sqlalchemy import Table

ROWS_STEP, ROWS_MAX = 16, 256
CHUNKS = (*range(ROWS_STEP, ROWS_MAX + 1, ROWS_STEP), *range(1, ROWS_STEP))
"""Rows of one statement: a whole number of sixteens, and one more statement for the rest."""

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Insert:
    """INSERT of `columns` in their table order; `replace` overwrites the row of the same primary key, and its `rises`
    becomes one more than it was instead.
    """

    table: Table
    replace: bool = False
    rises: str = ""
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
            self.texts[rows] = f"INSERT INTO {self.table.name} ({names}) VALUES {values}{self.on_conflict()}"  # noqa: S608
        return self.texts[rows]

    def on_conflict(self) -> str:
        """What happens when the key is taken; "" for an error."""
        if not self.replace:
            return ""
        keys = ", ".join(self.table.primary_key.columns.keys())
        rest = ", ".join(
            f"{name} = {self.table.name}.{name} + 1" if name == self.rises else f"{name} = excluded.{name}"
            for name in (column.name for column in self.table.columns)
            if name not in self.table.primary_key.columns
        )
        return f" ON CONFLICT ({keys}) DO UPDATE SET {rest}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Update:
    """UPDATE setting `sets` where `match` are equal; a row is the new values, then the values to match.

    Each row must find exactly one: that is the compare-and-set. `marks` names a number that becomes negative beside.
    `sooner` names a column of `sets` and such a number: the first stays as it is where it is less than the new value
    and the number is marked.
    """

    table: Table
    sets: tuple[str, ...]
    match: tuple[str, ...]
    marks: str = ""
    sooner: tuple[str, str] | None = None
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
            sets = self.assignments()
            where = " AND ".join(f"{self.table.name}.{name} = given.m_{name}" for name in self.match)
            self.texts[rows] = (
                f"WITH given ({', '.join(given)}) AS (VALUES {values}) "  # noqa: S608
                f"UPDATE {self.table.name} SET {sets} FROM given WHERE {where}"
            )
        return self.texts[rows]

    def assignments(self) -> str:
        """What follows SET; the new values stand in `given`."""
        sets = [f"{name} = {self._value(name)}" for name in self.sets]
        marked = [f"{self.marks} = -abs({self.table.name}.{self.marks})"] if self.marks else []
        return ", ".join(sets + marked)

    def _value(self, name: str) -> str:
        if self.sooner is None or name != self.sooner[0]:
            return f"given.s_{name}"
        as_it_is = f"{self.table.name}.{name}"
        keeps = f"{as_it_is} < given.s_{name} AND {self.table.name}.{self.sooner[1]} < 0"
        return f"CASE WHEN {keeps} THEN {as_it_is} ELSE given.s_{name} END"


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
    """The rows in one or two runs up to 256 rows, and few texts serve every number."""
    start, end = 0, len(rows)
    while end - start >= ROWS_STEP:
        size = min(ROWS_MAX, (end - start) // ROWS_STEP * ROWS_STEP)
        yield rows[start : start + size]
        start += size
    if start < end:
        yield rows[start:]


def execute(cursor: Any, statement: Statement, rows: Sequence[Row]) -> bool:
    """Run `statement` for all rows; True when each row affected exactly one in the database."""
    for run in chunks(rows):
        cursor.execute(statement.text(len(run)), list(chain.from_iterable(run)))
        if cursor.rowcount != len(run):
            return False
    return True
