"""A town whose payments were made days ago, for stories of clearing files, and the command line of today."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from tests.scenario import sandbox_town
from tests.scenario.sandbox_place import Place
from tests.scenario.sandbox_town import Calendar, SandboxTown, Upstream
from yuanlu.cases.records import Case
from yuanlu.cases.store import events_of
from yuanlu.cli.main import app
from yuanlu.kernel.clock import CHINA, Moment, SystemClock
from yuanlu.kernel.errors import YuanluError
from yuanlu.returns.tables import watches
from yuanlu.sandbox.clearing_file import clearing_file
from yuanlu.sandbox.till_messages import Payment

BANK, SHOP = "bank", "shop"
FIRST_DAY = datetime.now(CHINA).date() - timedelta(days=4)
"""Long enough ago for its file and the next ones to be whole."""

DAYS = [FIRST_DAY + timedelta(days=n) for n in range(3)]
HOSTS = {
    BANK: Upstream(host={"profile": "P4"}),
    SHOP: Upstream(host={"profile": "P5"}),
}
TOML = """
[store]
url = "sqlite:///journal.db"
reserve_mib = 0
[gateway]
listen = "127.0.0.1:1"
terminals = "terminals.csv"
mac = "none"
"""
ACQUIRER = """
[acquirers.{name}]
kind = "iso8583-host"
address = "127.0.0.1:1"
dialect = "cup-pos"
profile = "{profile}"
mac = "none"
clearing_after_days = {after_days}
"""

Story = Callable[["Days"], Awaitable[None]]


def noon_us(day: date) -> int:
    return int(datetime.combine(day, time(12), CHINA).timestamp()) * 1_000_000


class ThatDay(Calendar):
    """The town's clock from noon of the first day on, until `behind_us` is 0: then it is today."""

    def __init__(self) -> None:
        super().__init__()
        self.behind_us = SystemClock().wall_us() - noon_us(FIRST_DAY)

    def now(self) -> Moment:
        now = super().now()
        return replace(now, wall_us=now.wall_us - self.behind_us)

    def wall_us(self) -> int:
        return super().wall_us() - self.behind_us


class Days:
    """A town whose payments were made on the first day, and the command line days later."""

    def __init__(self, town: SandboxTown, folder: Path, after_days: int) -> None:
        self.town = town
        self._folder = folder
        config = TOML + "".join(
            ACQUIRER.format(name=name, profile=HOSTS[name].host["profile"], after_days=after_days) for name in HOSTS
        )
        (folder / "yuanlu.toml").write_text(config, "utf-8")

    async def pass_by(self) -> None:
        """The gateway stops, and starts again today."""
        await self.town.close()
        assert isinstance(self.town.clock, ThatDay)
        self.town.clock.behind_us = 0
        await self.town.open()

    async def say(self, *words: str, who: str = "li", lang: str = "en") -> str:
        """One command; what it prints, or the one line of its error."""
        spoken = ["--lang", lang] if words[0] != "return" else []
        named = [] if words[:2] in (("clearing", "list"), ("clearing", "show")) else ["--as", who]
        line = [*words, "--config", str(self._folder / "yuanlu.toml"), *spoken, *named]
        result = await asyncio.get_running_loop().run_in_executor(None, lambda: CliRunner().invoke(app, line))
        if isinstance(result.exception, YuanluError):
            return f"refused: {result.exception}"
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    def text(self, host: str, day: date) -> str:
        """The host's own file."""
        return clearing_file(self.town.core(host).books, host, day)

    async def load(self, host: str, day: date, text: str = "", *more: str, lang: str = "en") -> str:
        path = self._folder / f"{host}-{day:%Y%m%d}.csv"
        path.write_text(text or self.text(host, day), "utf-8")
        return await self.say("clearing", "load", str(path), "--acquirer", host, *more, lang=lang)

    async def state(self, payment: Payment) -> str:
        return (await self.town.find(payment)).state

    async def becomes(self, payment: Payment, state: str) -> None:
        async def so() -> bool:
            return await self.state(payment) == state

        await self.town.soon(so)

    async def lost(self, place: Place, fault: str, ends: str) -> Payment:
        """A sale that goes wrong, and where the first day leaves it."""
        place.order(fault)
        payment = await place.sell()
        await self.becomes(payment, ends)
        return payment

    async def watched(self) -> set[str]:
        return set(await self.town.read(lambda c: c.execute(watches.select()).scalars().all()))

    async def names(self, *payments: Payment) -> set[str]:
        return {(await self.town.find(each)).transaction_id for each in payments}

    async def case_notes(self, case: Case) -> str:
        return " ".join(each.text for each in await self.town.read(lambda c: events_of(c, case.case_id)))

    async def caused(self, payment: Payment, cause: str) -> None:
        async def so() -> bool:
            return (await self.town.find(payment)).cause == cause and await self.town.case(payment) is not None

        await self.town.soon(so)


def told(story: Story, folder: Path, patch: pytest.MonkeyPatch, after_days: int = 0) -> Awaitable[None]:
    async def play() -> None:
        patch.setattr(sandbox_town, "Calendar", ThatDay)
        async with sandbox_town.sandbox_town(folder, HOSTS) as town:
            await story(Days(town, folder, after_days))

    return play()


def changed(text: str, *lines: str, without: str = "") -> str:
    """Another file, whose totals are right again."""
    head, columns, *old, _ = text.splitlines()
    kept = [line for line in old if not without or without not in line] + list(lines)
    totals = []
    for side in ("debit", "credit"):
        amounts = [int(line.split(",")[5]) for line in kept if line.startswith(side)]
        totals += [len(amounts), sum(amounts)]
    return "\n".join([head, columns, *kept, ",".join(["total", *map(str, totals)]), ""])


def name_of(payment: Payment) -> str:
    return f"{payment.ref.terminal_id}+{payment.ref.stan}"
