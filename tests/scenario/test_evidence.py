"""What the journal, the hosts' terms and the lines show of a payment leads to its cause."""

import asyncio

from sqlalchemy import update

from tests.scenario.linked import request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import LIFE_S, SOON_S, TERMINALS, Stage, told
from tests.scenario.test_causes_and_cases import explained
from yuanlu.causes.evidence import Evidence
from yuanlu.flow.evidence import read_story
from yuanlu.journal.tables import transactions
from yuanlu.sandbox.till_messages import EntryMode, sign_in_frame

DAY_US = 86_400_000_000
WAIT_S = 2.0
"""A terminal that does not wait longer for its answer; the answer must come within this."""


async def evidence_of(stage: Stage, payment) -> Evidence:
    found = await stage.find(payment)
    around = stage.gateway.desk.around
    return (await stage.read(lambda c: read_story(c, found.transaction_id, around))).evidence


async def becomes_explained(stage: Stage, payment, cause: str) -> None:
    """Wait for this cause, whatever was thought before more was known."""
    async with asyncio.timeout(SOON_S):
        while (await stage.find(payment)).cause != cause:  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.02)


def test_a_p3_host_that_says_it_had_approved_shows_that_its_answer_was_lost(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush())
        approved = Say(fields={48: "ST=APPROVED"})
        stage.host.will("0600", approved, approved)
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.has(payment, "INQUIRY_ANSWER")
        stage.later(LIFE_S)
        await stage.becomes(payment, "RETURNED")
        await becomes_explained(stage, payment, "ANSWER_LOST")
        assert (await evidence_of(stage, payment)).inquiry_state == "APPROVED"

    run(told(story, tmp_path, profile="P3", dialect="iso87-ascii"))


def test_an_approval_that_becomes_durable_when_the_terminals_time_is_over_says_so(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        held = stage.gateway._store.engine.raw_connection()
        held.driver_connection.execute("BEGIN IMMEDIATE")  # another process writes for a while
        stage.host.let_go()
        await asyncio.sleep(WAIT_S + 0.1)
        held.driver_connection.execute("ROLLBACK")
        held.close()
        answer = await line.receive(SOON_S)
        assert answer is not None
        assert answer[39] == "98"
        await stage.becomes(payment, "RETURNED")
        await explained(stage, payment, "ANSWER_AFTER_DEADLINE")
        assert (await evidence_of(stage, payment)).terminal_gone is False

    run(told(story, tmp_path, gateway={"wait_ms": 5_000 + int(WAIT_S * 1000)}))


def test_a_void_of_the_day_before_that_fails_as_a_refund_came_too_late(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        yesterday_us = (await stage.find(payment)).received_at_us - 2 * DAY_US
        await stage.gateway._store.write(lambda c: c.execute(update(transactions).values(received_at_us=yesterday_us)))
        stage.host.will("0220", Say(code="57"))
        assert await stage.code(request("void", 50, 1234, of=1)) == "57"
        void = stage.payment(stan=50)
        await explained(stage, void, "VOID_TOO_LATE")
        found = await evidence_of(stage, void)
        assert (found.kind, found.original_state, found.day_changed) == ("void", "APPROVED", True)

    run(told(story, tmp_path))


def test_a_void_of_today_is_not_too_late(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage)
        stage.host.will("0200", Say(code="57"))
        assert await stage.code(request("void", 50, 1234, of=1)) == "57"
        void = stage.payment(stan=50)
        await explained(stage, void, "CARD_RESTRICTED")
        assert (await evidence_of(stage, void)).day_changed is False

    run(told(story, tmp_path, cut_over="00:00"))


def test_a_terminal_that_signs_in_anew_before_its_reversal_has_lost_power(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        assert await stage.code(sign_in_frame(stage.identity(), "000001", "900001")) == "00"
        assert await stage.code(stage.reversal(payment)) == "00"
        await explained(stage, payment, "TERMINAL_LOST_POWER")
        assert (await evidence_of(stage, payment)).terminal.signed_in is None, "here nobody needs to sign in"

    run(told(story, tmp_path))


def test_a_terminal_whose_payment_was_answered_may_sign_in_as_it_likes(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "51"
        assert await stage.code(sign_in_frame(stage.identity(), "000001", "900001")) == "00"
        await explained(stage, payment, "FUNDS_INSUFFICIENT")
        assert (await evidence_of(stage, payment)).terminal.restarted is False

    run(told(story, tmp_path))


def test_lines_that_are_lost_while_a_terminal_waits_are_counted(run, tmp_path):
    async def story(stage: Stage) -> None:
        for _ in range(3):
            stage.host.will("0200", Say(held=True))
            payment = stage.payment()
            line = await stage.line()
            await line.send(stage.sale(payment))
            await stage.until(lambda: len(stage.host.asked("0200")) == stage.stan)
            await stage.hang_up(line)
            stage.host.let_go()
        await stage.becomes(payment, "RETURNED")
        assert (await evidence_of(stage, payment)).terminal.reconnects == 3
        assert stage.gateway.desk.around.lines.about(TERMINALS[1], 0).reconnects == 0

    run(told(story, tmp_path))


def test_a_terminal_that_signed_in_today_has_signed_in(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.sign_in()
        stage.host.will("0200", Say(code="51"))
        payment = stage.payment(entry=EntryMode.CONTACTLESS)
        assert await stage.code(stage.sale(payment)) == "51"
        assert (await evidence_of(stage, payment)).terminal.signed_in is True

    run(told(story, tmp_path, gateway={"mac": "unionpay-ecb"}))
