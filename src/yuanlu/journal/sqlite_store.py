"""The journal on SQLite: one thread writes, two read, one copies the log.

A full disk is the one failure of a commit that SQLite rolls back for certain: the reserve is released and the batch
tried again. The log is brought into the database file beside the commits (`db.sqlite.Checkpointer`).
"""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog
from pysqlite3 import dbapi2
from sqlalchemy import Connection

from yuanlu.db.schema import prepare
from yuanlu.db.sqlite import Checkpointer, StoreLock, checkpoint, reader_engine, writer_engine
from yuanlu.journal.appending import Appender, Unit
from yuanlu.journal.disk import DiskReserve
from yuanlu.journal.opening import register, sign_off
from yuanlu.journal.sqlite_session import SqliteSession
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.kernel.clock import Moment

UNITS_PER_CHECKPOINT = 2_000
"""About 20 MB of log. More make each checkpoint longer, fewer make more of them; measured, `docs/performance.md`."""

_log = structlog.get_logger("journal")
Result = TypeVar("Result")


class SqliteStore:
    """`journal.store.Store` on one file, which one gateway holds."""

    permit_s = None

    def __init__(self, path: Path, reserve_bytes: int, now: Moment) -> None:
        """Lock, check, prepare and register. Raises StoreError saying what to do."""
        self.path = path
        self.name = str(path)
        self.room = DiskReserve(path, reserve_bytes)
        self._lock = StoreLock(path)
        self.engine = writer_engine(path)
        prepare(self.engine, self.name)
        with self.engine.begin() as connection:
            self.writer = register(connection, now, os.getpid())
        self.readers = reader_engine(path)
        self._pooled = self.engine.raw_connection()  # kept: a forgotten one goes back to the pool, for anybody to use
        self.connection: Any = self._pooled.driver_connection
        self._appender = Appender(SqliteSession(self.connection), self.writer.writer_id)
        self._writing = ThreadPoolExecutor(1, "journal")
        self._reading = ThreadPoolExecutor(2, "reader")
        self._checkpointer = Checkpointer(path)
        self._checkpointing = ThreadPoolExecutor(1, "checkpoint")
        self._copying: asyncio.Future[None] | None = None
        self._units_in_log = 0

    @property
    def sequence(self) -> int:
        """The number of our last fact that is durable."""
        return self._appender.sequence

    async def append(self, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        """One durable transaction, in the writer's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._append, batch)

    def _append(self, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        try:
            return self._appender.append(batch)
        except dbapi2.OperationalError as error:
            if "full" not in str(error):
                raise
            self._appender.roll_back()
            _log.error("disk full: the reserve is released, new sales are declined")
            self.room.release()
            return self._appender.append(batch)

    async def settle(self, units: int) -> None:
        """Begin to copy a log that has grown, or finish when most of it is copied."""
        loop = asyncio.get_running_loop()
        self._units_in_log += units
        try:
            if self._copying is None and self._units_in_log >= UNITS_PER_CHECKPOINT:
                self._copying = loop.run_in_executor(self._checkpointing, self._checkpointer.copy)
            elif self._copying is not None and self._copying.done():
                copied, self._copying, self._units_in_log = self._copying, None, 0
                copied.result()
                await loop.run_in_executor(self._writing, self._checkpointer.finish, self.connection)
        except dbapi2.OperationalError as error:  # nothing is lost: all of it is in the log, and it is tried again
            _log.warning("the log could not be brought into the database file", reason=str(error))

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """Run a short query in a reader's thread, on its own connection."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._query, query)

    def _query(self, query: Callable[[Connection], Result]) -> Result:
        with self.readers.connect() as connection:
            return query(connection)

    async def live(self) -> None:
        """The lock file keeps every other gateway out."""

    async def gone(self) -> list[int]:
        """Registering has taken everything over already."""
        return []

    async def release(self, gone: Sequence[int], now_us: int) -> None:
        """There is nobody else."""

    async def server_us(self) -> None:
        """A file has no clock."""

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """A short transaction of its own."""
        with self.engine.begin() as connection:
            return work(connection)

    async def problem(self) -> str:
        """SQLite's own check, in a process of its own, while we serve."""
        check = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "yuanlu.db.integrity", self.name, stdout=asyncio.subprocess.PIPE
        )
        try:
            output, _ = await check.communicate()
        finally:
            if check.returncode is None:  # we stop: it must not go on alone
                check.kill()
                await check.wait()
        return output.decode().strip() if check.returncode == 1 else ""

    async def close(self, now: Moment) -> None:
        """Sign off; from here on the file alone is a whole backup."""
        for executor in (self._writing, self._reading, self._checkpointing):
            executor.shutdown()
        self._pooled.close()
        with self.engine.begin() as connection:
            sign_off(connection, self.writer.writer_id, now)
        checkpoint(self.engine)
        self.engine.dispose()
        self.readers.dispose()
        self._checkpointer.close()
        self._lock.close()
