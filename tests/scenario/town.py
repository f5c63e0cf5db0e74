"""A town for stories of outages: two hosts, five shops in two regions, and the command line beside the gateway."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import select
from typer.testing import CliRunner

from tests.scenario.scripted_host import ScriptedHost
from tests.scenario.stage import CARD, SOON_S, Stage, check_numbers, settings_for
from yuanlu.cases.records import Case
from yuanlu.cases.store import case_from_row
from yuanlu.cases.tables import cases
from yuanlu.cli.main import app
from yuanlu.incidents.records import Incident
from yuanlu.incidents.store import active_incidents, ended_incidents
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal.tables import transactions
from yuanlu.kernel.errors import YuanluError
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.cards import Card
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till_messages import EntryMode, Payment, ReversalDuty, TillIdentity, reversal_frame, sale_frame
from yuanlu.settings import Incidents

SHOPS = 4
TERMINALS = tuple(f"A{n:07}" for n in range(12))
"""At host h1, the shops in turn; the first two shops are in the north, the others in the south."""
ELSEWHERE = tuple(f"B{n:07}" for n in range(4))
"""Of a fifth shop, in the south, at host h2."""
QUICK = Incidents(look_every_ms=40, link_down_ms=200, healthy_ms=400)
TOML = """
[store]
url = "sqlite:///journal.db"
[gateway]
listen = "127.0.0.1:0"
terminals = "terminals.csv"
mac = "none"
[acquirers.h1]
kind = "iso8583-host"
address = "127.0.0.1:1"
dialect = "cup-pos"
profile = "P1"
mac = "none"
[acquirers.h2]
kind = "iso8583-host"
address = "127.0.0.1:1"
dialect = "cup-pos"
profile = "P1"
mac = "none"
"""


def merchant_of(terminal: str) -> str:
    number = SHOPS if terminal in ELSEWHERE else int(terminal[1:]) % SHOPS
    return f"89844015311000{number}"


def region_of(terminal: str) -> str:
    return "north" if terminal not in ELSEWHERE and int(terminal[1:]) % SHOPS < 2 else "south"


class Town(Stage):
    """The stage with a second host; `host` is h1, `other` is h2."""

    other: ScriptedHost

    def sale_of(
        self, terminal: str, amount: int = 1234, *, card: Card = CARD, entry: EntryMode = EntryMode.MAGSTRIPE
    ) -> tuple[Payment, bytes]:
        """A sale under the next trace number, and its frame."""
        self.stan += 1
        ref = PaymentRef(
            terminal_id=terminal, merchant_id=merchant_of(terminal), batch_no="000001", stan=f"{self.stan:06}"
        )
        payment = Payment(
            ref=ref, amount_minor=amount, entry=entry, card=card, at_us=1_760_000_000_000_000
        )  # fmt: skip
        return payment, sale_frame(self.till(terminal), payment, None)

    def till(self, terminal: str) -> TillIdentity:
        return TillIdentity(
            terminal_id=terminal, merchant_id=merchant_of(terminal), dialect=self.dialect, mac="none"
        )  # fmt: skip

    def reversal_of(self, payment: Payment) -> bytes:
        return reversal_frame(self.till(payment.ref.terminal_id), ReversalDuty(payment=payment, reason="98"), None)

    async def sold(self, terminal: str) -> str:
        """Field 39 of a new sale."""
        return await self.code(self.sale_of(terminal)[1])

    async def states(self) -> list[str]:
        return sorted(
            row.state for row in await self.read(lambda c: c.execute(select(transactions.c.state)).all())
        )  # fmt: skip

    async def causes(self) -> set[str]:
        return {row.cause for row in await self.read(lambda c: c.execute(select(transactions.c.cause)).all())}

    async def cases(self) -> list[Case]:
        return [case_from_row(row) for row in await self.read(lambda c: c.execute(select(cases)).all())]

    async def active(self) -> list[Incident]:
        return await self.read(active_incidents)

    async def ended(self) -> list[Incident]:
        return await self.read(lambda c: ended_incidents(c, 10))

    async def soon(self, happened: Callable[[], Awaitable[Any]], within_s: float = SOON_S) -> Any:
        """Wait until something in the journal is so, and say what it is."""
        async with asyncio.timeout(within_s):
            while not (found := await happened()):  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.02)
        return found

    async def say(self, *words: str, who: str = "", lang: str = "en") -> str:
        """One command of `yuanlu incident`; what it prints, or the one line of its error."""
        config = Path(self.settings.folder) / "yuanlu.toml"
        config.write_text(TOML, "utf-8")
        line = ["incident", *words, "--config", str(config), "--lang", lang, *(["--as", who] if who else [])]
        result = await asyncio.get_running_loop().run_in_executor(None, lambda: CliRunner().invoke(app, line))
        if isinstance(result.exception, YuanluError):
            return f"refused: {result.exception}"
        assert result.exit_code == 0, result.output
        return result.output


@asynccontextmanager
async def town(folder: Path, *, incidents: Incidents = QUICK, **acquirer: Any) -> AsyncIterator[Town]:
    """Gateway and hosts up; all down at the end, and the journal's numbers without gaps."""
    create_secret(folder / "keys.toml", random.Random(1).randbytes)
    store = SoftwareKeyStore.open(folder / "keys.toml", mode="sandbox", random_bytes=random.Random(2).randbytes)
    host, other = (ScriptedHost(codec_for("cup-pos"), store, scope=f"acquirer/{name}") for name in ("h1", "h2"))
    await host.start()
    await other.start()
    gateway = {"in_flight_per_terminal_max": 2_000}
    terms = {"profile": "P1", "breaker_timeouts": 100_000} | acquirer
    settings = settings_for(folder, host.port, gateway=gateway, acquirer=terms)
    second = replace(settings.acquirers["h1"], address=f"127.0.0.1:{other.port}")
    rows = [f"{name},{merchant_of(name)},h1,{region_of(name)}" for name in TERMINALS]
    rows += [f"{name},{merchant_of(name)},h2,{region_of(name)}" for name in ELSEWHERE]
    (folder / "terminals.csv").write_text("\n".join(["terminal_id,merchant_id,acquirer,region", *rows]), "utf-8")
    hosts = {**settings.acquirers, "h2": second}
    stage = Town(replace(settings, acquirers=hosts, incidents=incidents), host, store)
    stage.other = other
    other.on_silence = partial(stage.give_up, "h2")
    await stage.open()
    await stage.until(lambda: stage.gateway.hosts["h2"].link.up)
    try:
        yield stage
        await check_numbers(stage)
    finally:
        host.let_go()
        await stage.close()
        await host.stop()
        await other.stop()


def told(story: Callable[[Town], Awaitable[None]], folder: Path, **terms: Any) -> Awaitable[None]:
    """The story in its town; for the fixture `run`."""

    async def play() -> None:
        async with town(folder, **terms) as stage:
            await story(stage)

    return play()
