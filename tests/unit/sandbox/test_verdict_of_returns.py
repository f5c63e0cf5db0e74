from dataclasses import replace

import pytest
from msgspec.structs import replace as structs_replace

from tests.unit.sandbox.days import Break, Day, good_day
from yuanlu.sandbox.report import Run, document, in_words
from yuanlu.sandbox.told import SETTLEMENT


def test_a_day_of_all_kinds_of_return_passes_and_balances_to_the_fen():
    result = good_day().judged()
    assert result.findings == []
    assert result.passed
    assert result.balance.agrees
    charged = 100 + 200 + 400 + 600 + 400 + 850  # sales 1, 4, 8, 13, 15 and the completion
    assert result.balance.hosts_minor == charged
    assert result.balance.journal_minor == charged + 300  # the refund that nobody knows
    assert result.by_kind == {"void": 2, "refund": 1, "reversal": 1, "preauth_void": 1, "completion_void": 1}
    assert result.legs["void"] == {"RETURNED": 2, "NO_EFFECT": 2}
    assert result.refused == {"refund": 2, "void": 1}
    assert result.by_family == {"network": 1}
    assert (result.escalated, result.open) == (1, 0)


def missing_credit(day: Day) -> None:
    day.change("hosts", 2, credits_minor=0)


def missing_part(day: Day) -> None:
    day.change("hosts", 4, credits_minor=60)


def refund_never_booked(day: Day) -> None:
    day.change("hosts", 4, credits_minor=0)
    del day.records[5]


def told_void_not_booked_and_journal_knows(day: Day) -> None:
    """The journal is right, and the till was told an untruth."""
    day.change("hosts", 2, credits_minor=0)
    day.change("journal", 2, state="APPROVED")
    day.change("journal", 3, state="DECLINED")
    day.change("records", 3, state="DECLINED")
    day.releg(2, "NO_EFFECT")


def void_lost_after_doubt(day: Day) -> None:
    """Nobody made the void again."""
    day.change("hosts", 10, credits_minor=500)
    day.change("journal", 10, state="APPROVED")
    del day.journal[12], day.records[12]
    day.legs = [leg for leg in day.legs if not leg.order_id]
    day.orders.clear()


def void_charged_again_twice(day: Day) -> None:
    """A host that does not know repeats undid the void twice."""
    day.change("hosts", 13, debits_minor=1800, debit_count=3)


def hold_never_freed(day: Day) -> None:
    day.change("hosts", 22, held_minor=900)


def completed_and_still_held(day: Day) -> None:
    day.change("hosts", 20, held_minor=800)


LOST: list[tuple[str, Break, int]] = [
    ("a void is in the journal, its credit is not in the books", missing_credit, 200),
    ("a refund is booked in part", missing_part, 40),
    ("a refund was told and never booked", refund_never_booked, 100),
    ("a void was told, and neither books nor journal have it", told_void_not_booked_and_journal_knows, 200),
    ("a void in doubt is never made again", void_lost_after_doubt, 500),
    ("an undone void charged the sale once too often", void_charged_again_twice, 600),
    ("a voided pre-authorisation is still held", hold_never_freed, 900),
    ("a completed pre-authorisation is still held", completed_and_still_held, 800),
]


@pytest.mark.parametrize(("story", "breaks", "lost_minor"), LOST, ids=[row[0] for row in LOST])
def test_money_that_should_be_back_and_is_not_is_lost_to_the_fen(story, breaks, lost_minor):
    day = good_day()
    breaks(day)
    result = day.judged()
    assert result.lost_minor == lost_minor, story
    assert not result.passed


def given_back_twice(day: Day) -> None:
    day.change("hosts", 2, credits_minor=400)


def refunded_twice(day: Day) -> None:
    day.change("hosts", 4, credits_minor=200)


def refund_and_void(day: Day) -> None:
    day.change("hosts", 4, credits_minor=400)


def declined_refund_booked(day: Day) -> None:
    day.change("hosts", 8, credits_minor=400)


def remade_void_twice(day: Day) -> None:
    day.change("hosts", 10, credits_minor=1500)


def freed_twice(day: Day) -> None:
    day.change("hosts", 22, held_minor=-900)


DOUBLED: list[tuple[str, Break, int]] = [
    ("a voided sale is given back again", given_back_twice, 200),
    ("a refund is paid twice, within what was paid", refunded_twice, 100),
    ("a sale is refunded and voided", refund_and_void, 100),
    ("a refund that the journal calls declined is paid", declined_refund_booked, 400),
    ("a void in doubt took effect, and so did the one after it", remade_void_twice, 500),
    ("a hold is set free twice", freed_twice, 900),
]


@pytest.mark.parametrize(("story", "breaks", "doubled_minor"), DOUBLED, ids=[row[0] for row in DOUBLED])
def test_money_given_back_too_often_is_doubled_to_the_fen(story, breaks, doubled_minor):
    day = good_day()
    breaks(day)
    result = day.judged()
    assert result.doubled_minor == doubled_minor, story
    assert not result.passed


def told_but_not_booked(day: Day) -> None:
    del day.records[3]


def refused_but_booked(day: Day) -> None:
    day.retell(5, "61")


def told_and_journal_denies(day: Day) -> None:
    day.change("journal", 3, state="DECLINED")


def told_before_durable(day: Day) -> None:
    day.change("journal", 5, approved_at_us=60)


def given_back_unasked(day: Day) -> None:
    """The journal and the books agree, but no till ever wanted it."""
    day.change("hosts", 1, credits_minor=100)
    day.change("journal", 1, state="RETURNED")
    day.leg(1, "reversal", 100)


def declined_and_held(day: Day) -> None:
    day.retell(24, "05")


def held_by_the_journal_alone(day: Day) -> None:
    day.change("hosts", 24, held_minor=0)


def reversed_void_stands(day: Day) -> None:
    """The till took its void back and was told so, and the void stands."""
    day.change("journal", 14, state="APPROVED")


TOLD_WRONG: list[tuple[str, Break]] = [
    ("a void was told, and the books do not have it", told_but_not_booked),
    ("a refund was refused, and the books have it", refused_but_booked),
    ("a void was told, and the journal calls it declined", told_and_journal_denies),
    ("a refund was told before it was durable", told_before_durable),
    ("a sale was told approved and given back unasked", given_back_unasked),
    ("a hold was told declined and is there", declined_and_held),
    ("a hold is in the journal and not at the host", held_by_the_journal_alone),
    ("a void was taken back and stands", reversed_void_stands),
]


@pytest.mark.parametrize(("story", "breaks"), TOLD_WRONG, ids=[row[0] for row in TOLD_WRONG])
def test_a_till_that_was_told_an_untruth_is_found(story, breaks):
    day = good_day()
    breaks(day)
    result = day.judged()
    assert "told_wrong" in [finding.kind for finding in result.findings], story
    assert not result.passed


def test_a_sale_charged_twice_is_not_excused_by_another_sales_void():
    day = good_day()
    day.change("hosts", 1, debits_minor=200, debit_count=2)
    assert {finding.kind for finding in day.judged().findings} == {"sent_twice", "lost"}


@pytest.mark.parametrize("code", ["12", ""])
def test_a_void_that_its_till_could_not_take_back_may_have_given_back_the_money(code):
    """It went as a refund, since the host's day was over, and a refund is not reversed: the till was told 12.

    Seen under kills with a wall clock that jumps: `python -m proof.processes --seed 5 --kills 25`.
    """
    day = good_day()
    day.retell(3, "")
    day.tell(3, "void", 200, code, about=2, asked="reversal")
    assert day.judged().findings == []


def test_a_void_that_its_till_took_back_gives_back_nothing():
    day = good_day()
    day.retell(3, "")
    day.tell(3, "void", 200, "00", about=2, asked="reversal")
    assert "told_wrong" in [finding.kind for finding in day.judged().findings]


def test_a_refund_in_doubt_waits_for_a_person_whether_it_was_paid_or_not():
    day = good_day()
    assert day.judged().awaiting_person_minor == 0
    day.change("hosts", 15, credits_minor=0)
    result = day.judged()
    assert (result.awaiting_person_minor, result.passed, result.balance.agrees) == (300, True, True)


def test_what_a_person_must_decide_is_in_a_work_list():
    day = good_day()
    day.cases.clear()
    assert [finding.kind for finding in day.judged().findings] == ["no_case"]


def test_a_refund_in_doubt_that_the_host_is_asked_about_is_open():
    day = good_day()
    day.releg(15, "RETURNING")
    result = day.judged()
    assert (result.escalated, result.open, result.findings) == (0, 1, [])


def test_a_return_that_the_driver_still_works_on_is_open():
    day = good_day()
    day.orders[0] = replace(day.orders[0], state="RUNNING")
    result = day.judged()
    assert (result.open, result.passed) == (1, False)


def test_a_return_whose_void_a_person_has_is_not_open():
    day = good_day()
    day.orders[0] = replace(day.orders[0], state="RUNNING")
    day.legs = [replace(leg, state="RETURNING", closed_at_us=None) if leg.order_id else leg for leg in day.legs]
    day.change("journal", 10, state="APPROVED")
    day.change("journal", 12, state="ESCALATED", cause="NO_ANSWER")
    day.cases.add("X12")
    result = day.judged()
    assert (result.open, result.escalated, result.findings) == (0, 2, [])


def void_being_undone(day: Day, state: str) -> None:
    """The till took its void back, and whether the host has charged the sale again nobody here knows."""
    day.change("journal", 3, state=state, cause="NO_ANSWER")
    day.change("records", 3, state="REVERSED")
    day.retell(3, "")
    day.tell(3, "void", 200, "00", about=2, asked="reversal")
    day.change("hosts", 2, debits_minor=400, debit_count=2)


def test_a_sale_whose_void_is_being_undone_is_a_persons_and_not_lost():
    day = good_day()
    void_being_undone(day, "ESCALATED")
    assert [finding.kind for finding in day.judged().findings] == ["no_case"]
    day.cases.add("X3")
    result = day.judged()
    assert result.findings == []
    assert (result.awaiting_person_minor, result.balance.agrees) == (200, True)
    day.change("hosts", 2, debits_minor=401)
    assert [(finding.kind, finding.amount_minor) for finding in day.judged().findings] == [("lost", 1)]


def test_batches_are_counted_by_what_the_tills_were_told():
    day = good_day()
    for stan, code, flag in ((90, "00", "1"), (91, "00", "2"), (92, "40", ""), (93, "", "")):
        day.tell(stan, SETTLEMENT, 0, code)
        day.told[-1] = structs_replace(day.told[-1], flag=flag)
    result = day.judged()
    assert result.batches == {"agreed": 1, "differing": 1, "not_settled": 2}
    assert result.passed


def test_the_report_shows_kinds_families_batches_and_the_balance_in_both_languages():
    result = good_day().judged()
    run = Run(seed=1, sale_seconds=1, gateway_kills=1, faults={}, errands={"void": 2}, outages=1)
    report = document(result, run)
    assert report["by_kind"]["refund"] == 1
    assert report["by_family"] == {"network": 1}
    assert report["balance"]["agrees"] is True
    assert report["errands"] == {"void": 2}
    words = in_words(result, run)
    for part in ("退货 1", "refund 1", "网络 1", "Network 1", "相符", "explain to the fen"):
        assert part in words
