"""A nudge wakes one who waits, or is about to, and time gives one, too."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from yuanlu.journal.tasks import Nudge

LONG_S, SHORT_S = 3_600.0, 0.01


def told(story: Callable[[Nudge], Awaitable[None]]) -> None:
    async def within_a_minute() -> None:
        async with asyncio.timeout(60):
            await story(Nudge())

    asyncio.run(within_a_minute())


def test_who_waits_is_woken():
    async def story(nudge: Nudge) -> None:
        asyncio.get_running_loop().call_later(SHORT_S, nudge.give)
        await nudge.wait(LONG_S)

    told(story)


def test_what_was_given_before_the_wait_counts_until_it_is_cleared():
    async def story(nudge: Nudge) -> None:
        nudge.give()
        await nudge.wait(LONG_S)
        nudge.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SHORT_S):
                await nudge.wait(LONG_S)

    told(story)


def test_time_gives_one_and_the_next_wait_has_a_time_of_its_own():
    async def story(nudge: Nudge) -> None:
        for _ in range(3):
            await nudge.wait(SHORT_S)
            nudge.clear()
        waiting = asyncio.ensure_future(nudge.wait(LONG_S))
        await asyncio.sleep(5 * SHORT_S)
        assert not waiting.done(), "no timer of an earlier wait is left"
        nudge.give()
        await waiting

    told(story)


def test_a_wait_that_is_cancelled_ends_although_a_nudge_comes_with_it():
    async def story(nudge: Nudge) -> None:
        waiting = asyncio.ensure_future(nudge.wait(LONG_S))
        await asyncio.sleep(0)
        nudge.give()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    told(story)
