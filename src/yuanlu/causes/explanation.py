"""What is said of one abnormal transaction: the causes that explain it, and what holds for all of them together.

A cause knows what it usually means for the money; the transaction's own state knows better. Where the state says that
the outcome is open, nobody hears "nothing was charged", whatever the cause alone would say.
"""

from msgspec import Struct

from yuanlu.causes.cause import Cause, Family, Guidance, Reason, Remedy, Severity, Words
from yuanlu.causes.evidence import CHARGED_STATES, GIVINGS_BACK, Evidence
from yuanlu.causes.guidance import CHECKED, LOOKED_INTO, NO_MONEY, NOT_SENT, RETURN_REFUSED, RETURN_UNKNOWN, UNKNOWN

UNCLASSIFIED = Cause(
    code="UNCLASSIFIED", family=Family.SYSTEM, title=Words(zh="未能归类", en="Unclassified"),
    looks_at=(), severity=Severity.CRITICAL, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=LOOKED_INTO,
)  # fmt: skip
"""Nothing explains it: a defect of this taxonomy. Raise an alert and count it."""

BY_PEOPLE = frozenset({Remedy.MANUAL, Remedy.REPAY})
LOOKED_INTO_IF_BAD = frozenset({Remedy.VERIFY, Remedy.VOID, Remedy.REFUND})
BAD = frozenset({Severity.HIGH, Severity.CRITICAL})

NOTHING_EXPLAINS = Reason(zh="没有任何原因能解释现有证据", en="no cause explains this evidence")


class Finding(Struct, frozen=True, kw_only=True):
    """A cause that explains the evidence, and by which of it."""

    cause: Cause
    reason: Reason


class Explanation(Struct, frozen=True, kw_only=True):
    """Why it went wrong. `findings` stand in order of precedence; the first one decides."""

    findings: tuple[Finding, ...]
    guidance: Guidance
    may_be_debited: bool
    may_charge_again: bool

    @property
    def cause(self) -> Cause:
        """The cause."""
        return self.findings[0].cause

    @property
    def reason(self) -> Reason:
        """Which evidence decided."""
        return self.findings[0].reason

    @property
    def contributing(self) -> tuple[Cause, ...]:
        """What else explains it."""
        return tuple([finding.cause for finding in self.findings[1:]])

    @property
    def needs_person(self) -> bool:
        """Whether only people can settle it: they decide it, pay it, or look into what is bad or suspicious."""
        cause = self.cause
        if cause.remedy in BY_PEOPLE:
            return True
        return cause.remedy in LOOKED_INTO_IF_BAD and (cause.severity in BAD or cause.family is Family.FRAUD)

    @property
    def to_be_verified(self) -> bool:
        """Whether the clearing file has to confirm it: the machine cannot, and no person need look before."""
        return self.cause.remedy is Remedy.VERIFY and not self.needs_person

    @property
    def unclassified(self) -> bool:
        """Whether nothing explains it; the caller alerts and counts."""
        return self.cause is UNCLASSIFIED


def conclude(findings: tuple[Finding, ...], said: Cause | None, evidence: Evidence) -> Explanation:
    """What the findings mean for the money and for the people; `said` is the cause that the response code names."""
    findings = findings or (Finding(cause=UNCLASSIFIED, reason=NOTHING_EXPLAINS),)
    first = findings[0].cause
    may_be_debited = not _surely_not_debited(said, evidence) and (
        evidence.open or evidence.kind in GIVINGS_BACK or any(f.cause.may_be_debited for f in findings)
    )
    excused = bool(first.why_charge_again) and not evidence.open
    harmless = first.may_charge_again or (first.may_be_debited and first.family is not Family.FRAUD)
    return Explanation(
        findings=findings,
        guidance=_guidance(first, said, evidence, may_be_debited=may_be_debited),
        may_be_debited=may_be_debited,
        may_charge_again=excused or (harmless and not may_be_debited),
    )


def _surely_not_debited(said: Cause | None, evidence: Evidence) -> bool:
    """Whether it is proven: no money moves, not one byte left, or a definite decline that nothing contradicts."""
    if not evidence.moves_money:
        return True
    if evidence.open or evidence.kind in GIVINGS_BACK or evidence.batch is not None or evidence.clearing is not None:
        return False
    if evidence.unsent is not None:
        return True
    definite = evidence.state == "DECLINED" and evidence.doubt is None and not evidence.unauthenticated
    return definite and said is not None and not said.may_be_debited


def _guidance(first: Cause, said: Cause | None, evidence: Evidence, *, may_be_debited: bool) -> Guidance:
    """The cause's own words, unless the transaction's kind or state makes them untrue."""
    if not evidence.moves_money:
        return NO_MONEY if first.may_be_debited else first.guidance
    if evidence.kind in GIVINGS_BACK and not first.of_returns:
        return _of_a_return(evidence)
    if first.family is Family.FRAUD and (first.may_be_debited or not may_be_debited):
        return first.guidance
    if may_be_debited:
        return _while_in_doubt(first, evidence)
    if not first.may_be_debited:
        return first.guidance
    return NOT_SENT if said is None or evidence.unsent is not None else said.guidance


def _of_a_return(evidence: Evidence) -> Guidance:
    """Causes speak of payments; a void or refund that goes wrong leaves its original as it was, or nobody knows."""
    if evidence.open or evidence.doubt is not None:
        return RETURN_UNKNOWN
    return LOOKED_INTO if evidence.state in CHARGED_STATES else RETURN_REFUSED


def _while_in_doubt(first: Cause, evidence: Evidence) -> Guidance:
    """Nobody hears "nothing was charged" then, nor "it is being reversed" of what stands as declined."""
    if evidence.open:
        return first.guidance if first.may_be_debited else UNKNOWN
    if not first.may_be_debited or (evidence.state == "DECLINED" and first.remedy is Remedy.REVERSE):
        return CHECKED
    return first.guidance
