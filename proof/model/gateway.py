"""One gateway process of the model: the product's own objects, wired as `yuanlu.wiring` does, on what the model gives.

Real are the front desk, the whole flow, the return engine, the drivers of orders and refunds, the task runners, the
host link's matching and the codec. The model's are the journal's storage, the sockets, the clock and the key store.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from random import Random
from typing import Any, cast

from sqlalchemy import Connection

from proof.model.dice import Fates
from proof.model.journal import MemoryJournal
from proof.model.loop import VirtualLoop
from proof.model.memory import Memory
from proof.model.network import Network
from proof.model.plan import Plan
from proof.model.wire import MERCHANT, codec_of, terminal_id
from yuanlu.acquirers.iso8583_host import Iso8583Host
from yuanlu.acquirers.link import HostLink
from yuanlu.acquirers.sessions import Sessions
from yuanlu.acquirers.terms import HostTerms
from yuanlu.contracts import Agreements
from yuanlu.fleet.lines import Lines
from yuanlu.flow.advices import Forwarder
from yuanlu.flow.around import Around
from yuanlu.flow.asking import Asker
from yuanlu.flow.giving import Giver
from yuanlu.flow.incidents import IncidentDesk
from yuanlu.flow.late import unmatched_answer
from yuanlu.flow.payment import Desk
from yuanlu.flow.recovery import recover
from yuanlu.flow.settlement import Settler
from yuanlu.gateway.desk import FrontDesk
from yuanlu.gateway.sessions import TerminalSessions
from yuanlu.iso8583.codec import Message
from yuanlu.journal.tasks import release_all
from yuanlu.journal.transactions import latest_id
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.returns.engine import ReturnEngine
from yuanlu.returns.store import restart_windows
from yuanlu.settings import Acquirer
from yuanlu.terminals import Terminal

ACQUIRER = "host"
AGREED = Agreements()
IN_FLIGHT_MAX = 10_000


class ModelClock:
    """The machine's two clocks; the wall clock may jump, and the other one begins anew with each boot."""

    def __init__(self, loop: VirtualLoop, start_us: int) -> None:
        self._loop = loop
        self._start_us = start_us
        self._ahead_s = 0.0
        self._boots = 1
        self._booted_s = -10_000.0
        self._read_s = -1.0
        self._moment: Moment

    def now(self) -> Moment:
        """Both clocks."""
        now_s = self._loop.now_s
        if self._read_s != now_s:
            self._read_s = now_s
            boot_us = int((now_s - self._booted_s) * 1_000_000)
            self._moment = Moment(wall_us=self.wall_us(), boot_us=boot_us, boot_id=f"boot-{self._boots}")
        return self._moment

    def wall_us(self) -> int:
        """The wall clock alone."""
        return self._start_us + int((self._loop.now_s + self._ahead_s) * 1_000_000)

    def jump(self, by_s: float) -> None:
        """Somebody sets the wall clock."""
        self._ahead_s += by_s
        self._read_s = -1.0

    def boot(self) -> None:
        """The machine starts anew: its other clock begins again, under another name."""
        self._boots += 1
        self._booted_s = self._loop.now_s - 20.0
        self._read_s = -1.0


class PlainKeys:
    """A key store that hides nothing: what is secret on disk is proven elsewhere."""

    def card_token(self, pan: str) -> str:
        """One way is not needed here."""
        return f"{int(pan or 0):032x}"

    def seal(self, plain: bytes, context: str) -> bytes:
        """As it is."""
        return plain

    def unseal(self, blob: bytes, context: str) -> bytes:
        """As it was."""
        return blob


class NoIncidents:
    """Nobody watches for many terminals that fail together: it moves no money."""

    def heard(self, *_: object) -> None:
        """Nothing."""

    refused = undelivered = restarted = foreign = heard

    def holding(self, *_: object) -> None:
        """Nobody."""


def terms_of(plan: Plan) -> HostTerms:
    """The acquirer's terms, as its configuration would have them."""
    return _terms(plan.profile, plan.answer_timeout_ms, plan.packet_life_ms)


@cache
def _terms(profile: str, answer_timeout_ms: int, packet_life_ms: int) -> HostTerms:
    return HostTerms(
        name=ACQUIRER,
        settings=Acquirer(
            kind="iso8583-host", address="127.0.0.1:1", dialect=codec_of(profile).dialect.name,  # type: ignore[arg-type]
            profile=profile, mac="none", answer_timeout_ms=answer_timeout_ms,  # type: ignore[arg-type]
            packet_life_ms=packet_life_ms,
        ),
    )  # fmt: skip


@cache
def _terminals(wait_ms: int) -> dict[str, Terminal]:
    return {
        name: Terminal(terminal_id=name, merchant_id=MERCHANT, acquirer=ACQUIRER, wait_ms=wait_ms)
        for name in map(terminal_id, range(2))
    }


class Gateway:
    """A process from its start to its end, which is always a crash."""

    def __init__(
        self, *, plan: Plan, loop: VirtualLoop, memory: Memory, journal: MemoryJournal, network: Network,
        clock: ModelClock, fates: Fates, terms: HostTerms,
    ) -> None:  # fmt: skip
        names, chance = fates.dice("names", journal.writer_id), fates.dice("gateway", journal.writer_id)
        jitter = cast(Random, chance)
        self.journal = journal
        self.serving = False
        self._plan, self._loop, self._memory, self._network, self._clock = plan, loop, memory, network, clock
        product_journal = cast(Journal, journal)
        keys = cast(KeyStore, PlainKeys())
        codec = codec_of(plan.profile)
        self._link = HostLink(
            name=ACQUIRER, address=("127.0.0.1", 1), connections=2, codec=codec, tls=None, jitter=jitter,
            on_unmatched=self._unmatched, on_up=self._up,
        )  # fmt: skip
        sessions = Sessions(
            name=ACQUIRER, settings=terms.settings, link=self._link, codec=codec, keys=keys,
            first_stan=1 + chance.getrandbits(19),
        )  # fmt: skip
        hosts = {ACQUIRER: Iso8583Host(terms=terms, codec=codec, link=self._link, sessions=sessions, keys=keys)}
        self._host = hosts[ACQUIRER]
        self.returns = ReturnEngine(journal=product_journal, clock=clock, keys=keys, hosts=hosts, jitter=jitter)
        self.desk = Desk(
            journal=product_journal, returns=self.returns, incidents=cast(IncidentDesk, NoIncidents()), hosts=hosts,
            keys=keys, clock=clock,
            identifiers=IdentifierSource(clock, names.getrandbits, latest_id(cast(Connection, memory))),
            around=Around(terms={ACQUIRER: terms}, lines=Lines(clock), signs_in=False),
        )  # fmt: skip
        self.giver, self.asker = Giver(self.desk, AGREED), Asker(self.desk)
        self._front = FrontDesk(
            desk=self.desk, settler=Settler(self.desk, AGREED, names.getrandbits), forwarder=Forwarder(self.desk),
            terminals=_terminals(plan.wait_ms),
            sessions=TerminalSessions(keys), mac="none", in_flight_max=IN_FLIGHT_MAX,
            in_flight_per_terminal_max=IN_FLIGHT_MAX,
        )  # fmt: skip

    def start(self) -> None:
        """As `wiring.GatewayProcess.start`: recover, connect, drive what is open, listen."""
        self._background(self._start())

    async def _start(self) -> None:
        now = self._clock.now()
        if self._plan.gateways == 1:  # the only one: no lease of a former process counts
            release_all(cast(Connection, self._memory), now.wall_us)
        restart_windows(cast(Connection, self._memory), now)
        await recover(self.desk)
        if self.journal.dead:
            return
        self._network.connect(self._link)
        for runner in (self.returns.runner, self.giver.runner, self.asker.runner):
            runner.start()
        self.serving = True

    def die(self) -> None:
        """Everything that was not durable is gone."""
        self.journal.dead = True
        self._memory.alive.discard(self.journal.writer_id)
        self.serving = False
        self._network.cut(self._link)

    def receive(self, frame: bytes, connected: Callable[[], bool], answer: Callable[[bytes], None]) -> None:
        """A frame from a terminal's connection."""
        if self.serving:
            self._background(self._serve(frame, connected, answer))

    async def _serve(self, frame: bytes, connected: Callable[[], bool], answer: Callable[[bytes], None]) -> None:
        reply = await self._front.answer(self._front.read(frame), connected)
        if reply is not None and not self.journal.dead and connected():
            answer(reply)

    def _background(self, work: "Coroutine[Any, Any, None]") -> None:
        task = self._loop.create_task(work)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.failures.append(error)

    def _unmatched(self, message: Message) -> None:
        self._background(unmatched_answer(self.desk, ACQUIRER, message))

    def _up(self) -> None:
        self._background(self._came_up())

    async def _came_up(self) -> None:
        await self._host.came_up()
        await self.returns.host_is_back(ACQUIRER)
        for worker in (self.giver, self.asker):
            await worker.runner.wake_lane(ACQUIRER)
