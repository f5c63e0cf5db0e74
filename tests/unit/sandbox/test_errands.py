import random

import pytest

from tests.unit.sandbox.hosts import World
from yuanlu.causes.slips import neighbours_swapped
from yuanlu.sandbox.errands import ERRAND_WORDS, STORIES, Errand, swapped
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_asks import Ask, Duty, request_frame, undo_frame
from yuanlu.sandbox.till_linked import slip_of
from yuanlu.sandbox.till_memory import TillMemory
from yuanlu.sandbox.till_messages import EntryMode


def test_every_errand_has_a_story_and_words_in_both_languages():
    assert set(STORIES) == set(Errand) == set(ERRAND_WORDS)
    assert all(zh and en for zh, en in ERRAND_WORDS.values())


@pytest.mark.parametrize("amount_minor", [101, 110, 1234, 4400, 50_100, 33_330])
def test_swapped_digits_are_those_of_a_slip_where_there_are_two_different_ones(amount_minor):
    wrong = swapped(amount_minor)
    assert wrong != amount_minor
    assert len(str(wrong)) == len(str(amount_minor))
    assert neighbours_swapped(wrong, amount_minor)


def test_an_amount_without_two_digits_to_swap_is_mistaken_in_another_way():
    assert (swapped(333), swapped(100)) == (342, 109)


def memory_after(world: World) -> TillMemory:
    """A sale, a second one voided, a third refunded in part, a hold that was completed."""
    memory = TillMemory(random.Random(1))

    def keep(kind: Kind, amount: int, entry: EntryMode = EntryMode.CHIP) -> None:
        payment = world.payment(amount, entry)
        memory.keep(Ask(kind=kind, payment=payment), slip_of(kind, payment), payment.amount_minor)

    for kind, amount in (
        (Kind.SALE, 100),
        (Kind.SALE, 200),
        (Kind.VOID, 200),
        (Kind.SALE, 300),
        (Kind.REFUND, 50),
        (Kind.PREAUTH, 400),
        (Kind.COMPLETION, 440),
    ):
        keep(kind, amount)
    keep(Kind.SALE, 7, EntryMode.QR)
    return memory


def test_a_tills_totals_count_what_charges_as_debits_and_what_gives_back_as_credits_and_no_holds():
    totals = memory_after(World()).totals().domestic
    assert (totals.debit_minor, totals.debit_count) == (100 + 200 + 300 + 440 + 7, 5)
    assert (totals.credit_minor, totals.credit_count) == (250, 2)


def test_a_tills_details_are_its_totals_item_by_item_and_a_code_has_no_card_number():
    uploads = memory_after(World()).uploads()
    assert [len(items) for items in uploads] == [7]
    assert [item.pan for items in uploads for item in items if item.amount_minor == 7] == [""]


def test_a_lost_sale_is_missing_in_the_totals_and_a_closed_batch_is_empty():
    memory = memory_after(World())
    memory.lose_one()
    assert memory.totals().domestic.debit_minor == 200 + 300 + 440 + 7
    memory.clear()
    assert memory.totals().domestic.debit_count == 0


def test_a_paper_that_something_followed_is_not_drawn_again():
    memory = memory_after(World())
    drawn = [memory.draw(Kind.SALE) for _ in range(5)]
    assert sorted(paper.amount_minor for paper in drawn if paper is not None) == [7, 100, 200, 300]
    assert drawn[-1] is None


FOLLOWED = [(Kind.VOID, Kind.SALE), (Kind.COMPLETION, Kind.PREAUTH), (Kind.COMPLETION_VOID, Kind.COMPLETION)]


@pytest.mark.parametrize("dialect", ["cup-pos", "iso87-ascii"])
@pytest.mark.parametrize(("kind", "of"), [(Kind.SALE, None), (Kind.PREAUTH, None), *FOLLOWED])
def test_the_reversal_that_a_till_owes_repeats_its_request(dialect, kind, of):
    world = World(dialect=dialect)
    payment = world.payment()
    slip = slip_of(of, world.payment()) if of is not None else None
    ask = Ask(kind=kind, payment=payment, slip=slip)
    sent = world.identity.codec.decode(request_frame(world.identity, ask, None))
    undone = world.identity.codec.decode(undo_frame(world.identity, Duty(ask=ask, reason="06"), None))
    assert (undone.mti, undone[39], ask.mti, ask.reverses) == ("0400", "06", sent.mti, True)
    for number in (3, 4, 11, 25, 41, 42, 60, 61):
        assert undone.get(number) == sent.get(number)


def test_nobody_owes_the_reversal_of_a_refund():
    assert not Ask(kind=Kind.REFUND, payment=World().payment()).reverses
