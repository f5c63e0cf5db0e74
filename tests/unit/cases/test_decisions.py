"""What two people may decide, before anything is written."""

import pytest
from msgspec.structs import replace

from tests.unit.cases.cases import HOUR_US, LI, NOW_US, TERMS, WANG, a_case, a_decision
from yuanlu.cases.decisions import approve, kinds_allowed, propose, refuse, settled
from yuanlu.cases.errors import CaseError
from yuanlu.cases.people import Actor
from yuanlu.cases.records import DecisionKind, Outcome
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.kernel.money import Money

K = DecisionKind
NO_RESEND = (K.DECLARE_RETURNED, K.DECLARE_NO_EFFECT, K.MANUAL_CREDIT)
ALLOWED = [
    ({}, "ESCALATED", NO_RESEND, "this host must not be asked twice"),
    ({"may_send_again": True}, "RETURNING", tuple(K), "a host that recognises repeats"),
    ({}, "RETURNED", (), "the money is home"),
    ({}, "NO_EFFECT", (), "it never left"),
    ({}, "CAPTURED", (K.MANUAL_CREDIT,), "the merchant keeps it, but may give"),
    ({"state": CaseState.SUPPORT}, "ESCALATED", (), "support moves no money"),
    ({"state": CaseState.SNOOZED}, "ESCALATED", (), "asleep"),
    ({"transaction_id": None, "incident": "net"}, "", (), "an incident is no money"),
]


@pytest.mark.parametrize(("changed", "money", "expected", "why"), ALLOWED, ids=[row[3] for row in ALLOWED])
def test_what_may_be_decided_depends_on_where_the_money_is(changed, money, expected, why):
    assert kinds_allowed(replace(a_case(), **changed), money) == expected, why


def proposed(case=None, before=(), money="ESCALATED", kind=K.DECLARE_RETURNED, reason="the bank's letter", **more):
    more = {"bank_reference": "R-17"} | more
    return propose(case or a_case(), list(before), money, LI, kind, reason, TERMS, NOW_US, **more)


WRONG = [
    ({"kind": K.SEND_ONCE_MORE}, "might pay twice", "not with this host"),
    ({"money": "RETURNED"}, "allowed: nothing", "nothing is left to decide"),
    ({"bank_reference": ""}, "bank's reference", "declared without evidence"),
    ({"reason": " "}, "the reason is missing", "without a reason"),
    ({"before": [a_decision()]}, "one at a time", "another one waits"),
    ({"amount": Money(minor=1, currency="156")}, "the whole", "a part of it"),
    ({"amount": Money(minor=128_001, currency="156")}, "is not within", "more than there is"),
    ({"amount": Money(minor=128_000, currency="840")}, "another currency", "in dollars"),
    ({"kind": K.MANUAL_CREDIT, "amount": Money(minor=0, currency="156")}, "is not within", "nothing"),
    ({"case": a_case(amount=Money(minor=10_000_001, currency="156"))}, "escalate the case", "above the limit"),
    ({"case": a_case(transaction_id=None, incident="net")}, "about no payment", "an incident"),
]


@pytest.mark.parametrize(("given", "words", "why"), WRONG, ids=[row[2] for row in WRONG])
def test_a_proposal_that_the_rules_forbid_is_refused_with_the_reason(given, words, why):
    with pytest.raises(CaseError, match=words):
        proposed(**given)


def test_a_manager_decides_above_the_limit_and_a_credit_may_be_a_part():
    large = Money(minor=10_000_001, currency="156")
    proposed(case=replace(a_case(amount=large), level=Level.MANAGER))
    proposed(kind=K.MANUAL_CREDIT, amount=Money(minor=1, currency="156"))


def test_maker_and_checker_are_two_people_however_the_name_is_written():
    for name in ("Li", "li", "ＬＩ"):
        with pytest.raises(CaseError, match="a second person"):
            approve(a_case(), a_decision(), "ESCALATED", Actor(name=name), TERMS, NOW_US)
    approve(a_case(), a_decision(), "ESCALATED", WANG, TERMS, NOW_US)


def test_an_approval_comes_in_time_or_not_at_all():
    with pytest.raises(CaseError, match="expired at"):
        approve(a_case(), a_decision(), "ESCALATED", WANG, TERMS, NOW_US + HOUR_US)


def test_an_approval_looks_again_at_where_the_money_is():
    with pytest.raises(CaseError, match="money RETURNED"):
        approve(a_case(), a_decision(), "RETURNED", WANG, TERMS, NOW_US)


@pytest.mark.parametrize("decision", [None, a_decision(state=DecisionState.APPROVED)], ids=["none", "approved"])
def test_only_what_waits_is_answered(decision):
    for answer in (
        lambda: approve(a_case(), decision, "ESCALATED", WANG, TERMS, NOW_US),
        lambda: refuse(a_case(), decision, WANG, "no", NOW_US),
    ):
        with pytest.raises(CaseError, match="no proposal that waits"):
            answer()


def test_a_case_is_settled_once():
    with pytest.raises(CaseError, match="CLOSED already"):
        settled(replace(a_case(), state=CaseState.CLOSED), None, Outcome.RETURNED, NOW_US, "")
