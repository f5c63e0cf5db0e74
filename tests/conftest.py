"""What every test may ask for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

LONGEST_STORY_S = 30.0


@pytest.fixture
def run() -> Callable[[Awaitable[Any]], Any]:
    """Runs one story on an event loop of its own, the kind that `yuanlu serve` uses, and not for ever."""

    def tell(story: Awaitable[Any]) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(LONGEST_STORY_S):
                return await story

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(bounded())

    return tell
