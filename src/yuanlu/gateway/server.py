"""The TCP server for terminals: frames in, frames out, and everything within limits.

A frame may come in any number of segments, or many in one. Too long, too slow, too idle, or no message at all: the
connection is cut, counted, and logged in one line. When commits fall behind, reading stops on all connections.
"""

import asyncio
import ssl
from typing import cast

import structlog

from yuanlu.gateway.desk import FrontDesk
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.framing import FrameReader, with_length
from yuanlu.kernel.errors import ConfigurationError
from yuanlu.settings import Gateway, parse_address

BACKLOG = 1024
SWEEP_EVERY_S = 1.0
UNSENT_BYTES_MAX = 64 * 1024
STOP_WAIT_S = 5.0
"""How long a stop waits for answers to what is in flight; then the next start returns it."""

FRAMES_AT_ONCE_MAX = 64
"""Requests of one connection being worked on; more wait unread in the socket."""

_log = structlog.get_logger("gateway")


class TerminalConnection(asyncio.Protocol):
    """One connection: a till, or a concentrator with many tills behind it."""

    __slots__ = (
        "_ending",
        "_frame_began_s",
        "_held",
        "_last_frame_s",
        "_loop",
        "_reader",
        "_server",
        "_tasks",
        "_transport",
        "_waiting",
    )

    def __init__(self, server: "TerminalServer") -> None:
        self._server = server
        self._reader = FrameReader(frame_bytes_max=server.settings.frame_bytes_max)
        self._transport: asyncio.Transport | None = None
        self._tasks: dict[Message, asyncio.Task[None]] = {}
        self._waiting: list[bytes] = []
        self._held = False
        self._ending = False
        self._loop = asyncio.get_running_loop()  # kept: asking for it costs a system call
        self._last_frame_s = self._loop.time()
        self._frame_began_s = 0.0

    def connected(self) -> bool:
        """Whether a frame written now would still go out."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit it, or refuse it at once when the house is full."""
        transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self._transport = transport
        if not self._server.admit(self):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits for an answer learns by `connected`."""
        for message in self._tasks:
            self._server.desk.line_lost(message)
        self._server.dismiss(self)

    def data_received(self, data: bytes) -> None:
        """Cut frames and start on each."""
        try:
            frames = self._reader.feed(data)
        except DecodeError as error:
            self._server.counters.cut_oversize += 1
            self.cut("frame length", error.reason)
            return
        now_s = self._loop.time()
        if frames:
            self._last_frame_s = now_s
        if not self._reader.pending_bytes:
            self._frame_began_s = 0.0
        elif frames or not self._frame_began_s:
            self._frame_began_s = now_s
        if frames:
            self._waiting += frames
            self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and len(self._tasks) < FRAMES_AT_ONCE_MAX and self.connected():
            self._begin(self._waiting.pop(0))
        self._read_or_hold()

    def _begin(self, raw: bytes) -> None:
        counters = self._server.counters
        counters.frames += 1
        try:
            message = self._server.desk.read(raw)
        except DecodeError as error:
            counters.malformed += 1
            self._end_gently("malformed frame", str(error))
            return
        task = self._loop.create_task(self._serve(message))
        self._tasks[message] = task
        self._server.working.add(task)

    async def _serve(self, message: Message) -> None:
        try:
            reply = await self._server.desk.answer(message, self.connected)
            if reply is not None:
                self._tell(reply)
        except Exception as error:
            _log.exception("a request failed")
            self.cut("internal error", type(error).__name__)
        finally:
            self._served(message)

    def _tell(self, reply: bytes) -> None:
        if not self.connected():
            self._server.counters.undeliverable += 1
            return
        assert self._transport is not None
        self._transport.write(with_length(reply))
        self._server.counters.answers += 1

    def _served(self, message: Message) -> None:
        self._server.working.discard(self._tasks.pop(message))
        if self._ending and not self._tasks:
            self._close()
        if self._waiting:
            self._start_waiting()

    def _read_or_hold(self) -> None:
        """Stop reading while too much waits here, or while the journal is behind."""
        hold = bool(self._waiting) or self._ending or self._server.behind
        if self._transport is None or self._transport.is_closing() or hold == self._held:
            return
        self._held = hold
        if hold:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def pressure_changed(self) -> None:
        """Commits fell behind, or caught up."""
        self._read_or_hold()

    def sweep(self, now_s: float) -> None:
        """Cut what is too slow or too idle."""
        settings, counters = self._server.settings, self._server.counters
        assert self._transport is not None
        if self._held:
            return
        if self._frame_began_s and now_s - self._frame_began_s > settings.frame_timeout_ms / 1000:
            counters.cut_slow += 1
            self.cut("slow frame", f"not complete after {settings.frame_timeout_ms} ms")
        elif self._transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            counters.cut_slow += 1
            self.cut("slow reader", f"more than {UNSENT_BYTES_MAX} bytes unread")
        elif not self._tasks and now_s - self._last_frame_s > settings.idle_timeout_ms / 1000:
            counters.cut_idle += 1
            self.cut("idle", f"no frame for {settings.idle_timeout_ms} ms")

    def _end_gently(self, what: str, reason: str) -> None:
        """Read no more, and close once the requests before the bad one are answered: they may be other tills'."""
        self._waiting.clear()
        if not self._tasks:
            self.cut(what, reason)
            return
        self._ending = True
        _log.warning("connection ending", cause=what, reason=reason, in_flight=len(self._tasks))
        self._read_or_hold()

    def drain(self) -> None:
        """Take nothing more, and close when what is being worked on is answered."""
        self._end_gently("shutdown", "the gateway stops")

    def _close(self) -> None:
        """Close once everything written has gone out."""
        if self._transport is not None:
            self._transport.close()

    def cut(self, what: str, reason: str) -> None:
        """Close now; one line says why, without any of the bytes."""
        self._waiting.clear()
        if self._transport is not None and not self._transport.is_closing():
            peer = self._transport.get_extra_info("peername")
            _log.warning("connection cut", cause=what, reason=reason, peer=str(peer and peer[0]))
            self._transport.abort()


class TerminalServer:
    """Listens for terminals."""

    def __init__(self, *, settings: Gateway, desk: FrontDesk, tls: ssl.SSLContext | None) -> None:
        self.settings = settings
        self.desk = desk
        self.counters = desk.counters
        self.behind = False
        self.working: set[asyncio.Task[None]] = set()
        self._tls = tls
        self._connections: set[TerminalConnection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> tuple[str, int]:
        """Begin to listen; returns the address, with the port that was taken."""
        host, port = parse_address(self.settings.listen, "[gateway] listen")
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._make, host, port, backlog=BACKLOG, ssl=self._tls, reuse_address=True
            )
        except OSError as error:
            raise ConfigurationError(f"[gateway] listen {self.settings.listen}: {error.strerror or error}") from None
        self._sweeper = loop.create_task(self._sweep())
        bound = self._server.sockets[0].getsockname()
        return bound[0], bound[1]

    def _make(self) -> TerminalConnection:
        return TerminalConnection(self)

    async def stop(self) -> None:
        """Stop listening, let what is being worked on finish, and close."""
        if self._server is None:
            return
        self._server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._connections):
            connection.drain()
        if self.working:
            await asyncio.wait(self.working, timeout=STOP_WAIT_S)
        left = list(self.working)  # the journal has them, and the next start returns them
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # what was answered last is being written

    def admit(self, connection: TerminalConnection) -> bool:
        """Whether there is room for one more."""
        if len(self._connections) >= self.settings.connections_max:
            self.counters.connections_refused += 1
            return False
        self._connections.add(connection)
        self.counters.connections += 1
        return True

    def dismiss(self, connection: TerminalConnection) -> None:
        """It is gone."""
        self._connections.discard(connection)

    def on_pressure(self, behind: bool) -> None:
        """The journal's listener: stop or resume reading everywhere."""
        self.behind = behind
        for connection in list(self._connections):
            connection.pressure_changed()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            now_s = loop.time()
            for connection in list(self._connections):
                connection.sweep(now_s)
