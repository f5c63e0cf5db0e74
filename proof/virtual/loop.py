"""An event loop whose time is a number: it jumps to the next timer as soon as nothing is left to do.

What takes time in life takes a seeded time here: work in a thread (the journal's commits and reads), and the way of
each piece of data over the network (`proof.virtual.network`). Callbacks run in asyncio's own order; which comes first
of things that race is decided by those times, so each seed is one schedule and repeats exactly.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from proof.virtual.network import Network
from proof.virtual.process import CURRENT, owned_task

THREAD_S_MAX = 0.004
"""Work in a thread takes up to so long, and its result as long to come back."""


class NothingLeft(Exception):
    """Every task waits for something that will never happen."""


class _Selector:
    """Stands where asyncio waits for sockets: it waits by moving the time on."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise NothingLeft("nothing is due, and nobody will ever speak")
        self._loop.now_s += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """One world's loop; `chance` decides how long things take."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.now_s = 1_000.0
        self.chance = chance
        self.network = Network(self, chance)
        self._selector = _Selector(self)
        self._clock_resolution = 1e-9
        self.set_task_factory(owned_task)

    def time(self) -> float:
        """Virtual seconds."""
        return self.now_s

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """There is no other thread to be woken by."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """The work is done in one go, a little later; its result comes a little later still."""
        result: asyncio.Future[Any] = self.create_future()
        self.call_later(self.chance.uniform(0, THREAD_S_MAX), self._work, result, func, args)
        return result

    def _work(self, result: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if result.cancelled() or CURRENT.get().dead:
            return
        try:
            value = func(*args)
        except Stopped:
            return  # the process is no more: nobody hears of it
        except Exception as error:
            self.call_later(self.chance.uniform(0, THREAD_S_MAX), _fail, result, error)
        else:
            self.call_later(self.chance.uniform(0, THREAD_S_MAX), _tell, result, value)

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        """Listen in the network."""
        return self.network.listen(protocol_factory, host, port)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        """Connect in the network. Raises ConnectionRefusedError."""
        return await self.network.connect(protocol_factory, host, port)


class Stopped(BaseException):
    """The process ended in the middle of work in a thread."""


def _tell(result: asyncio.Future[Any], value: Any) -> None:
    if not result.done():
        result.set_result(value)


def _fail(result: asyncio.Future[Any], error: Exception) -> None:
    if not result.done():
        result.set_exception(error)
