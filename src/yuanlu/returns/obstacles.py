"""Why a void, refund or completion may not be made: a pure function, asked before anything is sent.

The answer is a response code (field 39) and the reason in words. What it forbids, the database forbids as well where
money is concerned: one live leg, and a cap on their sum.
"""

from typing import NamedTuple

from yuanlu.acquirers.kinds import COMPLETION, KINDS, REFUND, VOID, is_advice
from yuanlu.acquirers.terms import HostTerms
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.money import Money
from yuanlu.returns.states import State
from yuanlu.returns.ways import Link

DAY_US = 86_400_000_000
COMPLETION_PERCENT_MAX = 115
"""A completion may exceed its pre-authorisation by 15 %: the usual rule for UnionPay cards."""

UNRELATED, RELATED_WRONG, TOO_MUCH, AMOUNT_DIFFERS = "12", "22", "61", "64"


class Obstacle(NamedTuple):
    """`code` is field 39 of the refusal; `by_person` says that a person has to go on with it, by a case."""

    code: str
    why: str
    by_person: bool = False


def same_day(original: Transaction, terms: HostTerms, now_us: int) -> bool:
    """Whether the original can still be voided: its batch is open, and the host's business day is the same."""
    day = terms.business_day(original.received_at_us)
    return original.state == State.APPROVED and day == terms.business_day(now_us)


def obstacle(kind: str, link: Link, amount: Money, terms: HostTerms, now_us: int) -> Obstacle | None:
    """What stands in the way of this message about `link`, or None."""
    original = link.original
    if original.kind not in KINDS[kind].of:
        return Obstacle(UNRELATED, f"there is no {kind} of a {original.kind}")
    if is_advice(original.kind) and (found := advice_obstacle(original)) is not None:
        return found
    if original.state in (State.DECLINED, State.NO_EFFECT):
        return Obstacle(UNRELATED, "the original never took effect")
    if original.state == State.RETURNED:
        return Obstacle(RELATED_WRONG, "all of it has been given back already")
    if original.state not in (State.APPROVED, State.CAPTURED):
        return Obstacle(
            RELATED_WRONG, f"the original is {original.state}: it is being returned, or its outcome is open"
        )
    if link.live is not None:
        return Obstacle(RELATED_WRONG, f"a {link.live.kind} of it is under way")
    if link.completion is not None and kind != COMPLETION:
        return Obstacle(RELATED_WRONG, "the pre-authorisation has been completed")
    if amount.currency != original.paid.currency:
        return Obstacle(AMOUNT_DIFFERS, "the currency is not the original's")
    return _wrong_amount(kind, link, amount) or _too_late(kind, original, terms, now_us)


def advice_obstacle(advice: Transaction) -> Obstacle | None:
    """Why nothing can be given back of an advice yet, or ever: the host has not charged it."""
    if advice.state == State.SEND_INTENT:
        why = f"the {advice.kind} is still on its way to the host; ask again once it has answered"
        return Obstacle(RELATED_WRONG, why)
    if advice.state == State.DECLINED:
        return Obstacle(UNRELATED, f"the host refused the {advice.kind}: nothing was charged that could go back")
    return None


def _wrong_amount(kind: str, link: Link, amount: Money) -> Obstacle | None:
    paid, left = link.original.paid.minor, link.left_minor
    if kind == COMPLETION:
        if link.completion is not None:
            return Obstacle(RELATED_WRONG, "the pre-authorisation has been completed")
        too_much = amount.minor * 100 > paid * COMPLETION_PERCENT_MAX
        return Obstacle(TOO_MUCH, "more than 115 % of the pre-authorisation") if too_much else None
    if kind == REFUND:
        return Obstacle(TOO_MUCH, "more than is left of the payment") if amount.minor > left else None
    if left != paid:
        return Obstacle(RELATED_WRONG, "part of it has been given back; only a refund is possible")
    return Obstacle(AMOUNT_DIFFERS, "a void is of the whole amount") if amount.minor != paid else None


def _too_late(kind: str, original: Transaction, terms: HostTerms, now_us: int) -> Obstacle | None:
    if kind == REFUND:
        days = (now_us - original.received_at_us) // DAY_US
        if days > terms.settings.refund_days_max:
            return Obstacle(RELATED_WRONG, f"older than {terms.settings.refund_days_max} days")
        return None
    if kind == VOID and not same_day(original, terms, now_us):
        return Obstacle(RELATED_WRONG, "its batch is closed or the day has changed; only a refund is possible")
    return None
