"""An event loop in virtual time: what waits costs nothing, and the same seed takes the same course.

It runs asyncio's own tasks and futures, and knows as much of the loop's interface as they and the product use: no
sockets, no threads, no contexts. Time stands still while anything is ready; then it jumps to the next timer.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

EVENTS_MAX = 150_000
"""More in one run, where some thousands are usual, means that somebody goes round in a circle."""


class Timer:
    """A call that is due at `when`, in seconds of the loop's time; it may be cancelled."""

    __slots__ = ("args", "call", "number", "when")

    def __init__(self, when: float, number: int, call: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.when = when
        self.number = number
        self.call: Callable[..., object] | None = call
        self.args = args

    def __lt__(self, other: "Timer") -> bool:
        """Earlier first; of two at the same time the one made first."""
        return (self.when, self.number) < (other.when, other.number)

    def cancel(self) -> None:
        """It does not happen."""
        self.call, self.args = None, ()


class VirtualLoop(asyncio.AbstractEventLoop):
    """Virtual time in seconds, from 0. `run_until` drives it; `close` ends everything that still waits."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.failures: list[BaseException] = []
        self._ready: deque[Timer] = deque()
        self._timers: list[Timer] = []
        self._made = 0
        self._tasks: set[asyncio.Task[Any]] = set()

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
        """asyncio's own; remembered, so that it can be ended."""
        task = asyncio.Task(work, loop=self, name=name or "")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Timer:
        """Next, in the order of the calls."""
        self._made += 1
        timer = Timer(0.0, 0, callback, args)
        self._ready.append(timer)
        return timer

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Timer:
        """After so many seconds."""
        return self.call_at(self.now_s + delay, callback, *args)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Timer:
        """At this time of the loop."""
        self._made += 1
        timer = Timer(when, self._made, callback, args)
        heapq.heappush(self._timers, timer)
        return timer

    def run_until(self, until_s: float, is_over: Callable[[], bool]) -> None:
        """Go on until `is_over`, which is asked between two moments, or until that time, or for EVENTS_MAX events."""
        while not self.failures and self._made < EVENTS_MAX:
            self._run_ready()
            if is_over():
                return
            while self._timers and self._timers[0].call is None:
                heapq.heappop(self._timers)
            if not self._timers or self._timers[0].when > until_s:
                self.now_s = until_s
                return
            timer = heapq.heappop(self._timers)
            self.now_s = max(self.now_s, timer.when)
            if timer.call is not None:
                timer.call(*timer.args)

    def _run_ready(self) -> None:
        ready = self._ready
        while ready and self._made < EVENTS_MAX:
            timer = ready.popleft()
            if timer.call is not None:
                timer.call(*timer.args)

    def close(self) -> None:
        """End every task, so that none is left half-way."""
        self._timers.clear()
        self._made = 0
        while self._tasks and self._made < EVENTS_MAX:
            for task in list(self._tasks):
                task.cancel()
            self._run_ready()


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
