"""Payments that go well, and those that do not: what the terminal hears, what the host saw, what the journal holds."""

import asyncio
import socket
import struct

import pytest

from tests.scenario.scripted_host import Garbage, HangUp, Hush, Say
from tests.scenario.stage import SOON_S, Stage, told
from yuanlu.sandbox.till_messages import EntryMode

pytestmark = pytest.mark.usefixtures("each_database")


def test_a_sale_is_approved_and_the_terminal_hears_the_hosts_words(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        answer = await stage.ask(stage.sale(payment))
        assert (answer[39], answer[38], answer[37], answer[11]) == ("00", "123456", "000000000001", "000001")
        assert answer.tpdu[1:3] == stage.host.asked("0200")[0].tpdu[3:5]
        assert (await stage.find(payment)).state == "APPROVED"
        assert await stage.kinds(payment) == ["SEND_INTENT", "APPROVED"]

    run(told(story, tmp_path))


@pytest.mark.parametrize("code", ["05", "51", "14", "61"])
def test_a_decline_is_passed_on_and_nothing_is_returned(run, tmp_path, code):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code=code))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == code
        assert (await stage.find(payment)).state == "DECLINED"
        assert await stage.legs(payment) == []

    run(told(story, tmp_path))


LOST = [
    (Hush(), "no answer in time", "98"),
    (HangUp(), "connection lost before the answer", "98"),
    ([Say(keep=40), HangUp()], "half an answer", "98"),
    (Garbage(data=b"\x00\x05hello"), "rubbish instead of an answer", "98"),
    (Garbage(data=b"\x00\x00\x00\x00"), "an impossible length", "98"),
    (Say(fields={11: "999999"}), "the trace number of another payment", "98"),
    (Say(fields={4: "000000009999"}), "another amount", "98"),
    (Say(fields={41: "T0000009"}), "another terminal", "98"),
    (Say(fields={42: "000000000000009"}), "another merchant", "98"),
    (Say(fields={3: "200000"}), "another kind of transaction", "98"),
    (Say(fields={39: None}), "no response code at all", "06"),
    (Say(fields={39: b"\x00\x01"}), "a response code that is none", "06"),
    (Say(code="96"), "a code that leaves the outcome open", "06"),
    (Say(code="68"), "a code that leaves the outcome open", "06"),
    (Say(code="98"), "a code that leaves the outcome open", "06"),
    (Say(code="09"), "a card payment in progress", "06"),
]


@pytest.mark.parametrize(("line", "why", "reason"), LOST, ids=lambda value: str(value)[:40])
def test_what_is_no_usable_answer_is_told_as_98_and_reversed_once(run, tmp_path, line, why, reason):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", line)
        payment = stage.payment()
        asked = asyncio.ensure_future(stage.code(stage.sale(payment)))
        counters = stage.gateway.hosts["h1"].link.counters
        await stage.until(lambda: asked.done() or bool(counters.unmatched + counters.rubbish))
        if not asked.done():  # what came is no answer to this sale, so it still waits
            stage.give_up("h1", stage.host.asked("0200")[0])
        assert await asked == "98", why
        await stage.becomes(payment, "RETURNED")
        [reversal] = stage.host.asked("0400")
        assert (reversal[39], reversal[11], reversal[4]) == (reason, "000001", "000000001234")
        assert reversal[2] == "6200000000000005"
        assert not reversal.has(35)
        assert not reversal.has(52)
        assert not reversal.has(14)
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_a_host_that_thinks_for_longer_than_its_time_is_given_up(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        assert "UNKNOWN" in await stage.kinds(payment)
        assert stage.gateway.hosts["h1"].link.silent_in_a_row

    run(told(story, tmp_path, answer_timeout_ms=200))


def test_an_answer_that_comes_twice_counts_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(times=2))
        payment = stage.payment()
        line = await stage.line()
        assert await stage.code(stage.sale(payment), line) == "00"
        await stage.has(payment, "LATE_ANSWER")
        assert await line.receive(0.1) is None
        assert (await stage.find(payment)).state == "APPROVED"
        assert sorted(await stage.kinds(payment)) == ["APPROVED", "LATE_ANSWER", "SEND_INTENT"]

    run(told(story, tmp_path))


def test_a_host_that_cannot_be_reached_gives_91_and_no_transaction(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.host.stop()
        assert await stage.code(stage.sale(stage.payment())) == "91"
        assert await stage.transactions() == 0
        assert len(await stage.events("REFUSED")) == 1

    run(told(story, tmp_path))


def test_a_late_approval_after_the_reversal_is_recorded_and_never_shown_as_success(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(late=True))
        payment = stage.payment()
        line = await stage.line()
        assert await stage.code(stage.sale(payment), line) == "98"
        await stage.becomes(payment, "RETURNED")
        stage.host.let_go()
        await stage.until(lambda: stage.gateway.hosts["h1"].link.counters.unmatched == 1)
        await stage.has(payment, "LATE_ANSWER")
        assert await line.receive(0.1) is None
        assert await stage.code(stage.sale(payment)) == "98"
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_a_balance_without_an_answer_is_98_and_there_is_nothing_to_return(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        payment = stage.payment()
        request = stage.identity().codec.decode(stage.sale(payment))
        frame = request.splice({3: "310000", 4: None})
        assert await stage.code(frame) == "98"
        assert (await stage.find(payment)).state == "DECLINED"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_customer_who_is_typing_is_waited_for(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", [Say(code="09"), Say(held=True)])
        payment = stage.payment(entry=EntryMode.QR)
        asked = asyncio.ensure_future(stage.code(stage.sale(payment)))
        await stage.until(lambda: stage.host.holding == 1)
        await stage.has(payment, "PENDING")
        stage.host.let_go()
        assert await asked == "00"
        assert await stage.kinds(payment) == ["SEND_INTENT", "PENDING", "APPROVED"]

    run(told(story, tmp_path))


def test_an_approval_that_follows_in_progress_at_once_is_not_overlooked(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", [Say(code="09"), Say()])
        payment = stage.payment(entry=EntryMode.QR)
        assert await stage.code(stage.sale(payment)) == "00"

    run(told(story, tmp_path))


def test_a_customer_who_never_finishes_gets_the_money_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="09"))
        payment = stage.payment(entry=EntryMode.QR)
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, "RETURNED")
        assert await stage.kinds(payment) == [
            "SEND_INTENT", "PENDING", "UNKNOWN", "RETURN_INTENT", "RETURN_REVERSAL", "REVERSAL_ANSWER", "RETURNED",
        ]  # fmt: skip

    run(told(story, tmp_path, gateway={"wait_ms": 5_300}))


def test_silence_where_the_profile_says_so(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        payment = stage.payment()
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        await stage.becomes(payment, "RETURNED")
        assert await line.receive(0.1) is None

    run(told(story, tmp_path, silent_on_unknown=True))


def test_an_approval_after_the_terminals_patience_goes_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        stage.host.let_go()
        await stage.has(payment, "LATE_ANSWER")
        await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path, gateway={"wait_ms": 5_150}))


def test_watched_codes_are_taken_as_said_and_put_on_the_watch_list(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="91"), Say(code="A2"))
        declined, approved = stage.payment(), stage.payment()
        assert await stage.code(stage.sale(declined)) == "91"
        stage.stan = 1
        assert await stage.code(stage.sale(stage.payment())) == "A2"
        assert (await stage.find(declined)).state == "DECLINED"
        assert (await stage.find(approved)).state == "APPROVED"
        assert "91" in await stage.watched(declined)
        assert "A2" in await stage.watched(approved)

    run(told(story, tmp_path))


def test_a_link_stops_however_close_that_comes_to_its_connection(run, tmp_path):
    async def story(stage: Stage) -> None:
        link = stage.gateway.hosts["h1"].link
        for turns in range(40):
            await link.stop()
            link.start()
            for _ in range(turns):
                await asyncio.sleep(0)
        async with asyncio.timeout(SOON_S):
            await link.stop()

    run(told(story, tmp_path))


def test_a_link_whose_host_hung_up_at_once_still_wakes_the_returns_when_it_is_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.host.stop()
        loop = asyncio.get_running_loop()
        with socket.socket() as hasty:
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            hasty.bind(("127.0.0.1", stage.host.port))
            hasty.listen(8)
            hasty.setblocking(False)
            for _ in range(3):  # a load balancer with nothing behind it: accepts, and resets
                peer, _address = await loop.sock_accept(hasty)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
        link = stage.gateway.hosts["h1"].link
        await stage.host.start()
        await stage.until(lambda: link.up)
        assert len(link._connections) == 1

    run(told(story, tmp_path))
