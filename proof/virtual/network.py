"""Connections in memory: bytes in order on each connection, in seeded pieces and after seeded times, until it is cut.

Between two connections nothing is in order: that is where one overtakes another. A cut may be seen by each side at
another time, and what is on its way then is lost, as with a reset.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from proof.virtual.process import CURRENT

DELAY_S_MAX = 0.005
CUT_SEEN_S_MAX = 0.05
SPLIT_CHANCE = 0.1
"""So often a piece of data arrives in two."""


class Network:
    """Who listens where, and every connection that is open."""

    def __init__(self, loop: asyncio.AbstractEventLoop, chance: random.Random) -> None:
        self._loop = loop
        self.chance = chance
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._next_port = 40_000

    def listen(self, factory: Callable[[], Any], host: str, port: int) -> "Listener":
        """A listener; port 0 takes the next free one. Raises OSError when the port is taken."""
        if not port:
            self._next_port += 1
            port = self._next_port
        if (host, port) in self._listeners:
            raise OSError(98, "address already in use")
        listener = Listener(self, factory, (host, port))
        self._listeners[host, port] = listener
        return listener

    def forget(self, listener: "Listener") -> None:
        """Nobody listens there any more."""
        if self._listeners.get(listener.address) is listener:
            del self._listeners[listener.address]

    async def connect(self, factory: Callable[[], Any], host: str, port: int) -> tuple["End", Any]:
        """Two ends of a new connection. Raises ConnectionRefusedError."""
        await asyncio.sleep(self.chance.uniform(0, DELAY_S_MAX))
        listener = self._listeners.get((host, port))
        if listener is None:
            raise ConnectionRefusedError(111, "connection refused")
        self._next_port += 1
        mine, theirs = End(self, ("127.0.0.1", self._next_port), copy_context()), listener.accepted()
        mine.other, theirs.other = theirs, mine
        mine.protocol, theirs.protocol = factory(), theirs.context.run(listener.factory)
        theirs.call(theirs.protocol.connection_made, theirs)
        mine.protocol.connection_made(mine)
        return mine, mine.protocol

    def later(self, delay_s: float, callback: Callable[..., None], *args: Any) -> None:
        """Call it after so long."""
        self._loop.call_later(delay_s, callback, *args)

    def now_s(self) -> float:
        """The loop's time."""
        return self._loop.time()


class Listener:
    """What `create_server` returns."""

    def __init__(self, network: Network, factory: Callable[[], Any], address: tuple[str, int]) -> None:
        self.factory = factory
        self.address = address
        self._network = network
        self._context = copy_context()
        CURRENT.get().on_kill.append(self.close)

    def accepted(self) -> "End":
        """The listening side's end of a new connection."""
        return End(self._network, self.address, self._context.copy())

    @property
    def sockets(self) -> tuple["Listener"]:
        """Itself, for `getsockname`."""
        return (self,)

    def getsockname(self) -> tuple[str, int]:
        """Where it listens."""
        return self.address

    def close(self) -> None:
        """Stop listening; connections stay."""
        self._network.forget(self)

    async def wait_closed(self) -> None:
        """Nothing to wait for."""


class End(asyncio.Transport):
    """One end of a connection: a transport for its protocol."""

    def __init__(self, network: Network, name: tuple[str, int], context: Context) -> None:
        super().__init__()
        self.other: End
        self.protocol: Any = None
        self.name = name
        self.context = context
        """Its process: what it hears, it hears as that."""
        self._network = network
        self._closing = False
        self._lost = False
        self._coming: deque[bytes] = deque()
        """In the order in which it was sent: timers that are due at the same moment ring in any."""
        self._held: list[bytes] = []
        self._reading = True
        self._arrives_s = 0.0
        process = context[CURRENT] if CURRENT in context else CURRENT.get()
        process.on_kill.append(self.vanish)
        self._process = process

    def call(self, callback: Callable[..., Any], *args: Any) -> Any:
        """Call a method of its protocol, as its process."""
        return None if self._process.dead else self.context.copy().run(callback, *args)

    def write(self, data: Any) -> None:
        """Send; pieces arrive in order."""
        if self._closing or self._lost:
            return
        data = bytes(data)
        for piece in self._pieces(data):
            self._arrives_s = max(self._arrives_s, self._network.now_s() + self._delay_s())
            self.other._coming.append(piece)
            self._network.later(self._arrives_s - self._network.now_s(), self.other._arrived)
        self._process.sent(data)

    def _pieces(self, data: bytes) -> list[bytes]:
        if len(data) < 2 or self._network.chance.random() >= SPLIT_CHANCE:
            return [data]
        at = self._network.chance.randrange(1, len(data))
        return [data[:at], data[at:]]

    def _delay_s(self) -> float:
        return self._network.chance.uniform(0, DELAY_S_MAX)

    def _arrived(self) -> None:
        self._held.append(self._coming.popleft())
        self._hand_over()

    def _hand_over(self) -> None:
        while self._held and self._reading and not self._lost and not self._closing:
            self.call(self.protocol.data_received, self._held.pop(0))

    def close(self) -> None:
        """Close once what was written has arrived; the other side sees the end then."""
        if self._closing or self._lost:
            return
        self._closing = True
        self._network.later(0, self._gone)
        self._network.later(max(0.0, self._arrives_s - self._network.now_s()) + 1e-6, self.other._ended)

    def abort(self) -> None:
        """A reset: what is on its way to here is lost, and the other side sees it a little later."""
        if self._lost:
            return
        self._closing = True
        self._network.later(0, self._gone)
        self._network.later(self._network.chance.uniform(0, CUT_SEEN_S_MAX), self.other._gone)

    def vanish(self) -> None:
        """The process at this end is no more: its protocol hears nothing, the other side sees a reset."""
        if self._lost:
            return
        self._closing = self._lost = True
        self._network.later(self._network.chance.uniform(0, CUT_SEEN_S_MAX), self.other._gone)

    def _ended(self) -> None:
        """The other side has closed in good order."""
        if self._lost:
            return
        if self.call(self.protocol.eof_received) is not True:
            self._gone()

    def _gone(self) -> None:
        if self._lost:
            return
        self._closing = self._lost = True
        self.call(self.protocol.connection_lost, None)

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._closing or self._lost

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self._reading = False

    def resume_reading(self) -> None:
        """Hand over what was kept, and go on."""
        self._reading = True
        self._network.later(0, self._hand_over)

    def is_reading(self) -> bool:
        """Whether data is handed over."""
        return self._reading

    def get_write_buffer_size(self) -> int:
        """Everything leaves at once."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever held back."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The addresses; there is no socket."""
        return {"peername": self.other.name, "sockname": self.name}.get(name, default)
