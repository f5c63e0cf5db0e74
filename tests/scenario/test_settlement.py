"""The end of a batch on real sockets: its totals, what they count, and each step made twice."""

import asyncio
import time

from msgspec.structs import replace
from sqlalchemy import select

from tests.scenario.linked import request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.settling import BATCH, batch_of, flags, settlement
from tests.scenario.stage import MERCHANT, TERMINALS, Stage, told
from tests.store.journals import inserted, transaction
from yuanlu.iso8583.subfields import F61
from yuanlu.journal.tables import facts, transactions
from yuanlu.journal.unit import Fact
from yuanlu.reconciliation.batch import BatchTotals
from yuanlu.reconciliation.tables import batch_findings
from yuanlu.returns.states import State
from yuanlu.sandbox.till_messages import sign_in_frame


def test_totals_that_agree_close_the_batch_and_capture_its_payments(run, tmp_path):
    async def story(stage: Stage) -> None:
        one, other = await sold(stage, 100), await sold(stage, 250)
        answer = await stage.ask(settlement(stage, [100, 250]))
        assert flags(answer) == ("00", "1", "1")
        assert answer[48][:30] == "000000000350" + "002" + "000000000000" + "000"
        batch = await batch_of(stage)
        assert (batch.state, batch.agreed, batch.theirs) == ("CLOSED", True, batch.ours)
        for payment in (one, other):
            assert (await stage.find(payment)).state == "CAPTURED"
            assert (await stage.kinds(payment))[-1] == "CAPTURED"
        assert stage.host.asked("0500") == []

    run(told(story, tmp_path))


def test_a_voided_sale_is_a_debit_and_its_void_a_credit_and_a_reversed_sale_is_neither(run, tmp_path):
    async def story(stage: Stage) -> None:
        voided, reversed_, kept = await sold(stage, 100), await sold(stage, 200), await sold(stage, 400)
        assert await stage.code(request("void", 50, 100, of=1)) == "00"
        assert await stage.code(stage.reversal(reversed_)) == "00"
        await stage.becomes(reversed_, "RETURNED")
        assert await stage.code(request("preauth", 51, 999)) == "00"
        assert await stage.code(request("refund", 52, 40, rrn=(await stage.find(kept)).rrn)) == "00"
        assert flags(await stage.ask(settlement(stage, [100, 400], [100, 40]))) == ("00", "1", "1")
        assert [(await stage.find(each)).state for each in (voided, reversed_, kept)] == [
            "RETURNED", "RETURNED", "CAPTURED",
        ]  # fmt: skip

    run(told(story, tmp_path))


def test_a_pending_reversal_holds_nothing_up_and_counts_nowhere(run, tmp_path):
    async def story(stage: Stage) -> None:
        kept = await sold(stage, 100)
        doubtful = stage.payment(amount=200)
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush(), Hush(), Hush())
        assert await stage.code(stage.sale(doubtful)) == "98"
        assert flags(await stage.ask(settlement(stage, [100]))) == ("00", "1", "1")
        assert (await stage.find(kept)).state == "CAPTURED"
        assert (await stage.find(doubtful)).state == "RETURNING"

    run(told(story, tmp_path))


def test_our_own_void_is_not_in_the_terminals_totals(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        stage.host.will("0200", Hush())
        assert await stage.code(request("void", 50, 100, of=1)) == "98"
        await stage.becomes(payment, "RETURNED")  # by a void that we made ourselves
        assert flags(await stage.ask(settlement(stage, [100]))) == ("00", "1", "1")

    run(told(story, tmp_path))


def test_a_payment_in_flight_is_waited_for(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment(amount=100)
        stage.host.will("0200", Say(held=True))
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        asked = asyncio.ensure_future(stage.ask(settlement(stage, [100])))
        await stage.until(lambda: len(stage.gateway.server.working) == 2)
        await asyncio.sleep(0.1)
        assert not asked.done()
        stage.host.let_go()
        assert flags(await asked) == ("00", "1", "1")
        assert (await stage.find(payment)).state == "CAPTURED"

    run(told(story, tmp_path))


def test_a_batch_without_payments_agrees_with_zero(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert flags(await stage.ask(settlement(stage))) == ("00", "1", "1")
        assert (await batch_of(stage)).ours == BatchTotals()

    run(told(story, tmp_path))


def test_totals_that_cannot_be_read_are_an_error(run, tmp_path):
    async def story(stage: Stage) -> None:
        good = stage.host.codec.decode(settlement(stage, [100]))
        for content in (None, good[48][:40]):
            answer = await stage.ask(good.splice({48: content}))
            assert flags(answer) == ("30", "3", "3")
        assert await batch_of(stage) is None

    run(told(story, tmp_path))


def test_a_settlement_may_come_again_and_is_answered_the_same(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        for stan in (800, 800, 801):
            assert flags(await stage.ask(settlement(stage, [100], stan=stan))) == ("00", "1", "1")
        assert (await stage.kinds(payment)).count("CAPTURED") == 1
        assert (await batch_of(stage)).upload_no == 1

    run(told(story, tmp_path))


def test_a_batch_that_went_on_after_its_closing_settles_what_is_new(run, tmp_path):
    """Advices that are taken over later, and what an earlier version let through."""

    async def story(stage: Stage) -> None:
        for n, amounts in enumerate(([100], [200], [100, 200, 300]), start=1):
            await put(stage, approved(n, 100 * n))
            assert flags(await stage.ask(settlement(stage, amounts, stan=800 + n))) == ("00", "1", "1")
        notes = await stage.read(
            lambda c: c.execute(select(facts.c.subject_id).where(facts.c.kind == "CAPTURED")).all()
        )
        assert sorted(row.subject_id for row in notes) == ["t000001", "t000002", "t000003"]

    run(told(story, tmp_path))


def test_the_next_sign_in_gives_the_next_batch_number(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.ask(sign_in_frame(stage.identity(), BATCH, "900001"))
        assert flags(await stage.ask(settlement(stage))) == ("00", "1", "1")
        for expected in ("000002", "000002"):
            answer = await stage.ask(sign_in_frame(stage.identity(), BATCH, "900002"))
            assert answer[60][2:8] == expected
        assert flags(await stage.ask(settlement(stage, batch="000002"))) == ("00", "1", "1")
        answer = await stage.ask(sign_in_frame(stage.identity(), BATCH, "900003"))
        assert answer[60][2:8] == "000003"

    run(told(story, tmp_path))


def test_a_settlement_needs_no_mac_but_a_wrong_one_is_refused(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.sign_in()
        bare = stage.host.codec.decode(settlement(stage)).splice({64: None})
        assert flags(await stage.ask(bare)) == ("00", "1", "1")
        signed = await stage.ask(settlement(stage))
        assert flags(signed) == ("00", "1", "1")
        assert signed.has(64)
        wrong = stage.host.codec.decode(settlement(stage)).splice({}, mac=lambda covered: b"\x11" * 8)
        assert await stage.code(wrong) == "A0"

    run(told(story, tmp_path, gateway={"mac": "unionpay-ecb"}))


def test_captured_payments_are_refunded_and_no_longer_voided(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        await stage.ask(settlement(stage, [100]))
        about = F61(batch_no=BATCH, stan="000001").build()
        assert await stage.code(request("void", 50, 100, batch="000002", f61=about)) == "00"
        assert stage.host.asked("0220")[0][60][:2] == "25"
        assert (await stage.find(payment)).state == "RETURNED"

    run(told(story, tmp_path))


def test_a_reversal_that_comes_after_the_batch_was_closed_is_a_persons(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        await stage.ask(settlement(stage, [100]))
        assert await stage.code(stage.reversal(payment)) == "00"
        assert (await stage.find(payment)).state == "ESCALATED"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_two_settlements_at_once_capture_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        frames = [settlement(stage, [100], stan=stan) for stan in (800, 801, 802)]
        answers = await asyncio.gather(*(stage.ask(frame) for frame in frames))
        assert {flags(answer) for answer in answers} == {("00", "1", "1")}
        assert (await stage.kinds(payment)).count("CAPTURED") == 1
        states = await stage.read(lambda c: c.execute(select(transactions.c.state)).scalars().all())
        assert states == ["CAPTURED"]
        assert await stage.read(lambda c: c.execute(select(batch_findings)).all()) == []

    run(told(story, tmp_path))


def test_a_batch_of_five_hundred_is_settled_at_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        for n in range(1, 501):
            await put(stage, approved(n))
        line = await stage.line()
        before = time.process_time()
        assert flags(await stage.ask(settlement(stage, [100] * 500), line)) == ("00", "1", "1")
        assert time.process_time() - before < 1  # 0.2 s of work, whatever else the machine does
        states = await stage.read(lambda c: c.execute(select(transactions.c.state)).scalars().all())
        assert states == ["CAPTURED"] * 500

    run(told(story, tmp_path))


def approved(n: int, amount: int = 100):
    """A sale as it stands after its approval."""
    row = transaction(f"t{n:06}", State.APPROVED, amount, stan=f"{n:06}")
    return replace(row, key=replace(row.key, merchant_id=MERCHANT))


async def put(stage: Stage, row) -> None:
    """A transaction and its first fact."""
    known = Fact(
        merchant_id=MERCHANT, subject_id=row.transaction_id, version=1, kind="APPROVED", at_us=1,
        terminal_id=TERMINALS[0],
    )  # fmt: skip
    await stage.gateway.journal.commit([known], [inserted(row)])
