"""What every test may ask for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

LONGEST_STORY_S = 30.0


@pytest.fixture
def run() -> Callable[[Awaitable[Any]], Any]:
    """Runs one story on an event loop of its own, and not for ever."""

    def tell(story: Awaitable[Any]) -> Any:
        async def bounded() -> Any:
            async with asyncio.timeout(LONGEST_STORY_S):
                return await story

        return asyncio.run(bounded())

    return tell
