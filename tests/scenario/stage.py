"""A stage for stories: one gateway in this process, a scripted host above it, a till below, all on loopback.

What happens in a story is decided by what happens in it, never by who is faster: a machine that stands still for a
second changes no end. So every limit is far away, and time passes when the story says so: `host.let_go` ends the
host's thinking, a host that stays silent has been waited for (`Stage.give_up`), and `Stage.later` moves the clock.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import select

from tests.scenario.scripted_host import ScriptedHost
from yuanlu.iso8583.codec import Message, codec_for, response_mti
from yuanlu.iso8583.framing import with_length
from yuanlu.journal.tables import facts, tasks, transactions
from yuanlu.journal.transactions import Transaction, facts_of, search
from yuanlu.kernel.clock import Moment, SystemClock
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.notification.tables import notification_attempts, notifications
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
SOON_S = 20.0
"""Longer than any machine stands still; a story that goes well waits for nothing."""

STORE_URL = "sqlite:///journal.db"
"""The fixture `each_database` changes it."""

TERMS = {"answer_timeout_ms": 20_000, "packet_life_ms": 60_000, "connections": 1}
"""Nobody waits so long: see `Stage.give_up` and `Stage.later`."""

LIFE_S = TERMS["packet_life_ms"] / 1000


class Ahead(SystemClock):
    """The machine's clocks, as far ahead as the story has moved them."""

    ahead_us = 0

    def wall_us(self) -> int:
        return super().wall_us() + self.ahead_us

    def now(self) -> Moment:
        now = super().now()
        return replace(now, wall_us=now.wall_us + self.ahead_us, boot_us=now.boot_us + self.ahead_us)


def settings_for(
    folder: Path, port: int, *, gateway: dict[str, Any], acquirer: dict[str, Any], **more: Any
) -> Settings:
    """One acquirer, eight terminals."""
    waits = gateway.pop("wait_ms", 30_000)
    rows = "".join(f"{terminal},{MERCHANT},h1,{waits}\n" for terminal in TERMINALS)
    (folder / "terminals.csv").write_text("terminal_id,merchant_id,acquirer,wait_ms\n" + rows, "utf-8")
    terms = {"kind": "iso8583-host", "address": f"127.0.0.1:{port}", "dialect": "cup-pos", "mac": "none"}
    return Settings(
        store=Store(url=STORE_URL, reserve_mib=0),
        gateway=Gateway(**{"listen": "127.0.0.1:0", "terminals": "terminals.csv", "mac": "none"} | gateway),
        acquirers={"h1": Acquirer(**terms | TERMS | acquirer)},
        folder=str(folder),
        **more,
    )


class Stage:
    """Everything a story needs; `line` is the till's connection."""

    def __init__(self, settings: Settings, host: ScriptedHost, store: SoftwareKeyStore) -> None:
        self.settings = settings
        self.host = host
        self.store = store
        self.clock = Ahead()
        self.gateway: GatewayProcess
        self.others: list[GatewayProcess] = []
        self.address = ("", 0)
        self.keys: WorkingKeys | None = None
        self.stan = 0
        self._lines: list[TillLine] = []
        if isinstance(host, ScriptedHost):
            host.on_silence = partial(self.give_up, "h1")

    @property
    def dialect(self) -> str:
        return self.settings.acquirers["h1"].dialect

    def identity(self, terminal: str = TERMINALS[0]) -> TillIdentity:
        return TillIdentity(
            terminal_id=terminal, merchant_id=MERCHANT, dialect=self.dialect, mac=self.settings.gateway.mac
        )

    async def open(self, *, linked: bool = True) -> None:
        """Start a gateway, as after a restart; `linked` waits for its host."""
        self.gateway = await open_gateway(self.settings, self.clock)
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

    async def stop_short(self) -> None:
        """The gateway ends in the middle of its work and leaves it as it is; `open` starts the next one."""
        for task in list(self.gateway.server.working):
            task.cancel()
        await self.close()

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

    async def ask(self, frame: bytes, line: TillLine | None = None, timeout_s: float = SOON_S) -> Message | None:
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

    async def becomes(self, payment: Payment, state: str, within_s: float = SOON_S) -> None:
        """Wait until the payment is in `state`."""
        deadline = asyncio.get_running_loop().time() + within_s
        while (found := await self.find(payment)).state != state:
            assert asyncio.get_running_loop().time() < deadline, f"{found.state}: {await self.kinds(payment)}"
            await asyncio.sleep(0.01)

    async def has(self, payment: Payment, kind: str, times: int = 1) -> None:
        """Wait until this stands in its journal, so often."""
        async with asyncio.timeout(SOON_S):
            while (await self.kinds(payment)).count(kind) < times:  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.01)

    async def put_off(self, payment: Payment) -> None:
        """Wait until its return has nothing to do for now but to wait for its time."""
        [leg] = await self.legs(payment)
        due = select(tasks.c.due_at_us).where(tasks.c.key == leg.return_id, tasks.c.holder == 0)
        async with asyncio.timeout(SOON_S):
            while (await self.read(lambda c: c.execute(due).scalar()) or 0) <= self.clock.wall_us():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)

    async def until(self, happened: Callable[[], bool], within_s: float = SOON_S) -> None:
        """Wait until something is so."""
        deadline = asyncio.get_running_loop().time() + within_s
        while not happened():
            assert asyncio.get_running_loop().time() < deadline, "it did not happen"
            await asyncio.sleep(0.005)

    async def hear_of_it(self, callers: int) -> None:
        """Wait until so many requests wait for the same answer, which the host holds."""
        in_flight = self.gateway.desk.in_flight
        await self.until(lambda: any(len(each.callers) == callers for each in in_flight.values()))
        await self.until(lambda: self.host.holding == 1)

    async def hang_up(self, *lines: TillLine) -> None:
        """These lines of tills end, and the gateway has noticed."""
        server = self.gateway.server
        left = len(server._connections) - len(lines)
        for line in lines:
            line.cut()
        await self.until(lambda: len(server._connections) <= left)

    def give_up(self, name: str, request: Message) -> None:
        """The time for an answer to this request is over: what the link's timer does after `answer_timeout_ms`."""
        key = response_mti(request.mti), request[41], request[11]
        for gateway in (self.gateway, *self.others):
            link = gateway.hosts[name].link
            waiting = link._waiting.get(key)
            if waiting is not None and not waiting.answer.done():
                link._give_up(waiting)

    def later(self, after_s: float) -> None:
        """So much time passes at once, for windows, pauses and whoever looks from time to time.

        Only while nothing is on its way out: on PostgreSQL who was held up between a commit and its sending halts.
        """
        self.clock.ahead_us += int(after_s * 1_000_000)
        self.look()

    def look(self) -> None:
        """Whoever looks for due work once a second looks now."""
        for gateway in (self.gateway, *self.others):
            for runner in gateway._runners():
                runner.nudge_all()

    async def relink(self) -> None:
        """End the host's connections; the gateway comes back at once, and everything that waits is woken."""
        link = self.gateway.hosts["h1"].link
        before = link.counters.connects

        def again() -> bool:
            if link.counters.connects > before:
                return True
            self.host.hang_up()  # it may not have noticed yet that it was called
            return False

        await self.until(again)

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
    except BaseException:
        await show(stage)
        raise
    finally:
        host.let_go()
        await stage.close()
        await host.stop()


SHOWN = (transactions, facts, tasks, notifications, notification_attempts)


async def show(stage: Stage) -> None:
    """What the journal holds, for whoever asks why a story went wrong."""
    print(f"now {stage.clock.wall_us()}")
    for table in SHOWN:
        for row in await stage.read(lambda c, table=table: c.execute(select(table)).all()):
            print(table.name, {name: value for name, value in row._mapping.items() if value not in ("", None)})


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
