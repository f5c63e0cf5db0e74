"""The writer's connection to PostgreSQL, in plain calls that run in a greenlet.

One round trip for each kind of statement, however many rows: each column goes as one array (`unnest`).
"""

from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, Column, LargeBinary
from sqlalchemy.util import await_

from yuanlu.db.errors import StoreError
from yuanlu.db.postgres import HUNG_S
from yuanlu.journal.appending import Refused
from yuanlu.journal.statements import Delete, Insert, Row, Statement, Update

_ARRAYS = {BigInteger: "bigint[]", LargeBinary: "bytea[]"}
_CROSSED = 0x7975616E6C78
_texts: dict[Statement, str] = {}


class PostgresSession:
    """`journal.appending.Session` on an asyncpg connection; errors other than a refusal pass through."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.replace_nul = False
        """True: a NUL character, which PostgreSQL's text cannot hold, becomes U+FFFD."""
        self.crossed = False
        """True: our last transaction and another's waited for each other; those that did now go one by one."""

    def begin(self) -> None:
        """Start a transaction."""
        self._run("BEGIN")
        if self.crossed:
            self._run(f"SELECT pg_advisory_xact_lock({_CROSSED})")

    def execute(self, statement: Statement, rows: Sequence[Row]) -> bool:
        """Run it for all rows; True when each row affected exactly one in the database. Raises Refused."""
        if not rows:
            return True
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        if self.replace_nul:
            columns = [[_without_nul(value) for value in column] for column in columns]
        try:
            status = self._run(text_of(statement), *columns)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.CardinalityViolationError) as error:
            raise Refused(str(error)) from None
        return int(status.rpartition(" ")[2]) == len(rows)

    def save(self) -> None:
        """Begin one unit, which can be undone alone."""
        self._run("SAVEPOINT unit")

    def keep(self) -> None:
        """The unit stands."""
        self._run("RELEASE unit")

    def undo(self) -> None:
        """Nothing of the unit happened."""
        self._run("ROLLBACK TO unit")
        self._run("RELEASE unit")

    def commit(self) -> None:
        """Make it durable."""
        if self._run("COMMIT") != "COMMIT":  # the server rolls a broken transaction back, and says so only here
            raise asyncpg.InternalClientError("the server did not commit")

    def roll_back(self) -> None:
        """Give up what is open, if anything is."""
        if self.connection.is_in_transaction():
            self._run("ROLLBACK")

    def _run(self, text: str, *values: Any) -> str:
        """After `HUNG_S` the server has given us up, whether we hear of it or not."""
        try:
            status: str = await_(self.connection.execute(text, *values, timeout=HUNG_S))
        except TimeoutError:
            raise StoreError(f"the server has not answered for {HUNG_S} s") from None
        return status


def text_of(statement: Statement) -> str:
    """The statement for any number of rows; made once."""
    if statement not in _texts:
        _texts[statement] = _made(statement)
    return _texts[statement]


def _made(statement: Statement) -> str:
    table = statement.table
    match statement:
        case Insert():
            names = list(table.columns.keys())
            rows = _unnest([table.c[name] for name in names])
            return f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM {rows}{statement.on_conflict()}"  # noqa: S608
        case Update(sets=sets, match=match_):
            given = [f"s_{name}" for name in sets] + [f"m_{name}" for name in match_]
            rows = _unnest([table.c[name] for name in (*sets, *match_)])
            where = " AND ".join(f"{table.name}.{name} = given.m_{name}" for name in match_)
            what, new = statement.assignments(), f"{rows} AS given ({', '.join(given)})"
            return f"UPDATE {table.name} SET {what} FROM {new} WHERE {where}"  # noqa: S608
        case Delete(match=match_):
            rows = _unnest([table.c[name] for name in match_])
            where = " AND ".join(f"{table.name}.{name} = given.{name}" for name in match_)
            return f"DELETE FROM {table.name} USING {rows} AS given ({', '.join(match_)}) WHERE {where}"  # noqa: S608


def _unnest(columns: Sequence[Column[Any]]) -> str:
    arrays = [f"${n}::{_ARRAYS.get(type(column.type), 'text[]')}" for n, column in enumerate(columns, 1)]
    return f"unnest({', '.join(arrays)})"


def _without_nul(value: Any) -> Any:
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value
