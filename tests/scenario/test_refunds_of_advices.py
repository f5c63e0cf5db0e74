"""What an advice has charged is refunded like a sale, within the same cap; what it has not, is refused clearly."""

import asyncio

import pytest

from tests.scenario.linked import PAN, request
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.settling import flags, settlement
from tests.scenario.stage import TERMINALS, Stage, told
from tests.scenario.test_advices import becomes, by_stan, kinds
from tests.scenario.test_orders import Desk, desk
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.subfields import F61

RRN = "000000000001"
CHARGING = [("offline_sale", 0), ("offline_upload", 0), ("completion_advice", 10)]


async def charged(stage: Stage, kind: str = "offline_sale", amount: int = 500, stan: int = 20) -> None:
    """An advice that the host has accepted; of a pre-authorisation that is not ours where it completes one."""
    of = {"of": 10} if kind == "completion_advice" else {}
    assert await stage.code(request(kind, stan, amount, **of)) == "00"
    await becomes(stage, stan, "APPROVED")


def about(stan: int) -> str:
    return F61(batch_no="000001", stan=f"{stan:06}").build()


@pytest.mark.parametrize("kind", [row[0] for row in CHARGING])
def test_an_advices_money_goes_back_in_parts_and_never_more_than_was_charged(run, tmp_path, kind):
    async def story(stage: Stage) -> None:
        await charged(stage, kind)
        assert await stage.code(request("refund", 30, 200, rrn=RRN)) == "00"
        assert await stage.code(request("refund", 31, 301, rrn=RRN)) == "61"
        assert (await by_stan(stage, 20)).state == "APPROVED"
        assert await stage.code(request("refund", 32, 300, f61=about(20))) == "00"
        assert (await by_stan(stage, 20)).state == "RETURNED"
        assert await stage.code(request("refund", 33, 1, rrn=RRN)) == "22"
        assert [m[4][-3:] for m in stage.host.asked("0220")] == ["500", "200", "300"]
        assert stage.host.asked("0400") == []
        assert stage.gateway.examiner.unclassified == 0

    run(told(story, tmp_path))


def test_the_cap_is_the_databases_for_refunds_at_the_same_moment(run, tmp_path):
    async def story(stage: Stage) -> None:
        await charged(stage)
        codes = await asyncio.gather(
            *(stage.code(request("refund", 30 + n, 300, rrn=RRN, terminal=TERMINALS[n])) for n in range(4))
        )
        assert codes.count("00") == 1
        assert set(codes) <= {"00", "22", "61"}
        given = [m for m in stage.host.asked("0220") if m[60][:2] == "25"]
        assert len(given) == 1

    run(told(story, tmp_path))


def test_an_advice_on_its_way_cannot_be_refunded_until_the_host_has_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(held=True))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await stage.until(lambda: stage.host.holding == 1)
        assert await stage.code(request("refund", 30, 500, f61=about(20))) == "22"
        [refused] = await stage.events("REFUSED")
        why = "the offline_sale is still on its way to the host; ask again once it has answered"
        assert refused == f"22: {why} [LINKED_TRANSACTION_WRONG]"
        stage.host.let_go()
        await becomes(stage, 20, "APPROVED")
        assert await stage.code(request("refund", 31, 500, f61=about(20))) == "00"
        assert (await by_stan(stage, 20)).state == "RETURNED"

    run(told(story, tmp_path))


def test_an_advice_that_the_host_refused_has_nothing_to_give_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(code="57"))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await becomes(stage, 20, "DECLINED")
        assert await stage.code(request("refund", 30, 500, f61=about(20))) == "12"
        assert await stage.events("REFUSED") == [
            "12: the host refused the offline_sale: nothing was charged that could go back [TRANSACTION_INVALID]"
        ]
        assert len(stage.host.asked("0220")) == 1

    run(told(story, tmp_path))


BAD = [
    (request("refund", 30, 500, f61=about(21)), "12", "a tip is part of another slip"),
    (request("refund", 30, 500, f61=about(99)), "25", "nobody knows it"),
    (request("refund", 30, 500, f61=about(20), rrn="000000000009"), "25", "another reference number"),
    (request("refund", 30, 500, f61=about(20), f2="6200000000000013"), "14", "another card"),
    (request("refund", 30, 500, f61=about(20), f49="840"), "64", "another currency"),
    (request("void", 30, 500, f61=about(20)), "25", "an advice is not voided"),
]


@pytest.mark.parametrize(("frame", "code", "why"), BAD, ids=[row[2] for row in BAD])
def test_a_wrong_refund_of_an_advice_is_refused_and_nothing_is_sent(run, tmp_path, frame, code, why):
    async def story(stage: Stage) -> None:
        await charged(stage)
        await charged(stage, "tip_advice", stan=21)
        assert await stage.code(frame) == code, why
        assert len(stage.host.seen) == 2
        assert (await by_stan(stage, 20)).state == "APPROVED"

    run(told(story, tmp_path))


def test_a_refund_in_doubt_of_an_advice_is_a_persons_and_holds_its_amount(run, tmp_path):
    async def story(stage: Stage) -> None:
        await charged(stage)
        stage.host.will("0220", Hush())
        assert await stage.code(request("refund", 30, 500, rrn=RRN)) == "98"
        assert (await by_stan(stage, 30)).state == "UNKNOWN"
        assert await stage.code(request("refund", 31, 1, rrn=RRN)) == "22"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_captured_advice_is_refunded_in_the_next_batch(run, tmp_path):
    async def story(stage: Stage) -> None:
        await charged(stage)
        assert flags(await stage.ask(settlement(stage, [500]))) == ("00", "1", "1")
        assert (await by_stan(stage, 20)).state == "CAPTURED"
        assert await stage.code(request("refund", 30, 500, batch="000002", f61=about(20))) == "00"
        assert (await kinds(stage, 20))[-2:] == ["REFUND_DONE", "RETURNED"]

    run(told(story, tmp_path))


def test_two_people_order_it_back_and_the_account_is_the_advices(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        await charged(stage)
        order = await at.propose(f"{TERMINALS[0]}+000020")
        assert "approved" in await at.say("approve", order, who="wang")
        await becomes(stage, 20, "RETURNED")
        refund = stage.host.asked("0220")[-1]
        assert (refund[2], refund[4], refund[60][:2]) == (PAN, "000000000500", "25")

    run(desk(story, tmp_path))


def test_an_order_for_an_advice_on_its_way_is_refused_in_words(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        stage.host.will("0220", Say(held=True))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        said = await at.say("propose", f"{TERMINALS[0]}+000020", "--reason", "r", who="li")
        assert "still on its way to the host" in said

    run(desk(story, tmp_path))


def test_the_1987_dialect_names_the_advice_by_field_90(run, tmp_path):
    async def story(stage: Stage) -> None:
        fields = {
            2: PAN, 3: "000000", 4: "000000000500", 11: "000020", 25: "00", 41: TERMINALS[0],
            42: "898440153110001", 49: "156",
        }  # fmt: skip
        iso = codec_for("iso87-ascii")
        assert await stage.code(iso.encode(mti="0220", fields=fields)) == "00"
        await becomes(stage, 20, "APPROVED")
        back = fields | {3: "200000", 11: "000030", 90: f"0220000020{'0' * 32}"}
        assert await stage.code(iso.encode(mti="0220", fields=back)) == "00"
        assert (await by_stan(stage, 20)).state == "RETURNED"

    run(told(story, tmp_path, dialect="iso87-ascii"))


def test_a_completion_that_was_refunded_whole_has_ended_its_hold_all_the_same(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        assert await stage.code(request("completion", 11, 1000, of=10)) == "00"
        assert await stage.code(request("refund", 12, 400, of=11)) == "00"
        assert await stage.code(request("refund", 13, 600, of=11)) == "00"
        assert (await by_stan(stage, 11)).state == "RETURNED"
        asked = len(stage.host.seen)
        assert await stage.code(request("completion", 14, 1000, of=10)) == "22"
        assert await stage.code(request("preauth_void", 15, 1000, of=10)) == "22"
        assert len(stage.host.seen) == asked, "the host has not heard of it"

    run(told(story, tmp_path))
