"""The only durable timer and outbox.

A task is put in the same commit as the facts that made it due. The runner takes due tasks under a lease and hands
each to the handler of its kind; the handler moves or drops the task in its own commit, fenced by the epoch. Lanes
(one per acquirer) have their own limit, so that a slow host blocks no other.

Who wakes a task that is held marks it, and its holder's own `move` puts it off no further than it was woken for: he
may have looked before the news came.

Due times are wall time for people to read. The runner's own clock goes by CLOCK_BOOTTIME and keeps up with a wall clock
that is put forward, but does not go back with it: whichever of them a due time was taken from, a wall clock that jumps
while we run makes nothing late. What a jump makes due early is looked at early, and no more: handlers measure their
windows on CLOCK_BOOTTIME.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Integer, bindparam, func, or_, select, update

from yuanlu.journal.statements import Delete, Insert, Update
from yuanlu.journal.tables import tasks
from yuanlu.journal.unit import Change, Conflict
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock

EXAMINE, EXAMINE_LANE = "examine", "causes"
"""The task by which an abnormal transaction is looked into: its cause, and whether a person is needed."""

TELL, TELL_LANE = "tell", "telling"
"""The task by which people are told of something: who, what, and by which way."""

LEASE_US = 120_000_000
LOOK_EVERY_S = 1.0
WAKE_TOGETHER = 500
FAR_US = 3_600_000_000
"""After a restart nothing waits longer than this, however the clock stood when it was put."""

_ONE = ("kind", "key", "epoch")
PUT_TASK = Insert(table=tasks, replace=True, rises="epoch", rank=5)
WAKE_TASK = Update(table=tasks, sets=("due_at_us",), match=_ONE, marks="holder", rank=6)
MOVE_TASK = Update(
    table=tasks, sets=("due_at_us", "holder", "lease_until_us"), match=_ONE, sooner=("due_at_us", "holder"), rank=6
)
DROP_TASK = Delete(table=tasks, match=_ONE, rank=6)
CLAIM_TASK = Update(table=tasks, sets=("epoch", "holder", "lease_until_us"), match=_ONE, rank=6)

_log = structlog.get_logger("tasks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A task that this process holds; `epoch` fences whoever held it before."""

    kind: str
    key: str
    lane: str
    epoch: int


def put(kind: str, key: str, lane: str, due_at_us: int) -> Change:
    """Make work due. Who works on it already is fenced off: what he knows is old."""
    return Change(statement=PUT_TASK, row=(kind, key, lane, due_at_us, 0, 0, 0))


def examine(transaction_id: str, at_us: int) -> Change:
    """Look into this transaction: it went wrong, or more is known about it."""
    return put(EXAMINE, transaction_id, EXAMINE_LANE, at_us)


def tell(what: str, name: str, at_us: int) -> Change:
    """People may have to hear of this `payment`, `case` or `incident`: it stands otherwise than before."""
    return put(TELL, f"{what} {name}", TELL_LANE, at_us)


def claim(kind: str, key: str, epoch: int, holder: int, until_us: int) -> Change:
    """Take the task that has this epoch; it becomes one more."""
    return Change(statement=CLAIM_TASK, row=(epoch + 1, holder, until_us, kind, key, epoch))


def move(task: Claimed, due_at_us: int) -> Change:
    """Let go of a task and make it due again at `due_at_us`, or earlier if somebody woke it meanwhile."""
    return Change(statement=MOVE_TASK, row=(due_at_us, 0, 0, task.kind, task.key, task.epoch))


def drop(task: Claimed) -> Change:
    """The work is done."""
    return Change(statement=DROP_TASK, row=(task.kind, task.key, task.epoch))


def wake(connection: Connection, kind: str, key: str, lane: str, due_at_us: int) -> Change:
    """Make a task due that waits, or that was dropped; one that is held will be due when its holder lets go of it.

    The change conflicts when the task has begun anew meanwhile: wake it again.
    """
    epoch = connection.execute(select(tasks.c.epoch).where(tasks.c.kind == kind, tasks.c.key == key)).scalar()
    return put(kind, key, lane, due_at_us) if epoch is None else woken(kind, key, epoch, due_at_us)


def woken(kind: str, key: str, epoch: int, due_at_us: int) -> Change:
    """The task that has this epoch is wanted then, whoever holds it."""
    return Change(statement=WAKE_TASK, row=(due_at_us, kind, key, epoch))


def is_held(connection: Connection, task: Claimed) -> bool:
    """Whether the claim still counts: nobody has taken the task over since."""
    query = select(tasks.c.epoch).where(tasks.c.kind == task.kind, tasks.c.key == task.key)
    row = connection.execute(query).first()
    return row is not None and row.epoch == task.epoch


Handler = Callable[[Claimed], Awaitable[None]]


class Nudge:
    """Wakes whoever waits, or is about to. Time may give it, too: an exception at the end of each wait would cost more
    than the look that follows.
    """

    __slots__ = ("_given", "_waiter")

    def __init__(self) -> None:
        self._given = False
        self._waiter: asyncio.Future[None] | None = None

    def give(self) -> None:
        """Wake who waits; who is about to wait will not."""
        self._given = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """What was given before counts no more."""
        self._given = False

    async def wait(self, seconds_max: float) -> None:
        """Until it is given, but not longer than this. One waits at a time."""
        if self._given:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds_max, self.give)
        try:
            await self._waiter
        finally:
            timer.cancel()


class TaskRunner:
    """Takes due tasks of one kind, lane by lane, oldest first."""

    def __init__(
        self,
        *,
        kind: str,
        lanes: Mapping[str, int],
        journal: Journal,
        clock: Clock,
        handle: Handler,
    ) -> None:
        self._kind = kind
        self._lanes = lanes
        self._journal = journal
        self._clock = clock
        self._handle = handle
        start = clock.now()
        self._offset_us = start.wall_us - start.boot_us
        self._nudges = {lane: Nudge() for lane in lanes}
        self._running: dict[str, set[asyncio.Task[None]]] = {lane: set() for lane in lanes}
        self._holds = dict.fromkeys(lanes, 0)
        self._loops: list[asyncio.Task[None]] = []

    def now_us(self) -> int:
        """Wall time that never goes back: what due times are compared with."""
        now = self._clock.now()
        self._offset_us = max(self._offset_us, now.wall_us - now.boot_us)
        return now.boot_us + self._offset_us

    def start(self) -> None:
        """Begin to look for due work."""
        loop = asyncio.get_running_loop()
        self._loops = [loop.create_task(self._run_lane(lane), name=f"{self._kind}-{lane}") for lane in self._lanes]

    async def stop(self) -> None:
        """Stop looking, and leave what runs to its lease."""
        # The loops first, and alone: a nudge from a task that ends now would make wait_for swallow the cancellation.
        for batch in (self._loops, [task for tasks_ in self._running.values() for task in tasks_]):
            for task in batch:
                task.cancel()
            await asyncio.gather(*batch, return_exceptions=True)

    def nudge(self, lane: str) -> None:
        """Something may have become due in this lane."""
        if lane in self._nudges:
            self._nudges[lane].give()

    def nudge_all(self) -> None:
        """Something may have become due in any lane."""
        for nudge in self._nudges.values():
            nudge.give()

    def hold(self, lane: str) -> None:
        """Start nothing more in this lane until as many `release` it as hold it."""
        self._holds[lane] += 1

    def release(self, lane: str) -> None:
        """One hold less; with the last one the lane goes on."""
        assert self._holds[lane], "who releases a lane has held it"
        self._holds[lane] -= 1
        self.nudge(lane)

    def holds(self, lane: str) -> bool:
        """Whether nothing may start in this lane now."""
        return self._holds[lane] > 0

    async def rest(self, lane: str, timeout_s: float) -> None:
        """Wait until what runs in this lane has ended, but not longer than this."""
        if running := set(self._running[lane]):
            await asyncio.wait(running, timeout=timeout_s)

    async def wake_lane(self, lane: str, *, first: Sequence[str] = (), per_second_max: int = 0) -> None:
        """The host is back: make all that waits in its lane due, `first` in its order, then the others. What is held
        just now may have been put off already, in its holder's mind: it is woken, too.

        The lane's limit holds how many run at once, `per_second_max` how fast they begin; 0 does not limit that.
        """
        now_us = self.now_us()
        places = {key: place for place, key in enumerate(first)}
        after_us = 0 if per_second_max else now_us  # what is due already is paced, too
        waiting = await self._journal.read(lambda c: _waiting(c, self._kind, lane, after_us))
        waiting.sort(key=lambda task: places.get(task[0], len(places)))
        step_us = 1_000_000 / per_second_max if per_second_max else 0
        for start in range(0, len(waiting), WAKE_TOGETHER):
            moves = [
                woken(self._kind, key, epoch, now_us + int(n * step_us))
                for n, (key, epoch) in enumerate(waiting[start : start + WAKE_TOGETHER], start)
            ]
            if isinstance(await self._journal.commit([], moves), Conflict):  # one has begun meanwhile: each for itself
                await asyncio.gather(*(self._journal.commit([], [change]) for change in moves))
            self.nudge(lane)

    async def _run_lane(self, lane: str) -> None:
        nudge = self._nudges[lane]
        while True:
            nudge.clear()
            free = self._lanes[lane] - len(self._running[lane])
            pause_s = LOOK_EVERY_S
            if free > 0 and not self.holds(lane):
                pause_s = await self._take(lane, free)
            await nudge.wait(pause_s)

    async def _take(self, lane: str, free: int) -> float:
        """Claim and start what is due; returns how long to wait before the next look."""
        now_us = self.now_us()
        due = await self._journal.read(lambda c: _due(c, self._kind, lane, now_us, free))
        if self.holds(lane):  # since we looked
            return LOOK_EVERY_S
        for key, epoch, due_at_us in due:
            if due_at_us > now_us:
                return min(LOOK_EVERY_S, (due_at_us - now_us) / 1_000_000)
            self._start(lane, key, epoch, now_us)
        return LOOK_EVERY_S

    def _start(self, lane: str, key: str, epoch: int, now_us: int) -> None:
        task = asyncio.get_running_loop().create_task(self._one(lane, key, epoch, now_us))
        self._running[lane].add(task)
        task.add_done_callback(lambda done: self._ended(lane, done))

    def _ended(self, lane: str, task: asyncio.Task[None]) -> None:
        self._running[lane].discard(task)
        self.nudge(lane)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a task failed; its lease will bring it back", lane=lane, exc_info=task.exception())

    async def _one(self, lane: str, key: str, epoch: int, now_us: int) -> None:
        taken = claim(self._kind, key, epoch, self._journal.writer_id, now_us + LEASE_US)
        if isinstance(await self._journal.commit([], [taken]), Conflict):
            return  # another has it
        await self._handle(Claimed(kind=self._kind, key=key, lane=lane, epoch=epoch + 1))


_DUE = (
    select(tasks.c.key, tasks.c.epoch, tasks.c.due_at_us)
    .where(
        tasks.c.kind == bindparam("kind"), tasks.c.lane == bindparam("lane"),
        tasks.c.lease_until_us < bindparam("now_us"),
    )
    .order_by(tasks.c.due_at_us)
    .limit(bindparam("limit", type_=Integer))
)  # fmt: skip
"""Every lane asks it all the time: made once."""


def _due(connection: Connection, kind: str, lane: str, now_us: int, limit: int) -> list[tuple[str, int, int]]:
    """Free tasks by due time, the next one not yet due included; by the index (kind, lane, due_at_us)."""
    asked = {"kind": kind, "lane": lane, "now_us": now_us, "limit": limit}
    return [(row.key, row.epoch, row.due_at_us) for row in connection.execute(_DUE, asked)]


def _waiting(connection: Connection, kind: str, lane: str, after_us: int) -> list[tuple[str, int]]:
    """What is due later than that, and what is held whenever it was due."""
    query = select(tasks.c.key, tasks.c.epoch).where(
        tasks.c.kind == kind, tasks.c.lane == lane, or_(tasks.c.due_at_us > after_us, tasks.c.holder != 0)
    )
    return [(row.key, row.epoch) for row in connection.execute(query.order_by(tasks.c.due_at_us))]


def release_held(connection: Connection, holders: Sequence[int], now_us: int) -> None:
    """These writers are gone: what they held is due at once."""
    held = update(tasks).where(func.abs(tasks.c.holder).in_(holders))
    connection.execute(held.values(holder=0, lease_until_us=0, due_at_us=now_us))


def release_all(connection: Connection, now_us: int) -> None:
    """At the start of the only gateway of a database: no lease of a former process counts any more.

    The clock may have been set back meanwhile, so nothing waits longer than FAR_US either.
    """
    held = update(tasks).where(tasks.c.holder != 0).values(holder=0, lease_until_us=0, due_at_us=now_us)
    connection.execute(held)
    connection.execute(update(tasks).where(tasks.c.due_at_us > now_us + FAR_US).values(due_at_us=now_us))
