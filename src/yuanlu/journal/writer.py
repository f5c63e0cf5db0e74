"""The one writer: collects what all terminals want to append, commits once, wakes them all.

Rules (`docs/returns.md` §4, §7):
- A unit is durable when `commit` returns `Committed`; nothing is sent before.
- A unit that conflicts fails its own caller and nobody else.
- A commit that fails has an unknown outcome: the process halts, and the restart re-reads what is true. The only
  exception is a full disk, which SQLite rolls back for certain: the reserve is released and the batch tried again.
- The log is brought into the database file beside the commits (`db.sqlite.Checkpointer`), not inside one.
- When a commit takes longer than COMMIT_WAIT_MS_MAX the listeners stop reading, until it is through.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TypeVar

import structlog
from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine

from yuanlu.db.sqlite import Checkpointer
from yuanlu.journal.appending import Appender
from yuanlu.journal.disk import DiskReserve
from yuanlu.journal.unit import Change, Committed, Conflict, Fact
from yuanlu.kernel.limits import COMMIT_WAIT_MS_MAX

UNITS_PER_COMMIT_MAX = 1024
UNITS_PER_CHECKPOINT = 2_000
"""About 20 MB of log. More make each checkpoint longer, fewer make more of them; measured, `docs/performance.md`."""

_log = structlog.get_logger("journal")
Result = TypeVar("Result")


class Unit:
    """What one caller wants committed, and where its answer goes."""

    __slots__ = ("changes", "facts", "outcome")

    def __init__(
        self, facts: Sequence[Fact], changes: Sequence[Change], outcome: asyncio.Future[Committed | Conflict]
    ) -> None:
        self.facts = facts
        self.changes = changes
        self.outcome = outcome


class Journal:
    """Group commit over one writing connection, and short reads beside it."""

    def __init__(
        self,
        *,
        engine: Engine,
        readers: Engine,
        writer_id: int,
        reserve: DiskReserve,
        checkpointer: Checkpointer,
        halt: Callable[[str], NoReturn],
    ) -> None:
        self.writer_id = writer_id
        self.reserve = reserve
        self.commits = 0
        self.units = 0
        self._readers = readers
        self._pooled = engine.raw_connection()  # kept: a forgotten one goes back to the pool, for anybody to use
        self._appender = Appender(self._pooled.driver_connection, writer_id)
        self._writing = ThreadPoolExecutor(1, "journal")
        self._reading = ThreadPoolExecutor(2, "reader")
        self._checkpointer = checkpointer
        self._checkpointing = ThreadPoolExecutor(1, "checkpoint")
        self._copying: asyncio.Future[None] | None = None
        self._units_in_log = 0
        self._halt = halt
        self._pending: list[Unit] = []
        self._running: asyncio.Task[None] | None = None
        self._began_at = 0.0
        self._behind = False
        self._listeners: list[Callable[[bool], None]] = []

    def on_pressure(self, listener: Callable[[bool], None]) -> None:
        """Call `listener(True)` when commits fall behind and `listener(False)` when they have caught up."""
        self._listeners.append(listener)

    @property
    def behind(self) -> bool:
        """Whether commits are falling behind."""
        return self._behind

    async def commit(self, facts: Sequence[Fact], changes: Sequence[Change] = ()) -> Committed | Conflict:
        """Make the facts, the owning packages' changes and the due work durable, all or nothing.

        Due work is a change of `journal.tasks`. Conflict means: nothing of it happened.
        """
        loop = asyncio.get_running_loop()
        unit = Unit(facts, changes, loop.create_future())
        self._pending.append(unit)
        if self._running is None:
            self._running = loop.create_task(self._write_all())
        elif not self._behind and loop.time() - self._began_at > COMMIT_WAIT_MS_MAX / 1000:
            self._press(True)
        return await unit.outcome

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """Run a short query in a reader's thread, on its own connection."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._query, query)

    async def close(self) -> None:
        """Wait for what is pending, then let the connection go."""
        while self._running is not None:
            await asyncio.shield(self._running)
        for executor in (self._writing, self._reading, self._checkpointing):
            executor.shutdown()
        self._pooled.close()

    def _query(self, query: Callable[[Connection], Result]) -> Result:
        with self._readers.connect() as connection:
            return query(connection)

    def _press(self, behind: bool) -> None:
        self._behind = behind
        for listener in self._listeners:
            listener(behind)

    async def _write_all(self) -> None:
        """Commit batch after batch until nothing is pending."""
        loop = asyncio.get_running_loop()
        while self._pending:
            batch, self._pending = (
                self._pending[:UNITS_PER_COMMIT_MAX],
                self._pending[UNITS_PER_COMMIT_MAX:],
            )
            self._began_at = loop.time()
            try:
                results = await loop.run_in_executor(self._writing, self._write, batch)
            except Exception as error:  # whatever it was, the commit's outcome is unknown
                self._halt(f"the journal could not commit ({error}); restart re-reads what is durable")
            self.commits += 1
            self.units += len(batch)
            for unit, result in zip(batch, results, strict=True):
                if not unit.outcome.cancelled():
                    unit.outcome.set_result(result)
            if self._behind:
                self._press(False)
            await self._checkpoint(len(batch))
        self._running = None

    async def _checkpoint(self, units: int) -> None:
        """Between two commits: begin to copy a log that has grown, or finish when most of it is copied."""
        loop = asyncio.get_running_loop()
        self._units_in_log += units
        try:
            if self._copying is None and self._units_in_log >= UNITS_PER_CHECKPOINT:
                self._copying = loop.run_in_executor(self._checkpointing, self._checkpointer.copy)
            elif self._copying is not None and self._copying.done():
                copied, self._copying, self._units_in_log = self._copying, None, 0
                copied.result()
                await loop.run_in_executor(self._writing, self._checkpointer.finish, self._appender.connection)
        except dbapi2.OperationalError as error:  # nothing is lost: all of it is in the log, and it is tried again
            _log.warning("the log could not be brought into the database file", reason=str(error))
        except OSError as error:  # after a failed sync nobody knows what the file holds
            self._halt(f"the database file could not be made durable ({error})")

    def _write(self, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        """In the writer's thread: one transaction for the whole batch."""
        try:
            return self._appender.append(batch)
        except dbapi2.OperationalError as error:
            if "full" not in str(error):
                raise
            self._appender.roll_back()
            _log.error("disk full: the reserve is released, new sales are declined")
            self.reserve.release()
            return self._appender.append(batch)
