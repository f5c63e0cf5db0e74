"""A terminal's own reversal, in every state of its payment."""

import asyncio

import pytest

from tests.scenario.scripted_host import Say
from tests.scenario.stage import SOON_S, Stage, told
from yuanlu.sandbox.cards import Card

pytestmark = pytest.mark.usefixtures("each_database")


def test_a_reversal_in_flight_is_taken_over_and_the_approval_after_it_is_late(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        assert await stage.code(stage.reversal(payment)) == "00"
        stage.host.let_go()
        assert (await line.receive(SOON_S))[39] == "98"
        await stage.becomes(payment, "RETURNED")
        assert "LATE_ANSWER" in await stage.kinds(payment)
        assert "ANSWERED" in await stage.kinds(payment), "what the till was told in the end is in the journal"
        assert len(stage.host.asked("0400")) == 1

    run(told(story, tmp_path))


def test_a_reversal_after_the_approval_gives_the_money_back_with_its_authorisation(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        assert await stage.code(stage.reversal(payment, reason="06")) == "00"
        await stage.becomes(payment, "RETURNED")
        [reversal] = stage.host.asked("0400")
        assert (reversal[38], reversal[39]) == ("123456", "06")

    run(told(story, tmp_path))


def test_a_reversal_that_comes_twice_or_after_the_return_joins_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        codes = await asyncio.gather(*(stage.code(stage.reversal(payment)) for _ in range(3)))
        assert codes == ["00"] * 3
        await stage.becomes(payment, "RETURNED")
        assert await stage.code(stage.reversal(payment)) == "00"
        assert (await stage.find(payment)).state == "RETURNED"
        assert len(stage.host.asked("0400")) == 1
        assert len(await stage.legs(payment)) == 1

    run(told(story, tmp_path))


def test_a_reversal_of_a_decline_needs_no_return(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "51"
        assert await stage.code(stage.reversal(payment)) == "00"
        assert (await stage.find(payment)).state == "DECLINED"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_reversal_of_a_payment_that_never_came_leaves_a_tombstone_and_the_payment_is_never_sent(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0400", Say(code="25"))
        payment = stage.payment()
        assert await stage.code(stage.reversal(payment)) == "00"
        await stage.becomes(payment, "NO_EFFECT")
        assert await stage.code(stage.sale(payment)) == "94"
        assert stage.host.asked("0200") == []
        [reversal] = stage.host.asked("0400")
        assert reversal[11] == "000001"
        assert "NO_EFFECT" in await stage.kinds(payment)

    run(told(story, tmp_path))


DIFFERENT = [({"amount": 99}, "64"), ({"card": Card(pan="6200000000000013", pin="111111")}, "14")]


@pytest.mark.parametrize(("change", "code"), DIFFERENT, ids=["amount", "card"])
def test_a_reversal_of_something_else_under_the_same_number_is_refused(run, tmp_path, change, code):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        assert await stage.code(stage.reversal(stage.payment(stan=1, **change))) == code
        assert (await stage.find(payment)).state == "APPROVED"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_terminal_that_is_gone_before_its_approval_gets_its_money_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        await stage.hang_up(line)
        stage.host.let_go()
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 1
        assert "APPROVED" not in await stage.kinds(payment)

    run(told(story, tmp_path))


def test_a_payment_and_its_reversal_at_the_same_moment_never_leave_a_charge(run, tmp_path):
    async def story(stage: Stage) -> None:
        payments = [stage.payment(terminal=n % 8, stan=n + 1) for n in range(16)]
        asks = [stage.code(frame(p)) for p in payments for frame in (stage.sale, stage.reversal)]
        codes = await asyncio.gather(*asks)
        assert all(code == "00" for code in codes[1::2])
        for payment in payments:
            await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path))


def test_a_stop_waits_for_what_is_in_flight(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", *[Say(held=True)] * 2)
        payment, silent = stage.payment(), stage.payment(terminal=1)
        line = await stage.line()
        asked = asyncio.get_running_loop().create_task(stage.ask(stage.sale(payment), line))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        other = asyncio.get_running_loop().create_task(stage.ask(stage.sale(silent)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 2)
        stopping = asyncio.get_running_loop().create_task(stage.gateway.stop())
        await stage.until(lambda: not stage.gateway.server._server.is_serving())
        stage.host.let_go(1)
        stage.give_up("h1", stage.host.asked("0200")[1])
        await stopping
        assert (await asked)[39] == "00"
        assert (await other)[39] == "98"
        await stage.open()
        assert (await stage.find(payment)).state == "APPROVED"
        await stage.becomes(silent, "RETURNED")

    run(told(story, tmp_path))


def test_a_gateway_that_was_torn_away_in_flight_returns_the_money_once_when_it_is_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        await stage.stop_short()
        for _ in range(2):
            await stage.open()
            await stage.becomes(payment, "RETURNED")
            await stage.close()
        await stage.open()
        assert len(stage.host.asked("0400")) == 1
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_a_connection_on_which_the_host_is_deaf_loses_one_payment_and_its_reversal_takes_another(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(stage.sale(stage.payment())) == "00"
        stage.host.deafen()
        lost = stage.payment()
        assert await stage.code(stage.sale(lost)) == "98"
        await stage.becomes(lost, "RETURNED")
        assert await stage.code(stage.sale(stage.payment())) == "00"

    run(told(story, tmp_path, connections=2))
