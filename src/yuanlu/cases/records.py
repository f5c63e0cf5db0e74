"""The records of the work list, and the few words that each may use."""

from enum import StrEnum

from msgspec import Struct

from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.kernel.money import Money


class Words(Struct, frozen=True, kw_only=True):
    """The same in both languages."""

    zh: str
    en: str


class Severity(StrEnum):
    """Who has to know, as the cause says."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


PRIORITIES = {Severity.CRITICAL: 1, Severity.HIGH: 2, Severity.MEDIUM: 3, Severity.LOW: 4}
"""What is worked on first: 1."""


BATCH = "batch "
"""A case about a batch names it so in `incident`; an incident has a number."""

TERMINAL = "terminal "
"""A case about a terminal names it so, with the cause that its payments share."""


OUTSIDE = "reported "
"""A case about a payment that is not ours names it so, with merchant and the merchant's own reference."""


class DecisionKind(StrEnum):
    """What two people may decide about money that the machine cannot settle (`docs/returns.md` §4)."""

    DECLARE_RETURNED = "declare_returned"
    """The bank says, with a reference, that the money went back."""
    DECLARE_NO_EFFECT = "declare_no_effect"
    """The bank says that the payment never took the money."""
    SEND_ONCE_MORE = "send_once_more"
    """One more reversal, only to a host that recognises repeats (profiles P1 and P2)."""
    MANUAL_CREDIT = "manual_credit"
    """Money given back outside the message path, by the acquirer's or our own finance."""


class Outcome(StrEnum):
    """How a case ended."""

    RETURNED = "returned"
    NO_EFFECT = "no_effect"
    CREDITED = "credited"
    PAYMENT_STANDS = "payment_stands"
    REPAIRED = "repaired"
    """The incident is over, or the batch is put right."""
    FALSE_ALARM = "false_alarm"


class EventKind(StrEnum):
    """One line of the timeline; its fact in the journal is of the kind `CASE_` and this."""

    OPENED = "opened"
    JOINED = "joined"
    """It went wrong again, or more became known, while the case was open."""
    ASSIGNED = "assigned"
    NOTE = "note"
    ATTACHED = "attached"
    ESCALATED = "escalated"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    HANDED_OVER = "handed_over"
    REOPENED = "reopened"
    CLOSED = "closed"
    DECISION_PROPOSED = "decision_proposed"
    DECISION_APPROVED = "decision_approved"
    DECISION_REFUSED = "decision_refused"
    DECISION_EXPIRED = "decision_expired"
    DECISION_CARRIED_OUT = "decision_carried_out"
    EXPORTED = "exported"
    """Its evidence pack was made and given away. Nothing moved."""
    REFUSED = "refused"
    """An action that the rules forbid was tried. Nothing moved."""
    TOLD = "told"
    """Somebody was told of it, or could not be. The case does not move; the fact is the message's."""

    @property
    def fact(self) -> str:
        """The kind of the fact in the journal."""
        return f"CASE_{self.upper()}"


class Opening(Struct, frozen=True, kw_only=True):
    """What whoever finds the trouble knows: all that a case needs to begin.

    `transaction_id` is None for the case of an incident or a batch, which then is named by `incident`; a transaction's
    case may name the incident it belongs to. `amount` is what is still to be settled. `may_send_again` says whether the
    host's profile allows one more reversal. `since_us` is when it went wrong: the service level counts from there.
    """

    merchant_id: str
    terminal_id: str
    acquirer: str
    amount: Money
    title: Words
    cause: str
    severity: Severity
    explanation: Words
    queue: str
    since_us: int
    transaction_id: str | None = None
    incident: str = ""
    evidence: tuple[str, ...] = ()
    is_complex: bool = False
    may_send_again: bool = False
    owner: str = ""


class Case(Struct, frozen=True, kw_only=True):
    """A case as it stands. `owner` is "" while it is nobody's but the level's; 0 in `snoozed_…` says: awake."""

    case_id: str
    transaction_id: str | None
    incident: str
    merchant_id: str
    terminal_id: str
    acquirer: str
    amount: Money
    title: Words
    cause: str
    severity: Severity
    explanation: Words
    evidence: tuple[str, ...]
    is_complex: bool
    may_send_again: bool
    queue: str
    state: CaseState
    level: Level
    priority: int
    owner: str
    ticket: str
    since_us: int
    deadline_at_us: int
    snoozed_at_us: int
    snoozed_until_us: int
    slept_us: int
    opened_at_us: int
    changed_at_us: int
    closed_at_us: int | None
    outcome: str
    person_needed: bool | None
    version: int


class Event(Struct, frozen=True, kw_only=True):
    """One line of a case's timeline."""

    case_id: str
    version: int
    subject_id: str
    at_us: int
    kind: EventKind
    who: str
    via: str
    text: str


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that belongs to a case, without its content."""

    case_id: str
    number: int
    name: str
    sha256: str
    size_bytes: int
    who: str
    at_us: int


class Decision(Struct, frozen=True, kw_only=True):
    """What the maker proposed, and what became of it."""

    decision_id: str
    case_id: str
    kind: DecisionKind
    amount: Money
    bank_reference: str
    reason: str
    maker: str
    checker: str
    state: DecisionState
    proposed_at_us: int
    expires_at_us: int
    decided_at_us: int | None = None
    carried_out_at_us: int | None = None
