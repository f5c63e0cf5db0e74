"""The same request again: answered from the journal, never sent twice; and what only looks the same."""

import asyncio

import pytest

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import Stage, told
from yuanlu.sandbox.cards import Card
from yuanlu.sandbox.till_messages import EntryMode

pytestmark = pytest.mark.usefixtures("each_database")


@pytest.mark.parametrize("entry", list(EntryMode))
def test_a_repeat_on_a_new_connection_gets_the_same_answer_and_the_host_sees_one_request(run, tmp_path, entry):
    async def story(stage: Stage) -> None:
        payment = stage.payment(entry=entry)
        first = await stage.ask(stage.sale(payment))
        again = await stage.ask(stage.sale(payment))
        assert again.fields() == first.fields()
        assert len(stage.host.asked("0200")) == 1
        assert await stage.kinds(payment) == ["SEND_INTENT", "APPROVED", "REPEAT"]

    run(told(story, tmp_path))


def test_a_repeat_of_a_decline_gets_the_decline(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51"))
        payment = stage.payment()
        assert [await stage.code(stage.sale(payment)) for _ in range(2)] == ["51", "51"]
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_a_repeat_while_the_first_is_in_flight_waits_for_the_same_answer(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        asked = asyncio.gather(*(stage.code(stage.sale(payment)) for _ in range(3)))
        await stage.hear_of_it(3)
        stage.host.let_go()
        assert await asked == ["00", "00", "00"]
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_a_repeat_keeps_an_approval_alive_when_the_first_connection_is_gone(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        first = await stage.line()
        await first.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        await stage.hang_up(first)
        again = asyncio.ensure_future(stage.code(stage.sale(payment)))
        await stage.hear_of_it(2)
        stage.host.let_go()
        assert await again == "00"
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_a_twin_with_another_amount_does_not_keep_an_approval_that_nobody_hears(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        first = await stage.line()
        await first.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        await stage.hang_up(first)
        twin = asyncio.ensure_future(stage.code(stage.sale(stage.payment(stan=1, amount=999))))
        await stage.until(lambda: len(stage.gateway.server.working) == 2)
        stage.host.let_go()
        assert await twin == "94"
        await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path))


TWINS = [
    ({"amount": 4321}, "another amount"),
    ({"card": Card(pan="6200000000000013", pin="111111")}, "another card"),
    ({"entry": EntryMode.QR}, "another way to pay"),
]


@pytest.mark.parametrize(("change", "why"), TWINS, ids=lambda value: str(value)[:20])
def test_the_same_number_with_other_content_is_refused_and_never_sent(run, tmp_path, change, why):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        assert await stage.code(stage.sale(stage.payment(stan=1, **change))) == "94", why
        assert len(stage.host.asked("0200")) == 1
        assert stage.gateway.desk.alarms == 1
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_a_repeat_after_a_newer_payment_is_a_stale_twin(run, tmp_path):
    async def story(stage: Stage) -> None:
        old = stage.payment()
        assert await stage.code(stage.sale(old)) == "00"
        assert await stage.code(stage.sale(stage.payment())) == "00"
        assert await stage.code(stage.sale(old)) == "94"
        assert len(stage.host.asked("0200")) == 2

    run(told(story, tmp_path))


def test_a_repeat_after_the_repeat_window_is_a_stale_twin(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        stage.later(600)
        assert await stage.code(stage.sale(payment)) == "94"

    run(told(story, tmp_path, gateway={"repeat_window_ms": 600_000}))


def test_a_repeat_of_what_is_unknown_is_98_and_not_a_second_try(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        payment = stage.payment()
        assert [await stage.code(stage.sale(payment)) for _ in range(2)] == ["98", "98"]
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_repeats_are_answered_from_the_journal_while_the_host_is_down_and_after_a_restart(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        await stage.host.stop()
        assert await stage.code(stage.sale(payment)) == "00"
        await stage.close()
        await stage.host.start()
        await stage.open()
        assert await stage.code(stage.sale(payment)) == "00"
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))
