"""All crash points of a story from one telling: at each step the process forks, the fork is stopped there, we go on.

So nothing is told twice that is the same until the stop. A fork has everything that the story had in memory, and files
of its own; whoever forked waits for it. In a fork the life after the first stop forks once more, for the second stop.
"""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from proof.virtual.town import Town

AGAIN_STEPS = 7
"""The second stop comes at one of so many steps of the life that recovers."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How one telling ended: at which step of each life the gateway was stopped, and what was wrong at its end."""

    stops: tuple[int, ...]
    wrong: list[str]


class Branches:
    """Tells a story with every stop. `tell` gets a function that says for a life and its step whether it ends there."""

    def __init__(self, folder: Path) -> None:
        self.stops: tuple[int, ...] = ()
        """Where this process was stopped."""
        self._told = folder / "told"
        self._town: Town | None = None

    def begin(self, town: Town) -> None:
        """The story's town; its files are copied for each fork."""
        self._town = town

    def stops_at(self, life: int, step: int) -> bool:
        """Whether the gateway is stopped here: in a fork it is, and whoever forked goes on when it has ended."""
        first = life == 0
        second = life == 1 and len(self.stops) == 1 and step == self.stops[0] % AGAIN_STEPS
        if not first and not second:
            return False
        fork = os.fork()
        if fork:
            os.waitpid(fork, 0)
            return False
        self.stops = (*self.stops, step)
        assert self._town is not None, "the town is there before the gateway is"
        asyncio._set_running_loop(self._town.loop)  # it goes by the process
        self._town.move(f"fork-{os.getpid()}")
        return True

    def tell(self, story: Callable[[], list[str]]) -> list[Ended]:
        """Every ending; that without a stop comes last."""
        try:
            wrong = story()
        except BaseException as error:
            self.end([f"the proof itself failed: {error!r}"])
            raise
        return [*self._ends(), Ended(stops=(), wrong=wrong)]

    def end(self, wrong: list[str]) -> None:
        """The story is told, and this is wrong: the end of a fork."""
        if not self.stops:
            return
        try:
            with self._told.open("ab") as file:
                file.write(msgspec.json.encode(Ended(stops=self.stops, wrong=wrong)) + b"\n")
            if self._town is not None:
                shutil.rmtree(self._town.folder)
        finally:
            os._exit(0)

    def _ends(self) -> list[Ended]:
        lines = self._told.read_bytes().splitlines() if self._told.exists() else []
        return [msgspec.json.decode(line, type=Ended) for line in lines]
