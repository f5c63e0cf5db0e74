"""What to do next about one return: pure functions, decision out (rule 6).

The table of `docs/returns.md` §4.5 by host profile. Windows are measured on CLOCK_BOOTTIME, never on the wall
clock: a clock that jumps a day cannot make "original not found" final too early. A window that cannot be measured,
because the machine has booted since, has not passed.
"""

from dataclasses import dataclass

from msgspec import Struct

from yuanlu.acquirers.terms import HostTerms, Meaning
from yuanlu.kernel.clock import Moment
from yuanlu.returns.states import State

BACK_OFF_S = (5, 10, 20, 40, 80, 160, 320, 600)
HOURLY_S = 3_600
ATTEMPTS_BEFORE_CASE = 6
MINUTES_BEFORE_CASE = 30
SECOND_US = 1_000_000
AFTER_WINDOW_US = 1_000
"""A window is over when it is strictly past: this much later."""


class Leg(Struct, frozen=True, kw_only=True):
    """One giving-back as it stands. Instants are (microseconds, boot id); see `returns.tables.legs`."""

    return_id: str
    transaction_id: str
    acquirer: str
    kind: str
    leg_no: int
    state: State
    amount_minor: int
    currency: str
    reason: str
    original_answer: str
    original_sent_at_us: int
    original_boot_us: int
    original_boot_id: str
    attempts: int = 0
    rejected: int = 0
    inquiries: int = 0
    last_step: str = ""
    last_meaning: str = ""
    last_boot_us: int = 0
    last_boot_id: str = ""
    asked_boot_us: int = 0
    unanswered_boot_us: int = 0
    message_id: str = ""
    order_id: str = ""
    case_opened: bool = False
    explanation: str = ""
    opened_at_us: int
    closed_at_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send the reversal, for the first time or again with the same identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquire:
    """Ask the host what became of the original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Do nothing before so many microseconds have passed."""

    for_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """It ended: RETURNED or NO_EFFECT. `watch` is why the clearing file must confirm it, or ""."""

    state: State
    watch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """A person or the clearing file decides; the return stays open. `watch` as in Close."""

    explanation: str
    watch: str = ""


Step = Send | Inquire | Wait | Close | Escalate


def next_step(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    """What to do about `leg` now. Back-off between attempts is the caller's (`pause_us`)."""
    if leg.last_step == "inquiry":
        return _after_inquiry(leg, terms, now)
    if leg.attempts == 0:
        return _first(leg, terms, now)
    return _after_reversal(leg, terms, now)


def _first(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    """At once, except where one send is all there is: that waits until the original can no longer arrive."""
    if terms.profile.automatic or leg.original_answer == "approved":
        return Send()
    if leg.original_answer == "declined":
        return Close(state=State.NO_EFFECT, watch="the original was declined late")
    left_us = _window_left_us(leg, terms, now)
    return Wait(for_us=left_us) if left_us else Send()


def _after_reversal(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    match Meaning(leg.last_meaning or Meaning.UNKNOWN.value):
        case Meaning.RETURNED:
            return _returned(leg, terms)
        case Meaning.NOT_FOUND:
            return _not_found(leg, terms, now)
        case Meaning.DUPLICATE:
            return _duplicate(leg, terms)
        case Meaning.VERIFY:
            return _verify(terms, "the host says that a linked transaction was there before (22)")
        case Meaning.UNKNOWN:
            return _no_definite_answer(leg, terms, now)
        case Meaning.KEYS:
            return _stale_keys(leg, terms, now)
        case Meaning.REFUSED:
            return Escalate(explanation="the host refuses this reversal for good")
        case Meaning.STILL_APPROVED | Meaning.DECLINED:
            raise AssertionError("only an inquiry says this")


def _returned(leg: Leg, terms: HostTerms) -> Step:
    if terms.profile.repeats:
        return Close(state=State.RETURNED)
    if terms.profile.inquiry and _sent_after_window(leg, terms):
        return Close(state=State.RETURNED)
    return Close(state=State.RETURNED, watch="this host's 00 does not prove that it knew the original")


def _not_found(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    """25 or 12: nothing to return, or the reversal overtook its original."""
    profile = terms.profile
    if profile.remembers_unseen:
        return Close(state=State.NO_EFFECT, watch="the host had not seen the original")
    if not profile.automatic:
        return Escalate(explanation="the host does not know the original; only the clearing file can tell",
                        watch="reversal answered 25 or 12")  # fmt: skip
    if leg.original_answer == "declined":
        return Close(state=State.NO_EFFECT, watch="the original was declined late")
    if _sent_after_window(leg, terms) and not leg.unanswered_boot_us:
        return _not_found_is_final(leg, terms, now)
    if profile.inquiry:
        return Inquire()
    left_us = max(_window_left_us(leg, terms, now), _unanswered_left_us(leg, terms, now))
    return Wait(for_us=left_us) if left_us else _send_again(leg, terms, now)


def _not_found_is_final(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    """Every condition of the dagger in the table, or a person."""
    if leg.original_answer in ("approved", "unverified"):
        return Escalate(explanation="the host approved the original and now says that it does not know it",
                        watch="approved, then not found")  # fmt: skip
    if terms.business_day(leg.original_sent_at_us) != terms.business_day(now.wall_us):
        return Escalate(explanation="the host's day changed, so 'not found' may only mean 'not today'",
                        watch="not found after the cut-over")  # fmt: skip
    return Close(state=State.NO_EFFECT, watch="the host had not seen the original")


def _duplicate(leg: Leg, terms: HostTerms) -> Step:
    if leg.attempts - leg.rejected >= 2 and terms.profile.repeats:
        return Close(state=State.RETURNED)
    return _verify(terms, "the host calls the first reversal a duplicate (94)")


def _verify(terms: HostTerms, explanation: str) -> Step:
    if terms.profile.inquiry:
        return Inquire()
    return Escalate(explanation=explanation, watch=explanation)


def _no_definite_answer(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    if terms.profile.repeats:
        return _send_again(leg, terms, now)
    if terms.profile.inquiry:
        return Inquire()
    return Escalate(explanation="no definite answer, and this host must not be asked twice",
                    watch="reversal without a definite answer")  # fmt: skip


def _after_inquiry(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    match Meaning(leg.last_meaning or Meaning.UNKNOWN.value):
        case Meaning.RETURNED:
            return Close(state=State.RETURNED)
        case Meaning.DECLINED:
            return Close(state=State.NO_EFFECT, watch="the host says that the original was declined")
        case Meaning.STILL_APPROVED:
            # Only an inquiry that left after the last reversal can no longer arrive proves that it had no effect.
            left_us = _asked_window_left_us(leg, terms, now)
            return _send_again(leg, terms, now) if left_us == 0 else Wait(for_us=left_us) if left_us > 0 else Inquire()
        case Meaning.NOT_FOUND:
            if _asked_after_window(leg, terms):
                return _not_found_is_final(leg, terms, now)
            left_us = _window_left_us(leg, terms, now)
            return Wait(for_us=left_us) if left_us else Inquire()
        case _:
            return Inquire()


def _stale_keys(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    """It was not processed. But an answer names its payment, not the attempt: the second such answer may be the first
    one's double, and the repeat may have been processed. A host that pays every repeat must not get a third one then.
    """
    if terms.profile.repeats or leg.rejected <= 1:
        return _send_again(leg, terms, now)
    return _no_definite_answer(leg, terms, now)


def _send_again(leg: Leg, terms: HostTerms, now: Moment) -> Step:
    """The same reversal once more, never across the host's cut-over unless its terms allow it."""
    same_day = terms.business_day(leg.original_sent_at_us) == terms.business_day(now.wall_us)
    if same_day or terms.settings.resend_across_cut_over:
        return Send()
    return Escalate(explanation="the host's day changed; a reversal of yesterday's payment may not be repeated",
                    watch="cut-over passed before a definite answer")  # fmt: skip


def _window_left_us(leg: Leg, terms: HostTerms, now: Moment) -> int:
    """How long the original may still be on its way; 0 when it cannot be any more."""
    elapsed_us = now.elapsed_us_since(leg.original_boot_us, leg.original_boot_id)
    if elapsed_us is None:
        return terms.packet_life_us
    return max(0, terms.packet_life_us + AFTER_WINDOW_US - elapsed_us)


def _unanswered_left_us(leg: Leg, terms: HostTerms, now: Moment) -> int:
    """How long an earlier attempt's answer may still come and pass for the next one's."""
    if not leg.unanswered_boot_us:
        return 0
    elapsed_us = now.elapsed_us_since(leg.unanswered_boot_us, leg.last_boot_id)
    return terms.packet_life_us if elapsed_us is None else max(0, terms.packet_life_us + AFTER_WINDOW_US - elapsed_us)


def _sent_after_window(leg: Leg, terms: HostTerms) -> bool:
    """Whether the last reversal left when the original could no longer be on its way."""
    same_boot = leg.last_boot_id == leg.original_boot_id
    return same_boot and leg.last_boot_us > leg.original_boot_us + terms.packet_life_us


def _asked_after_window(leg: Leg, terms: HostTerms) -> bool:
    same_boot = leg.last_boot_id in (leg.original_boot_id, "")
    return same_boot and leg.asked_boot_us > leg.original_boot_us + terms.packet_life_us


def _asked_window_left_us(leg: Leg, terms: HostTerms, now: Moment) -> int:
    """0: the last inquiry left after the last reversal's life. Above: how long until then. Below: ask anew now."""
    if leg.attempts == 0 or leg.asked_boot_us > leg.last_boot_us + terms.packet_life_us:
        return 0
    elapsed_us = now.elapsed_us_since(leg.last_boot_us, leg.last_boot_id)
    if elapsed_us is None:
        return terms.packet_life_us
    left_us = terms.packet_life_us + AFTER_WINDOW_US - elapsed_us
    return left_us if left_us > 0 else -1


def pause_us(leg: Leg, now: Moment, jitter: float) -> int:
    """Back-off before the next attempt; `jitter` is between 0 and 1. Hourly once a case is open."""
    if leg.case_opened:
        return HOURLY_S * SECOND_US
    tries = max(leg.attempts, leg.inquiries, 1)
    pause_s = BACK_OFF_S[min(tries, len(BACK_OFF_S)) - 1]
    return int(pause_s * SECOND_US * (0.9 + 0.2 * jitter))


def needs_case(leg: Leg, now: Moment) -> bool:
    """Whether so many attempts, or so much time, make it a person's business, too."""
    if leg.case_opened:
        return False
    open_us = now.elapsed_us_since(leg.original_boot_us, leg.original_boot_id) or 0
    return max(leg.attempts, leg.inquiries) >= ATTEMPTS_BEFORE_CASE or open_us >= MINUTES_BEFORE_CASE * 60 * SECOND_US
