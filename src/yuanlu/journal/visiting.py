"""Writing for a moment beside the gateway: what a person decides at the command line.

A visitor is a writer of its own: it takes a number, writes one unit in one short transaction, and signs off. The
gateway's batches and its transaction exclude each other (BEGIN IMMEDIATE, or row by row on PostgreSQL), and the same
rules of the database hold for both, so two processes cannot give back the same money.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from yuanlu.db.choosing import database_name, visiting
from yuanlu.db.errors import StoreError
from yuanlu.db.schema import refuse_other_version
from yuanlu.journal.appending import Appender, Session
from yuanlu.journal.opening import enter, sign_off
from yuanlu.journal.postgres_session import PostgresSession
from yuanlu.journal.sqlite_session import SqliteSession
from yuanlu.journal.unit import Change, Committed, Conflict, Fact
from yuanlu.kernel.clock import Clock

_log = structlog.get_logger("journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorsUnit:
    """What a visitor commits."""

    facts: Sequence[Fact]
    changes: Sequence[Change]


class Visitor:
    """A short-lived writer; see `visit`."""

    def __init__(self, engine: Engine, appender: Appender) -> None:
        self._engine = engine
        self._appender = appender

    def commit(self, facts: Sequence[Fact], changes: Sequence[Change] = ()) -> Committed | Conflict:
        """Make it durable, all or nothing. Conflict means: nothing of it happened."""
        return self._appender.append([VisitorsUnit(facts=facts, changes=changes)])[0]

    def plainly(self, work: Callable[[Connection], None]) -> None:
        """Write rows that are no facts, such as the end of a session, in a transaction of their own."""
        with self._engine.begin() as connection:
            work(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries, as the journal stands now."""
        with self._engine.connect() as connection:
            yield connection


def _session(engine: Engine, connection: Any) -> Session:
    return PostgresSession(connection) if engine.dialect.name == "postgresql" else SqliteSession(connection)


@contextmanager
def visit(url: str, folder: str, clock: Clock) -> Iterator[Visitor]:
    """Enter the journal of a gateway that may be running. Raises StoreError for a database that does not fit.

    `url` is `[store] url`; `folder` is where a relative file starts.
    """
    engine = visiting(url, folder)
    try:
        refuse_other_version(engine, database_name(url, folder))
        with engine.begin() as connection:
            writer_id = enter(connection, clock.now(), os.getpid())
        pooled = engine.raw_connection()
        try:
            yield Visitor(engine, Appender(_session(engine, pooled.driver_connection), writer_id))
        finally:
            pooled.close()
            _leave(engine, writer_id, clock)
    finally:
        engine.dispose()


def _leave(engine: Engine, writer_id: int, clock: Clock) -> None:
    """What was done is done: whoever cannot sign off is not told that it failed."""
    try:
        with engine.begin() as connection:
            sign_off(connection, writer_id, clock.now())
    except (DatabaseError, StoreError) as error:
        _log.warning("a visitor could not sign off", writer=writer_id, reason=str(getattr(error, "orig", error)))
