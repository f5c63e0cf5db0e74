"""Which way money goes back: the policy's table, row by row, and what no way can do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.returns.test_policy import DAY_US, NOON_US, leg, terms
from yuanlu.acquirers.kinds import KINDS
from yuanlu.contracts import Compensation, Returns, Terms
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money
from yuanlu.returns.compensation import compensation_due
from yuanlu.returns.decision import BY_HAND, WAYS, Decision, Facts, Wish, decide
from yuanlu.returns.obstacles import obstacle
from yuanlu.returns.states import State
from yuanlu.returns.ways import Link

LIMITS = Returns(automatic_max_minor=1_000, automatic_per_day_minor=2_000)
EVERYBODY = Terms(returns=LIMITS)


def payment(kind: str = "sale", state: str = "APPROVED", minor: int = 1_000, **more: object) -> Transaction:
    key = TransactionKey(terminal_id="T", merchant_id="M", batch_no="1", stan="1", mti_class="0200")
    return Transaction(
        transaction_id="t", key=key, acquirer="h1", kind=kind, state=state, version=2,
        amount=Money(minor=minor, currency="156"), card_token="c", card_bin="", card_last4="", sealed=b"x",
        received_at_us=NOON_US, changed_at_us=NOON_US, **more,
    )  # fmt: skip


def leg_of(minor: int, kind: str):
    return replace(leg(), kind=kind, amount_minor=minor, state=State.RETURNED, message_id="m")


def message(kind: str, code: str) -> Transaction:
    return replace(payment(kind, "DECLINED"), response_code=code, original_id="t")


def facts(
    original: Transaction, *, legs=(), messages=(), now_us: int = NOON_US, today: int = 0, agreed: Terms = EVERYBODY
) -> Facts:
    return Facts(
        link=Link(original=original, legs=tuple(legs), messages=tuple(messages)), terms=terms("P1"), agreed=agreed,
        automatic_today_minor=today, now_us=now_us,
    )  # fmt: skip


def wish(minor: int = 1_000, kind: str = "", *, person: bool = False) -> Wish:
    return Wish(amount=Money(minor=minor, currency="156"), kind=kind, person=person, reason="r")


SALE = payment()
TABLE = [
    (facts(SALE), wish(), "void", "same batch and day, all of it"),
    (facts(SALE, now_us=NOON_US + DAY_US), wish(), "refund", "the day has changed"),
    (facts(payment(state="CAPTURED")), wish(), "refund", "its batch is closed"),
    (facts(SALE), wish(400), "refund", "a part"),
    (facts(SALE, legs=[leg_of(400, "refund")]), wish(600), "refund", "the rest"),
    (facts(SALE, messages=[message("void", "57")]), wish(), "refund", "the void was declined"),
    (facts(SALE, messages=[message("void", "57"), message("refund", "40")]), wish(), "adjustment", "neither is served"),
    (facts(SALE, messages=[message("refund", "14")]), wish(1), "adjustment", "the card is gone"),
    (facts(SALE, messages=[message("refund", "96")]), wish(1), "refund", "the host was only in trouble"),
    (facts(SALE, now_us=NOON_US + 181 * DAY_US), wish(), "adjustment", "too old for a refund"),
    (facts(payment("preauth")), wish(), "void", "a hold is released by its void"),
    (facts(payment("preauth"), now_us=NOON_US + DAY_US), wish(), "void", "a hold is voided on a later day, too"),
    (facts(SALE), wish(kind="refund"), "refund", "as asked for"),
    (facts(SALE), wish(kind="adjustment"), "adjustment", "as asked for"),
    (facts(SALE), wish(kind="compensation"), "compensation", "on top, from the contract"),
    (facts(SALE), wish(kind="repayment"), "repayment", "owed beside the payment"),
]


@pytest.mark.parametrize(("seen", "wanted", "kind", "why"), TABLE, ids=[row[3] for row in TABLE])
def test_the_way_back_is_the_first_row_that_holds(seen, wanted, kind, why):
    chosen = decide(seen, wanted)
    assert isinstance(chosen, Decision)
    assert chosen.kind == kind, why
    assert all(chosen.why)


def test_every_row_of_the_policy_is_taken_by_a_row_of_this_table():
    taken = {decide(seen, wanted).why for seen, wanted, _, _ in TABLE}  # type: ignore[union-attr]
    assert taken == {way.why for way in WAYS}


HELD = "only held, so nothing can be credited"
COMPLETED = payment("completion", original_id="t")
HOLDS = [
    (facts(payment("preauth"), messages=[message("preauth_void", "57")]), wish(), HELD, "its void was declined"),
    (facts(payment("preauth")), wish(400), HELD, "a part of a hold"),
    (facts(payment("preauth")), wish(kind="adjustment"), HELD, "nothing was debited"),
    (facts(payment("preauth")), wish(kind="refund"), HELD, "a hold is not refunded"),
    (facts(payment("preauth"), messages=[COMPLETED]), wish(), "give the completion back", "its completion charged"),
]


@pytest.mark.parametrize(("seen", "wanted", "words", "why"), HOLDS, ids=[row[3] for row in HOLDS])
def test_a_hold_that_cannot_be_voided_is_never_credited(seen, wanted, words, why):
    found = decide(seen, wanted)
    assert not isinstance(found, Decision), why
    assert words in found.why
    assert found.by_person == (words == HELD)


def test_what_a_hold_owes_beside_itself_can_still_be_paid():
    for kind in ("compensation", "repayment"):
        chosen = decide(facts(payment("preauth")), wish(kind=kind))
        assert isinstance(chosen, Decision)
        assert chosen.paid_from == "contract"


def test_a_hold_in_doubt_is_refused_for_its_doubt_first():
    found = decide(facts(payment("preauth", "RETURNING")), wish(kind="adjustment"))
    assert not isinstance(found, Decision)
    assert "RETURNING" in found.why
    assert not found.by_person


REFUSED = [
    (facts(payment(state="DECLINED")), wish(), "12", "it was declined"),
    (facts(payment(state="NO_EFFECT")), wish(), "12", "it never took effect"),
    (facts(payment(state="UNKNOWN")), wish(), "22", "nobody knows yet"),
    (facts(payment(state="RETURNING")), wish(), "22", "it is on its way back"),
    (facts(payment(state="RETURNED"), legs=[leg_of(1_000, "void")]), wish(1), "61", "all of it is back"),
    (facts(SALE), wish(1_001), "61", "more than was paid"),
    (facts(SALE, legs=[leg_of(400, "refund")]), wish(601), "61", "more than is left"),
    (facts(payment(approved_minor=500)), wish(501), "61", "more than was approved"),
    (facts(replace(payment("refund"), original_id="x")), wish(), "12", "a refund cannot be refunded"),
    (facts(SALE), Wish(amount=Money(minor=1, currency="840"), person=True, reason="r"), "64", "another currency"),
]


@pytest.mark.parametrize(("seen", "wanted", "code", "why"), REFUSED, ids=[row[3] for row in REFUSED])
def test_what_no_way_can_do_is_refused_in_words(seen, wanted, code, why):
    found = decide(seen, wanted)
    assert not isinstance(found, Decision)
    assert found.code == code, why
    assert found.why


AUTOMATIC = [
    (wish(), 0, True, "within both limits"),
    (wish(person=True), 0, False, "a person asks: two people"),
    (wish(), 1_001, False, "above the day's limit"),
    (wish(kind="adjustment"), 0, False, "by hand is never automatic"),
    (wish(kind="compensation"), 0, False, "by hand is never automatic"),
]


@pytest.mark.parametrize(("wanted", "today", "automatic", "why"), AUTOMATIC, ids=[row[3] for row in AUTOMATIC])
def test_only_small_sums_go_by_themselves(wanted, today, automatic, why):
    chosen = decide(facts(SALE, today=today), wanted)
    assert isinstance(chosen, Decision)
    assert chosen.automatic is automatic, why


GOLD = Terms(contract="gold", returns=Returns(automatic_max_minor=500, automatic_per_day_minor=800))
WHOSE = [
    (facts(SALE, agreed=GOLD), 500, True, "within the limits of contract gold", "在合同 gold 的限额内"),
    (facts(SALE, agreed=GOLD), 501, False, "contract gold's limit of CNY 5.00 for a return", "合同 gold 的单笔"),
    (facts(SALE, agreed=GOLD, today=400), 401, False, "contract gold's limit of CNY 8.00 a day", "合同 gold 的每日"),
    (facts(SALE, today=1_001), 1_000, False, "above the limit of CNY 20.00 a day", "超过每日自动退款限额"),
]


@pytest.mark.parametrize(("seen", "minor", "automatic", "en", "zh"), WHOSE, ids=[row[3] for row in WHOSE])
def test_the_reason_says_whose_limit_decided(seen, minor, automatic, en, zh):
    chosen = decide(seen, wish(minor))
    assert isinstance(chosen, Decision)
    assert chosen.automatic is automatic
    assert en in chosen.why[1]
    assert zh in chosen.why[0]


def test_what_a_person_asks_for_needs_two_people_whatever_the_contract_says():
    chosen = decide(facts(SALE, agreed=GOLD), wish(person=True))
    assert isinstance(chosen, Decision)
    assert not chosen.automatic
    assert "gold" not in "".join(chosen.why)


def test_a_proposal_waits_as_long_as_the_contract_says():
    patient = Terms(contract="gold", returns=Returns(approval_hours=72))
    chosen = decide(facts(SALE, agreed=patient), wish(person=True))
    assert isinstance(chosen, Decision)
    assert chosen.approve_by_us == NOON_US + 3 * DAY_US


@given(
    minor=st.integers(1, 3_000), paid=st.integers(1, 2_000), back=st.integers(0, 2_000), days=st.integers(0, 400),
    kind=st.sampled_from(["", "void", "refund", "adjustment", "compensation", "repayment"]), person=st.booleans(),
    state=st.sampled_from([str(state) for state in State]),
)  # fmt: skip
def test_no_decision_gives_back_more_than_is_left(minor, paid, back, days, kind, person, state):
    legs = [leg_of(min(back, paid), "refund")] if back else []
    seen = facts(payment(state=state, minor=paid), legs=legs, now_us=NOON_US + days * DAY_US)
    chosen = decide(seen, wish(minor, kind, person=person))
    if isinstance(chosen, Decision) and chosen.paid_from == "original":
        assert chosen.amount.minor <= seen.link.left_minor
        assert state in ("APPROVED", "CAPTURED", "RETURNED")
    if isinstance(chosen, Decision):
        assert not (chosen.automatic and (person or chosen.kind in BY_HAND))


def test_a_message_that_may_be_sent_never_passes_the_cap():
    for kind in (name for name, spelt in KINDS.items() if spelt.of):
        seen = facts(SALE, legs=[leg_of(400, "refund")])
        found = obstacle(kind, seen.link, Money(minor=601, currency="156"), seen.terms, NOON_US)
        assert found is not None, kind


CONTRACT = Compensation(after_minutes=60, per_day_minor=100, per_day_per_mille=5, max_minor=350)
MINUTE_US = 60_000_000
LATE = [
    (60 * MINUTE_US, None, "in time"),
    (61 * MINUTE_US, 105, "the first day has begun"),
    (61 * MINUTE_US + DAY_US, 210, "the second"),
    (61 * MINUTE_US + 30 * DAY_US, 350, "never above the contract's limit"),
]


@pytest.mark.parametrize(("late_us", "minor", "why"), LATE, ids=[row[2] for row in LATE])
def test_compensation_grows_by_the_day_up_to_the_contracts_limit(late_us, minor, why):
    owed = compensation_due(CONTRACT, Money(minor=1_000, currency="156"), late_us)
    assert (owed.minor if owed else None) == minor, why
    assert compensation_due(Compensation(), Money(minor=1_000, currency="156"), late_us) is None
