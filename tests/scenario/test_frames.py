"""The wire to the terminals: any segmentation, any rubbish, every limit; and the gateway goes on."""

import asyncio
import random

import pytest

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import SOON_S, Stage, told
from yuanlu.iso8583.framing import FrameReader, with_length


async def exchange(stage: Stage, data: bytes, *, count: int = 0) -> list[bytes]:
    """Raw bytes on a connection of their own; the frames that come back until there are so many or it is closed."""
    reader, writer = await asyncio.open_connection(*stage.address)
    frames, incoming = FrameReader(), []
    try:
        writer.write(data)
        async with asyncio.timeout(SOON_S):
            while (not count or len(incoming) < count) and (chunk := await reader.read(65536)):
                incoming += frames.feed(chunk)
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return incoming


async def still_serves(stage: Stage) -> None:
    assert await stage.code(stage.sale(stage.payment(terminal=7))) == "00"


def test_a_frame_in_segments_of_one_byte_is_a_frame(run, tmp_path):
    async def story(stage: Stage) -> None:
        reader, writer = await asyncio.open_connection(*stage.address)
        for byte in with_length(stage.sale(stage.payment())):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        size = int.from_bytes(await reader.readexactly(2))
        answer = stage.identity().codec.decode(await reader.readexactly(size))
        assert answer[39] == "00"
        writer.transport.abort()

    run(told(story, tmp_path))


def test_many_frames_in_one_segment_are_all_answered(run, tmp_path):
    async def story(stage: Stage) -> None:
        data = b"".join(with_length(stage.sale(stage.payment(terminal=n % 8))) for n in range(24))
        answers = await exchange(stage, data, count=24)
        assert len(answers) == 24
        assert {stage.identity().codec.decode(answer)[39] for answer in answers} == {"00"}

    run(told(story, tmp_path))


def test_a_frame_cut_short_anywhere_is_refused_or_ends_its_connection_and_nobody_else_notices(run, tmp_path):
    async def story(stage: Stage) -> None:
        whole = stage.sale(stage.payment())
        for size in range(1, len(whole)):
            answers = await exchange(stage, with_length(whole[:size]), count=1)
            assert all(stage.identity().codec.decode(answer)[39] != "00" for answer in answers), size
        assert stage.host.asked("0200") == []
        await still_serves(stage)

    run(told(story, tmp_path))


def test_a_frame_with_any_byte_changed_never_stops_the_gateway(run, tmp_path):
    async def story(stage: Stage) -> None:
        chance, whole = random.Random(7), stage.sale(stage.payment())
        for _ in range(150):
            frame = bytearray(whole)
            for _ in range(chance.randint(1, 3)):
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            await exchange(stage, with_length(bytes(frame)), count=1)
        await still_serves(stage)

    run(told(story, tmp_path))


@pytest.mark.parametrize(
    "data", [b"\x00\x00", b"\xff\xff", b"\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x03abc", b"\x16\x03\x01\x02"]
)
def test_what_is_no_frame_ends_its_connection_without_an_answer(run, tmp_path, data):
    async def story(stage: Stage) -> None:
        assert await exchange(stage, data + bytes(64)) == []
        await still_serves(stage)

    run(told(story, tmp_path))


def test_a_bad_frame_behind_a_good_one_does_not_take_its_answer(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        both = with_length(stage.sale(payment)) + with_length(b"nonsense")
        answered = asyncio.ensure_future(exchange(stage, both))
        await stage.until(lambda: stage.gateway.server.counters.malformed == 1 and stage.host.holding == 1)
        stage.host.let_go()
        [answer] = await answered
        assert stage.identity().codec.decode(answer)[39] == "00"
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_strangers_are_refused_with_a_clear_code(run, tmp_path):
    async def story(stage: Stage) -> None:
        message = stage.identity().codec.decode(stage.sale(stage.payment()))
        assert await stage.code(message.splice({41: "T9999999"})) == "97"
        assert await stage.code(message.splice({42: "000000000000000"})) == "03"
        assert await stage.code(message.splice({41: None})) == "97"
        assert await stage.transactions() == 0
        assert stage.host.seen == []

    run(told(story, tmp_path))


BENT = [
    ({4: None}, "30", "no amount"),
    ({49: None}, "30", "no currency"),
    ({4: "000000000000"}, "13", "an amount of zero"),
    ({2: None, 35: None}, "14", "no card"),
    ({11: None}, "30", "no trace number"),
    ({11: b"\xab\xcd\xef"}, "30", "a trace number that is no number"),
    ({4: b"\x00\x00\x00\x00\x1a\x34"}, "30", "an amount that is no number"),
    ({60: b"\x00\x02\x2a"}, "30", "a private field that is none"),
    ({3: "200000"}, "40", "a void, which is not served yet"),
    ({3: "220000"}, "40", "a refund, which is not served yet"),
]


@pytest.mark.parametrize(("changes", "code", "why"), BENT, ids=[row[2] for row in BENT])
def test_a_request_that_lacks_what_it_needs_is_refused_before_any_intent(run, tmp_path, changes, code, why):
    async def story(stage: Stage) -> None:
        message = stage.identity().codec.decode(stage.sale(stage.payment()))
        assert await stage.code(message.splice(changes)) == code, why
        assert await stage.transactions() == 0
        assert stage.host.seen == []

    run(told(story, tmp_path))


@pytest.mark.parametrize(("mti", "answer"), [("0100", "0110"), ("0220", "0230"), ("0520", "0530"), ("0600", "0610")])
def test_what_is_not_served_yet_is_answered_40_and_recorded(run, tmp_path, mti, answer):
    async def story(stage: Stage) -> None:
        message = stage.identity().codec.decode(stage.sale(stage.payment()))
        reply = await stage.ask(message.splice({}, mti=mti))
        assert (reply.mti, reply[39]) == (answer, "40")
        assert len(await stage.events("REFUSED")) == 1

    run(told(story, tmp_path))


def test_an_answer_instead_of_a_request_ends_the_connection(run, tmp_path):
    async def story(stage: Stage) -> None:
        message = stage.identity().codec.decode(stage.sale(stage.payment()))
        assert await exchange(stage, with_length(message.splice({}, mti="0210"))) == []
        await still_serves(stage)

    run(told(story, tmp_path))


def test_slow_idle_and_oversize_senders_are_cut_and_counted(run, tmp_path):
    async def story(stage: Stage) -> None:
        counters = stage.gateway.server.counters
        slow, idle = [await asyncio.open_connection(*stage.address) for _ in range(2)]
        oversize = await asyncio.open_connection(*stage.address)
        slow[1].write(with_length(stage.sale(stage.payment()))[:30])
        oversize[1].write(b"\x04\x00")
        for reader, _writer in (oversize, slow, idle):
            assert await reader.read() == b""
        assert (counters.cut_oversize, counters.cut_slow, counters.cut_idle) == (1, 1, 1)
        for _reader, writer in (slow, idle, oversize):
            writer.transport.abort()
        await still_serves(stage)

    limits = {"frame_timeout_ms": 100, "idle_timeout_ms": 1_200, "frame_bytes_max": 512}
    run(told(story, tmp_path, gateway=limits))


def test_one_connection_too_many_is_refused(run, tmp_path):
    async def story(stage: Stage) -> None:
        lines = [await stage.line() for _ in range(2)]
        assert await stage.code(stage.sale(stage.payment()), lines[1]) == "00"
        assert await exchange(stage, with_length(stage.sale(stage.payment()))) == []
        lines[0].cut()
        await stage.until(lambda: len(stage.gateway.server._connections) == 1)
        assert await stage.code(stage.sale(stage.payment())) == "00"

    run(told(story, tmp_path, gateway={"connections_max": 2}))


@pytest.mark.parametrize(
    ("limits", "terms"),
    [({"in_flight_max": 2}, {}), ({"in_flight_per_terminal_max": 2}, {}), ({}, {"in_flight_max": 2})],
    ids=["gateway", "terminal", "host"],
)
def test_too_much_at_once_is_declined_96_without_a_transaction_and_reversals_still_pass(run, tmp_path, limits, terms):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True), Say(held=True))
        payments = [stage.payment() for _ in range(3)]
        asks = []
        for payment in payments[:2]:
            asks.append(asyncio.ensure_future(stage.code(stage.sale(payment))))
            await stage.until(lambda: len(stage.host.asked("0200")) == len(asks))
        assert await stage.code(stage.sale(payments[2])) == "96"
        assert await stage.code(stage.reversal(payments[0])) == "00"
        stage.host.let_go()
        assert await asyncio.gather(*asks) == ["98", "00"]
        assert await stage.transactions() == 2

    run(told(story, tmp_path, gateway=limits, **terms))


def test_a_host_that_went_silent_is_taken_as_down_and_tried_again(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", *[Hush()] * 3)
        stage.host.will("0400", *[Hush()] * 8)
        codes = [await stage.code(stage.sale(stage.payment(terminal=n))) for n in range(4)]
        assert codes == ["98", "98", "98", "91"], "two silences, one trial, then a clear no"
        stage.host.send_all(stage.late(stage.host.asked("0200")[0], Say(code="51")))
        await stage.until(lambda: not stage.gateway.hosts["h1"].link.silent_in_a_row)
        assert await stage.code(stage.sale(stage.payment(terminal=4))) == "00"

    run(told(story, tmp_path, breaker_timeouts=2))
