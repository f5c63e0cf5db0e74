"""An event loop in virtual time: what waits costs nothing, and the same seed takes the same course.

It runs asyncio's own tasks and futures, and knows as much of the loop's interface as they and the product use: no
sockets, no threads, no contexts. Time stands still while anything is ready; then it jumps to the next timer.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from typing import Any

from msgspec import Struct

EVENTS_MAX = 150_000
"""More in one run, where some thousands are usual, means that somebody goes round in a circle."""


class Timer(Struct, eq=False):
    """A call that is due at some time; it may be cancelled."""

    call: Callable[..., object] | None
    args: tuple[Any, ...]

    def cancel(self) -> None:
        """It does not happen."""
        self.call, self.args = None, ()


class VirtualLoop(asyncio.AbstractEventLoop):
    """Virtual time in seconds, from 0. `run_until` drives it; `close` forgets everything that still waits."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.failures: list[BaseException] = []
        self._ready: deque[Timer] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        """When, and of those at the same time in the order of the calls."""
        self._made = 0
        self._tasks: list[asyncio.Task[Any]] = []

    def time(self) -> float:
        """Seconds of virtual time."""
        return self.now_s

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Always, from the first event to the last."""
        return True

    def is_closed(self) -> bool:
        """Never: a closed one is thrown away."""
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What a task left unheard; the run that it belongs to fails."""
        error = context.get("exception")
        if error is not None:
            self.failures.append(error)

    def create_future(self) -> "asyncio.Future[Any]":
        """asyncio's own."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, work: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        """asyncio's own; remembered, so that it can be forgotten."""
        task = asyncio.Task(work, loop=self, name=name or "")
        self._tasks.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Timer:
        """Next, in the order of the calls."""
        self._made += 1
        timer = Timer(callback, args)
        self._ready.append(timer)
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Timer:
        """After so many seconds."""
        self._made += 1
        timer = Timer(callback, args)
        heappush(self._timers, (self.now_s + delay, self._made, timer))
        return timer

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Timer:
        """At this time of the loop."""
        self._made += 1
        timer = Timer(callback, args)
        heappush(self._timers, (when, self._made, timer))
        return timer

    def run_until(self, until_s: float, is_over: Callable[[], bool]) -> None:
        """Go on until `is_over`, which is asked between two moments, or until that time, or for EVENTS_MAX events."""
        ready, timers = self._ready, self._timers
        while not self.failures and self._made < EVENTS_MAX:
            while ready and self._made < EVENTS_MAX:
                timer = ready.popleft()
                if timer.call is not None:
                    timer.call(*timer.args)
            if is_over():
                return
            while timers and timers[0][2].call is None:
                heappop(timers)
            if not timers or timers[0][0] > until_s:
                self.now_s = until_s
                return
            when, _, timer = heappop(timers)
            self.now_s = max(self.now_s, when)
            if timer.call is not None:
                timer.call(*timer.args)

    def close(self) -> None:
        """Nothing of it happens any more, and nobody complains of tasks that are left half-way."""
        self._timers.clear()
        self._ready.clear()
        for task in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        self._tasks.clear()


class running:  # noqa: N801 - reads as a word: `with running(loop):`
    """Within it, `loop` is the running loop of this thread."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def __enter__(self) -> VirtualLoop:
        self._before = asyncio._get_running_loop()
        asyncio._set_running_loop(self._loop)
        return self._loop

    def __exit__(self, *_: object) -> None:
        self._loop.close()
        asyncio._set_running_loop(self._before)
