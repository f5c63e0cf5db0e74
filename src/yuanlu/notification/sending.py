"""The gateway's side of the process that sends: started with the first message, started anew when it died."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping

import msgspec
import structlog

from yuanlu.notices import ChannelSettings
from yuanlu.notification.channels.channel import Outgoing, Result, Unreachable
from yuanlu.notification.sender import LINE_BYTES_MAX, Order, Outcome

ANSWER_S_MAX = 28
"""One that is slower is taken for lost: so `notices.WAYS_MAX` of them end within a task's lease (`journal.tasks`)."""
STOP_S_MAX = 2

Waiting = dict[int, asyncio.Future[Result]]
"""Who waits for the outcome of which order of one child."""

_log = structlog.get_logger("notification")


class SendingProcess:
    """One per gateway."""

    def __init__(self, channels: Mapping[str, ChannelSettings]) -> None:
        self._channels = channels
        self._child: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: Waiting = {}
        self._number = 0
        self._starting = asyncio.Lock()

    async def send(self, channel: str, message: Outgoing) -> Result:
        """Send it by this channel. What goes wrong is a result."""
        try:
            child = await self._running()
            self._number += 1
            number, waiting = self._number, self._waiting
            answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
            waiting[number] = answer
            assert child.stdin is not None, "it was started with a pipe"
            child.stdin.write(msgspec.json.encode(Order(number=number, channel=channel, message=message)) + b"\n")
            await child.stdin.drain()
        except OSError as error:
            return Unreachable(why=f"the sending process cannot be reached ({type(error).__name__})")
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await answer
        except TimeoutError:
            return Unreachable(why=f"no answer within {ANSWER_S_MAX} s")
        finally:
            waiting.pop(number, None)

    async def stop(self) -> None:
        """End the child, and wait for it."""
        child, self._child = self._child, None
        if child is None or self._reader is None:
            return
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
        _lost(self._waiting)

    async def _running(self) -> Process:
        async with self._starting:
            if self._child is None or self._child.returncode is not None:
                self._child = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "yuanlu.notification.sender", stdin=PIPE, stdout=PIPE, limit=LINE_BYTES_MAX
                )
                assert self._child.stdin is not None, "it was started with a pipe"
                self._child.stdin.write(msgspec.json.encode(dict(self._channels)) + b"\n")
                self._waiting = {}
                self._reader = asyncio.get_running_loop().create_task(_read(self._child, self._waiting))
            return self._child


async def _read(child: Process, waiting: Waiting) -> None:
    """Hand each outcome to whoever waits for it, until the child ends."""
    assert child.stdout is not None, "it was started with a pipe"
    async for line in child.stdout:
        outcome = msgspec.json.decode(line, type=Outcome)
        answer = waiting.get(outcome.number)
        if answer is not None and not answer.done():
            answer.set_result(outcome.result)
    await child.wait()
    _log.error("the sending process ended", exit_code=child.returncode)
    _lost(waiting)


def _lost(waiting: Waiting) -> None:
    """Nobody answers these any more. Whether they were sent is not known: they are tried again."""
    for answer in waiting.values():
        if not answer.done():
            answer.set_result(Unreachable(why="the sending process ended"))
