"""The journal on PostgreSQL: one session writes for this process, others read; any number of processes beside it.

The writer's session is its lease. While it lives it holds an advisory lock under the writer's number; when the process
dies, or says nothing for `HUNG_S`, the server ends the session, the lock is free, and the others take the work over.
A process whose session is gone can commit nothing more, and so send nothing more: no clock is compared for that.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg
import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import greenlet_spawn

from yuanlu.db.errors import StoreError
from yuanlu.db.postgres import HUNG_S, LIVE, LOCK_SPACE, name_of, refuse_unfit_server
from yuanlu.db.postgres_engine import engine_for
from yuanlu.db.schema import prepare
from yuanlu.journal.appending import Appender, Unit
from yuanlu.journal.opening import GATEWAY, enter, gateways_gone, mark_gone, sign_off
from yuanlu.journal.postgres_session import PostgresSession
from yuanlu.journal.store import Writer
from yuanlu.journal.tasks import release_held
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.kernel.clock import Moment

FULL_PAUSE_S = 0.5
_WRITER = {
    "idle_session_timeout": str(HUNG_S * 1000),
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""The writer finds its rows by their keys, one by one. Left to itself, the server reads all of a table that was small
when it planned the statement, with every batch, until the table is counted.
"""
_log = structlog.get_logger("journal")
Result = TypeVar("Result")


class ServerRoom:
    """The server's disk, of which we hear only when it is full."""

    def __init__(self) -> None:
        self.low = False

    def look(self) -> bool:
        """Nothing can be measured from here."""
        return self.low


class PostgresStore:
    """`journal.store.Store` on one database, which any number of processes share."""

    permit_s = HUNG_S / 2

    def __init__(self, url: str) -> None:
        self.name = name_of(url)
        self.room = ServerRoom()
        self.writer = Writer(writer_id=0, started_at_us=0, clean=True)
        self._engine = engine_for(url, pool_size=2)
        self._readers = engine_for(url, read_only=True)
        # Our own batches and beats keep this session from being idle.
        self._writers = engine_for(url, pool_size=1, session=_WRITER)
        self._connection = self._writers.connect()
        self._reads: set[asyncio.Task[Any]] = set()

    async def open(self, now: Moment) -> None:
        """Check, prepare and register. Raises StoreError saying what to do."""
        try:
            await self.write(lambda c: refuse_unfit_server(c, self.name))
            await greenlet_spawn(prepare, self._engine.sync_engine, self.name)
            await self._connection.start()
            writer_id = await self._connection.run_sync(lambda c: _register(c, now))
            await self._connection.commit()
            raw = await self._connection.get_raw_connection()
        except DBAPIError as error:
            await self._dispose()
            if is_lost(error):
                raise StoreError(f"{self.name} was lost at the start ({error.orig}); is the server up?") from None
            raise
        except BaseException:
            await self._dispose()
            raise
        self.writer = Writer(writer_id=writer_id, started_at_us=now.wall_us, clean=True)
        self._session = PostgresSession(raw.driver_connection)
        self._appender = Appender(self._session, writer_id)

    @property
    def sequence(self) -> int:
        """The number of our last fact that is durable."""
        return self._appender.sequence

    async def append(self, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        """One durable transaction. Tried again where the server has rolled it back for certain."""
        while True:
            try:
                results = await greenlet_spawn(self._appender.append, batch)
            except asyncpg.DeadlockDetectedError:
                _log.warning("another gateway's batch crossed ours; again")
                self._session.crossed = True
            except asyncpg.DiskFullError:
                self.room.low = True
                _log.error("the server's disk is full: new sales are declined, and this batch waits")
                await asyncio.sleep(FULL_PAUSE_S)
            except asyncpg.CharacterNotInRepertoireError:
                if self._session.replace_nul:
                    raise
                self._session.replace_nul = True
            else:
                self.room.low = self._session.replace_nul = self._session.crossed = False
                return results
            await greenlet_spawn(self._appender.roll_back)

    async def settle(self, units: int) -> None:
        """Nothing to do between two commits: the server sees to its log."""

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """Run a short query on a connection of its own. Raises StoreError when the server is gone.

        Who gives up waiting leaves the query to end by itself, so that its connection stays good.
        """
        reading = asyncio.get_running_loop().create_task(self._read(query))
        self._reads.add(reading)
        reading.add_done_callback(self._read_ended)
        return await asyncio.shield(reading)

    def _read_ended(self, reading: asyncio.Task[Any]) -> None:
        self._reads.discard(reading)
        if not reading.cancelled():
            reading.exception()  # whoever waited has it; if nobody did, nobody needs it

    async def _read(self, query: Callable[[Connection], Result]) -> Result:
        try:
            async with self._readers.connect() as connection:
                return await connection.run_sync(query)
        except DBAPIError as error:
            if is_lost(error):
                raise StoreError(f"{self.name} is gone ({error.orig})") from None
            raise

    async def release(self, gone: Sequence[int], now_us: int) -> None:
        """Free what these still hold, and write down that they are gone."""

        def work(connection: Connection) -> None:
            release_held(connection, gone, now_us)
            mark_gone(connection, gone, now_us)

        await self.write(work)

    async def gone(self) -> list[int]:
        """Gateways that ended without saying so."""
        return await self.read(lambda c: gateways_gone(c, LIVE))

    async def server_us(self) -> int:
        """The server's wall clock."""
        now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
        return await self.read(lambda c: int(c.execute(text(now)).scalar_one()))

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """A short transaction of its own."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def live(self) -> set[int]:
        """The numbers of all writers that are at work now, ours among them."""
        return await self.read(lambda c: set(c.execute(text(LIVE)).scalars()))

    async def problem(self) -> str:
        """The server recovers by itself, and checks its own pages (`data_checksums`)."""
        return ""

    async def close(self, now: Moment) -> None:
        """Sign off, and leave what we still held to the others; the lock goes with the session."""

        def leave(connection: Connection) -> None:
            release_held(connection, [self.writer.writer_id], now.wall_us)
            sign_off(connection, self.writer.writer_id, now)

        await asyncio.gather(*self._reads, return_exceptions=True)
        await self.write(leave)
        await self._dispose()

    async def _dispose(self) -> None:
        if self._connection.sync_connection is not None:
            with suppress(DBAPIError):  # it may be lost already
                await self._connection.close()
        for engine in (self._writers, self._readers, self._engine):
            await engine.dispose()


def is_lost(error: DBAPIError) -> bool:
    """Whether the session is gone. asyncpg says so in more words than SQLAlchemy knows: between the server's last words
    and the end of the connection it calls every question its own mistake.
    """
    cause = error.orig.__cause__ if error.orig is not None else None
    return error.connection_invalidated or isinstance(cause, (asyncpg.InternalClientError, asyncpg.InterfaceError))


def _register(connection: Connection, now: Moment) -> int:
    """A new writer, seen by the others only together with its lock."""
    writer_id = enter(connection, now, os.getpid(), GATEWAY)
    connection.execute(text("SELECT pg_advisory_lock(:space, :writer)"), {"space": LOCK_SPACE, "writer": writer_id})
    return writer_id
