"""The fault proxy: it does to a connection what networks do, and nothing that TCP never does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proof.processes.proxy import BOTH, FAIR, Proxy, Way, Weather
from yuanlu.iso8583.codec import codec_for
from yuanlu.sandbox.till_line import LineClosed, open_line

CARRY_S_MAX, CARRY_S_MAX_SHORT = 4.0, 0.2
"""For how long a standstill is survived: longer than this machine itself may stand still, or shorter than the story."""

SOON_S = 15.0


class Echo:
    """A server that sends back what it gets, and counts it."""

    def __init__(self) -> None:
        self.got = b""
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while data := await reader.read(1000):
                self.got += data
                writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()


class Line:
    """A client's connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hears(self, count: int) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self.reader.readexactly(count)

    async def hears_nothing(self, for_s: float) -> bool:
        try:
            async with asyncio.timeout(for_s):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    async def is_reset(self) -> bool:
        with pytest.raises(ConnectionResetError):
            await self.hears(1)
        return True


@asynccontextmanager
async def network(carry_s_max: float = CARRY_S_MAX) -> AsyncIterator[tuple[Proxy, Echo, Line]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    proxy = Proxy(0, server.sockets[0].getsockname()[1], carry_s_max=carry_s_max)
    await proxy.start()
    line = await connected(proxy)
    try:
        line.say(b"hello")
        assert await line.hears(5) == b"hello"
        yield proxy, echo, line
    finally:
        line.writer.transport.abort()
        await proxy.stop()
        server.close()


async def connected(proxy: Proxy) -> Line:
    return Line(*await asyncio.open_connection("127.0.0.1", proxy.port))


def test_in_a_partition_nothing_arrives_and_afterwards_the_connection_is_dead(run):
    async def story() -> None:
        async with network() as (proxy, echo, line):
            await proxy.change(Weather(loses=BOTH))
            line.say(b"lost")
            newcomer = await connected(proxy)
            newcomer.say(b"lost, too")
            assert await line.hears_nothing(0.2)
            assert await newcomer.hears_nothing(0.1)
            await proxy.change(FAIR)
            assert await line.is_reset()
            assert await newcomer.is_reset()
            assert (echo.got, echo.connections) == (b"hello", 1)

    run(story())


def test_a_partition_of_the_way_back_loses_the_answer_only(run):
    async def story() -> None:
        async with network() as (proxy, echo, line):
            await proxy.change(Weather(loses=frozenset({Way.BACK})))
            line.say(b"asked")
            assert await line.hears_nothing(0.2)
            assert echo.got == b"helloasked"
            line.say(b"more")
            assert await line.hears_nothing(0.1)
            assert echo.got == b"helloaskedmore"
            await proxy.change(FAIR)
            assert await line.is_reset()

    run(story())


def test_who_said_nothing_in_a_partition_notices_nothing(run):
    async def story() -> None:
        async with network() as (proxy, _, line):
            await proxy.change(Weather(loses=BOTH))
            await proxy.change(FAIR)
            line.say(b"again")
            assert await line.hears(5) == b"again"

    run(story())


def test_a_short_standstill_delivers_late_and_a_long_one_never(run):
    async def story() -> None:
        async with network() as (proxy, echo, line):
            await proxy.change(Weather(stands_still=BOTH))
            line.say(b"late")
            assert await line.hears_nothing(CARRY_S_MAX_SHORT)
            await proxy.change(FAIR)
            assert await line.hears(4) == b"late"
            assert echo.got == b"hellolate"
        async with network(CARRY_S_MAX_SHORT) as (proxy, echo, line):
            await proxy.change(Weather(stands_still=BOTH))
            line.say(b"never")
            await asyncio.sleep(CARRY_S_MAX_SHORT + 0.1)
            await proxy.change(FAIR)
            assert await line.is_reset()
            assert echo.got == b"hello"

    run(story())


def test_a_slow_line_delays_both_ways_and_a_thin_one_tears_frames(run):
    async def story() -> None:
        async with network() as (proxy, _, line):
            loop = asyncio.get_running_loop()
            await proxy.change(Weather(delay_ms=100))
            began = loop.time()
            line.say(b"slow")
            assert await line.hears(4) == b"slow"
            assert loop.time() - began >= 0.2
            await proxy.change(Weather(bytes_per_s=500))
            line.say(b"x" * 90)
            first = await line.reader.read(1000)
            assert len(first) < 90
            assert first + await line.hears(90 - len(first)) == b"x" * 90
            line.say(b"y" * 2000)  # four seconds' worth
            assert await line.is_reset()

    run(story())


def test_a_till_whose_connection_was_reset_meanwhile_is_told_so_when_it_sends(run):
    async def story() -> None:
        async with network() as (proxy, _, _line):
            line = await open_line(("127.0.0.1", proxy.port), codec_for("cup-pos"))
            await line.send(b"asked")
            proxy.cut()
            async with asyncio.timeout(SOON_S):
                while not line._writer.is_closing():  # noqa: ASYNC110 - a till that does not read has no event
                    await asyncio.sleep(0.01)
            with pytest.raises(LineClosed):
                await line.send(b"again")

    run(story())


def test_a_cut_resets_everybody_and_the_next_connection_is_well(run):
    async def story() -> None:
        async with network() as (proxy, echo, line):
            proxy.cut()
            assert await line.is_reset()
            again = await connected(proxy)
            again.say(b"back")
            assert await again.hears(4) == b"back"
            assert echo.connections == 2
            again.writer.transport.abort()

    run(story())
