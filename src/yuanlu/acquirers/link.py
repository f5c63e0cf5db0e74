"""The connections to one host: open them, keep them, match answers to requests.

Rules: a shared connection is never closed because of one time-out (the other payments on it would become unknown).
A request whose bytes were handed to the network counts as sent, whatever happens then. An answer that matches
nothing that waits is late or foreign: it is handed on, never thrown away.
"""

import asyncio
import math
import random
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import structlog
from msgspec import Struct

from yuanlu.acquirers.outcome import Doubt, Expected, NoAnswer, NotSent
from yuanlu.acquirers.terms import PARTIAL_APPROVAL
from yuanlu.iso8583.codec import Codec, Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.framing import FrameReader, with_length
from yuanlu.kernel.limits import FRAME_BYTES_MAX

CONNECT_TIMEOUT_S = 5.0
RECONNECT_FIRST_S = 0.05
RECONNECT_MAX_S = 5.0
SEND_BUFFER_BYTES_MAX = 1 << 20
TCP_USER_TIMEOUT_MS = 20_000
FRAME_TIMEOUT_S = 5.0
"""Half a frame for so long: where the next one begins is lost, so nothing on this connection can be read any more."""

FURTHER_ANSWERS_MAX = 4
TIME_OUT_STEP_S = 0.005
"""Time-outs that are nearer than this to each other are told together."""

TOGETHER_S = 0.1
"""Connections that are lost within so much time have one reason."""

_log = structlog.get_logger("acquirer")


class Waiting(Struct, kw_only=True, eq=False):
    """One request on its way: what its answer must be, and the future that wants it."""

    expected: Expected
    connection: "HostConnection"
    answer: asyncio.Future[Message | NoAnswer]
    until_s: float
    """The loop's time at which it has waited long enough."""
    further: list[Message] = []
    """Answers that came before the first was looked at: "in progress" and what followed, in one segment."""


@dataclass(kw_only=True)
class LinkCounters:
    """What crossed this link since the start."""

    sent: int = 0
    received: int = 0
    unmatched: int = 0
    rubbish: int = 0
    connects: int = 0
    disconnects: int = 0
    losses: int = 0
    """How often connections were lost; those that go together count once."""


class HostConnection(asyncio.Protocol):
    """One TCP connection to the host."""

    def __init__(self, link: "HostLink") -> None:
        self._link = link
        self._reader = FrameReader(frame_bytes_max=FRAME_BYTES_MAX)
        self.transport: asyncio.Transport | None = None
        self.waiting = 0
        self.silent = 0
        """Requests that nobody answered, since one was."""
        self._half_frame: asyncio.TimerHandle | None = None
        self.lost = asyncio.get_running_loop().create_future()

    @property
    def usable(self) -> bool:
        """Whether a frame given now goes to the network."""
        transport = self.transport
        return (
            transport is not None
            and not transport.is_closing()
            and transport.get_write_buffer_size() < SEND_BUFFER_BYTES_MAX
        )

    @property
    def unanswered(self) -> int:
        """Requests that wait, and those of late that waited in vain."""
        return self.waiting + self.silent

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the socket to notice a dead peer."""
        transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self.transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
        self._link.on_made(self)

    def data_received(self, data: bytes) -> None:
        """Cut frames and hand each on; a broken length closes the connection, there is no way to go on."""
        try:
            frames = self._reader.feed(data)
        except DecodeError as error:
            self._link.on_rubbish(error)
            assert self.transport is not None
            self.transport.abort()
            return
        if self._half_frame is not None and (frames or not self._reader.pending_bytes):
            self._half_frame.cancel()
            self._half_frame = None
        if self._reader.pending_bytes and self._half_frame is None:
            self._half_frame = asyncio.get_running_loop().call_later(FRAME_TIMEOUT_S, self._cut_short)
        for frame in frames:
            self._link.on_frame(frame)

    def _cut_short(self) -> None:
        self._link.on_rubbish(DecodeError(field="frame", offset=0, reason=f"not complete after {FRAME_TIMEOUT_S:g} s"))
        assert self.transport is not None
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Everything that waited on this connection has no answer now."""
        if self._half_frame is not None:
            self._half_frame.cancel()
        self._link.on_lost(self)
        if not self.lost.done():
            self.lost.set_result(None)


class HostLink:
    """The connections of one acquirer, and who waits on them."""

    def __init__(
        self,
        *,
        name: str,
        address: tuple[str, int],
        connections: int,
        codec: Codec,
        tls: ssl.SSLContext | None,
        jitter: random.Random,
        on_unmatched: Callable[[Message], None],
        on_up: Callable[[], None],
    ) -> None:
        self.name = name
        self.counters = LinkCounters()
        self.silent_in_a_row = 0
        self._address = address
        self._size = connections
        self._codec = codec
        self._tls = tls
        self._jitter = jitter
        self._on_unmatched = on_unmatched
        self._on_up = on_up
        self._connections: list[HostConnection] = []
        self._waiting: dict[tuple[str, str, str], Waiting] = {}
        self._further: dict[tuple[str, str, str], list[Message]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._came_up = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at_s = math.inf
        self._lost_at_s = -TOGETHER_S

    @property
    def up(self) -> bool:
        """Whether at least one connection can send."""
        return self._pick() is not None

    @property
    def in_flight(self) -> int:
        """How many requests wait for an answer."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to connect, and to reconnect for ever."""
        self._keepers = [
            asyncio.get_running_loop().create_task(self._keep(), name=f"{self.name}-{n}") for n in range(self._size)
        ]

    async def stop(self) -> None:
        """Close all connections."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.abort()
        if self._alarm is not None:
            self._alarm.cancel()

    async def wait_up(self, timeout_s: float) -> bool:
        """Give a reconnect a moment; True when the link is up."""
        if not self.up:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._came_up.wait()
            except TimeoutError:
                return False
        return self.up

    def holds(self, expected: Expected) -> bool:
        """Whether a request with the same key is already waiting."""
        return expected.key in self._waiting

    async def exchange(self, frame: bytes, expected: Expected, timeout_s: float) -> Message | NoAnswer | NotSent:
        """Send one frame and wait for what answers it."""
        connection = self._pick()
        if connection is None:
            return NotSent(reason="no connection to the host")
        if self.holds(expected):
            return NotSent(reason="a request with the same trace number is still waiting")
        assert connection.transport is not None
        waiting = self._wait(expected, connection, timeout_s)
        connection.transport.write(with_length(frame))
        self.counters.sent += 1
        try:
            return await waiting.answer
        finally:
            self._done(waiting)

    async def wait_again(self, expected: Expected, timeout_s: float) -> Message | NoAnswer:
        """Wait for a further answer to a request already answered "in progress"; nothing is sent."""
        if further := self._further.get(expected.key):
            return further.pop(0)
        connection = self._pick()
        if connection is None or self.holds(expected):
            return NoAnswer(doubt=Doubt.DISCONNECTED)
        waiting = self._wait(expected, connection, timeout_s)
        try:
            return await waiting.answer
        finally:
            self._done(waiting)

    def _wait(self, expected: Expected, connection: HostConnection, timeout_s: float) -> Waiting:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        waiting = Waiting(expected=expected, connection=connection, answer=loop.create_future(), until_s=until_s)
        self._waiting[expected.key] = waiting
        connection.waiting += 1
        if until_s < self._alarm_at_s:
            self._set_alarm(loop, until_s)
        return waiting

    def _done(self, waiting: Waiting) -> None:
        waiting.connection.waiting -= 1
        key = waiting.expected.key
        self._waiting.pop(key, None)
        if waiting.further:  # for who waits again in the same breath; otherwise they are late
            self._further[key] = waiting.further
            asyncio.get_running_loop().call_soon(self._nobody_waited, key)

    def _nobody_waited(self, key: tuple[str, str, str]) -> None:
        for message in self._further.pop(key, []):
            self.counters.unmatched += 1
            self._on_unmatched(message)

    def _set_alarm(self, loop: asyncio.AbstractEventLoop, at_s: float) -> None:
        """One for all requests, at the first time-out among them: nearly all are answered before it, and a timer for
        each would cost 2 µs.
        """
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at_s = loop.call_at(at_s, self._time_out), at_s

    def _time_out(self) -> None:
        loop = asyncio.get_running_loop()
        now_s, self._alarm, self._alarm_at_s = loop.time(), None, math.inf
        first_s = math.inf
        for waiting in self._waiting.values():
            if waiting.answer.done():
                continue
            if waiting.until_s <= now_s:
                self._give_up(waiting)
            elif waiting.until_s < first_s:
                first_s = waiting.until_s
        if first_s < math.inf:
            self._set_alarm(loop, max(first_s, now_s + TIME_OUT_STEP_S))

    def _give_up(self, waiting: Waiting) -> None:
        self.silent_in_a_row += 1
        waiting.connection.silent += 1
        waiting.answer.set_result(NoAnswer(doubt=Doubt.TIMEOUT))

    def _pick(self) -> HostConnection | None:
        """The usable connection with the fewest requests waiting.

        Those that it never answered count, too: a host can be deaf on one connection, and it must not get them all.
        """
        best = None
        for connection in self._connections:
            if connection.usable and (best is None or connection.unanswered < best.unanswered):
                best = connection
        return best

    def on_frame(self, frame: bytes) -> None:
        """An answer: to the request that waits for it, or to whoever looks after late ones."""
        self.counters.received += 1
        self.silent_in_a_row = 0
        try:
            message = self._codec.decode(frame)
            key = (message.mti, message.get(41) or "", message.get(11) or "")
        except DecodeError as error:
            self.on_rubbish(error)
            return
        waiting = self._waiting.get(key)
        if waiting is None or not matches(message, waiting.expected):
            self.counters.unmatched += 1
            self._on_unmatched(message)
        elif not waiting.answer.done():
            waiting.connection.silent = 0
            waiting.answer.set_result(message)
        elif len(waiting.further) < FURTHER_ANSWERS_MAX:
            waiting.further.append(message)

    def on_rubbish(self, error: DecodeError) -> None:
        """Bytes that are no message: counted and logged, without their contents."""
        self.counters.rubbish += 1
        _log.warning("unreadable frame from the host", acquirer=self.name, field=error.field, reason=error.reason)

    def on_made(self, connection: HostConnection) -> None:
        """A connection is there. Told by the connection itself: it may be lost before its maker runs again."""
        was_up = bool(self._connections)
        self._connections.append(connection)
        self.counters.connects += 1
        self.silent_in_a_row = 0
        if not was_up:
            _log.info("host connected", acquirer=self.name, address="{}:{}".format(*self._address))
            self._came_up.set()
            self._on_up()

    def on_lost(self, connection: HostConnection) -> None:
        """A connection ended: its requests were sent, and nobody will answer them here."""
        if connection in self._connections:
            self._connections.remove(connection)
        self.counters.disconnects += 1
        now_s = asyncio.get_running_loop().time()
        if now_s - self._lost_at_s >= TOGETHER_S:
            self.counters.losses += 1
            self._lost_at_s = now_s
        if not self._connections:
            self._came_up.clear()
        for waiting in [w for w in self._waiting.values() if w.connection is connection]:
            if not waiting.answer.done():
                waiting.answer.set_result(NoAnswer(doubt=Doubt.DISCONNECTED))

    async def _keep(self) -> None:
        """Keep one connection open: at once after a healthy one ended, else with growing pauses."""
        pause_s = RECONNECT_FIRST_S
        while True:
            try:
                # Not wait_for: until Python 3.12 it forgets a cancellation that comes with its result.
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    connection = await self._connect()
            except (OSError, TimeoutError, ssl.SSLError) as error:
                if pause_s >= RECONNECT_MAX_S:
                    _log.warning("host cannot be reached", acquirer=self.name, reason=str(error))
                await asyncio.sleep(pause_s * self._jitter.uniform(0.8, 1.2))
                pause_s = min(pause_s * 2, RECONNECT_MAX_S)
                continue
            pause_s = RECONNECT_FIRST_S
            await connection.lost
            await asyncio.sleep(pause_s)

    async def _connect(self) -> HostConnection:
        host, port = self._address
        loop = asyncio.get_running_loop()
        _transport, connection = await loop.create_connection(lambda: HostConnection(self), host, port, ssl=self._tls)
        return connection


def matches(message: Message, expected: Expected) -> bool:
    """Whether this is the answer to that request (T8). MTI, 11 and 41 have matched already by the key.

    What the answer repeats must be the same: 3, 42, and 4 unless the approval is partial. A field that it leaves
    out does not unmatch it: the trace number and the terminal name the request already.
    """
    try:
        if not _agrees(message.get(3), expected.processing_code):
            return False
        if not _agrees(message.get(42), expected.merchant_id):
            return False
        return _agrees(message.get(4), expected.amount) or message.get(39) == PARTIAL_APPROVAL
    except DecodeError:
        return False


def _agrees(answered: str | None, asked: str) -> bool:
    return answered is None or not asked or answered == asked
