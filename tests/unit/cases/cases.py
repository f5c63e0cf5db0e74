"""Cases for tests, as records."""

from typing import Any

from yuanlu.cases.opening import open_case
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case, Decision, DecisionKind, Opening, Severity, Words
from yuanlu.cases.states import DecisionState
from yuanlu.contracts import ServiceLevel
from yuanlu.kernel.money import Money

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
NOW_US = 1_760_000_000_000_000
"""2025-10-09 16:53:20 in Beijing."""
TERMS = ServiceLevel()
LI, WANG = Actor(name="Li", via="cli/li"), Actor(name="Wang", via="cli/wang")


def opening(**changed: Any) -> Opening:
    """What the return engine would say of a payment whose reversal the host refuses for good."""
    values: dict[str, Any] = {
        "transaction_id": "t1",
        "merchant_id": "M",
        "terminal_id": "T0000001",
        "acquirer": "h1",
        "amount": Money(minor=128_000, currency="156"),
        "title": Words(zh="冲正被拒", en="Reversal refused"),
        "cause": "REVERSAL_FAILED",
        "severity": Severity.HIGH,
        "explanation": Words(zh="主机拒绝冲正", en="the host refuses this reversal for good"),
        "queue": "returns",
        "since_us": NOW_US,
    }
    return Opening(**values | changed)


def a_case(**changed: Any) -> Case:
    """A case that has just begun."""
    return open_case(opening(**changed), None, number="C251009-00000001", terms=TERMS, now_us=NOW_US).case


def a_decision(**changed: Any) -> Decision:
    """A proposal that waits for its second person."""
    values: dict[str, Any] = {
        "decision_id": "C251009-00000001-D1", "case_id": "C251009-00000001", "kind": DecisionKind.DECLARE_RETURNED,
        "amount": Money(minor=128_000, currency="156"), "bank_reference": "R1", "reason": "the bank's letter",
        "maker": "Li", "checker": "", "state": DecisionState.PROPOSED, "proposed_at_us": NOW_US,
        "expires_at_us": NOW_US + HOUR_US,
    }  # fmt: skip
    return Decision(**values | changed)
