"""What every test may ask for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from hypothesis import settings

from tests.postgres import NOT_TESTED

LONGEST_STORY_S = 60.0

settings.register_profile("every run", max_examples=60, derandomize=True, deadline=None)
settings.register_profile("search", max_examples=5_000, derandomize=False, deadline=None)
settings.load_profile("every run")
"""The same examples each time, and a slow machine is no failure. `--hypothesis-profile=search` looks for new ones."""


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


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was not tested for want of a server is the last that one reads."""
    for why, count in NOT_TESTED.items():
        terminalreporter.write_sep("!", f"NOT TESTED ON POSTGRESQL: {count} tests", red=True, bold=True)
        terminalreporter.write_line(why)
