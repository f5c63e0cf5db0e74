"""The one writer: collects what all terminals want to append, commits once, wakes them all.

Rules (`docs/returns.md` §4, §7):
- A unit is durable when `commit` returns `Committed`; nothing is sent before.
- A unit that conflicts fails its own caller and nobody else.
- A commit that fails has an unknown outcome: the process halts, and the restart re-reads what is true.
- When a commit takes longer than COMMIT_WAIT_MS_MAX the listeners stop reading, until it is through.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn, TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.db.errors import StoreError
from yuanlu.journal.mark import Mark
from yuanlu.journal.store import Room, Store
from yuanlu.journal.unit import Change, Committed, Conflict, Fact
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.limits import COMMIT_WAIT_MS_MAX

UNITS_PER_COMMIT_MAX = 1024

Result = TypeVar("Result")


class Unit(Struct, frozen=True, eq=False):
    """What one caller wants committed, and where its answer goes."""

    facts: Sequence[Fact]
    changes: Sequence[Change]
    outcome: asyncio.Future[Committed | Conflict]


class Journal:
    """Group commit into one store, and short reads beside it."""

    def __init__(
        self, *, store: Store, clock: Clock, halt: Callable[[str], NoReturn], mark: Mark | None = None
    ) -> None:
        """`mark` keeps, away from the database, how far it has come."""
        self.commits = 0
        self.units = 0
        self._store = store
        self._clock = clock
        self._halt = halt
        self._mark = mark
        self._pending: list[Unit] = []
        self._running: asyncio.Task[None] | None = None
        self._began_at = 0.0
        self._behind = False
        self._listeners: list[Callable[[bool], None]] = []

    @property
    def writer_id(self) -> int:
        """The number of this process as a writer."""
        return self._store.writer.writer_id

    @property
    def room(self) -> Room:
        """Whether new sales still fit."""
        return self._store.room

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
        """Run a short query beside the writer."""
        try:
            return await self._store.read(query)
        except StoreError as error:  # whoever asked is in the middle of something that must not be left half done
            self._halt(f"the journal cannot be read ({error})")

    @property
    def shared(self) -> bool:
        """Whether other gateways may work on the same journal."""
        return self._store.permit_s is not None

    async def live(self) -> set[int] | None:
        """The writers at work now, ours among them; None where there can be no other."""
        return await self._store.live()

    async def gone(self) -> list[int]:
        """Gateways that ended without saying so, and whose work nobody has taken over yet."""
        return await self._store.gone()

    async def release(self, gone: Sequence[int], now_us: int) -> None:
        """Free what these held: the last step of taking their work over."""
        await self._store.release(gone, now_us)

    async def close(self) -> None:
        """Wait for what is pending; nothing is told any more."""
        while self._running is not None:
            await asyncio.shield(self._running)
        if self._mark is not None:
            self._mark.close()

    def _in_time(self, began_us: int) -> None:
        """A process that was held up may have been taken for dead, and its payment returned: it sends nothing more.

        Measured on CLOCK_BOOTTIME, which goes on while a machine sleeps.
        """
        held_up_s = (self._clock.now().boot_us - began_us) / 1_000_000
        if self._store.permit_s is not None and held_up_s > self._store.permit_s:
            self._halt(f"held up for {held_up_s:.1f} s between a commit and its sending")

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
            self._began_at, began_us = loop.time(), self._clock.now().boot_us
            try:
                results = await self._store.append(batch)
                if self._mark is not None:
                    self._mark.note(self._store.sequence)
            except Exception as error:  # whatever it was, the commit's outcome is unknown
                self._halt(f"the journal could not commit ({error}); restart re-reads what is durable")
            self.commits += 1
            self.units += len(batch)
            in_time = partial(self._in_time, began_us) if self._store.permit_s is not None else None
            for unit, result in zip(batch, results, strict=True):
                if in_time is not None and isinstance(result, Committed):
                    result.permit.limit(in_time)
                if not unit.outcome.cancelled():
                    unit.outcome.set_result(result)
            if self._behind:
                self._press(False)
            try:
                await self._store.settle(len(batch))
            except Exception as error:  # after a failed sync nobody knows what the file holds
                self._halt(f"the database could not be made durable ({error})")
        self._running = None
