"""What lies between a gateway and the host: it loses, delays, doubles, reorders and lets messages overtake each other.

It keeps what the host's terms promise: a request and its answer are through within the packet life, whatever happens.
It doubles answers only: TCP does not double requests, and a host that cannot tell a repeat would pay for it.
"""

from collections import Counter
from collections.abc import Callable

from proof.model.dice import Dice, Fates
from proof.model.host import Host
from proof.model.loop import VirtualLoop
from proof.model.plan import Plan
from proof.model.story import Story
from proof.model.wire import ref_of, same_in_all_attempts
from proof.records import Ref, Sent
from yuanlu.acquirers.link import HostConnection, HostLink
from yuanlu.iso8583.codec import Message

WITHIN = 0.95
"""Of the packet life: later than this nothing arrives."""

BROKEN_PROMISE, BROKEN_BY = "packet life too small", 3.0
"""No fault of a seed: with it exactly once is not promised, and tests/proof/test_packet_life.py sees it broken."""

KINDS = {"04": "reversal", "06": "inquiry"}
RECONNECT_S = (0.5, 30.0)


class Connection:
    """One connection to the host, as far as a `HostLink` knows it."""

    def __init__(self, network: "Network", link: HostLink) -> None:
        self.waiting = 0
        self.silent = 0
        self.usable = True
        self.transport = self
        self._network = network
        self._link = link

    @property
    def unanswered(self) -> int:
        """As the product's."""
        return self.waiting + self.silent

    def write(self, data: bytes) -> None:
        """A frame with its two length bytes."""
        self._network.carry(self, self._link, data[2:])


class Network:
    """All connections of all gateways to one host."""

    def __init__(self, *, plan: Plan, loop: VirtualLoop, host: Host, fates: Fates, story: Story) -> None:
        self.sent: list[Sent] = []
        self.under_way = 0
        self._plan = plan
        self._loop = loop
        self._host = host
        self._fates = fates
        self._left: Counter[tuple[Ref, str]] = Counter()
        self._story = story
        self._connections: dict[HostLink, list[Connection]] = {}

    def connect(self, link: HostLink) -> None:
        """Two connections."""
        self._connections[link] = []
        for _ in range(2):
            self._made(link)

    def cut(self, link: HostLink) -> None:
        """Its process is gone: nothing reaches it any more."""
        for connection in self._connections.pop(link, []):
            connection.usable = False

    def _made(self, link: HostLink) -> None:
        if link in self._connections:
            connection = Connection(self, link)
            self._connections[link].append(connection)
            link.on_made(_as_product_s(connection))

    def drop(self, connection: Connection, link: HostLink, away_s: float) -> None:
        """It breaks, and is there again after a while."""
        if connection.usable and link in self._connections:
            connection.usable = False
            self._connections[link].remove(connection)
            self._story.tell("the connection to the host breaks")
            link.on_lost(_as_product_s(connection))
            self._loop.call_later(away_s, self._made, link)

    def carry(self, connection: Connection, link: HostLink, frame: bytes) -> None:
        """A request leaves."""
        message = link._codec.decode(frame)
        kind = KINDS.get(message.mti[:2], "original")
        ref = ref_of(message)
        same = same_in_all_attempts(message) if kind == "reversal" else ()
        self.sent.append(Sent(at_s=self._loop.now_s, ref=ref, kind=kind, same=same))
        self._left[ref, kind] += 1
        dice = self._fates.dice("network", ref, kind, self._left[ref, kind])
        if self._fates.befall("request lost", dice):
            self._story.tell("{} of {} is lost on its way to the host", message.mti, ref[2])
            return
        life_s = WITHIN * self._plan.packet_life_ms / 1000
        if self._fates.befall(BROKEN_PROMISE, dice):
            life_s *= BROKEN_BY
        delay_s = dice.uniform(0.005, 0.2)
        if self._fates.befall("request delayed", dice):
            delay_s = dice.uniform(0.2, life_s)
            self._story.tell("{} of {} is held up for {:.1f} s", message.mti, ref[2], delay_s)
        latest_s = self._loop.now_s + life_s
        self._later(delay_s, lambda: self._arrive(connection, link, message, latest_s, dice))
        if self._fates.befall("link down", dice):
            away_s = dice.uniform(*RECONNECT_S)
            self._later(dice.uniform(0.0, 2 * delay_s), lambda: self.drop(connection, link, away_s))

    def _later(self, delay_s: float, what: Callable[[], None]) -> None:
        self.under_way += 1
        self._loop.call_later(delay_s, self._do, what)

    def _do(self, what: Callable[[], None]) -> None:
        self.under_way -= 1
        what()

    def _arrive(self, connection: Connection, link: HostLink, message: Message, latest_s: float, dice: Dice) -> None:
        answer = self._host.receive(message, self._loop.now_s)
        if answer is None:
            return
        if self._story.wanted:
            code = link._codec.decode(answer)
            text = "the host takes {} of {} and answers {}"
            self._story.tell(text, message.mti, ref_of(message)[2], code.get(48) or code[39])
        if self._fates.befall("answer lost", dice):
            self._story.tell("that answer is lost")
            return
        room_s = max(0.0, latest_s - self._loop.now_s)
        delay_s = min(room_s, dice.uniform(0.005, 0.2))
        if self._fates.befall("answer delayed", dice):
            delay_s = dice.uniform(0.0, room_s)
            self._story.tell("that answer takes {:.1f} s", delay_s)
        self._later(delay_s, lambda: self._deliver(connection, link, answer, dice))
        if self._fates.befall("answer doubled", dice):
            again_s = dice.uniform(delay_s, max(delay_s, room_s))
            self._later(again_s, lambda: self._deliver(connection, link, answer, dice))

    def _deliver(self, connection: Connection, link: HostLink, answer: bytes, dice: Dice) -> None:
        """To the connection that asked; when it is gone, to nobody, or by another one as a late answer."""
        if connection.usable:
            link.on_frame(answer)
        elif self._connections and self._fates.befall("answer by another connection", dice):
            other = link if link in self._connections else dice.choice(list(self._connections))
            if self._connections[other]:
                other.on_frame(answer)


def _as_product_s(connection: Connection) -> HostConnection:
    return connection  # type: ignore[return-value]
