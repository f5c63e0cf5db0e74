"""A town for the table of causes: one gateway in this process, the sandbox's hosts above it and its tills below.

Every row gets terminals and merchants of its own, so that neighbours' histories and incidents do not mix. Nothing is
decided by who is faster: a host thinks for as long as its row says (`SandboxTown.thinking`), and for what it does not
answer the gateway waits no longer (`SandboxTown.give_up`).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import select

from tests.scenario.sandbox_place import PATIENT_MS, Place
from tests.scenario.stage import SOON_S, STOP_S_MAX
from tests.scenario.town_host import TownHost
from yuanlu.cases.records import Case
from yuanlu.cases.store import find_case_of, find_case_of_incident
from yuanlu.cli.incident_work import declared
from yuanlu.cli.observing import clearing
from yuanlu.flow.terminal_cases import terminal_case_name
from yuanlu.incidents.store import find_incident_of
from yuanlu.iso8583.codec import codec_for, response_mti
from yuanlu.journal.tables import facts, tasks
from yuanlu.journal.tasks import EXAMINE, EXAMINE_LANE
from yuanlu.journal.transactions import Transaction, facts_of, search
from yuanlu.kernel.clock import Moment, SystemClock
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.returns.tables import watches
from yuanlu.sandbox.cards import Card, make_card
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import MessageClass, find_fault
from yuanlu.sandbox.host_core import HostCore
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.ledger import Net, PaymentRef
from yuanlu.sandbox.till_line import TillLine
from yuanlu.sandbox.till_messages import Payment, TillIdentity
from yuanlu.sandbox.told import Told
from yuanlu.settings import Acquirer, Gateway, Incidents, Settings, Store
from yuanlu.wiring import GatewayProcess, open_gateway

DAY_US = 86_400_000_000
CALM = Incidents(
    look_every_ms=50, link_down_ms=600_000, merchant_terminals=10_000, host_terminals=10_000, region_terminals=10_000,
    healthy_ms=100,
)  # fmt: skip
"""Detection finds nothing by itself; what people declare is seen at once."""

TERMS = {"answer_timeout_ms": 20_000, "packet_life_ms": 300, "connections": 1}
"""Nobody waits so long for an answer: see `SandboxTown.give_up`."""


class Calendar(SystemClock):
    """The town's clock: the machine's, so many days ahead. What is measured on the boot clock takes no notice."""

    days = 0

    def now(self) -> Moment:
        now = super().now()
        return replace(now, wall_us=now.wall_us + self.days * DAY_US)

    def wall_us(self) -> int:
        return super().wall_us() + self.days * DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One host of the town: how the sandbox's host is set up, and what else the gateway is told about it."""

    host: Mapping[str, Any] = field(default_factory=dict)
    gateway: Mapping[str, Any] = field(default_factory=dict)
    places: int = 4
    waits_ms: int = PATIENT_MS
    region: str = ""
    one_shop: bool = False
    """All its terminals are one merchant's; otherwise each has a merchant of its own."""


class SandboxTown:
    """Gateway, hosts and places for tills. `open` and `close` may be told again, as after a restart."""

    def __init__(
        self, settings: Settings, hosts: Mapping[str, Upstream], servers: Mapping[str, TownHost],
        store: SoftwareKeyStore, clock: Calendar,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.clock = clock
        self.hosts = hosts
        self.store = store
        self.servers = servers
        self.gateway: GatewayProcess
        self.address = ("", 0)
        self.chance = random.Random(5)
        self._free = {name: iter(range(10_000)) for name in servers}
        self._places: list[Place] = []
        for name, server in servers.items():
            server.on_silence = partial(self.give_up, name)

    def give_up(self, host: str, frame: bytes) -> None:
        """The time for an answer to this request is over: what the link's timer does after `answer_timeout_ms`."""
        link = self.gateway.hosts[host].link
        request = codec_for(self.settings.acquirers[host].dialect).decode(frame)
        waiting = link._waiting.get((response_mti(request.mti), request[41], request[11]))
        if waiting is not None and not waiting.answer.done():
            link._give_up(waiting)

    @contextmanager
    def thinking(self, host: str) -> Iterator[None]:
        """This host answers nothing meanwhile, and then everything."""
        self.servers[host].thinks = True
        try:
            yield
        finally:
            self.servers[host].let_go()

    def core(self, host: str) -> HostCore:
        return self.servers[host].core

    async def hang_up(self, line: TillLine) -> None:
        """A till's line ends, and the gateway has noticed."""
        left = len(self.gateway.server._connections) - 1
        line.cut()
        await self.until(lambda: len(self.gateway.server._connections) <= left)

    def core_of(self, payment: Payment) -> HostCore:
        """The host of its terminal."""
        [host] = {place.host for place in self._places if place.terminal == payment.ref.terminal_id}
        return self.core(host)

    async def open(self) -> None:
        self.gateway = await open_gateway(self.settings, self.clock)
        self.address = await self.gateway.start()
        listen = "{}:{}".format(*self.address)  # where its tills find the next one, too
        self.settings = replace(self.settings, gateway=replace(self.settings.gateway, listen=listen))
        for host in self.gateway.hosts.values():
            await self.until(lambda host=host: host.link.up)

    async def stop_short(self) -> None:
        """The gateway ends in the middle of its work and leaves it as it is; `open` starts the next one."""
        for task in list(self.gateway.server.working):
            task.cancel()
        await self.close()

    async def close(self) -> None:
        for place in self._places:
            place.leave()
        async with asyncio.timeout(STOP_S_MAX):
            await self.gateway.stop()

    def place(self, host: str = "plain") -> Place:
        """The next terminal of this host."""
        number = next(self._free[host])
        identity = TillIdentity(
            terminal_id=terminal_of(host, number),
            merchant_id=merchant_of(host, 0 if self.hosts[host].one_shop else number),
            dialect=self.settings.acquirers[host].dialect,
            mac=self.settings.gateway.mac,
        )
        place = Place(self, host, identity)
        self._places.append(place)
        return place

    @property
    def latest(self) -> Place:
        """The till that came last."""
        return self._places[-1]

    def card(self) -> Card:
        """A new customer's."""
        return make_card(self.chance)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Another process writes to the journal's database meanwhile."""
        connection = self.gateway._store.engine.raw_connection()
        connection.driver_connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.driver_connection.execute("ROLLBACK")
            connection.close()

    async def sleep_till_tomorrow(self) -> None:
        """The gateway stops in the evening, and starts the next day."""
        await self.close()
        self.clock.days += 1
        await self.open()

    async def declare(self, kind: str, scope: tuple[str, str]) -> None:
        """What `yuanlu incident declare` does, beside the running gateway."""
        await _beside(partial(declared, self.settings, kind, scope, "Li", "r", "en", hold=False, since_minutes=0))

    async def compare_clearing(self, payment: Payment, how: str) -> None:
        """What `yuanlu case clearing` does, beside the running gateway."""
        name = f"{payment.ref.terminal_id}+{payment.ref.stan}"
        await _beside(partial(clearing, self.settings, name, how, "IND261123/77", "Li", "en"))

    async def read(self, query: Callable[..., Any]) -> Any:
        return await self.gateway.journal.read(query)

    async def find(self, payment: Payment) -> Transaction:
        """Its transaction; AssertionError when there is none."""
        found = await self.known(payment)
        assert len(found) == 1, f"{len(found)} transactions"
        return found[0]

    async def known(self, payment: Payment) -> list[Transaction]:
        """Its transaction, or none."""
        ref = payment.ref
        found = await self.read(lambda c: search(c, f"{ref.terminal_id}+{ref.stan}"))
        return [each for each in found if each.key.batch_no == ref.batch_no]

    def told(self, payment: Payment) -> str:
        """The code that its till was told first."""
        return self._told(payment).code

    def about(self, payment: Payment) -> PaymentRef | None:
        """Which payment a till's void or refund was about; None for what follows none."""
        return self._told(payment).about

    def _told(self, payment: Payment) -> Told:
        found = (each for place in self._places for each in place.told if each.ref == payment.ref)
        first = next(found, None)
        assert first is not None, "its till was told nothing"
        return first

    async def timeline(self, payment: Payment) -> list[str]:
        """What happened to it, in order, for people who look why a story went another way."""
        found = await self.find(payment)
        rows = await self.read(lambda c: facts_of(c, found.key.merchant_id, found.transaction_id))
        return [f"{row.kind}: {row.note}" for row in rows]

    async def case(self, payment: Payment) -> Case | None:
        """Its own case, else the one of its terminal or of the incident that it belongs to."""
        found = await self.find(payment)
        name = terminal_case_name(found, found.cause)
        own = await self.read(lambda c: find_case_of(c, found.transaction_id) or find_case_of_incident(c, name))
        if own is not None:
            return own
        incident = await self.read(lambda c: find_incident_of(c, found.transaction_id))
        return None if incident is None else await self.read(lambda c: find_case_of_incident(c, incident.incident_id))

    async def watched(self, payment: Payment) -> str:
        """Why it is on the watch list, or ""."""
        found = await self.find(payment)
        query = select(watches.c.reason).where(watches.c.transaction_id == found.transaction_id)
        return await self.read(lambda c: c.execute(query).scalar()) or ""

    def net(self, payment: Payment) -> Net:
        """What the hosts' books hold of it: nothing, where they have never heard of it."""
        return self.net_of(payment.ref)

    def net_of(self, ref: PaymentRef) -> Net:
        """The same of a payment by its name."""
        nets = (net for server in self.servers.values() for net in server.core.ledger.nets())
        nothing = Net(ref=ref, debits_minor=0, credits_minor=0, debit_count=0, credit_count=0)
        return next((net for net in nets if net.ref == ref), nothing)

    async def events(self, kind: str) -> list[str]:
        """The notes of all facts of this kind."""
        return [row.note for row in await self.read(lambda c: c.execute(select(facts).where(facts.c.kind == kind)))]

    async def soon(self, happened: Callable[[], Awaitable[Any]], within_s: float = SOON_S) -> Any:
        """Wait until something in the journal is so. The examiner, who looks once a second, looks at once."""
        deadline = asyncio.get_running_loop().time() + within_s
        while not (found := await happened()):
            assert asyncio.get_running_loop().time() < deadline, "it did not happen"
            self.gateway.examiner.runner.nudge(EXAMINE_LANE)
            await asyncio.sleep(0.01)
        return found

    async def looked_at(self, payment: Payment) -> None:
        """Wait until the examiner has nothing more to look at in it for now."""
        found = await self.find(payment)
        left = select(tasks.c.key).where(tasks.c.kind == EXAMINE, tasks.c.key == found.transaction_id)

        async def nothing_left() -> bool:
            return await self.read(lambda c: c.execute(left).first()) is None

        await self.soon(nothing_left)

    async def becomes(self, payment: Payment, state: str) -> None:
        """Wait until it is in this state."""

        async def is_so() -> bool:
            return (await self.find(payment)).state == state

        await self.soon(is_so)

    async def until(self, happened: Callable[[], bool], within_s: float = SOON_S) -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while not happened():
            assert asyncio.get_running_loop().time() < deadline, "it did not happen"
            await asyncio.sleep(0.005)

    def order(self, host: str, fault: str, terminal: str, message_class: MessageClass = "sale", count: int = 1) -> None:
        """The next message of this class and terminal goes wrong like this: what POST /faults of the sandbox does."""
        self.core(host).faults.switch_on(
            ActiveFault(fault=find_fault(fault), message_class=message_class, terminal_id=terminal, remaining=count)
        )


async def _beside(command: Callable[[], object]) -> None:
    """A command in a thread of its own, as in a process of its own."""
    await asyncio.get_running_loop().run_in_executor(None, command)


def terminal_of(host: str, number: int) -> str:
    return f"{host[:4]:X<4}{number:04}".upper()


def merchant_of(host: str, number: int) -> str:
    return f"8984401{terminal_of(host, number)}"


def settings_for(folder: Path, servers: Mapping[str, TownHost], hosts: Mapping[str, Upstream], **more: Any) -> Settings:
    """The gateway's settings, and the terminals of every host."""
    rows = ["terminal_id,merchant_id,acquirer,wait_ms,region"]
    for name, upstream in hosts.items():
        for number in range(upstream.places):
            merchant = merchant_of(name, 0 if upstream.one_shop else number)
            rows.append(f"{terminal_of(name, number)},{merchant},{name},{upstream.waits_ms},{upstream.region}")
    (folder / "terminals.csv").write_text("\n".join(rows), "utf-8")
    gateway = {"listen": "127.0.0.1:0", "terminals": "terminals.csv", "mac": "none"} | more.pop("gateway", {})
    return Settings(
        store=Store(url="sqlite:///journal.db", reserve_mib=more.pop("reserve_mib", 0)),
        gateway=Gateway(**gateway),
        acquirers={name: _acquirer(servers[name], upstream) for name, upstream in hosts.items()},
        folder=str(folder),
        **{"incidents": CALM, **more},
    )


def _acquirer(server: TownHost, upstream: Upstream) -> Acquirer:
    terms = server.core.terms
    told = {"dialect": terms.dialect, "profile": terms.profile, "mac": terms.mac, "sign_in": terms.sign_in}
    address = {"kind": "iso8583-host", "address": f"127.0.0.1:{server.port}"}
    return Acquirer(**{**address, **told, **TERMS, **upstream.gateway})


@asynccontextmanager
async def sandbox_town(folder: Path, hosts: Mapping[str, Upstream], **more: Any) -> AsyncIterator[SandboxTown]:
    """Hosts and gateway up; all down at the end, and every host's books balanced."""
    create_secret(folder / "keys.toml", random.Random(1).randbytes)
    store = SoftwareKeyStore.open(folder / "keys.toml", mode="sandbox", random_bytes=random.Random(2).randbytes)
    clock = Calendar()
    servers = {name: _server(name, upstream, store, clock) for name, upstream in hosts.items()}
    for server in servers.values():
        await server.start()
    town = SandboxTown(settings_for(folder, servers, hosts, **more), hosts, servers, store, clock)
    await town.open()
    try:
        yield town
        assert {name: server.core.ledger.total_minor() for name, server in servers.items()} == dict.fromkeys(servers, 0)
    finally:
        await town.close()
        for server in servers.values():
            await server.stop()


def _server(name: str, upstream: Upstream, store: SoftwareKeyStore, clock: Calendar) -> TownHost:
    prompt = {"processing_ms_min": 0, "processing_ms_max": 1, "delay_ms": 350}
    terms = {"dialect": "cup-pos", "profile": "P1", "listen": "127.0.0.1:0", "name": name}
    return TownHost(build_core(HostTerms(**{**terms, **prompt, **upstream.host}), store), clock)
