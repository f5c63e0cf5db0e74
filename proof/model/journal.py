"""A gateway's journal over the common memory: commits take time, and a crash can strike before or after each.

What is durable stays in the `Memory`; who waited for a commit of a dead process waits for ever, as nobody is left.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from proof.model.disk import Disk
from proof.model.loop import VirtualLoop
from proof.model.memory import Memory
from yuanlu.journal.unit import Change, Committed, Conflict, Fact, SendPermit

Result = TypeVar("Result")

BEFORE, AFTER = "before", "after"
"""Where a crash strikes: the commit is lost, or it is durable and nobody was told."""


class Room:
    """A disk that never fills; full disks are for the tests of the real one."""

    low = False


class MemoryJournal:
    """One process's way to the memory; its `disk` says how long each commit and each read takes.

    `strikes` says for each commit whether the process dies `before` or `after` it, or "" for neither.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        loop: VirtualLoop,
        writer_id: int,
        disk: Disk,
        strikes: Callable[[], str],
        crash: Callable[[], None],
        told_early: bool = False,
    ) -> None:
        self.writer_id = writer_id
        memory.alive.add(writer_id)
        self.room = Room()
        self.shared = False
        self.behind = False
        self.dead = False
        self._memory = memory
        self._loop = loop
        self._disk = disk
        self._strikes = strikes
        self._crash = crash
        self._told_early = told_early
        self._durable_at = 0.0

    async def commit(self, facts: Sequence[Fact], changes: Sequence[Change] = ()) -> Committed | Conflict:
        """As `yuanlu.journal.writer.Journal.commit`, in the order of the calls."""
        if self.dead:
            return await self._never()
        told: asyncio.Future[Committed | Conflict] = self._loop.create_future()
        self._durable_at = max(self._durable_at, self._loop.now_s + self._disk.commit_s(self._loop.now_s))
        self._loop.call_at(self._durable_at, self._apply, facts, changes, told)
        if self._told_early and facts:
            return _permit(facts)
        return await told

    async def read(self, query: "Callable[[Memory], Result]") -> Result:
        """As `yuanlu.journal.writer.Journal.read`: what was true when it was read may be old when it arrives."""
        if self.dead:
            await self._never()
        found = query(self._memory)
        if pause_s := self._disk.read_s():
            arrived = self._loop.create_future()
            self._loop.call_later(pause_s, arrived.set_result, None)
            await arrived
            if self.dead:
                await self._never()
        return found

    async def live(self) -> set[int]:
        """The writers that have not died."""
        return set(self._memory.alive)

    async def _never(self) -> "Committed | Conflict":
        return await self._loop.create_future()  # type: ignore[no-any-return]

    def _apply(
        self, facts: Sequence[Fact], changes: Sequence[Change], told: "asyncio.Future[Committed | Conflict]"
    ) -> None:
        if self.dead:
            return
        strike = self._strikes()
        if strike == BEFORE:
            self._crash()
            return
        broken = self._memory.apply(facts, changes, self.writer_id, self._loop.now_s)
        if strike == AFTER:
            self._crash()
        elif not told.done():
            told.set_result(Conflict(reason=broken) if broken else _permit(facts))


def _permit(facts: Sequence[Fact]) -> Committed:
    last = facts[-1] if facts else None
    return Committed(permit=SendPermit(last.subject_id if last else "", last.version if last else 0))
