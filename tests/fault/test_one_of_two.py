"""kill -9 of one of two gateways on one PostgreSQL: the other finishes its work within seconds, and nothing twice."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from tests.fault.test_kill import AMOUNT, Gateway, identity, keys_in, payment
from tests.postgres import postgres_for_test
from tests.scenario.scripted_host import Hush, ScriptedHost
from yuanlu.iso8583.codec import codec_for
from yuanlu.sandbox.till_messages import sale_frame

TAKEN_OVER_S_MAX = 6.0
HUNG_S_MAX = 18.0


async def becomes(url: str, state: str, within_s: float) -> None:
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(within_s):
            while await connection.fetchval("SELECT min(state) FROM transactions") != state:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


@asynccontextmanager
async def one_lost(folder: Path, how: signal.Signals, within_s: float) -> AsyncIterator[tuple[ScriptedHost, Gateway]]:
    """A sale is in flight at the first of two gateways when that one is lost; the other returns it."""
    url = postgres_for_test()
    host = ScriptedHost(codec_for("cup-pos"), keys_in(folder))
    host.will("0200", Hush())
    await host.start()
    lost, stays = Gateway(folder, host.port, url), Gateway(folder, host.port, url)
    try:
        await lost.start()
        await stays.start()
        line = await lost.line()
        await line.send(sale_frame(identity(0), payment(0, 1), None))
        async with asyncio.timeout(5):
            while not host.asked("0200"):  # noqa: ASYNC110 - the host keeps a list
                await asyncio.sleep(0.01)
        assert lost._process is not None
        os.kill(lost._process.pid, how)
        await becomes(url, "RETURNED", within_s)
        line.cut()
        assert len(host.asked("0200")) == 1
        assert [int(frame[4]) for frame in host.asked("0400")] == [AMOUNT]
        yield host, lost
        assert await stays.kill(signal.SIGTERM) == 0
    finally:
        for each in (lost, stays):
            if each._process is not None and each._process.returncode is None:
                each._process.kill()
                await each._drain
                await each._process.wait()
        await host.stop()


def test_what_a_killed_gateway_had_in_flight_is_returned_by_the_other_within_seconds(run, tmp_path):
    async def story() -> None:
        async with one_lost(tmp_path, signal.SIGKILL, TAKEN_OVER_S_MAX):
            pass

    run(story())


def test_a_gateway_that_hangs_is_taken_over_and_halts_when_it_goes_on(run, tmp_path):
    async def story() -> None:
        async with one_lost(tmp_path, signal.SIGSTOP, HUNG_S_MAX) as (host, hung):
            assert hung._process is not None
            before = len(host.asked("0200")) + len(host.asked("0400"))
            os.kill(hung._process.pid, signal.SIGCONT)
            async with asyncio.timeout(10):
                assert await hung._process.wait() == 70
                assert b"halted" in await hung._drain
            assert len(host.asked("0200")) + len(host.asked("0400")) == before

    run(story())
