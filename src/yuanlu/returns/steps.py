"""What one step of a return writes: pure builders of facts and rows."""

from msgspec.structs import replace

from yuanlu.acquirers.iso8583_host import Iso8583Host, Upstream
from yuanlu.acquirers.outcome import Answered, Doubt, NoAnswer
from yuanlu.acquirers.terms import Meaning
from yuanlu.iso8583.masking import masked
from yuanlu.journal import tasks
from yuanlu.journal.frames import Direction, pack
from yuanlu.journal.transactions import SET_STATE, SET_VERSION, Transaction
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.clock import Moment
from yuanlu.returns import store
from yuanlu.returns.policy import Close, Escalate, Leg
from yuanlu.returns.states import State

NO_ANSWER_REASON, BAD_MAC_REASON, OTHER_REASON = "98", "A0", "06"
"""Field 39 of a reversal: why it is sent (domain trap T6)."""


TERMINAL_GONE = "approved, but the terminal was gone"
TERMINAL_REVERSED = "the terminal reversed it"
"""Why a payment is in return, where its till said so itself."""


def sealing_context(transaction_id: str) -> str:
    """To which row the sealed material belongs."""
    return f"transactions/{transaction_id}/sealed"


def reason_for(doubt: Doubt) -> str:
    """Field 39 of the reversal by why the answer is missing (domain trap T6)."""
    match doubt:
        case Doubt.TIMEOUT | Doubt.DISCONNECTED:
            return NO_ANSWER_REASON
        case Doubt.BAD_MAC:
            return BAD_MAC_REASON
        case Doubt.GARBLED:
            return OTHER_REASON


def reason_after(leg: Leg, step: str, outcome: Answered | NoAnswer) -> str:
    """After a refused reversal the reason becomes 06, after an unanswered one 98 (domain trap T6)."""
    if step == "inquiry":
        return leg.reason
    return NO_ANSWER_REASON if isinstance(outcome, NoAnswer) else OTHER_REASON


def as_sent(leg: Leg, step: str, now: Moment) -> Leg:
    if leg.last_step == "reversal" and not leg.last_meaning:  # a crash came before its answer
        leg = replace(leg, unanswered_boot_us=leg.last_boot_us)
    if step == "inquiry":
        return replace(leg, inquiries=leg.inquiries + 1, last_step=step, last_meaning="", asked_boot_us=now.boot_us)
    return replace(
        leg, attempts=leg.attempts + 1, last_step=step, last_meaning="", last_boot_us=now.boot_us,
        last_boot_id=now.boot_id,
    )  # fmt: skip


def as_unsent(leg: Leg, step: str) -> Leg:
    """As if the attempt had not been made; what the one before it meant is not known any more."""
    if step == "inquiry":
        return replace(leg, inquiries=leg.inquiries - 1, last_meaning=Meaning.UNKNOWN.value)
    first = leg.attempts == 1
    return replace(
        leg, attempts=leg.attempts - 1, last_step="" if first else step,
        last_meaning="" if first else Meaning.UNKNOWN.value,
    )  # fmt: skip


def as_answered(leg: Leg, step: str, outcome: Answered | NoAnswer, meaning: Meaning, packet_life_us: int) -> Leg:
    """What the last sending brought.

    An answer names its payment, not the attempt. So a reversal's answer is this attempt's only when no earlier one's
    can still be on its way; otherwise one of the two stays unanswered, and nobody knows which.
    """
    leg = replace(leg, last_meaning=meaning.value, reason=reason_after(leg, step, outcome))
    if step == "inquiry":
        return leg
    earlier = leg.unanswered_boot_us and leg.last_boot_us <= leg.unanswered_boot_us + packet_life_us
    open_still = isinstance(outcome, NoAnswer) or earlier
    return replace(leg, unanswered_boot_us=leg.last_boot_us if open_still else 0)


def count_of(leg: Leg, step: str) -> int:
    return leg.inquiries if step == "inquiry" else leg.attempts


def return_fact(
    transaction: Transaction,
    kind: str,
    now: Moment,
    note: str,
    frames: bytes = b"",
    *,
    version: int | None = None,
) -> Fact:
    return Fact(
        merchant_id=transaction.key.merchant_id,
        subject_id=transaction.transaction_id,
        version=version or transaction.version + 1,
        kind=kind,
        at_us=now.wall_us,
        terminal_id=transaction.key.terminal_id,
        note=note,
        frames=frames,
    )


def next_version(transaction: Transaction) -> Change:
    return Change(statement=SET_VERSION, row=(transaction.version + 1, transaction.transaction_id, transaction.version))


def to_state(transaction: Transaction, state: State, reason: str, now: Moment, version: int) -> Change:
    return Change(
        statement=SET_STATE,
        row=(state.value, version, reason, now.wall_us, transaction.transaction_id, transaction.version),
    )


def case_opened(
    transaction: Transaction, leg: Leg, explanation: str, now: Moment, facts_before: int
) -> tuple[list[Fact], list[Change]]:
    """A person is told; the driver goes on."""
    version = transaction.version + facts_before
    leg = replace(leg, case_opened=True, state=State.ESCALATED, explanation=explanation)
    fact = return_fact(transaction, State.ESCALATED.value, now, explanation, version=version)
    told = tasks.examine(transaction.transaction_id, now.wall_us)
    return [fact], [to_state(transaction, State.ESCALATED, explanation, now, version), store.update_leg(leg), told]


def ending(
    transaction: Transaction, leg: Leg, step: Close | Escalate, now: Moment, *, version: int
) -> tuple[list[Fact], list[Change]]:
    """The last fact of a leg and its rows; an escalated one stays live."""
    if isinstance(step, Close):
        state, why = step.state, transaction.reason
        leg = replace(leg, state=state, closed_at_us=now.wall_us)
    else:
        state, why = State.ESCALATED, step.explanation
        leg = replace(leg, state=state, case_opened=True, explanation=step.explanation)
    fact = return_fact(transaction, state.value, now, "" if isinstance(step, Close) else why, version=version)
    examined = tasks.examine(transaction.transaction_id, now.wall_us)
    changes = [to_state(transaction, state, why, now, version), store.update_leg(leg), examined]
    if step.watch:
        changes.append(store.put_watch(transaction.transaction_id, now.wall_us, step.watch))
    return [fact], changes


def sent_frame(host: Iso8583Host, direction: Direction, upstream: Upstream) -> bytes:
    return pack(direction, host.codec.dialect.name, masked(host.codec.decode(upstream.frame)))
