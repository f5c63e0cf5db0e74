"""A batch that is settled is closed: nothing new under its number, and everything that was keeps its answer."""

import asyncio

import pytest

from tests.scenario.linked import request, sold
from tests.scenario.settling import BATCH, batch_of, end, flags, settlement, upload
from tests.scenario.stage import Stage, told
from tests.scenario.test_advices import becomes
from tests.scenario.test_orders import SALE, Desk, desk
from yuanlu.iso8583.subfields import F61
from yuanlu.sandbox.till_messages import sign_in_frame

NEXT = "000002"


async def closed(stage: Stage, *amounts: int) -> None:
    """The batch, settled with these debits."""
    assert flags(await stage.ask(settlement(stage, amounts))) == ("00", "1", "1")


NEW = [
    ("sale", {}),
    ("preauth", {}),
    ("void", {"of": 1}),
    ("refund", {"rrn": "000000000001"}),
]


@pytest.mark.parametrize(("kind", "about"), NEW, ids=[row[0] for row in NEW])
def test_what_names_a_closed_batch_is_refused_77_before_any_intent(run, tmp_path, kind, about):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        await closed(stage, 100)
        before = await stage.kinds(payment)
        assert await stage.code(request(kind, 50, 100, **about)) == "77"
        assert await stage.transactions() == 1
        assert len(stage.host.seen) == 1
        assert await stage.kinds(payment) == before
        assert await stage.events("REFUSED") == [f"77: batch {BATCH} is settled [BATCH_OUT_OF_STEP]"]

    run(told(story, tmp_path))


def test_the_next_batch_is_open_and_another_terminals_of_the_same_number_too(run, tmp_path):
    async def story(stage: Stage) -> None:
        await closed(stage)
        assert await stage.code(stage.sale(stage.payment(terminal=1))) == "00"
        answer = await stage.ask(sign_in_frame(stage.identity(), BATCH, "900002"))
        assert answer[60][2:8] == NEXT
        assert await stage.code(request("sale", 2, 100, batch=NEXT)) == "00"
        assert await stage.code(request("sale", 3, 100)) == "77"

    run(told(story, tmp_path))


def test_a_payment_of_a_closed_batch_keeps_its_answer_its_void_and_its_reversal(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment, other = await sold(stage, 100), await sold(stage, 200)
        await closed(stage, 100, 200)
        assert await stage.code(stage.sale(other)) == "00"
        assert "REPEAT" in await stage.kinds(other)
        assert len(stage.host.asked("0200")) == 2
        assert await stage.code(stage.reversal(other)) == "00"
        assert (await stage.find(other)).state == "ESCALATED"
        about = F61(batch_no=BATCH, stan=payment.ref.stan).build()
        assert await stage.code(request("void", 50, 100, batch=NEXT, f61=about)) == "00"
        assert (await stage.find(payment)).state == "RETURNED"

    run(told(story, tmp_path))


def test_a_twin_under_a_taken_number_is_still_refused_as_a_twin(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        await closed(stage, 100)
        assert await stage.code(request("sale", 1, 999)) == "94"

    run(told(story, tmp_path))


def test_a_balance_is_told_and_an_advice_is_taken_over_all_the_same(run, tmp_path):
    async def story(stage: Stage) -> None:
        await closed(stage)
        assert await stage.code(request("balance", 50, 0)) == "00"
        assert await stage.code(request("offline_sale", 51, 500)) == "00"  # the goods are sold
        await becomes(stage, 51, "APPROVED")

    run(told(story, tmp_path))


def test_a_restart_forgets_no_closing(run, tmp_path):
    async def story(stage: Stage) -> None:
        await closed(stage)
        await stage.close()
        await stage.open()
        assert await stage.code(request("sale", 50, 100)) == "77"

    run(told(story, tmp_path))


def test_a_batch_is_open_until_its_upload_has_ended(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        assert flags(await stage.ask(settlement(stage, [100, 200]))) == ("00", "2", "2")
        assert await stage.code(request("sale", 50, 200)) == "00"
        await upload(stage, [(1, 100), (50, 200)], ends=False)
        assert await stage.code(end(stage, 2)) == "00"
        assert await stage.code(request("sale", 51, 200)) == "77"

    run(told(story, tmp_path))


def test_a_sale_beside_its_settlement_is_either_in_the_batch_or_refused(run, tmp_path):
    async def story(stage: Stage) -> None:
        sale, ended = request("sale", 50, 200), settlement(stage, [200])
        code, answer = await asyncio.gather(stage.code(sale), stage.ask(ended))
        batch = await batch_of(stage)
        counted = batch.ours.debit_count
        assert (code, counted) in {("00", 1), ("77", 0), ("00", 0)}
        assert (flags(answer)[1] == "1") == (counted == 1)
        assert await stage.transactions() == (code == "00")

    run(told(story, tmp_path))


def test_what_two_people_order_goes_out_under_the_number_of_the_closed_batch(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage, 100)
        await closed(stage, 100)
        order = await at.propose(SALE)
        assert "approved" in await at.say("approve", order, who="wang")
        await at.becomes(payment, "DONE")
        assert (await stage.find(payment)).state == "RETURNED"
        [refund] = stage.host.asked("0220")
        assert refund[60][2:8] == BATCH

    run(desk(story, tmp_path))
