"""A stage for stories: one gateway in this process, a scripted host above it, a till below, all on loopback."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.scenario.scripted_host import ScriptedHost
from yuanlu.iso8583.codec import Message, codec_for
from yuanlu.iso8583.framing import with_length
from yuanlu.journal.tables import facts, transactions
from yuanlu.journal.transactions import Transaction, facts_of, search
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.returns.policy import Leg
from yuanlu.returns.store import legs_of
from yuanlu.returns.tables import watches
from yuanlu.sandbox.cards import Card
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till_line import TillLine, open_line
from yuanlu.sandbox.till_messages import (
    EntryMode,
    Payment,
    ReversalDuty,
    TillIdentity,
    keys_content,
    reversal_frame,
    sale_frame,
    sign_in_frame,
)
from yuanlu.settings import Acquirer, Gateway, Settings, Store
from yuanlu.wiring import GatewayProcess, open_gateway

MERCHANT = "898440153110001"
TERMINALS = tuple(f"T000000{n}" for n in range(1, 9))
CARD = Card(pan="6200000000000005", pin="913572")
STOP_S_MAX = 15
STORE_URL = "sqlite:///journal.db"
"""The fixture `each_database` changes it."""

FAST = {"answer_timeout_ms": 200, "packet_life_ms": 300, "connections": 1}


def settings_for(
    folder: Path, port: int, *, gateway: dict[str, Any], acquirer: dict[str, Any], **more: Any
) -> Settings:
    """Fast time-outs, one acquirer, eight terminals."""
    waits = gateway.pop("wait_ms", 30_000)
    rows = "".join(f"{terminal},{MERCHANT},h1,{waits}\n" for terminal in TERMINALS)
    (folder / "terminals.csv").write_text("terminal_id,merchant_id,acquirer,wait_ms\n" + rows, "utf-8")
    terms = {"kind": "iso8583-host", "address": f"127.0.0.1:{port}", "dialect": "cup-pos", "mac": "none"}
    return Settings(
        store=Store(url=STORE_URL, reserve_mib=0),
        gateway=Gateway(**{"listen": "127.0.0.1:0", "terminals": "terminals.csv", "mac": "none"} | gateway),
        acquirers={"h1": Acquirer(**terms | FAST | acquirer)},
        folder=str(folder),
        **more,
    )


class Stage:
    """Everything a story needs; `line` is the till's connection."""

    def __init__(self, settings: Settings, host: ScriptedHost, store: SoftwareKeyStore) -> None:
        self.settings = settings
        self.host = host
        self.store = store
        self.gateway: GatewayProcess
        self.address = ("", 0)
        self.keys: WorkingKeys | None = None
        self.stan = 0
        self._lines: list[TillLine] = []

    @property
    def dialect(self) -> str:
        return self.settings.acquirers["h1"].dialect

    def identity(self, terminal: str = TERMINALS[0]) -> TillIdentity:
        return TillIdentity(
            terminal_id=terminal, merchant_id=MERCHANT, dialect=self.dialect, mac=self.settings.gateway.mac
        )

    async def open(self, *, linked: bool = True) -> None:
        """Start a gateway, as after a restart; `linked` waits for its host."""
        self.gateway = await open_gateway(self.settings)
        self.address = await self.gateway.start()
        if linked:
            await self.until(lambda: self.gateway.hosts["h1"].link.up or not self.host.port)

    async def close(self) -> None:
        """Stop the gateway in good order."""
        for line in self._lines:
            line.cut()
        self._lines.clear()
        async with asyncio.timeout(STOP_S_MAX):
            await self.gateway.stop()

    async def line(self) -> TillLine:
        """A new connection of the till."""
        line = await open_line(self.address, codec_for(self.dialect))
        self._lines.append(line)
        return line

    def payment(
        self, *, amount: int = 1234, stan: int | None = None, entry: EntryMode = EntryMode.MAGSTRIPE, terminal: int = 0,
        card: Card = CARD,
    ) -> Payment:  # fmt: skip
        """A payment under the next trace number, or under the given one."""
        self.stan = self.stan + 1 if stan is None else stan
        ref = PaymentRef(
            terminal_id=TERMINALS[terminal], merchant_id=MERCHANT, batch_no="000001", stan=f"{self.stan:06}"
        )
        return Payment(ref=ref, amount_minor=amount, entry=entry, card=card, at_us=1_760_000_000_000_000)

    def sale(self, payment: Payment) -> bytes:
        return sale_frame(self.identity(payment.ref.terminal_id), payment, self.keys)

    def reversal(self, payment: Payment, reason: str = "98") -> bytes:
        duty = ReversalDuty(payment=payment, reason=reason)
        return reversal_frame(self.identity(payment.ref.terminal_id), duty, self.keys)

    async def ask(self, frame: bytes, line: TillLine | None = None, timeout_s: float = 5.0) -> Message | None:
        """Send one frame and wait for one answer."""
        line = line or await self.line()
        await line.send(frame)
        return await line.receive(timeout_s)

    async def code(self, frame: bytes, line: TillLine | None = None) -> str:
        """Field 39 of the answer."""
        answer = await self.ask(frame, line)
        assert answer is not None
        return answer[39]

    async def sign_in(self) -> Message:
        """The till gets its working keys."""
        answer = await self.ask(sign_in_frame(self.identity(), "000001", "900001"))
        assert answer is not None
        self.keys = self.store.import_working_keys(TERMINALS[0], parts_of_field_62(keys_content(answer)))
        return answer

    async def read(self, query: Callable[..., Any]) -> Any:
        return await self.gateway.journal.read(query)

    async def find(self, payment: Payment) -> Transaction:
        """The payment's transaction; AssertionError when there is none."""
        found = await self.read(lambda c: search(c, f"{payment.ref.terminal_id}+{payment.ref.stan}"))
        assert len(found) == 1, f"{len(found)} transactions"
        return found[0]

    async def transactions(self) -> int:
        return len(await self.read(lambda c: c.execute(select(transactions.c.transaction_id)).all()))

    async def kinds(self, payment: Payment) -> list[str]:
        """What happened to it, in order."""
        found = await self.find(payment)
        return [row.kind for row in await self.read(lambda c: facts_of(c, MERCHANT, found.transaction_id))]

    async def events(self, kind: str) -> list[str]:
        """The notes of all facts of this kind."""
        return [row.note for row in await self.read(lambda c: c.execute(select(facts).where(facts.c.kind == kind)))]

    async def legs(self, payment: Payment) -> list[Leg]:
        found = await self.find(payment)
        return await self.read(lambda c: legs_of(c, found.transaction_id))

    async def watched(self, payment: Payment) -> str:
        """Why it is on the watch list, or ""."""
        found = await self.find(payment)
        query = select(watches.c.reason).where(watches.c.transaction_id == found.transaction_id)
        return await self.read(lambda c: c.execute(query).scalar()) or ""

    async def becomes(self, payment: Payment, state: str, within_s: float = 6.0) -> None:
        """Wait until the payment is in `state`."""
        deadline = asyncio.get_running_loop().time() + within_s
        while (found := await self.find(payment)).state != state:
            assert asyncio.get_running_loop().time() < deadline, f"{found.state}: {await self.kinds(payment)}"
            await asyncio.sleep(0.01)

    async def until(self, happened: Callable[[], bool], within_s: float = 5.0) -> None:
        """Wait until something is so."""
        deadline = asyncio.get_running_loop().time() + within_s
        while not happened():
            assert asyncio.get_running_loop().time() < deadline, "it did not happen"
            await asyncio.sleep(0.005)

    async def relink(self) -> None:
        """End the host's connections; the gateway comes back at once, and everything that waits is woken."""
        before = self.host.connections
        self.host.hang_up()
        await self.until(lambda: self.host.connections > before)

    def late(self, request: Message, line: Any) -> bytes:
        """An answer made by hand, with its length, for `host.send_all`."""
        return with_length(self.host.answer(request, line))


@asynccontextmanager
async def on_stage(
    folder: Path,
    *,
    gateway: dict[str, Any] | None = None,
    host_tls: ssl.SSLContext | None = None,
    linked: bool = True,
    more: dict[str, Any] | None = None,
    **acquirer: Any,
) -> AsyncIterator[Stage]:
    """Host and gateway up; both down at the end, and the journal's numbers without gaps. `more` are other sections."""
    create_secret(folder / "keys.toml", random.Random(1).randbytes)
    store = SoftwareKeyStore.open(folder / "keys.toml", mode="sandbox", random_bytes=random.Random(2).randbytes)
    terms = {"profile": "P1"} | acquirer
    host = ScriptedHost(
        codec_for(terms.get("dialect", "cup-pos")), store, mac=terms.get("mac", "none"), scope="acquirer/h1"
    )
    host.tls = host_tls
    await host.start()
    stage = Stage(
        settings_for(folder, host.port, gateway=dict(gateway or {}), acquirer=terms, **more or {}), host, store
    )
    await stage.open(linked=linked)
    try:
        yield stage
        await check_numbers(stage)
    finally:
        await stage.close()
        await host.stop()


async def check_numbers(stage: Stage) -> None:
    """I7: (writer, writer sequence) has no gap, and each subject's versions count from 1."""
    rows = await stage.read(lambda c: c.execute(select(facts).order_by(facts.c.writer_id, facts.c.writer_seq)).all())
    by_writer: dict[int, list[int]] = {}
    by_subject: dict[str, list[int]] = {}
    for row in rows:
        by_writer.setdefault(row.writer_id, []).append(row.writer_seq)
        by_subject.setdefault(row.subject_id, []).append(row.version)
    for numbers in by_writer.values():
        assert numbers == list(range(1, len(numbers) + 1))
    for versions in by_subject.values():
        assert sorted(versions) == list(range(1, len(versions) + 1))


Story = Callable[[Stage], Awaitable[None]]


def told(story: Story, folder: Path, **terms: Any) -> Awaitable[None]:
    """The story on its stage; for the fixture `run`."""

    async def play() -> None:
        async with on_stage(folder, **terms) as stage:
            await story(stage)

    return play()
