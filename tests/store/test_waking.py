"""News that come while somebody works on a task: he puts it off no further than he would have, had he known."""

import asyncio

import pytest

from tests.store.journals import opened
from yuanlu.journal import tasks
from yuanlu.journal.tasks import Claimed
from yuanlu.journal.unit import Committed, Conflict


async def held_until(at, until_us: int) -> Claimed:
    """The task `a`, in somebody's hands."""
    await at.journal.commit([], [tasks.put("k", "a", "h1", 1)])
    assert isinstance(await at.journal.commit([], [tasks.claim("k", "a", 0, 7, until_us)]), Committed)
    return Claimed(kind="k", key="a", lane="h1", epoch=1)


LEASE_US, WAKE_US, LATER_US = 10_000, 5_000, 900_000


@pytest.mark.parametrize(
    ("put_off_to_us", "wake_us", "due_us"),
    [
        (LATER_US, WAKE_US, WAKE_US),
        (LATER_US, LEASE_US, LEASE_US),
        (LATER_US, LEASE_US + 1, LEASE_US + 1),  # its place among many, or by a clock that is ahead
        (WAKE_US - 1, WAKE_US, WAKE_US - 1),
    ],
)
def test_a_wake_while_somebody_works_on_it_is_not_lost_when_he_puts_it_off(place, put_off_to_us, wake_us, due_us):
    with opened(place) as (run, at):

        async def story() -> None:
            task = await held_until(at, LEASE_US)
            woken = await at.journal.read(lambda c: tasks.wake(c, "k", "a", "h1", wake_us))
            assert isinstance(await at.journal.commit([], [woken]), Committed)
            assert await at.journal.read(lambda c: tasks.is_held(c, task)), "he goes on with it"
            assert not await at.journal.read(lambda c: tasks._due(c, "k", "h1", WAKE_US, 1)), "alone"
            assert isinstance(await at.journal.commit([], [tasks.move(task, put_off_to_us)]), Committed)
            assert await at.journal.read(lambda c: tasks._due(c, "k", "h1", WAKE_US, 1)) == [("a", 1, due_us)]

        run(story)


def test_a_task_that_nobody_woke_is_due_when_its_holder_says(place):
    with opened(place) as (run, at):

        async def story() -> None:
            task = await held_until(at, LEASE_US)
            await at.journal.commit([], [tasks.move(task, LATER_US)])
            assert await at.journal.read(lambda c: tasks._due(c, "k", "h1", WAKE_US, 1)) == [("a", 1, LATER_US)]

        run(story)


def test_a_wake_counts_once(place):
    with opened(place) as (run, at):

        async def story() -> None:
            task = await held_until(at, LEASE_US)
            await at.journal.commit([], [await at.journal.read(lambda c: tasks.wake(c, "k", "a", "h1", WAKE_US))])
            await at.journal.commit([], [tasks.move(task, LATER_US)])
            await at.journal.commit([], [tasks.claim("k", "a", 1, 7, 2 * LEASE_US)])
            again = Claimed(kind="k", key="a", lane="h1", epoch=2)
            await at.journal.commit([], [tasks.move(again, LATER_US)])
            assert await at.journal.read(lambda c: tasks._due(c, "k", "h1", WAKE_US, 1)) == [("a", 2, LATER_US)]

        run(story)


def test_a_wake_that_met_a_holder_who_has_let_go_meanwhile_still_counts(place):
    with opened(place) as (run, at):

        async def story() -> None:
            task = await held_until(at, LEASE_US)
            woken = await at.journal.read(lambda c: tasks.wake(c, "k", "a", "h1", WAKE_US))
            await at.journal.commit([], [tasks.move(task, LATER_US)])
            assert isinstance(await at.journal.commit([], [woken]), Committed)
            assert await at.journal.read(lambda c: tasks._due(c, "k", "h1", WAKE_US, 1)) == [("a", 1, WAKE_US)]

        run(story)


def test_a_wake_that_met_a_task_which_has_begun_anew_is_a_conflict(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await held_until(at, LEASE_US)
            woken = await at.journal.read(lambda c: tasks.wake(c, "k", "a", "h1", WAKE_US))
            await at.journal.commit([], [tasks.claim("k", "a", 1, 8, 2 * LEASE_US)])
            assert isinstance(await at.journal.commit([], [woken]), Conflict)

        run(story)


def test_work_that_is_put_again_fences_off_whoever_worked_on_it_for_good(place):
    with opened(place) as (run, at):

        async def story() -> None:
            first = await held_until(at, LEASE_US)
            await at.journal.commit([], [tasks.put("k", "a", "h1", WAKE_US)])
            [(_, epoch, _)] = await at.journal.read(lambda c: tasks._due(c, "k", "h1", WAKE_US, 1))
            assert isinstance(await at.journal.commit([], [tasks.claim("k", "a", epoch, 8, LEASE_US)]), Committed)
            for change in (tasks.drop(first), tasks.move(first, LATER_US)):
                assert isinstance(await at.journal.commit([], [change]), Conflict)
            assert [row.holder for row in at.sql("SELECT holder FROM tasks")] == [8]

        run(story)


def test_a_task_stays_due_since_it_was_due_while_somebody_works_on_it(place):
    """However often it fails: that is how late it is."""
    with opened(place) as (run, at):

        async def story() -> None:
            await held_until(at, LEASE_US)
            await at.journal.commit([], [tasks.claim("k", "a", 1, 8, 2 * LEASE_US)])
            assert [row.due_at_us for row in at.sql("SELECT due_at_us FROM tasks")] == [1]

        run(story)


def test_what_was_woken_while_it_was_held_is_free_when_its_holder_is_gone(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await held_until(at, LEASE_US)
            await at.journal.commit([], [await at.journal.read(lambda c: tasks.wake(c, "k", "a", "h1", LATER_US))])

        run(story)
        at.aside(lambda c: tasks.release_held(c, [8], WAKE_US))
        assert [row.due_at_us for row in at.sql("SELECT due_at_us FROM tasks")] == [LATER_US], "another's"
        at.aside(lambda c: tasks.release_held(c, [7], WAKE_US))
        assert [tuple(row) for row in at.sql("SELECT holder, due_at_us FROM tasks")] == [(0, WAKE_US)]


def test_two_wakes_and_the_move_they_meet_in_one_commit_all_count(place):
    """Units that are committed together are written by statement: whichever is first, the work is due for the wake."""
    with opened(place) as (run, at):

        async def story() -> None:
            task = await held_until(at, LEASE_US)
            woken = [await at.journal.read(lambda c: tasks.wake(c, "k", "a", "h1", WAKE_US)) for _ in range(2)]
            changes = [woken[0], tasks.move(task, LATER_US), woken[1]]
            done = await asyncio.gather(*(at.journal.commit([], [change]) for change in changes))
            assert [type(each) for each in done] == [Committed] * 3
            assert await at.journal.read(lambda c: tasks._due(c, "k", "h1", WAKE_US, 1)) == [("a", 1, WAKE_US)]

        run(story)
