"""Due work: claimed once, fenced by its epoch, woken, and never lost."""

import asyncio

from tests.store.journals import NOW, opened, until
from yuanlu.journal import tasks
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.kernel.clock import Moment, SystemClock


class HandClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.wall_us, self.boot_us = NOW.wall_us, NOW.boot_us

    def now(self) -> Moment:
        return Moment(wall_us=self.wall_us, boot_us=self.boot_us, boot_id="boot")


def runner_of(at, handle, *, clock=None, lanes=None) -> TaskRunner:
    lanes = lanes or {"h1": 4}
    return TaskRunner(kind="k", lanes=lanes, journal=at.journal, clock=clock or SystemClock(), handle=handle)


def test_due_work_is_done_once_oldest_first_within_the_lanes_limit(place):
    with opened(place) as (run, at):
        done, most, busy = [], [0], [0]

        async def handle(task: Claimed) -> None:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
            await asyncio.sleep(0.01)
            done.append(task.key)
            await at.journal.commit([], [tasks.drop(task)])
            busy[0] -= 1

        async def story() -> None:
            runner = runner_of(at, handle, lanes={"h1": 2})
            start = runner.now_us()
            await at.journal.commit([], [tasks.put("k", f"{n:02}", "h1", start - 1000 + n) for n in range(10)])
            await at.journal.commit([], [tasks.put("k", "later", "h1", start + 60_000_000)])
            runner.start()
            await until(lambda: len(done) >= 10)
            await asyncio.sleep(0.05)
            await runner.stop()

        run(story)
        assert sorted(done) == done or sorted(done) == [f"{n:02}" for n in range(10)]
        assert len(done) == len(set(done)) == 10
        assert most[0] <= 2
        assert [row.key for row in at.sql("SELECT key FROM tasks")] == ["later"]


def test_a_held_lane_starts_nothing_until_all_who_hold_it_have_let_go(place):
    with opened(place) as (run, at):
        done: list[str] = []

        async def handle(task: Claimed) -> None:
            done.append(task.lane)
            await at.journal.commit([], [tasks.drop(task)])

        async def story() -> None:
            runner = runner_of(at, handle, lanes={"h1": 4, "h2": 4})
            runner.hold("h1")
            runner.hold("h1")
            await at.journal.commit([], [tasks.put("k", lane, lane, 1) for lane in ("h1", "h2")])
            runner.start()
            await until(lambda: done == ["h2"])
            runner.release("h1")
            runner.nudge("h1")
            await asyncio.sleep(0.1)
            assert done == ["h2"], "one still holds it"
            runner.release("h1")
            await until(lambda: done == ["h2", "h1"])
            await runner.stop()

        run(story)


def test_what_was_found_due_when_the_lane_is_held_does_not_start(place):
    with opened(place) as (run, at):
        done: list[str] = []

        async def handle(task: Claimed) -> None:
            done.append(task.key)
            await at.journal.commit([], [tasks.drop(task)])

        async def story() -> None:
            runner = runner_of(at, handle)
            await at.journal.commit([], [tasks.put("k", "a", "h1", 1)])
            runner.start()
            await asyncio.sleep(0)  # the runner reads what is due
            runner.hold("h1")
            await asyncio.sleep(0.1)
            assert done == []
            runner.release("h1")
            await until(lambda: done == ["a"])
            await runner.stop()

        run(story)


def test_a_lane_is_at_rest_when_all_that_ran_has_ended_or_the_time_is_over(place):
    with opened(place) as (run, at):
        go_on, begun = asyncio.Event(), []

        async def handle(task: Claimed) -> None:
            begun.append(task.key)
            await go_on.wait()
            await at.journal.commit([], [tasks.drop(task)])

        async def story() -> None:
            runner = runner_of(at, handle)
            await runner.rest("h1", 0.0)
            await at.journal.commit([], [tasks.put("k", name, "h1", 1) for name in ("a", "b")])
            runner.start()
            await until(lambda: len(begun) == 2)
            await runner.rest("h1", 0.01)
            assert len(at.sql("SELECT key FROM tasks")) == 2, "not for ever"
            go_on.set()
            await runner.rest("h1", 10.0)
            assert at.sql("SELECT key FROM tasks") == []
            await runner.stop()

        run(story)


def test_a_slow_lane_does_not_hold_up_another(place):
    with opened(place) as (run, at):
        done = []

        async def handle(task: Claimed) -> None:
            if task.lane == "slow":
                await asyncio.sleep(30)
            done.append(task.key)
            await at.journal.commit([], [tasks.drop(task)])

        async def story() -> None:
            runner = runner_of(at, handle, lanes={"slow": 1, "fast": 1})
            due = [tasks.put("k", f"{lane}{n}", lane, 1) for lane in ("slow", "fast") for n in range(3)]
            await at.journal.commit([], due)
            runner.start()
            await until(lambda: len(done) >= 3)
            await runner.stop()

        run(story)
        assert done == ["fast0", "fast1", "fast2"]


def test_who_lost_the_claim_can_change_nothing(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await at.journal.commit([], [tasks.put("k", "a", "h1", 1)])
            claims = [tasks.claim("k", "a", 0, n, 99) for n in (7, 8)]
            results = await asyncio.gather(*(at.journal.commit([], [claim]) for claim in claims))
            assert [type(r) for r in results] == [Committed, Conflict]
            old, new = (Claimed(kind="k", key="a", lane="h1", epoch=epoch) for epoch in (0, 1))
            assert not await at.journal.read(lambda c: tasks.is_held(c, old))
            assert await at.journal.read(lambda c: tasks.is_held(c, new))
            for change in (tasks.move(old, 5), tasks.drop(old)):
                assert isinstance(await at.journal.commit([], [change]), Conflict)
            assert isinstance(await at.journal.commit([], [tasks.drop(new)]), Committed)

        run(story)


def test_waking_makes_what_waits_due_and_what_is_held_due_when_it_is_let_go(place):
    with opened(place) as (run, at):

        async def story() -> None:
            clock = HandClock()

            async def handle(task: Claimed) -> None:
                raise AssertionError("not started")

            runner = runner_of(at, handle, clock=clock)
            far = runner.now_us() + 3_000_000_000
            await at.journal.commit([], [tasks.put("k", "a", "h1", far), tasks.put("k", "b", "h1", far)])
            await at.journal.commit([], [tasks.put("k", "other", "h2", far)])
            await at.journal.commit([], [tasks.claim("k", "b", 0, 1, far)])
            await runner.wake_lane("h1")
            assert await at.journal.read(lambda c: tasks._due(c, "k", "h1", runner.now_us(), 9)) == [
                ("a", 0, runner.now_us())
            ], "nobody else starts what is held"
            await at.journal.commit([], [tasks.move(Claimed(kind="k", key="b", lane="h1", epoch=1), far)])
            due = {row.key: row.due_at_us for row in at.sql("SELECT key, due_at_us FROM tasks")}
            assert due == {"a": runner.now_us(), "b": runner.now_us(), "other": far}
            for key in ("a", "gone"):
                change = await at.journal.read(lambda c, key=key: tasks.wake(c, "k", key, "h1", 1))
                assert isinstance(await at.journal.commit([], [change]), Committed)

        run(story)


def test_a_task_whose_handler_failed_comes_back_when_its_lease_is_over(place):
    with opened(place) as (run, at):
        tries = []

        async def story() -> None:
            clock = HandClock()

            async def handle(task: Claimed) -> None:
                tries.append(task.epoch)
                if len(tries) == 1:
                    raise RuntimeError("once")
                await at.journal.commit([], [tasks.drop(task)])

            runner = runner_of(at, handle, clock=clock)
            await at.journal.commit([], [tasks.put("k", "a", "h1", 1)])
            runner.start()
            await until(lambda: len(tries) >= 1)
            await asyncio.sleep(0.05)
            assert len(tries) == 1
            clock.boot_us += tasks.LEASE_US + 1_000_000
            runner.nudge("h1")
            await until(lambda: len(tries) >= 2)
            await asyncio.sleep(0.02)
            await runner.stop()

        run(story)
        assert tries == [1, 2]
        assert at.sql("SELECT * FROM tasks") == []


def test_a_stop_ends_however_close_it_comes_to_a_nudge(place):
    with opened(place) as (run, at):

        async def story() -> None:
            async def handle(task: Claimed) -> None: ...

            for turns in range(12):
                runner = runner_of(at, handle)
                runner.start()
                await asyncio.sleep(0.005)
                runner.nudge("h1")
                for _ in range(turns):
                    await asyncio.sleep(0)
                async with asyncio.timeout(15):
                    await runner.stop()

        run(story)


def test_a_wall_clock_that_is_put_forward_makes_nothing_late(place):
    with opened(place) as (run, at):
        done = []

        async def story() -> None:
            clock = HandClock()

            async def handle(task: Claimed) -> None:
                done.append(task.key)
                await at.journal.commit([], [tasks.drop(task)])

            runner = runner_of(at, handle, clock=clock)
            runner.start()
            clock.wall_us += 86_400_000_000
            await at.journal.commit([], [tasks.put("k", "put by the new time", "h1", clock.wall_us)])
            runner.nudge("h1")
            await until(lambda: bool(done))
            await runner.stop()

        run(story)
    assert done == ["put by the new time"]


def test_a_wall_clock_that_is_set_back_makes_nothing_late(place):
    with opened(place) as (run, at):

        async def story() -> None:
            clock = HandClock()

            async def handle(task: Claimed) -> None: ...

            runner = runner_of(at, handle, clock=clock)
            before = runner.now_us()
            clock.wall_us -= 86_400_000_000
            assert runner.now_us() == before
            clock.boot_us += 5
            assert runner.now_us() == before + 5

        run(story)


def test_a_restart_frees_what_was_held_and_lets_nothing_wait_for_a_clock_that_was_wrong(place):
    with opened(place) as (run, at):
        now_us = NOW.wall_us
        rows = [tasks.put("k", "held", "h1", 1), tasks.put("k", "far", "h1", now_us + 10**13)]
        run(lambda: at.journal.commit([], [*rows, tasks.put("k", "soon", "h1", now_us + 10**9)]))
        run(lambda: at.journal.commit([], [tasks.claim("k", "held", 0, 1, now_us * 2)]))
        at.aside(lambda c: tasks.release_all(c, now_us))
        due = {row.key: (row.holder, row.due_at_us) for row in at.sql("SELECT key, holder, due_at_us FROM tasks")}
        assert due == {"held": (0, now_us), "far": (0, now_us), "soon": (0, now_us + 10**9)}


def test_waking_paces_what_waits_in_the_order_that_is_given(place):
    with opened(place) as (run, at):

        async def story() -> None:
            async def handle(task: Claimed) -> None:
                raise AssertionError("not started")

            runner = runner_of(at, handle, clock=HandClock())
            now_us = runner.now_us()
            due = {"young": now_us - 5, "old": now_us + 10**9, "oldest": now_us + 2 * 10**9, "unknown": now_us + 1}
            await at.journal.commit([], [tasks.put("k", key, "h1", due_us) for key, due_us in due.items()])
            await runner.wake_lane("h1", first=["oldest", "gone", "old", "young"], per_second_max=4)
            rows = at.sql("SELECT key, due_at_us FROM tasks ORDER BY due_at_us")
            paced = {"oldest": 0, "old": 250_000, "young": 500_000, "unknown": 750_000}
            assert {row.key: row.due_at_us - now_us for row in rows} == paced

        run(story)


class Racing:
    """A journal in which somebody claims a task just after it was read."""

    def __init__(self, journal, claim) -> None:
        self._journal = journal
        self._claim = claim
        self.commit = journal.commit

    async def read(self, query):
        seen = await self._journal.read(query)
        await self._journal.commit([], [self._claim])
        return seen


def test_waking_goes_on_with_the_others_when_one_has_begun_meanwhile(place):
    with opened(place) as (run, at):

        async def story() -> None:
            async def handle(task: Claimed) -> None:
                raise AssertionError("not started")

            far_us = NOW.wall_us + 10**9
            await at.journal.commit([], [tasks.put("k", key, "h1", far_us) for key in "abc"])
            begun = tasks.claim("k", "b", 0, 7, far_us + 1)
            runner = TaskRunner(
                kind="k", lanes={"h1": 4}, journal=Racing(at.journal, begun), clock=HandClock(), handle=handle
            )
            await runner.wake_lane("h1")
            rows = at.sql("SELECT key, holder, due_at_us, epoch FROM tasks ORDER BY key")
            now_us = runner.now_us()
            assert [tuple(row) for row in rows] == [("a", 0, now_us, 0), ("b", 7, far_us, 1), ("c", 0, now_us, 0)]

        run(story)
