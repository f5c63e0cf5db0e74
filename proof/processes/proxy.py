"""A TCP proxy that does to connections what networks do: loses them, holds them up, slows them down, cuts them.

TCP never repeats, reorders or tears out bytes, and neither does the proxy: a direction that lost bytes carries nothing
more, and its conversation ends when the network is well again. No byte arrives later than about `carry_s_max` after it
was sent: what would, is lost with its conversation. So the promise of a packet's longest life holds.
"""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

READ_BYTES = 65_536
PIECE_BYTES = 24
"""A slow line brings its bytes in pieces of this size: frames arrive torn."""
BACKLOG = 256
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
LOOPBACK = "127.0.0.1"


class Way(Enum):
    """The two directions of a conversation, seen from whoever began it."""

    THERE = "there"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What the network does now: directions that lose everything, that stand still, and how slow both are.

    `bytes_per_s` 0 is no limit.
    """

    loses: frozenset[Way] = frozenset()
    stands_still: frozenset[Way] = frozenset()
    delay_ms: int = 0
    bytes_per_s: int = 0


FAIR = Weather()
BOTH = frozenset(Way)


class Conversation:
    """One connection from a client, and ours to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.lost: set[Way] = set()
        self.work: asyncio.Task[None] | None = None
        self._ends = {Way.THERE: (client, server), Way.BACK: (server, client)}

    def ends(self, way: Way) -> tuple[socket.socket, socket.socket]:
        """Where the bytes of this direction come from and go to."""
        return self._ends[way]

    def close(self, *, reset: bool) -> None:
        """End both connections; with `reset` at once, and both sides notice."""
        for end in self._ends[Way.THERE]:
            if reset and end.fileno() >= 0:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            end.close()


class Proxy:
    """Listens on `port` of loopback and carries every connection to a target, as the weather allows.

    With several targets it is a balancer, too: each connection goes to the next of them that takes it.
    """

    def __init__(self, port: int, *targets: int, carry_s_max: float) -> None:
        self.port = port
        self.counters: Counter[str] = Counter()
        self._targets = targets
        self._turn = 0
        self._carry_s_max = carry_s_max
        self._weather = FAIR
        self._still_since: float | None = None
        self._changed = asyncio.Condition()
        self._conversations: set[Conversation] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None

    async def start(self) -> None:
        """Listen; with `port` 0 on any port."""
        self._listener = socket.create_server((LOOPBACK, self.port), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._begin(self._accept(self._listener))

    async def stop(self) -> None:
        """End every conversation, and do not listen any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()

    async def change(self, weather: Weather) -> None:
        """From now on the network is like this. What has lost bytes, or stood still for too long, is cut."""
        now = asyncio.get_running_loop().time()
        stale = self._still_since is not None and now - self._still_since > self._carry_s_max
        if stale and not weather.stands_still:
            self.cut()
        elif not weather.loses:
            self._cut(lambda conversation: bool(conversation.lost))
        if not weather.stands_still:
            self._still_since = None
        elif self._still_since is None:
            self._still_since = now
        self._weather = weather
        async with self._changed:
            self._changed.notify_all()

    def cut(self) -> None:
        """Reset every connection; what is on its way is lost."""
        self._cut(lambda _: True)

    def _cut(self, which: Callable[[Conversation], bool]) -> None:
        for conversation in [each for each in self._conversations if which(each)]:
            self.counters["cut"] += 1
            if conversation.work is not None:
                conversation.work.cancel()

    def _begin(self, work: "asyncio._CoroutineLike[None]") -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            self.counters["connections"] += 1
            self._begin(self._connect(client))

    async def _connect(self, client: socket.socket) -> None:
        """Reach the target as the client believes to have done already."""
        client.setblocking(False)
        server = socket.socket()
        server.setblocking(False)
        conversation = Conversation(client, server)
        conversation.work = asyncio.current_task()
        reset = True
        self._conversations.add(conversation)
        try:
            await self._until_moving(Way.THERE)
            if self._weather.loses:  # no handshake without both ways
                conversation.lost.update(Way)
            else:
                await self._reach(server)
            reset = await self._carry_both(conversation)
        except OSError:
            self.counters["unreachable"] += 1
        finally:
            self._conversations.discard(conversation)
            conversation.close(reset=reset)

    async def _reach(self, server: socket.socket) -> None:
        """Connect to the next target that takes it. Raises OSError when none does."""
        self._turn += 1
        for number in range(len(self._targets)):
            target = self._targets[(self._turn + number) % len(self._targets)]
            try:
                await asyncio.get_running_loop().sock_connect(server, (LOOPBACK, target))
            except ConnectionRefusedError:
                if number + 1 == len(self._targets):
                    raise
            else:
                return

    async def _carry_both(self, conversation: Conversation) -> bool:
        """Until both sides have ended in order; True when one of them did not."""
        if len(conversation.lost) == len(Way):
            await asyncio.get_running_loop().create_future()  # until it is cut
        ways = [asyncio.ensure_future(self._carry(conversation, way)) for way in Way]
        try:
            await asyncio.gather(*ways)
        except OSError:
            self.counters["reset"] += 1
            return True
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        return False

    async def _carry(self, conversation: Conversation, way: Way) -> None:
        """The bytes of one direction, until its side ends."""
        loop = asyncio.get_running_loop()
        source, sink = conversation.ends(way)
        while True:
            await self._until_moving(way)
            data = await loop.sock_recv(source, READ_BYTES)
            await self._until_moving(way)
            if way in self._weather.loses:
                conversation.lost.add(way)
            if way in conversation.lost:
                self.counters["bytes_lost"] += len(data)
                await loop.create_future()  # until it is cut
            if not data:
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
                return
            await self._bring(sink, data)
            self.counters["bytes"] += len(data)

    async def _until_moving(self, way: Way) -> None:
        """While the direction stands still nothing is read, so that the sender fills buffers."""
        async with self._changed:
            await self._changed.wait_for(lambda: way not in self._weather.stands_still)

    async def _bring(self, sink: socket.socket, data: bytes) -> None:
        """Hand the bytes on, as slowly as the weather has it. Raises ConnectionError when that takes too long."""
        loop = asyncio.get_running_loop()
        weather = self._weather
        await asyncio.sleep(weather.delay_ms / 1000)
        if not weather.bytes_per_s:
            await loop.sock_sendall(sink, data)
            return
        # Bytes that came meanwhile have waited for these, and wait once more.
        if len(data) / weather.bytes_per_s > self._carry_s_max / 2:
            raise ConnectionAbortedError("the line is too slow for what it has to carry")
        for at in range(0, len(data), PIECE_BYTES):
            piece = data[at : at + PIECE_BYTES]
            await loop.sock_sendall(sink, piece)
            await asyncio.sleep(len(piece) / weather.bytes_per_s)
