"""The connection to PostgreSQL is lost in mid-commit: the outcome is unknown, the gateway halts, the restart knows."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from proof.processes.proxy import BOTH, FAIR, Proxy, Way, Weather
from tests.fault.test_kill import AMOUNT, Gateway, identity, keys_in, payment
from tests.postgres import cluster, postgres_for_test
from tests.scenario.scripted_host import ScriptedHost
from yuanlu.db.postgres import HUNG_S
from yuanlu.iso8583.codec import codec_for
from yuanlu.sandbox.till_line import LineClosed, TillLine
from yuanlu.sandbox.till_messages import sale_frame
from yuanlu.wiring import HALTED

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""The message of the PostgreSQL protocol by which the gateway asks for it."""
INTENT, ANSWER = b"INSERT INTO transactions", b"UPDATE transactions"
"""What the first sale of a session writes before and after it is sent, and so names once."""
CUT_AFTER_S = 0.2
HALTS_S_MAX = 5.0
SESSIONS_OPEN_S = 2.5
"""Every session that reads is open by then: a new one would notice the silence sooner."""


class DatabaseLine(Proxy):
    """Before the server. It ends at the commit after `text`: the server gets that commit, or does not."""

    def __init__(self, target: int) -> None:
        super().__init__(0, target, carry_s_max=60.0)
        self.text, self.arrives = b"", False
        self._armed = False

    def end_at_commit_after(self, text: bytes, *, arrives: bool) -> None:
        self.text, self.arrives = text, arrives

    async def _bring(self, sink: socket.socket, data: bytes) -> None:
        self._armed = self._armed or bool(self.text and self.text in data)
        if not (self._armed and COMMIT in data):
            await super()._bring(sink, data)
            return
        self.text, self._armed = b"", False
        self._weather = Weather(loses=frozenset({Way.BACK}) if self.arrives else BOTH)
        if self.arrives:
            await super()._bring(sink, data)
        await asyncio.sleep(CUT_AFTER_S)
        self._weather = FAIR
        self.cut()


class Shop:
    """One gateway behind such a line, a host above it, and one till that pays once."""

    def __init__(self, host: ScriptedHost, gateway: Gateway, line: DatabaseLine, url: str) -> None:
        self.host, self.gateway, self.line = host, gateway, line
        self._url = url
        self._tills: list[TillLine] = []

    async def sells(self) -> TillLine:
        till = await self.gateway.line()
        self._tills.append(till)
        await till.send(sale_frame(identity(0), payment(0, 1), None))
        return till

    async def halts(self, within_s: float) -> str:
        """It ends by itself with the code that says so; its last words."""
        assert self.gateway._process is not None
        async with asyncio.timeout(within_s):
            assert await self.gateway._process.wait() == HALTED
            return (await self.gateway._drain).decode()

    async def state(self) -> str:
        """Of the one payment, as the server has it; "" for none."""
        connection = await asyncpg.connect(self._url)
        try:
            return await connection.fetchval("SELECT min(state) FROM transactions") or ""
        finally:
            await connection.close()

    async def becomes(self, state: str) -> None:
        async with asyncio.timeout(6):
            while await self.state() != state:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    def cut(self) -> None:
        for till in self._tills:
            till.cut()


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[Shop]:
    url = postgres_for_test()
    line = DatabaseLine(cluster().port)
    await line.start()
    host = ScriptedHost(codec_for("cup-pos"), keys_in(folder))
    await host.start()
    gateway = Gateway(folder, host.port, cluster().url(url.rpartition("/")[2], line.port))
    there = Shop(host, gateway, line, url)
    try:
        await gateway.start()
        yield there
    finally:
        there.cut()
        if gateway._process is not None and gateway._process.returncode is None:
            gateway._process.kill()
            await gateway._drain
            await gateway._process.wait()
        await host.stop()
        await line.stop()


# What was being committed, whether the server got it, what it then holds, what the restart makes of it, what the till
# hears when it repeats, and how many originals and reversals the host has had in the end.
LOST = [
    (INTENT, True, "SEND_INTENT", "RETURNED", "98", (0, 1)),  # durable, but never sent: nothing is told on a guess
    (INTENT, False, "", "", "00", (1, 0)),  # it never was: the till's repeat is the first that we hear
    (ANSWER, True, "APPROVED", "APPROVED", "00", (1, 0)),  # approved for certain: the repeat hears it
    (ANSWER, False, "SEND_INTENT", "RETURNED", "98", (1, 1)),  # the host's yes is lost: it goes back
]
IDS = ["intent arrived", "intent lost", "answer arrived", "answer lost"]


@pytest.mark.parametrize(("text", "arrives", "held", "ends", "repeat", "asked"), LOST, ids=IDS)
def test_a_commit_of_unknown_outcome_halts_the_gateway_and_the_restart_finds_out(
    run, tmp_path, text, arrives, held, ends, repeat, asked
):
    async def story() -> None:
        async with shop(tmp_path) as there:
            there.line.end_at_commit_after(text, arrives=arrives)
            till = await there.sells()
            assert "could not commit" in await there.halts(HALTS_S_MAX)
            with pytest.raises(LineClosed):  # nobody is told what nobody knows
                await till.receive(0.2)
            assert await there.state() == held
            await there.gateway.start()
            await there.becomes(ends)
            again = await there.sells()
            answer = await again.receive(5)
            assert answer is not None
            assert answer[39] == repeat
            originals, reversals = there.host.asked("0200"), there.host.asked("0400")
            assert (len(originals), len(reversals)) == asked
            assert {int(frame[4]) for frame in reversals} <= {AMOUNT}

    run(story())


def test_a_line_that_goes_silent_for_good_ends_the_gateway_as_soon_as_the_server_gives_it_up(tmp_path):
    """No reset comes, as behind a firewall that has forgotten the connection."""

    async def story() -> None:
        async with shop(tmp_path) as there:
            await asyncio.sleep(SESSIONS_OPEN_S)
            await there.line.change(Weather(loses=BOTH))
            assert f"has not answered for {HUNG_S} s" in await there.halts(HUNG_S + 4)

    asyncio.run(story())
