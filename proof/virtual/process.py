"""Which simulated process runs now: tasks, timers and connections belong to the one that made them.

A process that is killed runs no more: its tasks are cancelled, what it asked of threads is not done, its connections
are reset, and nobody listens at its address.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any
from weakref import WeakKeyDictionary


def _nothing(data: bytes) -> None:
    """Nobody looks."""


class Process:
    """One simulated operating-system process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.on_kill: list[Callable[[], None]] = []
        self.sent: Callable[[bytes], None] = _nothing
        """Told of each piece of data after it left."""

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        if self.dead:
            return
        self.dead = True
        for each in self.on_kill:
            each()

    async def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do this work as this process."""
        context = copy_context()
        context.run(CURRENT.set, self)
        return await asyncio.get_running_loop().create_task(work, context=context)


WORLD = Process("world")
CURRENT: ContextVar[Process] = ContextVar("process", default=WORLD)

_owners: WeakKeyDictionary[asyncio.Task[Any], Process] = WeakKeyDictionary()


def owned_task(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
    """A task factory that remembers whose task it is."""
    context = more.get("context")
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
    _owners[task] = context[CURRENT] if context is not None and CURRENT in context else CURRENT.get()
    return task


def tasks_of(process: Process) -> list[asyncio.Task[Any]]:
    """Its tasks that are not done."""
    return [task for task, owner in _owners.items() if owner is process and not task.done()]
