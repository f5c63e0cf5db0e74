"""Every abnormal payment gets a cause; what the machine cannot end gets a case, and two people's decision ends it."""

import asyncio
import random

import pytest
from sqlalchemy import select

from tests.scenario.linked import request, sold
from tests.scenario.scripted_host import HangUp, Hush, Line, Say
from tests.scenario.stage import LIFE_S, MERCHANT, SOON_S, TERMINALS, Stage, told
from yuanlu.cases.decisions import approve, propose
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case, DecisionKind, EventKind, Outcome, Severity
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import (
    case_from_row,
    decisions_of,
    events_of,
    find_case_of,
    find_open_decision,
    state_of_money,
)
from yuanlu.cases.tables import cases as case_table
from yuanlu.cases.work import close
from yuanlu.causes.fraud import CARDS_OF_A_TEST
from yuanlu.cli.case_texts import case_text
from yuanlu.contracts import ServiceLevel
from yuanlu.journal.tables import tasks
from yuanlu.journal.tasks import EXAMINE, EXAMINE_LANE, examine
from yuanlu.kernel.clock import SystemClock
from yuanlu.sandbox.cards import make_card


async def explained(stage: Stage, payment, cause: str) -> None:
    """Wait until the payment's cause is this one; it is looked for a second after the payment went wrong."""
    stage.later(1.5)
    async with asyncio.timeout(SOON_S):
        while (found := await stage.find(payment)).cause != cause:
            stage.look()
            await asyncio.sleep(0.02)
            assert found.cause in ("", cause), found.cause


async def case_of(stage: Stage, payment, *states: str) -> Case:
    """Wait for the payment's case in one of these states; unless said, not closed: some go to support by themselves."""
    stage.later(1.5)
    found = await stage.find(payment)
    async with asyncio.timeout(SOON_S):
        while True:
            case = await stage.read(lambda c: find_case_of(c, found.transaction_id))
            if case is not None and case.state.value in (states or ("OPEN", "SUPPORT")):
                return case
            stage.look()
            await asyncio.sleep(0.02)


CAUSES: list[tuple[Line, str]] = [
    (Say(code="51"), "FUNDS_INSUFFICIENT"),
    (Say(code="14"), "CARD_NUMBER_INVALID"),
    (Say(code="55"), "PIN_WRONG"),
    (Hush(), "REQUEST_LOST"),
    (HangUp(), "REQUEST_LOST"),
    (Say(code="96"), "SWITCH_FAULT"),
]


@pytest.mark.parametrize(("line", "cause"), CAUSES, ids=[f"{row[0]}" for row in CAUSES])
def test_what_the_host_does_has_its_cause(run, tmp_path, line, cause):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", line)
        stage.host.will("0400", Say(code="25"))
        payment = stage.payment()
        code = await stage.code(stage.sale(payment))
        await stage.becomes(payment, "NO_EFFECT" if code == "98" else "DECLINED")
        stage.later(1.5)
        async with asyncio.timeout(SOON_S):
            while not (found := await stage.find(payment)).cause:  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.02)
        assert found.cause == cause
        assert "EXPLAINED" in await stage.kinds(payment)
        assert stage.gateway.examiner.unclassified == 0

    run(told(story, tmp_path))


def test_a_wrong_amount_that_is_voided_and_charged_anew_is_an_operators_slip(run, tmp_path):
    async def story(stage: Stage) -> None:
        wrong = await sold(stage, 56780)
        right = await sold(stage, 5678)
        assert await stage.code(request("void", 50, 56780, of=1)) == "00"
        await explained(stage, wrong, "AMOUNT_OFF_BY_TEN")
        assert (await stage.find(right)).cause == ""

    run(told(story, tmp_path))


def test_a_slip_shows_when_the_right_amount_is_charged_long_after_the_void(run, tmp_path):
    async def story(stage: Stage) -> None:
        wrong = await sold(stage, 56780)
        assert await stage.code(request("void", 50, 56780, of=1)) == "00"
        await looked(stage)
        assert (await stage.find(wrong)).cause == ""
        stage.stan = 50
        await sold(stage, 5678)
        await explained(stage, wrong, "AMOUNT_OFF_BY_TEN")

    run(told(story, tmp_path))


async def looked(stage: Stage) -> None:
    """Wait until everything that was to be examined has been."""
    async with asyncio.timeout(SOON_S):
        while await stage.read(lambda c: c.execute(select(tasks.c.key).where(tasks.c.kind == EXAMINE)).first()):
            stage.gateway.examiner.runner.nudge(EXAMINE_LANE)
            await asyncio.sleep(0.02)


async def charged_twice(stage: Stage):
    await sold(stage)
    payment = await sold(stage)
    await explained(stage, payment, "CHARGED_TWICE")
    return payment, await case_of(stage, payment)


async def cases(stage: Stage) -> list[Case]:
    return [case_from_row(row) for row in await stage.read(lambda c: c.execute(select(case_table)).all())]


async def declined(stage: Stage, cards: int) -> None:
    """So many other cards are tried at one till, and the bank says no to each."""
    for n in range(cards):
        stage.host.will("0200", Say(code="05"))
        card = make_card(random.Random(stage.stan + n))
        assert await stage.code(stage.sale(stage.payment(card=card))) == "05"
    await looked(stage)


def test_a_long_run_of_tested_cards_is_one_case_of_its_terminal(run, tmp_path):
    async def story(stage: Stage) -> None:
        await declined(stage, 12)
        [case] = await cases(stage)
        assert (case.cause, case.transaction_id, case.terminal_id) == ("CARD_TESTING", None, TERMINALS[0])
        assert case.amount.minor == 0
        joined = [e.text for e in await stage.read(lambda c: events_of(c, case.case_id)) if e.kind is EventKind.JOINED]
        assert 12 - 1 - CARDS_OF_A_TEST <= len(joined) < 12
        assert len({text.partition(" / trace ")[2][:6] for text in joined}) == len(joined), "each has joined once"
        assert any("流水号 000012：" in text and "trace 000012: " in text for text in joined)
        text = await stage.read(lambda c: case_text(c, case, SystemClock().wall_us(), "en"))
        assert f"terminal: {TERMINALS[0]} {MERCHANT} CARD_TESTING" in text

        li, now_us = Actor(name="Li", via="test"), SystemClock().wall_us()
        case = (await cases(stage))[0]
        done = close(case, None, "", li, Outcome.REPAIRED, person_needed=True, now_us=now_us)
        await stage.gateway.journal.commit(done.facts, [*done.changes, examine(await latest(stage), now_us)])
        await looked(stage)
        assert len(await cases(stage)) == 1, "what a person has judged is not opened again by the next look"
        await declined(stage, 2)
        assert sorted(case.state.value for case in await cases(stage)) == ["CLOSED", "OPEN"]

    run(told(story, tmp_path))


async def latest(stage: Stage) -> str:
    return await stage.read(lambda c: c.exec_driver_sql("SELECT max(transaction_id) FROM transactions").scalar())


def test_what_is_for_people_has_a_case_and_a_void_that_puts_it_right_closes_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment, case = await charged_twice(stage)
        assert (case.cause, case.severity) == ("CHARGED_TWICE", Severity.HIGH)
        assert await stage.code(request("void", 50, 1234, of=2)) == "00"
        assert (await case_of(stage, payment, "CLOSED")).outcome == "returned"

    run(told(story, tmp_path))


def test_a_case_that_a_person_closed_is_not_opened_again_by_the_next_look(run, tmp_path):
    async def story(stage: Stage) -> None:
        _, case = await charged_twice(stage)
        li, now_us = Actor(name="Li", via="test"), SystemClock().wall_us()
        done = close(case, None, "APPROVED", li, Outcome.FALSE_ALARM, person_needed=True, now_us=now_us)
        await stage.gateway.journal.commit(done.facts, [*done.changes, examine(case.transaction_id, now_us)])
        await looked(stage)
        again = await stage.read(lambda c: find_case_of(c, case.transaction_id))
        assert (again.case_id, again.state, again.outcome) == (case.case_id, CaseState.CLOSED, "false_alarm")

    run(told(story, tmp_path))


def test_an_escalated_return_has_a_case_and_two_people_declare_it_returned(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await escalated(stage)
        case = await case_of(stage, payment)
        await decide(stage, case, DecisionKind.DECLARE_RETURNED, reference="ICBC-77")
        await stage.becomes(payment, "RETURNED")
        closed = await case_of(stage, payment, "CLOSED")
        assert (closed.outcome, closed.person_needed) == ("returned", True)
        assert [str(leg.state) for leg in await stage.legs(payment)] == ["RETURNED"]
        assert len(stage.host.asked("0400")) == 1

    run(told(story, tmp_path))


def test_two_people_may_send_once_more_where_the_host_recognises_repeats(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await escalated(stage)
        await decide(stage, await case_of(stage, payment), DecisionKind.SEND_ONCE_MORE)
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 2
        assert (await case_of(stage, payment, "CLOSED")).outcome == "returned"

    run(told(story, tmp_path))


def test_a_case_closes_by_itself_when_a_late_answer_settles_the_money(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush())
        payment = stage.payment()
        await stage.code(stage.sale(payment))
        await stage.put_off(payment)
        stage.later(LIFE_S)
        await case_of(stage, payment)
        stage.host.send_all(stage.late(stage.host.asked("0400")[0], Say()))
        await stage.becomes(payment, "RETURNED")
        closed = await case_of(stage, payment, "CLOSED")
        assert (closed.outcome, closed.person_needed) == ("returned", False)

    run(told(story, tmp_path, profile="P4"))


def test_a_refund_in_doubt_is_a_case_and_the_banks_word_ends_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0220", Hush())
        assert await stage.code(request("refund", 50, 1234, rrn="000000000001")) == "98"
        refund = stage.payment(stan=50)
        case = await case_of(stage, refund)
        await decide(stage, case, DecisionKind.DECLARE_NO_EFFECT, reference="ICBC-78")
        await stage.becomes(refund, "DECLINED")
        assert [str(leg.state) for leg in await stage.legs(payment)] == ["NO_EFFECT"]
        assert await stage.code(request("refund", 51, 1234, rrn="000000000001")) == "00"

    run(told(story, tmp_path))


async def escalated(stage: Stage):
    """A payment whose reversal the host refuses for good."""
    stage.host.will("0200", Hush())
    stage.host.will("0400", Say(code="40"))
    payment = stage.payment()
    await stage.code(stage.sale(payment))
    await stage.becomes(payment, "ESCALATED")
    return payment


async def decide(stage: Stage, case: Case, kind: DecisionKind, reference: str = "") -> None:
    """Li proposes, Wang approves."""
    clock, terms = SystemClock(), ServiceLevel()
    money = await stage.read(lambda c: state_of_money(c, case))
    before = await stage.read(lambda c: decisions_of(c, case.case_id))
    li, wang = Actor(name="Li", via="test"), Actor(name="Wang", via="test")
    why, now_us = "the bank's letter", clock.wall_us()
    asked = propose(case, before, money, li, kind, why, terms, now_us, bank_reference=reference)
    await stage.gateway.journal.commit(asked.facts, asked.changes)
    waiting = await stage.read(lambda c: find_open_decision(c, case.case_id))
    agreed = approve(asked.case, waiting, money, wang, terms, clock.wall_us(), "seen")
    await stage.gateway.journal.commit(agreed.facts, agreed.changes)
