"""Which kind of database it is: its url says. For commands that read, or write for a moment, beside the gateway."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import asyncpg
from pysqlite3 import dbapi2
from sqlalchemy import Engine, text

from yuanlu.db.errors import StoreError, StoreLocked
from yuanlu.db.postgres import LIVE, is_postgres, name_of
from yuanlu.db.postgres_engine import engine_for, plainly
from yuanlu.db.schema import upgrade
from yuanlu.db.sqlite import StoreLock, database_path, reader_engine, visitor_engine, writer_engine

DRIVER_ERRORS = (dbapi2.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What a session raises where SQLAlchemy is not between."""

_servers: ContextVar[Engine] = ContextVar("servers")
Result = TypeVar("Result")


def beside(url: str, work: Callable[[], Result]) -> Result:
    """Run a command's work on the journal beside the gateway. Plain calls speak to PostgreSQL only in here."""
    if not is_postgres(url):
        return work()

    def on_server(engine: Engine) -> Result:
        _servers.set(engine)
        return work()

    return plainly(engine_for(url, pool_size=2), on_server)


def database_name(url: str, folder: str) -> str:
    """The database of `[store] url`, for people. Raises ConfigurationError for a url that is none."""
    return name_of(url) if is_postgres(url) else str(database_path(url, folder))


@contextmanager
def stopped(url: str, folder: str) -> Iterator[str]:
    """No gateway is at work on the database, and none begins; its name. StoreLocked while one is."""
    name = database_name(url, folder)
    if is_postgres(url):
        with visiting(url, folder).connect() as connection:
            if connection.execute(text(LIVE)).first() is not None:
                raise StoreLocked(f"{name} is in use by a gateway; stop every gateway first")
        yield name
        return
    lock = StoreLock(database_path(url, folder))
    try:
        yield name
    finally:
        lock.close()


def upgrade_stopped(url: str, folder: str) -> str:
    """Bring the database to this program's version; returns its name. StoreLocked while a gateway is at work."""
    with stopped(url, folder) as name:
        upgrade(visiting(url, folder) if is_postgres(url) else writer_engine(database_path(url, folder)), name)
    return name


def reading(url: str, folder: str) -> Engine:
    """An engine for short queries; StoreError when there is no journal yet. On PostgreSQL only `beside`."""
    if is_postgres(url):
        return _servers.get()
    path = database_path(url, folder)
    if not path.exists():
        raise StoreError(f"{path}: no journal yet; it is made by the first: yuanlu serve")
    return reader_engine(path)


def visiting(url: str, folder: str) -> Engine:
    """An engine that also writes for a moment; StoreError when there is no journal yet. On PostgreSQL only `beside`."""
    if is_postgres(url):
        return _servers.get()
    return visitor_engine(database_path(url, folder))
