"""Settlement, batch upload and script results at simulated hosts."""

from dataclasses import replace

import pytest

from tests.unit.sandbox.hosts import World
from yuanlu.iso8583.subfields import SettlementTotals, Totals, UploadItem
from yuanlu.sandbox.host_actions import HangUp
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_batch import settlement_frame, upload_end_frame, upload_frame
from yuanlu.sandbox.till_linked import offline_sale_frame

BATCH = "000001"


def batch_of(world: World) -> Totals:
    """A batch with everything that counts, and with what does not."""
    voided, refunded, reversed_ = world.payment(1000), world.payment(700), world.payment(50)
    world.link(Kind.VOID, world.follow(voided), world.sold(voided))
    world.link(Kind.REFUND, world.follow(refunded, 300), world.sold(refunded))
    world.sell(reversed_)
    world.reverse(reversed_)
    world.sell(world.payment(660051))
    world.give(offline_sale_frame(world.identity, world.payment(20), None))
    hold = world.payment(500)
    slip = world.authorised(hold)
    world.link(Kind.COMPLETION, world.follow(hold, 400), slip)
    world.authorised(world.payment(9000))
    return Totals(debit_minor=2120, debit_count=4, credit_minor=1300, credit_count=2)


def settled(world: World, totals: SettlementTotals, batch_no: str = BATCH) -> SettlementTotals:
    frame = settlement_frame(world.identity, batch_no, "000800", totals, world.keys)
    [answer] = world.messages(world.give(frame))
    assert (answer.mti, answer[11], answer[39]) == ("0510", "000800", "00")
    return SettlementTotals.parse(answer[48])


@pytest.mark.parametrize("profile", ["P1", "P2", "P4", "P5"])
def test_totals_that_agree_with_the_books_get_flag_1(profile):
    world = World(profile)
    totals = batch_of(world)
    answer = settled(world, SettlementTotals(domestic=totals))
    assert answer.domestic == replace(totals, flag="1")
    assert answer.foreign.flag == "1"


@pytest.mark.parametrize(
    "change",
    [{"debit_minor": 1999}, {"debit_count": 3}, {"credit_minor": 0}, {"credit_count": 1}],
    ids=lambda change: next(iter(change)),
)
def test_one_figure_that_differs_gets_flag_2_and_the_tills_own_figures_back(change):
    world = World()
    wrong = replace(batch_of(world), **change)
    answer = settled(world, SettlementTotals(domestic=wrong))
    assert answer.domestic == replace(wrong, flag="2")
    assert world.core.counters["settlements_disagreeing"] == 1


def test_foreign_cards_are_compared_by_themselves():
    world = World()
    totals = batch_of(world)
    answer = settled(world, SettlementTotals(domestic=totals, foreign=totals))
    assert (answer.domestic.flag, answer.foreign.flag) == ("1", "2")


def test_another_batch_or_terminal_does_not_count():
    world = World()
    batch_of(world)
    nothing = Totals(debit_minor=0, debit_count=0, credit_minor=0, credit_count=0)
    assert settled(world, SettlementTotals(domestic=nothing), "000002").domestic.flag == "1"
    world.identity = replace(world.identity, terminal_id="T0000002")
    assert settled(world, SettlementTotals(domestic=nothing)).domestic.flag == "1"


def test_the_1987_dialect_settles_everything_since_the_start():
    world = World("P3")
    totals = batch_of(world)
    assert settled(world, SettlementTotals(domestic=totals), "000000").domestic.flag == "1"


def test_a_settlement_without_totals_ends_the_connection():
    world = World()
    fields = {11: "000800", 41: "T0000001", 42: "M00000000000001", 60: "00000001201"}
    assert world.give(world.identity.codec.encode(mti="0500", fields=fields)) == [HangUp()]


def test_an_upload_is_accepted_and_counted_and_none_of_it_is_kept():
    world = World()
    payment = world.payment()
    item = UploadItem(card_kind="00", stan="000001", pan=payment.card.pan, amount_minor=1250)
    for frame in (
        upload_frame(world.identity, BATCH, "000801", [item] * 8, None),
        upload_frame(world.identity, BATCH, "000802", [item], None),
        upload_end_frame(world.identity, BATCH, "000803", 9, None, agreed=False),
    ):
        [answer] = world.messages(world.give(frame))
        assert (answer.mti, answer[39], answer.has(48)) == ("0330", "00", False)
    counters = world.core.counters
    assert (counters["uploads"], counters["upload_items"], counters["uploads_ended"]) == (3, 9, 1)
    assert payment.card.pan not in repr(vars(world.core.books))
    assert payment.card.pan not in repr(item)


def test_the_end_of_an_upload_says_whether_the_totals_agreed():
    world = World()
    for agreed, code in ((True, "207"), (False, "202")):
        message = world.identity.codec.decode(
            upload_end_frame(world.identity, BATCH, "000801", 12, None, agreed=agreed)
        )
        assert (message[60], message[48]) == (f"00000001{code}", "0012")


def test_settlement_and_upload_need_no_mac_but_a_wrong_one_is_refused():
    world = World(mac="unionpay-ecb")
    world.sign_in()
    nothing = SettlementTotals(domestic=Totals(debit_minor=0, debit_count=0, credit_minor=0, credit_count=0))
    keys, world.keys = world.keys, None
    assert settled(world, nothing).domestic.flag == "1"
    frame = settlement_frame(world.identity, BATCH, "000800", nothing, keys)
    [answer] = world.messages(world.give(frame))
    assert answer.has(64)
    wrong = world.identity.codec.decode(frame).splice({64: "00000000"})
    assert world.code(world.give(wrong)) == "A0"


def test_a_script_result_is_answered_00():
    world = World()
    fields = {11: "000805", 41: "T0000001", 42: "M00000000000001", 60: "00000001951"}
    [answer] = world.messages(world.give(world.identity.codec.encode(mti="0620", fields=fields)))
    assert (answer.mti, answer[39]) == ("0630", "00")
    assert world.core.counters["script_results"] == 1
