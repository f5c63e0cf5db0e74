"""What comes after an approval: void, refund, pre-authorisation and completion, each exactly once and capped."""

import asyncio

import pytest

from tests.scenario.linked import PAN, one_passes, request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import LIFE_S, MERCHANT, SOON_S, TERMINALS, Stage, told
from yuanlu.acquirers.kinds import KINDS
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal import transactions
from yuanlu.sandbox.till_messages import EntryMode

pytestmark = pytest.mark.usefixtures("each_database")


async def states(stage: Stage, payment) -> tuple[str, list[tuple[str, str]]]:
    """The sale's state, and kind and state of each of its legs."""
    return (await stage.find(payment)).state, [(leg.kind, str(leg.state)) for leg in await stage.legs(payment)]


async def by_stan(stage: Stage, stan: int):
    found = await stage.read(lambda c: transactions.search(c, f"T0000001+{stan:06}"))
    return found[0]


async def becomes(stage: Stage, stan: int, state: str) -> None:
    async with asyncio.timeout(SOON_S):
        while (await by_stan(stage, stan)).state != state:  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.01)


def test_a_void_gives_all_of_it_back_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        assert await stage.code(request("void", 50, 1234, of=1)) == "00"
        assert await states(stage, payment) == ("RETURNED", [("void", "RETURNED")])
        assert await stage.code(request("void", 51, 1234, of=1)) == "22"
        assert await stage.code(request("refund", 52, 1, rrn="000000000001")) == "22"
        assert len(stage.host.asked("0200")) == 2
        assert stage.host.asked("0220") == []

    run(told(story, tmp_path))


def test_a_declined_void_leaves_the_sale_as_it_was(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Say(code="57"))
        assert await stage.code(request("void", 50, 1234, of=1)) == "57"
        assert await states(stage, payment) == ("APPROVED", [("void", "NO_EFFECT")])
        assert await stage.code(request("void", 51, 1234, of=1)) == "00"
        assert await states(stage, payment) == ("RETURNED", [("void", "NO_EFFECT"), ("void", "RETURNED")])

    run(told(story, tmp_path))


def test_a_void_without_an_answer_is_itself_reversed_which_restores_the_sale(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Hush())
        assert await stage.code(request("void", 50, 1234, of=1)) == "98"
        await becomes(stage, 50, "RETURNED")
        reversal = stage.host.asked("0400")[0]
        assert (reversal[3], reversal[11], reversal[61][:12]) == ("200000", "000050", "000001000001")
        await stage.becomes(payment, "RETURNED")  # and then it is made again, by us
        assert await states(stage, payment) == ("RETURNED", [("void", "NO_EFFECT"), ("void", "RETURNED")])
        again = stage.host.asked("0200")[-1]
        assert (again[3], again[11], again[61][:12], again[2]) == ("200000", "999999", "000001000001", PAN)

    run(told(story, tmp_path))


def test_a_void_in_doubt_that_is_declined_the_second_time_becomes_a_refund(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Hush(), Say(code="57"))
        assert await stage.code(request("void", 50, 1234, of=1)) == "98"
        await stage.becomes(payment, "RETURNED")
        ways = [("void", "NO_EFFECT"), ("void", "NO_EFFECT"), ("refund", "RETURNED")]
        assert await states(stage, payment) == ("RETURNED", ways)
        [refund] = stage.host.asked("0220")
        assert (refund[4], refund[37], refund[60][:2], refund[2]) == ("000000001234", "000000000001", "25", PAN)

    run(told(story, tmp_path))


def test_a_void_in_doubt_that_its_till_takes_back_is_not_made_again(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(held=True))
        assert await stage.code(request("void", 50, 1234, of=1)) == "98"
        await stage.until(lambda: stage.host.holding == 1)
        assert await stage.code(request("void", 50, 1234, of=1, mti="0400")) == "00"
        stage.host.let_go()
        await becomes(stage, 50, "RETURNED")
        await asyncio.sleep(0.3)
        assert await states(stage, payment) == ("APPROVED", [("void", "NO_EFFECT")])

    run(told(story, tmp_path))


def test_a_void_in_doubt_and_the_gateway_killed_ends_the_same(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Say(held=True))
        line = await stage.line()
        await line.send(request("void", 50, 1234, of=1))
        await stage.until(lambda: len(stage.host.asked("0200")) == 2)
        await stage.stop_short()
        await stage.open()
        await becomes(stage, 50, "RETURNED")
        assert (await states(stage, payment))[1][0] == ("void", "NO_EFFECT")

    run(told(story, tmp_path))


REFUSED = [
    (request("void", 50, 1234, of=9), "25", "no such sale"),
    (request("void", 50, 999, of=1), "64", "a void is of the whole amount"),
    (request("void", 50, 1234, of=1, f2="6216261000000000018"), "14", "another card"),
    (request("void", 50, 1234, of=1, f49="840"), "64", "another currency"),
    (request("refund", 50, 1235, rrn="000000000001"), "61", "more than was paid"),
    (request("refund", 50, 1234, rrn="999999999999"), "25", "an unknown reference number"),
    (request("completion", 50, 1234, of=1), "25", "a completion of a sale"),
]


@pytest.mark.parametrize(("frame", "code", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_must_not_go_back_is_refused_recorded_and_moves_nothing(run, tmp_path, frame, code, why):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        assert await stage.code(frame) == code, why
        assert await states(stage, payment) == ("APPROVED", [])
        assert len(stage.host.seen) == 1
        assert len(await stage.events("REFUSED")) == 1

    run(told(story, tmp_path))


def test_a_void_of_a_void_of_a_declined_sale_and_of_one_in_doubt_are_refused(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage)
        assert await stage.code(request("void", 50, 1234, of=1)) == "00"
        assert await stage.code(request("void", 51, 1234, of=50)) == "12"
        stage.host.will("0200", Say(code="51"))
        declined = stage.payment(stan=60)
        assert await stage.code(stage.sale(declined)) == "51"
        assert await stage.code(request("void", 52, 1234, of=60)) == "12"
        stage.host.will("0200", Hush())
        doubtful = stage.payment(stan=61)
        assert await stage.code(stage.sale(doubtful)) == "98"
        assert await stage.code(request("void", 53, 1234, of=61)) == "22"

    run(told(story, tmp_path))


def test_partial_refunds_add_up_to_the_payment_and_no_further(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 1000)
        rrn = "000000000001"
        assert await stage.code(request("refund", 50, 400, rrn=rrn)) == "00"
        assert (await stage.find(payment)).state == "APPROVED"
        assert await stage.code(request("refund", 51, 601, rrn=rrn)) == "61"
        assert await stage.code(request("void", 52, 1000, of=1)) == "22"
        assert await stage.code(request("refund", 53, 600, rrn=rrn)) == "00"
        assert await states(stage, payment) == ("RETURNED", [("refund", "RETURNED"), ("refund", "RETURNED")])
        assert await stage.code(request("refund", 54, 1, rrn=rrn)) == "22"
        assert [m[4] for m in stage.host.asked("0220")] == ["000000000400", "000000000600"]

    run(told(story, tmp_path))


def test_of_many_refunds_at_once_only_what_was_paid_goes_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 1000)
        asks = [stage.code(request("refund", 50 + n, 1000, rrn="000000000001")) for n in range(4)]
        codes = sorted(await one_passes(stage, "0220", asks))
        assert codes == ["00"] + ["22"] * 3
        assert (await stage.find(payment)).state == "RETURNED"
        assert len(stage.host.asked("0220")) == 1

    run(told(story, tmp_path))


def test_a_refund_without_an_answer_is_neither_reversed_nor_sent_again_and_its_late_answer_settles_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0220", Hush())
        assert await stage.code(request("refund", 50, 1234, rrn="000000000001")) == "98"
        assert (await by_stan(stage, 50)).state == "UNKNOWN"
        assert await states(stage, payment) == ("APPROVED", [("refund", "ESCALATED")])
        await stage.relink()
        assert await stage.code(request("refund", 51, 1234, rrn="000000000001")) == "22"
        assert stage.host.asked("0400") == []
        assert len(stage.host.asked("0220")) == 1
        stage.host.send_all(stage.late(stage.host.asked("0220")[0], Say()))
        await becomes(stage, 50, "APPROVED")
        assert await states(stage, payment) == ("RETURNED", [("refund", "RETURNED")])

    run(told(story, tmp_path))


def test_a_refund_in_flight_when_the_gateway_stops_is_left_to_evidence(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0220", Say(held=True))
        line = await stage.line()
        await line.send(request("refund", 50, 1234, rrn="000000000001"))
        await stage.until(lambda: len(stage.host.asked("0220")) == 1)
        await stage.stop_short()
        await stage.open()
        assert (await by_stan(stage, 50)).state == "UNKNOWN"
        assert await states(stage, payment) == ("APPROVED", [("refund", "ESCALATED")])
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_void_after_the_cut_over_goes_on_as_a_refund_by_itself(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        yesterday = (await stage.find(payment)).received_at_us - 2 * 86_400_000_000
        moved = f"UPDATE transactions SET received_at_us = {yesterday}"
        await stage.gateway._store.write(lambda c: c.exec_driver_sql(moved))
        answer = await stage.ask(request("void", 50, 1234, of=1))
        assert (answer.mti, answer[39], answer[60][:2]) == ("0210", "00", "23")
        [refund] = stage.host.asked("0220")
        assert (refund[60][:2], refund[61][:12], refund[37]) == ("25", "000000000000", "000000000001")
        assert await states(stage, payment) == ("RETURNED", [("refund", "RETURNED")])

    run(told(story, tmp_path))


def test_a_terminal_that_reverses_its_void_gets_the_sale_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        assert await stage.code(request("void", 50, 1234, of=1)) == "00"
        assert await stage.code(request("void", 50, 1234, of=1, mti="0400")) == "00"
        await becomes(stage, 50, "RETURNED")
        assert await states(stage, payment) == ("APPROVED", [("void", "NO_EFFECT")])
        assert await stage.code(request("void", 51, 1234, of=1)) == "00"

    run(told(story, tmp_path))


def test_a_refund_is_never_reversed_not_even_by_its_terminal(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage)
        assert await stage.code(request("refund", 50, 1234, rrn="000000000001")) == "00"
        frame = request("refund", 50, 1234, rrn="000000000001", mti="0400")
        assert await stage.code(frame) == "12"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_void_that_the_terminal_does_not_hear_of_stands(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Say(held=True))
        line = await stage.line()
        await line.send(request("void", 50, 1234, of=1))
        await stage.until(lambda: len(stage.host.asked("0200")) == 2)
        await stage.hang_up(line)
        stage.host.let_go()
        await becomes(stage, 50, "APPROVED")
        assert await states(stage, payment) == ("RETURNED", [("void", "RETURNED")])
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_reversal_of_the_sale_while_its_void_is_under_way_joins_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Say(held=True))
        line = await stage.line()
        await line.send(request("void", 50, 1234, of=1))
        await stage.until(lambda: len(stage.host.asked("0200")) == 2)
        assert await stage.code(stage.reversal(payment)) == "00"
        stage.host.let_go()
        assert (await line.receive(SOON_S))[39] == "00"
        assert await states(stage, payment) == ("RETURNED", [("void", "RETURNED")])
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_pre_authorisation_is_completed_once_and_then_not_voided(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        assert await stage.code(request("completion", 11, 1151, of=10)) == "61"
        assert await stage.code(request("completion", 12, 1150, of=10)) == "00"
        assert await stage.code(request("completion", 13, 1000, of=10)) == "22"
        assert await stage.code(request("preauth_void", 14, 1000, of=10)) == "22"
        assert await stage.code(request("completion_void", 15, 1150, of=12)) == "00"
        assert (await by_stan(stage, 12)).state == "RETURNED"
        assert await stage.code(request("preauth_void", 16, 1000, of=10)) == "00"
        assert (await by_stan(stage, 10)).state == "RETURNED"

    run(told(story, tmp_path))


@pytest.mark.parametrize(
    ("kind", "of", "mti"), [("preauth", 0, "0100"), ("preauth_void", 10, "0100"), ("completion", 10, "0200")]
)
def test_each_of_the_pre_authorisation_family_is_reversed_when_in_doubt(run, tmp_path, kind, of, mti):
    async def story(stage: Stage) -> None:
        if of:
            assert await stage.code(request("preauth", 10, 1000)) == "00"
        stage.host.will(mti, Hush())
        assert await stage.code(request(kind, 20, 1000, of=of)) == "98"
        await becomes(stage, 20, "RETURNED")
        reversal = stage.host.asked("0400")[0]
        assert (reversal[11], reversal[25], reversal[60][:2]) == ("000020", "06", request_type(kind))
        if of:
            assert (await by_stan(stage, 10)).state == "APPROVED"

    run(told(story, tmp_path))


def request_type(kind: str) -> str:
    return {"preauth": "10", "preauth_void": "11", "completion": "20"}[kind]


def test_a_partial_approval_is_what_can_go_back(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="10", fields={4: "000000000500"}))
        payment = stage.payment(amount=1000)
        assert await stage.code(stage.sale(payment)) == "10"
        assert await stage.code(request("refund", 50, 501, rrn="000000000001")) == "61"
        assert await stage.code(request("refund", 51, 500, rrn="000000000001")) == "00"
        assert (await stage.find(payment)).state == "RETURNED"

    run(told(story, tmp_path))


def in_ascii(kind: str, stan: int, amount: int, *, of: int = 0, rrn: str = "") -> bytes:
    """The same in the 1987 dialect: field 90 names the original."""
    spelt, codec = KINDS[kind], codec_for("iso87-ascii")
    fields: dict[int, str | bytes] = {
        2: PAN, 3: spelt.processing_code, 4: f"{amount:012}", 11: f"{stan:06}", 22: "012", 25: "00",
        41: TERMINALS[0], 42: MERCHANT, 49: "156", 90: f"0200{of:06}" + "0" * 32,
    }  # fmt: skip
    return codec.encode(mti=spelt.mti, fields=fields | ({37: rrn} if rrn else {}))


ASKED = [
    ([Say(fields={48: "ST=APPROVED"})], "APPROVED", "RETURNED", "it took effect"),
    ([Say(fields={48: "ST=DECLINED"})], "DECLINED", "APPROVED", "it was declined"),
    ([Say(fields={48: "ST=UNKNOWN"})] * 2, "DECLINED", "APPROVED", "it never arrived, and can no longer"),
]


@pytest.mark.parametrize(("lines", "refund", "sale", "why"), ASKED, ids=[row[3] for row in ASKED])
def test_p3_is_asked_what_became_of_a_refund_and_it_is_never_sent_twice(run, tmp_path, lines, refund, sale, why):
    async def story(stage: Stage) -> None:
        payment = await sold(stage)
        stage.host.will("0220", Hush())
        stage.host.will("0600", *lines)
        assert await stage.code(in_ascii("refund", 50, 1234, of=1)) == "98"
        await stage.until(lambda: len(stage.host.asked("0600")) == 1)
        stage.later(1.5 * LIFE_S)  # a refund lives for as long as its answer is waited for, too
        await becomes(stage, 50, refund)
        assert (await stage.find(payment)).state == sale, why
        assert stage.host.asked("0600")[0][90][:10] == "0220000050"
        assert len(stage.host.asked("0220")) == 1

    run(told(story, tmp_path, profile="P3", dialect="iso87-ascii"))


def test_a_qr_sales_void_in_doubt_is_reversed_and_made_again_by_its_code(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment(entry=EntryMode.QR)
        assert await stage.code(stage.sale(payment)) == "00"
        stage.host.will("0200", Hush(), Hush())
        assert await stage.code(request("void", 50, 1234, of=1, f2=None)) == "98"
        await stage.becomes(payment, "RETURNED", 12)
        ways = [("void", "NO_EFFECT"), ("void", "NO_EFFECT"), ("void", "RETURNED")]
        assert (await states(stage, payment))[1] == ways
        assert {m[11] for m in stage.host.asked("0400")} == {"000050", "999999"}

    run(told(story, tmp_path))


def test_a_repeat_is_answered_though_we_have_sent_a_void_of_our_own_since(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        other = stage.payment()
        assert await stage.code(stage.sale(other)) == "00"
        stage.host.will("0200", Hush())
        assert await stage.code(request("void", 50, 1234, of=1)) == "98"
        await stage.becomes(payment, "RETURNED")
        assert await stage.code(request("void", 50, 1234, of=1)) == "98"

    run(told(story, tmp_path))
