"""A town for the table of causes: one gateway in this process, the sandbox's hosts above it and its tills below.

Every row gets terminals and merchants of its own, so that neighbours' histories and incidents do not mix.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.scenario.stage import FAST, STOP_S_MAX
from yuanlu.cases.records import Case
from yuanlu.cases.store import find_case_of, find_case_of_incident
from yuanlu.cli.incident_work import declared
from yuanlu.incidents.store import find_incident_of
from yuanlu.journal.tables import facts, tasks
from yuanlu.journal.tasks import EXAMINE, EXAMINE_LANE
from yuanlu.journal.transactions import Transaction, facts_of, search
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.returns.tables import watches
from yuanlu.sandbox.cards import Card, make_card
from yuanlu.sandbox.fault_board import ActiveFault
from yuanlu.sandbox.faults import MessageClass, find_fault
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_core import HostCore
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import Net
from yuanlu.sandbox.till import Behaviour, Till
from yuanlu.sandbox.till_asks import Ask
from yuanlu.sandbox.till_line import TillLine, open_line
from yuanlu.sandbox.till_memory import Paper
from yuanlu.sandbox.till_messages import EntryMode, Payment, ReversalDuty, TillIdentity, reversal_frame
from yuanlu.sandbox.told import Told
from yuanlu.settings import Acquirer, Gateway, Incidents, Settings, Store
from yuanlu.wiring import GatewayProcess, open_gateway

PATIENT_MS = 30_000
CALM = Incidents(
    look_every_ms=50, link_down_ms=600_000, merchant_terminals=10_000, host_terminals=10_000, region_terminals=10_000,
    healthy_ms=100,
)  # fmt: skip
"""Detection finds nothing by itself; what people declare is seen at once."""


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
        self, settings: Settings, hosts: Mapping[str, Upstream], servers: Mapping[str, HostServer],
        store: SoftwareKeyStore,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.hosts = hosts
        self.store = store
        self.servers = servers
        self.gateway: GatewayProcess
        self.address = ("", 0)
        self.chance = random.Random(5)
        self._free = {name: iter(range(10_000)) for name in servers}
        self._places: list[Place] = []

    def core(self, host: str) -> HostCore:
        return self.servers[host].core

    async def open(self) -> None:
        self.gateway = await open_gateway(self.settings)
        self.address = await self.gateway.start()
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

    def place(self, host: str = "plain") -> "Place":
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

    def card(self) -> Card:
        """A new customer's."""
        return make_card(self.chance)

    async def declare(self, kind: str, scope: tuple[str, str]) -> None:
        """What `yuanlu incident declare` does, beside the running gateway."""
        loop = asyncio.get_running_loop()
        said = partial(declared, self.settings, kind, scope, "Li", "r", "en", hold=False, since_minutes=0)
        await loop.run_in_executor(None, said)

    async def read(self, query: Callable[..., Any]) -> Any:
        return await self.gateway.journal.read(query)

    async def find(self, payment: Payment) -> Transaction:
        """Its transaction; AssertionError when there is none."""
        ref = payment.ref
        found = await self.read(lambda c: search(c, f"{ref.terminal_id}+{ref.stan}"))
        found = [each for each in found if each.key.batch_no == ref.batch_no]
        assert len(found) == 1, f"{len(found)} transactions"
        return found[0]

    async def timeline(self, payment: Payment) -> list[str]:
        """What happened to it, in order, for people who look why a story went another way."""
        found = await self.find(payment)
        rows = await self.read(lambda c: facts_of(c, found.key.merchant_id, found.transaction_id))
        return [f"{row.kind}: {row.note}" for row in rows]

    async def case(self, payment: Payment) -> Case | None:
        """Its own case, else the case of the incident that it belongs to."""
        found = await self.find(payment)
        own = await self.read(lambda c: find_case_of(c, found.transaction_id))
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
        nets = (net for server in self.servers.values() for net in server.core.ledger.nets())
        nothing = Net(ref=payment.ref, debits_minor=0, credits_minor=0, debit_count=0, credit_count=0)
        return next((net for net in nets if net.ref == payment.ref), nothing)

    async def events(self, kind: str) -> list[str]:
        """The notes of all facts of this kind."""
        return [row.note for row in await self.read(lambda c: c.execute(select(facts).where(facts.c.kind == kind)))]

    async def soon(self, happened: Callable[[], Awaitable[Any]], within_s: float = 5.0) -> Any:
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

    async def until(self, happened: Callable[[], bool], within_s: float = 5.0) -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while not happened():
            assert asyncio.get_running_loop().time() < deadline, "it did not happen"
            await asyncio.sleep(0.005)

    def order(self, host: str, fault: str, terminal: str, message_class: MessageClass = "sale", count: int = 1) -> None:
        """The next message of this class and terminal goes wrong like this: what POST /faults of the sandbox does."""
        self.core(host).faults.switch_on(
            ActiveFault(fault=find_fault(fault), message_class=message_class, terminal_id=terminal, remaining=count)
        )


class Place:
    """A till at its till point: what a cashier does there."""

    def __init__(self, town: SandboxTown, host: str, identity: TillIdentity) -> None:
        self.town = town
        self.host = host
        self.identity = identity
        self.told: list[Told] = []
        self._lines: list[TillLine] = []
        self.till = Till(
            identity=identity,
            address=town.address,
            store=town.store,
            wait_ms=PATIENT_MS,
            clock=SystemClock(),
            chance=town.chance,
            record=self.told.append,
        )

    @property
    def merchant(self) -> str:
        return self.identity.merchant_id

    @property
    def terminal(self) -> str:
        return self.identity.terminal_id

    def payment(
        self, amount: int = 4567, *, card: Card | None = None, entry: EntryMode = EntryMode.MAGSTRIPE
    ) -> Payment:
        """A payment under the till's next trace number."""
        return self.till.new_payment(amount, entry, card)

    async def sell(
        self, amount: int = 4567, *, card: Card | None = None, entry: EntryMode = EntryMode.MAGSTRIPE,
        behaviour: Behaviour = Behaviour.NORMAL,
    ) -> Payment:  # fmt: skip
        """One sale, whatever it is answered."""
        payment = self.payment(amount, card=card, entry=entry)
        await self.till.ask(Ask(kind=Kind.SALE, payment=payment), behaviour)
        return payment

    async def sold(self, amount: int = 4567, *, card: Card | None = None, kind: Kind = Kind.SALE) -> Paper:
        """One payment that is approved."""
        paper = await self.till.ask(Ask(kind=kind, payment=self.payment(amount, card=card)))
        assert paper is not None, self.told[-1]
        return paper

    async def follow(self, kind: Kind, paper: Paper, amount: int = 0) -> Payment:
        """A request about an earlier payment, whatever it is answered."""
        before = paper.ask.payment
        payment = self.payment(amount or paper.amount_minor, card=before.card)
        await self.till.ask(Ask(kind=kind, payment=payment, slip=paper.slip))
        return payment

    def order(self, fault: str, message_class: MessageClass = "sale", count: int = 1) -> None:
        """What befalls this till's next message of this class at its host."""
        self.town.order(self.host, fault, self.terminal, message_class, count)

    @property
    def code(self) -> str:
        """What the till was told last."""
        return self.told[-1].code

    async def line(self) -> TillLine:
        """One more connection, for what a till does not do of itself."""
        line = await open_line(self.town.address, self.identity.codec)
        self._lines.append(line)
        return line

    def leave(self) -> None:
        """Every connection ends."""
        self.till.close()
        for line in self._lines:
            line.cut()

    async def reverse(self, payment: Payment, reason: str) -> str:
        """The till's own reversal; the code that it is told."""
        line = await self.till.ready_line()
        await line.send(reversal_frame(self.identity, ReversalDuty(payment=payment, reason=reason), None))
        answer = await line.receive(5.0)
        assert answer is not None
        return answer[39]


def terminal_of(host: str, number: int) -> str:
    return f"{host[:4]:X<4}{number:04}".upper()


def merchant_of(host: str, number: int) -> str:
    return f"8984401{terminal_of(host, number)}"


def settings_for(
    folder: Path, servers: Mapping[str, HostServer], hosts: Mapping[str, Upstream], **more: Any
) -> Settings:
    """The gateway's settings, and the terminals of every host."""
    rows = ["terminal_id,merchant_id,acquirer,wait_ms,region"]
    for name, upstream in hosts.items():
        for number in range(upstream.places):
            merchant = merchant_of(name, 0 if upstream.one_shop else number)
            rows.append(f"{terminal_of(name, number)},{merchant},{name},{upstream.waits_ms},{upstream.region}")
    (folder / "terminals.csv").write_text("\n".join(rows), "utf-8")
    gateway = {"listen": "127.0.0.1:0", "terminals": "terminals.csv", "mac": "none"} | more.pop("gateway", {})
    return Settings(
        store=Store(url="sqlite:///journal.db", reserve_mib=0),
        gateway=Gateway(**gateway),
        acquirers={name: _acquirer(servers[name], upstream) for name, upstream in hosts.items()},
        folder=str(folder),
        **{"incidents": CALM, **more},
    )


def _acquirer(server: HostServer, upstream: Upstream) -> Acquirer:
    terms = server.core.terms
    told = {"dialect": terms.dialect, "profile": terms.profile, "mac": terms.mac, "sign_in": terms.sign_in}
    address = {"kind": "iso8583-host", "address": f"127.0.0.1:{server.port}"}
    return Acquirer(**{**address, **told, **FAST, **upstream.gateway})


@asynccontextmanager
async def sandbox_town(folder: Path, hosts: Mapping[str, Upstream], **more: Any) -> AsyncIterator[SandboxTown]:
    """Hosts and gateway up; all down at the end, and every host's books balanced."""
    create_secret(folder / "keys.toml", random.Random(1).randbytes)
    store = SoftwareKeyStore.open(folder / "keys.toml", mode="sandbox", random_bytes=random.Random(2).randbytes)
    servers = {name: _server(name, upstream, store) for name, upstream in hosts.items()}
    for server in servers.values():
        await server.start()
    town = SandboxTown(settings_for(folder, servers, hosts, **more), hosts, servers, store)
    await town.open()
    try:
        yield town
        assert {name: server.core.ledger.total_minor() for name, server in servers.items()} == dict.fromkeys(servers, 0)
    finally:
        await town.close()
        for server in servers.values():
            await server.stop()


def _server(name: str, upstream: Upstream, store: SoftwareKeyStore) -> HostServer:
    prompt = {"processing_ms_min": 0, "processing_ms_max": 1, "delay_ms": 350, "late_commit_ms": 350}
    terms = {"dialect": "cup-pos", "profile": "P1", "listen": "127.0.0.1:0", "name": name}
    return HostServer(build_core(HostTerms(**{**terms, **prompt, **upstream.host}), store), SystemClock())
