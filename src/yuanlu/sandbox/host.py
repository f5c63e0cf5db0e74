"""The sockets of one simulated host: frames in, `HostCore`'s actions out.

Everything that a real host's network can do to us happens here for real: connections close, halves of frames
are written, the port stops listening for a while.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.framing import FrameReader
from yuanlu.kernel.clock import Clock
from yuanlu.sandbox.host_actions import Action, GoDown, HangUp, Resume, SendBytes
from yuanlu.sandbox.host_core import HostCore
from yuanlu.settings import parse_address

PORT_RETRY_S = 0.05


class HostConnection(asyncio.Protocol):
    """One connection from an acquirer's client."""

    def __init__(self, server: "HostServer") -> None:
        self._server = server
        self._reader = FrameReader()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection into the server's list."""
        # Not an isinstance check: uvloop's transports are no subclass of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the server's list."""
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Each whole frame goes to the core; a broken length ends the connection."""
        try:
            frames = self._reader.feed(data)
        except DecodeError:
            self.hang_up()
            return
        for frame in frames:
            self._server.on_frame(self, frame)

    def write(self, data: bytes) -> None:
        """Send if the connection is still there; an answer to a closed one is lost, as in life."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def hang_up(self) -> None:
        """Close after what was written has gone out."""
        if self.transport is not None:
            self.transport.close()


class HostServer:
    """Listens for one core; `start` and `stop` it inside a running loop."""

    def __init__(self, core: HostCore, clock: Clock) -> None:
        self.core = core
        self.connections: set[HostConnection] = set()
        self._clock = clock
        self._host, self._port = parse_address(core.terms.listen, f"host {core.terms.name}: listen")
        self._listener: asyncio.Server | None = None
        self._comeback: asyncio.Task[None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    @property
    def port(self) -> int:
        """The port it listens on, also when the settings said 0."""
        return self._port

    async def start(self) -> None:
        """Listen; a port that is still busy is tried again."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._listener = await loop.create_server(
                    lambda: HostConnection(self), self._host, self._port, reuse_address=True
                )
                break
            except OSError:
                if self._port == 0:
                    raise
                await asyncio.sleep(PORT_RETRY_S)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop all connections and forget what was due."""
        if self._comeback is not None:
            self._comeback.cancel()
        for timer in self._timers:
            timer.cancel()
        self._drop_all()

    def on_frame(self, connection: HostConnection, frame: bytes) -> None:
        """Let the core decide about a frame and do what it says."""
        self._perform(connection, self.core.handle(frame, self._clock.now().wall_us))

    def _perform(self, connection: HostConnection, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SendBytes(after_ms=after_ms, data=data):
                    self._later(after_ms, partial(connection.write, data))
                case HangUp(after_ms=after_ms):
                    self._later(after_ms, connection.hang_up)
                case Resume(after_ms=after_ms):
                    self._later(after_ms, partial(self._resume, connection, action))
                case GoDown(for_ms=for_ms):
                    self._go_down(for_ms)

    def _resume(self, connection: HostConnection, action: Resume) -> None:
        self._perform(connection, self.core.resume(action.held, self._clock.now().wall_us))

    def _later(self, after_ms: int, work: Callable[[], None]) -> None:
        timer: asyncio.TimerHandle

        def run() -> None:
            self._timers.discard(timer)
            work()

        timer = asyncio.get_running_loop().call_later(after_ms / 1000, run)
        self._timers.add(timer)

    def _go_down(self, for_ms: int) -> None:
        if self._comeback is not None and not self._comeback.done():
            return
        self._drop_all()
        self._comeback = asyncio.get_running_loop().create_task(self._come_back(for_ms))

    async def _come_back(self, for_ms: int) -> None:
        await asyncio.sleep(for_ms / 1000)
        await self.start()

    def _drop_all(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()
