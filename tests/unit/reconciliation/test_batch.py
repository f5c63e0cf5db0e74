"""A terminal's batch against ours: what counts, what agrees, and what each difference is called."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.iso8583.subfields import SettlementTotals, Totals
from yuanlu.reconciliation.batch import (
    BatchItem,
    BatchTotals,
    FindingKind,
    Standing,
    is_complete,
    match_details,
    match_totals,
    told_totals,
    totals_of,
)

COUNTS, SILENT, REVERSED, NOT_APPROVED = Standing


def ours(trace: int, amount: int, standing: Standing = COUNTS, *, credit: bool = False, name: str = "") -> BatchItem:
    return BatchItem(
        trace_no=f"{trace:06}",
        amount_minor=amount,
        standing=standing,
        credit=credit,
        transaction_id=name or f"t{trace}",
    )


def theirs(trace: int, amount: int) -> BatchItem:
    return BatchItem(trace_no=f"{trace:06}", amount_minor=amount)


def test_both_sides_count_what_stands():
    items = [
        ours(1, 100), ours(2, 50), ours(3, 100, credit=True), ours(4, 7, REVERSED), ours(5, 9, SILENT),
        ours(6, 11, NOT_APPROVED),
    ]  # fmt: skip
    totals = totals_of(items)
    assert totals == BatchTotals(debit_minor=150, debit_count=2, credit_minor=100, credit_count=1)
    assert totals.count == 3


def test_domestic_and_foreign_cards_are_one_sum():
    half = Totals(debit_minor=100, debit_count=1, credit_minor=20, credit_count=2)
    both = told_totals(SettlementTotals(domestic=half, foreign=half))
    assert both == BatchTotals(debit_minor=200, debit_count=2, credit_minor=40, credit_count=4)


TOTALS = [
    ({}, True, "the same"),
    ({"debit_minor": 101}, False, "another amount"),
    ({"debit_count": 2}, False, "another count"),
    ({"credit_minor": 51}, False, "the other side's amount"),
    ({"credit_count": 0}, False, "the other side's count"),
]


@pytest.mark.parametrize(("changes", "agree", "why"), TOTALS, ids=[row[2] for row in TOTALS])
def test_totals_agree_in_amounts_and_counts_of_both_sides(changes, agree, why):
    base = {"debit_minor": 100, "debit_count": 1, "credit_minor": 50, "credit_count": 1}
    assert match_totals(BatchTotals(**base), BatchTotals(**base | changes)) is agree, why


COMPLETE = [
    (3, 3, True, "all that the totals and the end announce"),
    (3, None, True, "the end says nothing"),
    (2, 2, False, "the totals had more"),
    (3, 4, False, "one was lost on the way"),
    (4, 4, False, "more than the totals had"),
]


@pytest.mark.parametrize(("uploaded", "announced", "complete", "why"), COMPLETE, ids=[row[3] for row in COMPLETE])
def test_an_upload_is_complete_when_all_counts_agree(uploaded, announced, complete, why):
    assert is_complete(BatchTotals(debit_count=2, credit_count=1), uploaded, announced) is complete, why


K = FindingKind
DETAILS = [
    ([ours(1, 100)], [theirs(1, 100)], [], "both have it"),
    ([ours(1, 100)], [], [(K.ONLY_OURS, 100, None, "t1")], "approved by us, unknown to the terminal"),
    ([], [theirs(1, 100)], [(K.ONLY_THEIRS, None, 100, "")], "in the terminal, not with us"),
    ([ours(1, 100)], [theirs(1, 101)], [(K.OTHER_AMOUNT, 100, 101, "t1")], "other amount"),
    ([ours(1, 100)], [theirs(2, 100)],
     [(K.ONLY_OURS, 100, None, "t1"), (K.ONLY_THEIRS, None, 100, "")], "the amount alone pairs nothing"),
    ([ours(1, 100, REVERSED)], [], [], "reversed, and not uploaded"),
    ([ours(1, 100, REVERSED)], [theirs(1, 100)], [(K.REVERSED_BUT_UPLOADED, 100, 100, "t1")], "reversed but uploaded"),
    ([ours(1, 100, NOT_APPROVED)], [], [], "declined, and not uploaded"),
    ([ours(1, 100, NOT_APPROVED)], [theirs(1, 100)], [(K.ONLY_THEIRS, None, 100, "t1")], "declined but uploaded"),
    ([ours(1, 100, SILENT)], [], [], "a hold that is not uploaded"),
    ([ours(1, 100, SILENT)], [theirs(1, 100)], [], "a hold that is"),
    ([ours(1, 100)], [theirs(1, 100), theirs(1, 100)], [(K.DUPLICATE, 100, 100, "t1")], "the terminal has it twice"),
    ([ours(1, 100)], [theirs(1, 100), theirs(1, 7)], [(K.DUPLICATE, 100, 7, "t1")], "twice, once with another amount"),
    ([], [theirs(1, 5), theirs(1, 5)],
     [(K.ONLY_THEIRS, None, 5, ""), (K.DUPLICATE, None, 5, "")], "unknown to us, and twice"),
    ([ours(1, 5), ours(1, 9, REVERSED, name="r")], [theirs(1, 5)], [], "two of one number, the one that stands pairs"),
    ([ours(1, 5), ours(1, 9, REVERSED, name="r")], [theirs(1, 9)],
     [(K.OTHER_AMOUNT, 5, 9, "t1")], "the one that should be there is meant"),
]  # fmt: skip


@pytest.mark.parametrize(("mine", "listed", "expected", "why"), DETAILS, ids=[row[3] for row in DETAILS])
def test_each_difference_has_its_name(mine, listed, expected, why):
    found = match_details(mine, listed)
    assert [(f.kind, f.ours_minor, f.theirs_minor, f.transaction_id) for f in found] == expected, why


standings = st.sampled_from(list(Standing))
our_items = st.lists(st.builds(ours, st.integers(1, 6), st.integers(1, 4), standings, name=st.text("abc", max_size=2)))
their_items = st.lists(st.builds(theirs, st.integers(1, 6), st.integers(1, 4)))


@given(our_items, their_items, st.integers())
def test_the_order_of_either_side_does_not_matter(mine, listed, seed):
    shuffled = [list(mine), list(listed)]
    for side in shuffled:
        random.Random(seed).shuffle(side)
    assert match_details(*shuffled) == match_details(mine, listed)


@given(our_items)
def test_a_terminal_that_has_all_that_counts_gives_no_finding_about_it(mine):
    listed = [theirs(int(item.trace_no), item.amount_minor) for item in mine if item.standing is COUNTS]
    assert match_details(mine, listed) == []


@given(our_items, their_items)
def test_every_item_is_paired_or_found_exactly_once(mine, listed):
    found = match_details(mine, listed)
    of_theirs = sum(1 for each in found if each.theirs_minor is not None)
    missing = sum(1 for each in found if each.kind is K.ONLY_OURS)
    about_counted = sum(1 for each in found if each.kind is K.OTHER_AMOUNT)
    counted = sum(1 for item in mine if item.standing is COUNTS)
    assert of_theirs <= len(listed)
    assert missing <= counted
    assert len(listed) - of_theirs >= counted - missing - about_counted
