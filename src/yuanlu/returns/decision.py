"""Which way money goes back: a pure function from facts and terms to a decision with its reason in words.

The table of `docs/reference/ways-back.md` is drawn from `WAYS`, in this order: the first row whose condition holds.
Automatic within the limits; above them, and always when a person asks, two people.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from yuanlu.acquirers.kinds import KINDS, PREAUTH, PREAUTH_CONDITION, REFUND, VOID_OF, is_advice
from yuanlu.acquirers.terms import HostTerms
from yuanlu.contracts import Terms
from yuanlu.kernel.money import Money
from yuanlu.returns.obstacles import DAY_US, Obstacle, advice_obstacle, same_day
from yuanlu.returns.states import State
from yuanlu.returns.ways import ADJUSTMENT, Link

REPAYMENT, COMPENSATION = "repayment", "compensation"
BY_HAND = frozenset({ADJUSTMENT, REPAYMENT, COMPENSATION})
"""Kinds that no message carries out: two people pay, and the bank's or the file's reference closes them."""

VOID_WAY = "void"
HOUR_US = 3_600_000_000
NOT_SERVED = frozenset({"40", "25", "14", "15", "33", "41", "43", "54"})
"""A refund declined so will not be taken another time: not served, original or card gone. Then by hand."""


class Wish(Struct, frozen=True, kw_only=True):
    """What is wanted. `kind` is "" where the policy is to choose; `person` whether a person asks."""

    amount: Money
    kind: str = ""
    person: bool
    reason: str


class Facts(Struct, frozen=True, kw_only=True):
    """All that a decision looks at: the transaction, what its host promises, and what is agreed with its merchant.

    `automatic_today_minor` is what went back by itself for this merchant today.
    """

    link: Link
    terms: HostTerms
    agreed: Terms
    automatic_today_minor: int
    now_us: int


class Decision(Struct, frozen=True, kw_only=True):
    """What to do. `approve_by_us` is when a proposal expires; `why` is kept with the order, zh and en."""

    kind: str
    paid_from: str
    amount: Money
    automatic: bool
    approve_by_us: int
    why: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A row of the table: when it is taken, and what to say."""

    kind: str
    paid_from: str
    holds: Callable[[Facts, Wish], bool]
    when: str
    why: tuple[str, str]


def _refused(facts: Facts, *kinds: str) -> set[str]:
    """The host's codes with which messages of these kinds were declined before."""
    return {m.response_code for m in facts.link.messages if m.kind in kinds and m.state == State.DECLINED}


def _can_void(facts: Facts, wish: Wish) -> bool:
    link = facts.link
    void = VOID_OF.get(link.original.kind, "")
    whole = wish.amount == link.original.paid and not link.returned_minor
    tried = bool(_refused(facts, void))
    if not void or not whole or tried or link.completion is not None:
        return False
    on_any_day = KINDS[void].condition == PREAUTH_CONDITION
    return on_any_day or same_day(link.original, facts.terms, facts.now_us)


def _can_refund(facts: Facts, wish: Wish) -> bool:
    original = facts.link.original
    young = (facts.now_us - original.received_at_us) // DAY_US <= facts.terms.settings.refund_days_max
    return original.kind in KINDS[REFUND].of and young and not (_refused(facts, REFUND) & NOT_SERVED)


def _was_charged(facts: Facts, _: Wish) -> bool:
    """Whether there is money to credit. A pre-authorisation is only held; its completion is what charged it."""
    return facts.link.original.kind != PREAUTH


WAYS = (
    Way(
        kind=COMPENSATION, paid_from="contract", holds=lambda _, wish: wish.kind == COMPENSATION,
        when="compensation is asked for",
        why=("按合同补偿，由两人办理", "compensation by contract; two people pay it"),
    ),
    Way(
        kind=REPAYMENT, paid_from="contract", holds=lambda _, wish: wish.kind == REPAYMENT,
        when="a re-payment is asked for",
        why=("补发款项，由两人办理", "money owed is paid again; two people pay it"),
    ),
    Way(
        kind=ADJUSTMENT, paid_from="original",
        holds=lambda facts, wish: wish.kind == ADJUSTMENT and _was_charged(facts, wish),
        when="a credit adjustment of a charge is asked for",
        why=("贷记调整或手工退货，由两人办理", "credit adjustment or manual refund; two people send it"),
    ),
    Way(
        kind=VOID_WAY, paid_from="original",
        holds=lambda facts, wish: wish.kind in ("", VOID_WAY) and _can_void(facts, wish),
        when="whole amount, same batch and business day, no void declined before",
        why=("当日当批次全额：撤销", "same batch and day, the whole amount: a void"),
    ),
    Way(
        kind=REFUND, paid_from="original",
        holds=lambda facts, wish: wish.kind in ("", REFUND) and _can_refund(facts, wish),
        when="partial, later, or the void was declined; within the host's days for refunds",
        why=("部分金额、隔日或撤销被拒：退货", "partial, later, or the void was declined: a refund"),
    ),
    Way(
        kind=ADJUSTMENT, paid_from="original", holds=_was_charged,
        when="everything else that was charged: the host refuses refunds, or it is too old",
        why=("主机不受理退货或已超期：手工退货或贷记调整", "the host takes no refund, or too old: by hand"),
    ),
)  # fmt: skip


def decide(facts: Facts, wish: Wish) -> Decision | Obstacle:
    """The way back for this wish, or why there is none."""
    way = next((way for way in WAYS if way.holds(facts, wish)), None)
    if (way is None or way.paid_from == "original") and (found := _obstacle(facts, wish)) is not None:
        return found
    if way is None:
        return _hold_obstacle(facts.link)
    asked = wish.person or way.kind in BY_HAND
    above = None if asked else _limit_exceeded(facts, wish)
    return Decision(
        kind=way.kind,
        paid_from=way.paid_from,
        amount=wish.amount,
        automatic=not asked and above is None,
        approve_by_us=facts.now_us + facts.agreed.returns.approval_hours * HOUR_US,
        why=way.why if asked else _with_limit(way.why, facts.agreed.contract, above),
    )


def _limit_exceeded(facts: Facts, wish: Wish) -> tuple[str, str] | None:
    """The limit that keeps it from going by itself, zh and en."""
    limits, wanted = facts.agreed.returns, wish.amount
    if wanted.minor > limits.automatic_max_minor:
        most = Money(minor=limits.automatic_max_minor, currency=wanted.currency)
        return f"单笔自动退款限额 {most}", f"{most} for a return by itself"
    if facts.automatic_today_minor + wanted.minor > limits.automatic_per_day_minor:
        most = Money(minor=limits.automatic_per_day_minor, currency=wanted.currency)
        return f"每日自动退款限额 {most}", f"{most} a day for returns by themselves"
    return None


def _with_limit(why: tuple[str, str], contract: str, above: tuple[str, str] | None) -> tuple[str, str]:
    """The reason of the way, and which limit decided: whose it is, and what it says."""
    if above is not None:
        of_zh, of_en = (f"合同 {contract} 的", f"contract {contract}'s limit") if contract else ("", "the limit")
        return f"{why[0]}；超过{of_zh}{above[0]}，由两人决定", f"{why[1]}; above {of_en} of {above[1]}: two people"
    if contract:
        return f"{why[0]}；在合同 {contract} 的限额内", f"{why[1]}; within the limits of contract {contract}"
    return why


def _hold_obstacle(link: Link) -> Obstacle:
    """No way back for a pre-authorisation that cannot be voided: nothing was debited, so nothing is credited."""
    if link.completion is not None:
        return Obstacle("22", "the pre-authorisation has been completed; give the completion back instead")
    why = "the amount is only held, so nothing can be credited; where no void releases it, a person asks the issuer to"
    return Obstacle("22", why, by_person=True)


def _obstacle(facts: Facts, wish: Wish) -> Obstacle | None:
    """What no way can do: give back what was not paid, is being returned, or was given back."""
    original, link = facts.link.original, facts.link
    if original.original_id and KINDS[original.kind].gives_back:
        return Obstacle("12", f"a {original.kind} gave money back; there is nothing to return")
    if is_advice(original.kind) and (found := advice_obstacle(original)) is not None:
        return found
    if original.state in (State.DECLINED, State.NO_EFFECT):
        return Obstacle("12", "the payment never took effect")
    if original.state not in (State.APPROVED, State.CAPTURED, State.RETURNED):
        return Obstacle("22", f"the payment is {original.state}: it is being returned, or its outcome is open")
    if wish.amount.currency != original.paid.currency:
        return Obstacle("64", f"the payment is in {original.paid.currency}, not in {wish.amount.currency}")
    if wish.amount.minor > link.left_minor:
        left = Money(minor=max(0, link.left_minor), currency=original.paid.currency)
        return Obstacle("61", f"only {left} of it is left to give back")
    return None
