"""kill -9 of a real gateway process, then the same file again: every payment ends, and no money moves twice."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select

from tests.scenario.scripted_host import Hush, ScriptedHost
from tests.scenario.stage import CARD, MERCHANT, TERMINALS
from tests.store.journals import until
from yuanlu.db.sqlite import integrity_problem, reader_engine
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal.tables import facts, transactions
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till_line import LineClosed, TillLine, open_line
from yuanlu.sandbox.till_messages import EntryMode, Payment, ReversalDuty, TillIdentity, reversal_frame, sale_frame

SEED = 20_251_123
KILLS = 20
HUNG_S = 300
"""Twenty starts beside other tests take a while each."""
AMOUNT = 4_321
STOP_S_MAX = 20
ENDED = {"APPROVED", "DECLINED", "RETURNED", "NO_EFFECT"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway:
    """A gateway in a process of its own, over and over on the same files."""

    def __init__(self, folder: Path, host_port: int, url: str = "sqlite:///journal.db") -> None:
        self.folder = folder
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        rows = "".join(f"{terminal},{MERCHANT},h1,30000\n" for terminal in TERMINALS)
        (folder / "terminals.csv").write_text("terminal_id,merchant_id,acquirer,wait_ms\n" + rows, "utf-8")
        self.config = folder / f"yuanlu-{self.port}.toml"
        self.config.write_text(
            f'[store]\nurl = "{url}"\nreserve_mib = 0\n'
            f'[gateway]\nlisten = "127.0.0.1:{self.port}"\nterminals = "terminals.csv"\nmac = "none"\n'
            f'[acquirers.h1]\nkind = "iso8583-host"\naddress = "127.0.0.1:{host_port}"\ndialect = "cup-pos"\n'
            f'profile = "P1"\nmac = "none"\nanswer_timeout_ms = 1000\npacket_life_ms = 1500\n',
            "utf-8",
        )

    async def start(self) -> None:
        command = (sys.executable, "-m", "yuanlu.cli", "serve", "--config", str(self.config))
        self._process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        assert self._process.stderr is not None
        said = b""
        while b"listening" not in said:
            line = await self._process.stderr.readline()
            assert line, said.decode()
            said += line
        self._drain = asyncio.create_task(self._process.stderr.read())

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self._process is not None
        os.kill(self._process.pid, how)
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._drain
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            raise AssertionError(f"the gateway did not stop within {STOP_S_MAX} s of {how.name}") from None

    async def line(self) -> TillLine:
        return await open_line(("127.0.0.1", self.port), codec_for("cup-pos"))


@asynccontextmanager
async def gateway_above(folder: Path, host_port: int) -> AsyncIterator[Gateway]:
    gateway = Gateway(folder, host_port)
    await gateway.start()
    try:
        yield gateway
    finally:
        assert await gateway.kill(signal.SIGTERM) == 0


def keys_in(folder: Path) -> SoftwareKeyStore:
    create_secret(folder / "keys.toml", random.Random(SEED).randbytes)
    return SoftwareKeyStore.open(folder / "keys.toml", mode="sandbox", random_bytes=random.Random(1).randbytes)


def payment(terminal: int, stan: int) -> Payment:
    ref = PaymentRef(terminal_id=TERMINALS[terminal], merchant_id=MERCHANT, batch_no="000001", stan=f"{stan:06}")
    return Payment(ref=ref, amount_minor=AMOUNT, entry=EntryMode.MAGSTRIPE, card=CARD, at_us=1_760_000_000_000_000)


def identity(terminal: int) -> TillIdentity:
    return TillIdentity(terminal_id=TERMINALS[terminal], merchant_id=MERCHANT, dialect="cup-pos", mac="none")


def states(folder: Path) -> dict[tuple[str, str], str]:
    engine = reader_engine(folder / "journal.db")
    with engine.connect() as connection:
        rows = connection.execute(select(transactions.c.terminal_id, transactions.c.stan, transactions.c.state)).all()
    engine.dispose()
    return {(row.terminal_id, row.stan): row.state for row in rows}


async def all_ended(folder: Path, within_s: float = 15.0) -> dict[tuple[str, str], str]:
    deadline = asyncio.get_running_loop().time() + within_s
    while not (found := states(folder)) or set(found.values()) - ENDED:
        assert asyncio.get_running_loop().time() < deadline, sorted(found.values())
        await asyncio.sleep(0.05)
    return found


def test_a_gateway_killed_between_intent_and_answer_returns_the_money_exactly_once(run, tmp_path):
    async def story() -> None:
        host = ScriptedHost(codec_for("cup-pos"), keys_in(tmp_path))
        host.will("0200", Hush())
        await host.start()
        async with gateway_above(tmp_path, host.port) as gateway:
            line = await gateway.line()
            await line.send(sale_frame(identity(0), payment(0, 1), None))
            await until(lambda: bool(host.asked("0200")))
            await gateway.kill()
            for _ in range(2):
                await gateway.start()
                assert set((await all_ended(tmp_path)).values()) == {"RETURNED"}
                await gateway.kill()
            await gateway.start()
            again = await gateway.line()
            await again.send(sale_frame(identity(0), payment(0, 1), None))
            assert (await again.receive(2))[39] == "98"
            await again.send(reversal_frame_of(0, 1))
            assert (await again.receive(2))[39] == "00"
            assert (len(host.asked("0200")), len(host.asked("0400"))) == (1, 1)
            for each in (line, again):
                each.cut()
        await host.stop()

    run(story())


def reversal_frame_of(terminal: int, stan: int) -> bytes:
    return reversal_frame(identity(terminal), ReversalDuty(payment=payment(terminal, stan)), None)


async def keep_selling(gateway: Gateway, terminal: int, told: dict[tuple[str, str], str], stop: asyncio.Event) -> None:
    """One till: sale after sale, reconnecting for ever; what it was told is written down."""
    stan, line = 0, None
    while not stop.is_set():
        try:
            line = line or await gateway.line()
            stan += 1
            ref = (TERMINALS[terminal], f"{stan:06}")
            told[ref] = ""
            await line.send(sale_frame(identity(terminal), payment(terminal, stan), None))
            answer = await line.receive(5.0)
            told[ref] = answer[39] if answer is not None and answer[11] == ref[1] else ""
        except LineClosed:
            if line is not None:
                line.cut()
            line = None
            await asyncio.sleep(0.02)
    if line is not None:
        line.cut()


def test_twenty_kills_under_load_lose_nothing_and_repeat_nothing(tmp_path):
    async def story() -> None:
        chance = random.Random(SEED)
        terms = HostTerms(
            name="h1", listen="127.0.0.1:0", dialect="cup-pos", profile="P1", mac="none", sign_in="none",
            processing_ms_max=15,
        )  # fmt: skip
        server = HostServer(build_core(terms, keys_in(tmp_path)), SystemClock())
        await server.start()
        told: dict[tuple[str, str], str] = {}
        stop = asyncio.Event()
        async with gateway_above(tmp_path, server.port) as gateway:
            tills = [asyncio.create_task(keep_selling(gateway, n, told, stop)) for n in range(8)]
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0.05, 0.4))
                await gateway.kill()
                await gateway.start()
            stop.set()
            await asyncio.gather(*tills)
            journal = await all_ended(tmp_path)
        nets = {(net.ref.terminal_id, net.ref.stan): net for net in server.core.ledger.nets()}
        await server.stop()
        check(tmp_path, told, journal, nets)

    asyncio.run(asyncio.wait_for(story(), HUNG_S))


def check(folder: Path, told: dict, journal: dict, nets: dict) -> None:
    """The host's books, the journal and what the tills heard must tell one story."""
    assert sum(code == "00" for code in told.values()) > 50, f"seed {SEED}: hardly anything happened"
    assert nets.keys() <= journal.keys()
    for ref, state in journal.items():
        net = nets.get(ref)
        assert net is None or (net.debit_count <= 1 and net.credit_count <= 1), (SEED, ref)
        assert (net.net_minor if net else 0) == (-AMOUNT if state == "APPROVED" else 0), (SEED, ref, state)
    for ref, code in told.items():
        if code == "00":
            assert journal[ref] == "APPROVED", (SEED, ref)
    assert integrity_problem(folder / "journal.db") is None
    engine = reader_engine(folder / "journal.db")
    with engine.connect() as connection:
        numbers = connection.execute(select(facts.c.writer_id, facts.c.writer_seq)).all()
    engine.dispose()
    for writer in {row.writer_id for row in numbers}:
        mine = sorted(row.writer_seq for row in numbers if row.writer_id == writer)
        assert mine == list(range(1, len(mine) + 1)), f"writer {writer} has a gap"
