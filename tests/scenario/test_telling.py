"""People are told: the cardholder by SMS, the merchant by chat, support by ticket; each once, each what is so."""

import asyncio

import pytest
from sqlalchemy import select

from tests.scenario.messages import (
    FINANCE,
    NUMBER,
    SUPPORT,
    arrives,
    comes_to,
    events,
    given,
    inbox,
    settled,
    spoken,
    texts,
    timed_out,
    told,
    told_about,
)
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import Stage
from tests.scenario.stage import told as on_a_stage
from tests.scenario.test_causes_and_cases import case_of, charged_twice, decide, escalated
from tests.scenario.test_orders import SALE, Desk
from yuanlu.cases.people import Actor
from yuanlu.cases.records import DecisionKind, EventKind
from yuanlu.cases.store import events_of, find_open_decision
from yuanlu.cases.work import escalate
from yuanlu.causes.evidence import IncidentKind
from yuanlu.contracts import ServiceLevel
from yuanlu.flow.declaring import finished
from yuanlu.incidents.records import DETECTION, EVERYTHING, Incident, Report
from yuanlu.incidents.writing import declared
from yuanlu.journal import tasks
from yuanlu.journal.tables import facts
from yuanlu.journal.unit import Committed
from yuanlu.kernel.clock import SystemClock
from yuanlu.notices import Recipient
from yuanlu.notification.addresses import AddressError
from yuanlu.notification.states import Sending
from yuanlu.reconciliation.clearing import FILE_SAYS
from yuanlu.returns.steps import next_version, return_fact


def test_after_a_time_out_the_cardholder_hears_that_it_is_being_confirmed(run, tmp_path, each_database):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage, amount=128_000)
        [message] = await comes_to(stage, payment, Sending.DELIVERED)
        assert texts(stage) == [
            "【原路支付】您尾号0005的卡在南站出口店的¥1,280.00交易结果待确认，如已扣款将退回原账户，请勿重复支付。"
            "您无需操作。"
        ]
        assert inbox(stage)[0]["to"] == "+8613800000000"
        assert (message.masked, message.channel) == ("138****0000", "phone")

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_what_the_host_accepts_is_told_as_accepted_and_not_as_returned(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage, amount=128_000)
        await arrives(lambda: len(texts(stage)) == 1)
        stage.host.forget("0400")
        await stage.relink()
        await stage.becomes(payment, "RETURNED")
        await arrives(lambda: len(texts(stage)) == 2)
        assert texts(stage)[1].startswith(
            "【原路支付】收单机构已受理退回：¥1,280.00退往您尾号0005的卡，到账时间以银行为准。"
        )
        assert events(stage) == ["transaction.outcome.unknown", "return.accepted"]

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_the_banks_word_by_two_people_is_told_as_confirmed_and_the_case_shows_it(run, tmp_path, each_database):
    async def story(stage: Stage) -> None:
        payment = await escalated(stage)
        case = await case_of(stage, payment)
        await given(stage, payment, language="en")
        await arrives(lambda: len(texts(stage)) == 1)
        assert events(stage) == ["return.delayed"]
        assert f"Ref case {case.case_id[-5:]}." in texts(stage)[0]
        await decide(stage, case, DecisionKind.DECLARE_RETURNED, reference="ICBC-77")
        await arrives(lambda: len(texts(stage)) == 2)
        assert "is back on your card 0005, confirmed by the bank" in texts(stage)[1]
        await settled(stage, "deliver", "examine")
        lines = [e.text for e in await stage.read(lambda c: events_of(c, case.case_id)) if e.kind is EventKind.TOLD]
        assert lines == [
            "DELIVERED: return_delayed@1 → 138****0000 (phone)",
            "DELIVERED: return_confirmed@1 → 138****0000 (phone)",
        ]
        assert [m.event for m in await told_about(stage, case.case_id, case.transaction_id)] == events(stage)

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_what_a_clearing_file_confirms_is_told_as_confirmed(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage)
        stage.host.forget("0400")
        await stage.relink()
        await stage.becomes(payment, "RETURNED")
        await arrives(lambda: "return.accepted" in events(stage))
        await settled(stage, "examine", "tell")
        found, now = await stage.find(payment), SystemClock().now()
        cleared = return_fact(found, "CLEARED", now, FILE_SAYS + "20261123:7")
        again = [next_version(found), tasks.tell("payment", found.transaction_id, now.wall_us)]
        assert isinstance(await stage.gateway.journal.commit([cleared], again), Committed)
        await arrives(lambda: events(stage)[-1] == "return.confirmed")
        assert texts(stage)[-1].startswith("【原路支付】银行确认：¥12.34于")

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_a_payment_that_never_took_effect_is_told_only_to_whom_was_told_of_the_doubt(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage)
        await arrives(lambda: len(texts(stage)) == 1)
        stage.host.forget("0400")
        stage.host.will("0400", *[Say(code="25")] * 3)
        await stage.relink()
        await stage.becomes(payment, "NO_EFFECT")
        await arrives(lambda: len(texts(stage)) == 2)
        assert "已确认" in texts(stage)[1]
        assert "未扣款" in texts(stage)[1]
        assert await stage.gateway.contacts.give(
            (await stage.find(payment)).transaction_id, "13900000000", "zh", "till"
        )
        await settled(stage, "tell", "deliver", "examine")
        assert len(texts(stage)) == 2, "the second number never heard of any doubt"

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_the_same_person_hears_the_same_once_however_often_it_is_looked_at(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage)
        await comes_to(stage, payment, Sending.DELIVERED)
        found = await stage.find(payment)
        for _ in range(3):
            now_us = SystemClock().wall_us()
            await stage.gateway.journal.commit([], [tasks.tell("payment", found.transaction_id, now_us)])
            stage.gateway.teller.runner.nudge(tasks.TELL_LANE)
            await asyncio.sleep(0.1)
        assert not await stage.gateway.contacts.give(found.transaction_id, "138 0000 0000", "en", "page")
        assert len(texts(stage)) == 1

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_who_does_not_want_to_be_told_is_not_told(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.gateway.contacts.refuse(NUMBER, "the cardholder's page")
        payment = await timed_out(stage)
        await comes_to(stage, payment, Sending.UNWANTED)
        assert texts(stage) == []

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_a_card_charged_twice_is_told_to_cardholder_and_merchant(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment, _ = await charged_twice(stage)
        await given(stage, payment)
        await arrives(lambda: len(texts(stage)) == 1 and len(texts(stage, "chat")) == 1)
        assert "疑似扣款两次" in texts(stage)[0]
        assert inbox(stage, "chat")[0]["title"] == "疑似重复扣款：¥12.34，南站出口店"

    run(on_a_stage(story, tmp_path, more=spoken(FINANCE)))


def test_compensation_that_was_paid_is_told(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment(amount=1000)
        assert await stage.code(stage.sale(payment)) == "00"
        await given(stage, payment)
        at = Desk(stage, tmp_path)
        order = await at.propose(SALE, "--kind", "compensation", "--amount", "50.00")
        await at.say("approve", order, who="wang")
        await at.say("close", order, "--reference", "SLIP-1", who="wang")
        await arrives(lambda: len(texts(stage)) == 1)
        assert texts(stage)[0].startswith("【原路支付】您的¥10.00晚于约定退回，已按约定另付您¥50.00，无需申请。")

    run(on_a_stage(story, tmp_path, more=spoken()))


async def up(stage: Stage, case):
    """The case goes up a level."""
    decision = await stage.read(lambda c: find_open_decision(c, case.case_id))
    done = escalate(case, decision, Actor(name="Li"), "no answer", ServiceLevel(), SystemClock().wall_us())
    await stage.gateway.journal.commit(done.facts, done.changes)
    return done.case


def escalations(stage: Stage, level: str) -> list[str]:
    """Who was told that a case went to this level."""
    found = [each for each in inbox(stage, "chat") if each["event"] == "case.escalated" and level in each["text"]]
    return sorted(each["to"] for each in found)


def test_an_escalated_case_is_supports_first_and_the_merchants_when_it_is_the_merchants(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await escalated(stage)
        case = await case_of(stage, payment)
        case = await up(stage, case)
        await arrives(lambda: escalations(stage, "二线") == ["support"])
        await up(stage, case)
        await arrives(lambda: escalations(stage, "商户运营") == ["finance", "support"])

    run(on_a_stage(story, tmp_path, more=spoken(FINANCE, SUPPORT)))


def test_an_incident_is_told_once_and_its_payments_only_to_their_cardholders(run, tmp_path):
    async def story(stage: Stage) -> None:
        now_us = SystemClock().wall_us()
        incident = Incident(
            incident_id="I261123-01", kind=IncidentKind.DISASTER, scope=EVERYTHING, declared_by="Li",
            reason="洪水 / flood", began_at_us=now_us - 60_000_000, declared_at_us=now_us,
        )  # fmt: skip
        began = declared(incident)
        await stage.gateway.journal.commit(began.facts, began.changes)
        await stage.gateway.incidents.load()
        await timed_out(stage)
        await arrives(lambda: len(texts(stage)) == 1 and len(texts(stage, "chat")) == 2)
        over = finished(incident, None, Report(transactions=1, terminals=1), DETECTION, "well", now_us)
        await stage.gateway.journal.commit(over.facts, over.changes)
        await arrives(lambda: len(texts(stage, "chat")) == 4)
        assert sorted(events(stage, "chat")) == ["incident.began"] * 2 + ["incident.ended"] * 2

    run(on_a_stage(story, tmp_path, more=spoken(FINANCE, SUPPORT)))


def test_a_recipient_hears_only_of_what_was_agreed(run, tmp_path):
    async def story(stage: Stage) -> None:
        await timed_out(stage)
        await arrives(lambda: len(texts(stage, "chat")) == 1)
        assert {each["to"] for each in inbox(stage, "chat")} == {"finance"}

    picky = Recipient(name="boss", via=("chat",), to="boss", events=("case.escalated",))
    run(on_a_stage(story, tmp_path, more=spoken(FINANCE, picky)))


def test_without_channels_nothing_is_written_for_anybody(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, "RETURNED")
        await settled(stage, "tell", "deliver", "examine")
        assert await told(stage, payment) == []
        assert stage.gateway.teller.deliverer.sending._child is None

    run(on_a_stage(story, tmp_path))


def test_no_fact_holds_an_address_and_no_row_a_number_in_the_clear(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await timed_out(stage)
        await comes_to(stage, payment, Sending.DELIVERED)
        notes = [row.note for row in await stage.read(lambda c: c.execute(select(facts)).all())]
        assert any("outcome_unknown@1 to 138****0000" in note for note in notes)
        assert not any(NUMBER in note for note in notes)
        for table in ("notifications", "notification_contacts", "notification_attempts"):
            rows = await stage.read(lambda c, t=table: c.exec_driver_sql(f"SELECT * FROM {t}").all())
            assert rows
            assert NUMBER not in str(rows)

    run(on_a_stage(story, tmp_path, more=spoken()))


@pytest.mark.parametrize("number", ["", "1380000", "12345678901", "+8612345678901", "call me", "1380000000x"])
def test_what_is_no_mobile_number_is_not_kept(run, tmp_path, number):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        with pytest.raises(AddressError) as refused:
            await given(stage, payment, number)
        assert not number or number not in str(refused.value)

    run(on_a_stage(story, tmp_path, more=spoken()))
