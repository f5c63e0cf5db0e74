"""How a host of each profile behaves when a reversal comes: `docs/returns.md` §2, seen from the host."""

from dataclasses import dataclass
from enum import Enum


class RecordState(Enum):
    """What a host knows about one transaction."""

    HELD = "held up on its way"
    APPROVED = "approved"
    DECLINED = "declined"
    REVERSED = "reversed"
    VOIDED = "voided"
    REFUNDED = "refunded, at least in part"
    COMPLETED = "held amount charged by a completion"
    BARRED = "reversed before it came"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostProfile:
    """A host's habits. The codes are field 39 of its answer to a reversal that finds nothing to give back.

    Without `recognises_repeats` a second reversal of the same payment pays the cardholder again.
    """

    name: str
    recognises_repeats: bool
    remembers_unseen: bool
    answers_inquiries: bool
    unseen_code: str
    declined_code: str


PROFILES = {
    profile.name: profile
    for profile in (
        HostProfile(
            name="P1",
            recognises_repeats=True,
            remembers_unseen=True,
            answers_inquiries=False,
            unseen_code="25",
            declined_code="12",
        ),
        HostProfile(
            name="P2",
            recognises_repeats=True,
            remembers_unseen=False,
            answers_inquiries=False,
            unseen_code="25",
            declined_code="12",
        ),
        HostProfile(
            name="P3",
            recognises_repeats=False,
            remembers_unseen=False,
            answers_inquiries=True,
            unseen_code="25",
            declined_code="12",
        ),
        HostProfile(
            name="P4",
            recognises_repeats=False,
            remembers_unseen=False,
            answers_inquiries=False,
            unseen_code="00",
            declined_code="00",
        ),
        HostProfile(
            name="P5",
            recognises_repeats=False,
            remembers_unseen=False,
            answers_inquiries=False,
            unseen_code="25",
            declined_code="12",
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalDecision:
    """What the host does with a reversal: its answer's code, whether it credits, what it remembers afterwards.

    To credit is to undo the original's entries: the reversal of a void charges the sale again.
    """

    code: str
    credits: bool
    next_state: RecordState | None


def decide_reversal(profile: HostProfile, state: RecordState | None, repeat_code: str = "00") -> ReversalDecision:
    """What a host of this profile does when a reversal meets a payment in `state`; None is one never seen.

    `repeat_code` is what it answers to a repeat that it recognises: 00 again, or 94.
    """
    match state:
        case None | RecordState.HELD:
            # What is still on its way has not been seen: this is how a reversal overtakes.
            barred = RecordState.BARRED if profile.remembers_unseen else state
            return ReversalDecision(code=profile.unseen_code, credits=False, next_state=barred)
        case RecordState.APPROVED:
            return ReversalDecision(code="00", credits=True, next_state=RecordState.REVERSED)
        case RecordState.REVERSED if profile.recognises_repeats:
            return ReversalDecision(code=repeat_code, credits=False, next_state=state)
        case RecordState.REVERSED:
            return ReversalDecision(code="00", credits=True, next_state=state)
        case RecordState.DECLINED:
            return ReversalDecision(code=profile.declined_code, credits=False, next_state=state)
        case RecordState.BARRED:
            return ReversalDecision(code=profile.unseen_code, credits=False, next_state=state)
        case RecordState.VOIDED | RecordState.REFUNDED | RecordState.COMPLETED:
            # Something else has been done about it since; the response-code annex gives 22 for this.
            return ReversalDecision(code="22", credits=False, next_state=state)


def inquiry_status(state: RecordState | None) -> str:
    """Field 48 of 0610: what became of the original."""
    match state:
        case RecordState.APPROVED | RecordState.REFUNDED | RecordState.COMPLETED:
            return "ST=APPROVED"
        case RecordState.REVERSED | RecordState.VOIDED:
            return "ST=REVERSED"
        case RecordState.DECLINED | RecordState.BARRED:
            return "ST=DECLINED"
        case None | RecordState.HELD:
            return "ST=UNKNOWN"
