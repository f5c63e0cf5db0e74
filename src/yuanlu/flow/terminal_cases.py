"""A case about a terminal: suspicion of fraud that many of its payments show, none of which charged anybody.

One by one such payments leave nothing to decide, and a long run of tested cards would bury the work list. So they
share one case for each terminal and cause. It is named by both, as an incident's is by the incident; while it is open,
the next payment joins it. A person closes it, and what is noticed after that is another case.
"""

from collections.abc import Callable

from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.records import TERMINAL, Case, Opening, Severity, Words
from yuanlu.cases.writing import Written
from yuanlu.causes.cause import Family
from yuanlu.causes.explanation import Explanation
from yuanlu.contracts import ServiceLevel
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.money import Money
from yuanlu.returns.states import State


def is_of_terminal(found: Transaction, explanation: Explanation) -> bool:
    """Whether this payment shares its case with its terminal's others."""
    return explanation.cause.family is Family.FRAUD and State(found.state) is State.DECLINED


def terminal_case_name(found: Transaction, cause: str) -> str:
    """How the case is named."""
    return f"{TERMINAL}{found.key.terminal_id} {found.key.merchant_id} {cause}"


def case_of_terminal(
    found: Transaction,
    explanation: Explanation,
    before: Case | None,
    *,
    queue: str,
    terms: ServiceLevel,
    random_bits: Callable[[int], int],
    now_us: int,
) -> Written:
    """The rows by which this payment opens or joins it. `before` is the open one."""
    cause, reason, stan = explanation.cause, explanation.reason, found.key.stan
    opening = Opening(
        incident=terminal_case_name(found, cause.code),
        merchant_id=found.key.merchant_id,
        terminal_id=found.key.terminal_id,
        acquirer=found.acquirer,
        amount=Money(minor=0, currency=found.amount.currency),
        title=Words(zh=cause.title.zh, en=cause.title.en),
        cause=cause.code,
        severity=Severity(cause.severity.value),
        explanation=Words(zh=f"流水号 {stan}：{reason.zh}", en=f"trace {stan}: {reason.en}"),
        queue=queue,
        since_us=found.received_at_us,
        evidence=tuple(finding.reason.en for finding in explanation.findings),
        is_complex=cause.needs_support,
    )
    return open_case(opening, before, number=case_number(now_us, random_bits), terms=terms, now_us=now_us)
