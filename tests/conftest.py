"""What every test may ask for."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from hypothesis import settings

from tests.postgres import NOT_TESTED

LOUD = (NOT_TESTED, "NO BROWSER TESTS")
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
    """What was not tested for want of a tool is the last that one reads, whichever process skipped it."""
    reasons = [each.longrepr[2].removeprefix("Skipped: ") for each in terminalreporter.stats.get("skipped", ())]
    for why, count in Counter(why for why in reasons if why.startswith(LOUD)).items():
        what, _, reason = why.partition(": ")
        terminalreporter.write_sep("!", f"{what}: {count} tests", red=True, bold=True)
        terminalreporter.write_line(reason)
