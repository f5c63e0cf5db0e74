"""What cashiers do beside selling: giving back, pre-authorisations, and the mistakes that people make at tills.

Each errand is a short story of several requests; it ends early when a step is not approved. Mistakes are those of the
cause catalogue (`docs/causes.md`, family "operator"): they must show in the journal as they would in the field.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from yuanlu.sandbox.cards import make_card, mistyped
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till import Till
from yuanlu.sandbox.till_asks import Ask
from yuanlu.sandbox.till_memory import Paper
from yuanlu.sandbox.till_messages import EntryMode

NO_SUCH_STAN = "999001"
TEST_AMOUNT_MINOR = 1
KEYING_ERRORS = 4
COMPLETION_PERCENT = 110


class Errand(Enum):
    """What a cashier is about. From `TEN_TIMES` on they are mistakes."""

    VOID = "void"
    PARTIAL_REFUND = "partial_refund"
    TWO_REFUNDS = "two_refunds"
    FULL_REFUND = "full_refund"
    PREAUTH_COMPLETED = "preauth_completed"
    PREAUTH_VOIDED = "preauth_voided"
    COMPLETION_VOIDED = "completion_voided"
    COMPLETION_REFUNDED = "completion_refunded"
    TEN_TIMES = "ten_times"
    DIGITS_SWAPPED = "digits_swapped"
    CHARGED_TWICE = "charged_twice"
    WRONG_AMOUNT_VOIDED = "wrong_amount_voided"
    WRONG_SLIP_VOIDED = "wrong_slip_voided"
    VOIDED_AGAIN = "voided_again"
    REFUND_TOO_HIGH = "refund_too_high"
    KEYING_ERRORS = "keying_errors"
    TEST_AMOUNT = "test_amount"
    SIGN_IN_FORGOTTEN = "sign_in_forgotten"


ERRAND_WORDS: Mapping[Errand, tuple[str, str]] = {
    Errand.VOID: ("撤销", "void of an earlier sale"),
    Errand.PARTIAL_REFUND: ("部分退货", "refund of a part"),
    Errand.TWO_REFUNDS: ("分两次全额退货", "refund of all, in two parts"),
    Errand.FULL_REFUND: ("全额退货", "refund of all"),
    Errand.PREAUTH_COMPLETED: ("预授权完成", "pre-authorisation, then completion"),
    Errand.PREAUTH_VOIDED: ("预授权撤销", "pre-authorisation, then its void"),
    Errand.COMPLETION_VOIDED: ("预授权完成撤销", "completion, then its void"),
    Errand.COMPLETION_REFUNDED: ("预授权完成后退货", "completion, then a refund of a part"),
    Errand.TEN_TIMES: ("金额多输一位，撤销后重收", "ten times the amount; voided, then the right one"),
    Errand.DIGITS_SWAPPED: ("金额相邻两位颠倒，撤销后重收", "two digits swapped; voided, then the right one"),
    Errand.CHARGED_TWICE: ("同卡同额刷了两次，撤销一笔", "the same card and amount twice; one voided"),
    Errand.WRONG_AMOUNT_VOIDED: ("撤销金额与原交易不符", "void of another amount than the sale's"),
    Errand.WRONG_SLIP_VOIDED: ("撤销的凭证号不存在", "void of a slip that does not exist"),
    Errand.VOIDED_AGAIN: ("同一笔撤销两次", "the same sale voided twice"),
    Errand.REFUND_TOO_HIGH: ("退货金额超过余额", "refund of more than is left"),
    Errand.KEYING_ERRORS: ("连续手工输错卡号", "card numbers keyed in wrongly, several in a row"),
    Errand.TEST_AMOUNT: ("正式终端上试一分钱", "one fen as a test on a live terminal"),
    Errand.SIGN_IN_FORGOTTEN: ("忘记签到", "sign-in forgotten"),
}
"""Each in Chinese and English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandPlan:
    """One errand to be run, with the amount that is meant, in minor units."""

    errand: Errand
    amount_minor: int
    entry: EntryMode


async def run_errand(till: Till, plan: ErrandPlan) -> None:
    """Run it to its end, or until a step is not approved. Raises LineClosed when the gateway cannot be reached."""
    await STORIES[plan.errand](Cashier(till, plan))


class Cashier:
    """One cashier on one errand."""

    def __init__(self, till: Till, plan: ErrandPlan) -> None:
        self.till = till
        self.plan = plan

    async def charge(self, amount_minor: int = 0, *, like: Paper | None = None, kind: Kind = Kind.SALE) -> Paper | None:
        """A new sale or hold, of the planned amount unless another is given, by the same card as `like`."""
        card = like.ask.payment.card if like is not None else None
        entry = like.ask.payment.entry if like is not None else self.plan.entry
        payment = self.till.new_payment(amount_minor or self.plan.amount_minor, entry, card)
        return await self.till.ask(Ask(kind=kind, payment=payment, errand=self.plan.errand.value))

    async def follow(self, kind: Kind, paper: Paper, amount_minor: int = 0, *, stan: str = "") -> Paper | None:
        """A request about an earlier one: of the same amount and trace number unless others are given."""
        paper.touched = True
        before, slip = paper.ask.payment, paper.slip
        if stan:
            slip = replace(slip, ref=_renamed(slip.ref, stan), rrn="")
        payment = self.till.new_payment(amount_minor or paper.amount_minor, before.entry, before.card)
        return await self.till.ask(Ask(kind=kind, payment=payment, slip=slip, errand=self.plan.errand.value))

    async def earlier_sale(self) -> Paper | None:
        """An approved sale of this batch, or a new one where there is none yet."""
        return self.till.memory.draw(Kind.SALE) or await self.charge()


def _renamed(ref: PaymentRef, stan: str) -> PaymentRef:
    return replace(ref, stan=stan)


async def _void(cashier: Cashier) -> None:
    if paper := await cashier.earlier_sale():
        await cashier.follow(Kind.VOID, paper)


async def _partial_refund(cashier: Cashier) -> None:
    if paper := await cashier.earlier_sale():
        await cashier.follow(Kind.REFUND, paper, max(1, paper.amount_minor // 3))


async def _two_refunds(cashier: Cashier) -> None:
    paper = await cashier.earlier_sale()
    if paper is None or paper.amount_minor < 2:
        return
    part = paper.amount_minor // 2
    if await cashier.follow(Kind.REFUND, paper, part):
        await cashier.follow(Kind.REFUND, paper, paper.amount_minor - part)


async def _full_refund(cashier: Cashier) -> None:
    if paper := await cashier.earlier_sale():
        await cashier.follow(Kind.REFUND, paper)


async def _preauth_completed(cashier: Cashier) -> None:
    if hold := await cashier.charge(kind=Kind.PREAUTH):
        await cashier.follow(Kind.COMPLETION, hold, hold.amount_minor * COMPLETION_PERCENT // 100)


async def _preauth_voided(cashier: Cashier) -> None:
    if hold := await cashier.charge(kind=Kind.PREAUTH):
        await cashier.follow(Kind.PREAUTH_VOID, hold)


async def _completion_voided(cashier: Cashier) -> None:
    hold = await cashier.charge(kind=Kind.PREAUTH)
    completion = await cashier.follow(Kind.COMPLETION, hold) if hold else None
    if hold and completion and await cashier.follow(Kind.COMPLETION_VOID, completion):
        await cashier.follow(Kind.PREAUTH_VOID, hold)


async def _completion_refunded(cashier: Cashier) -> None:
    hold = await cashier.charge(kind=Kind.PREAUTH)
    if hold and (completion := await cashier.follow(Kind.COMPLETION, hold)):
        await cashier.follow(Kind.REFUND, completion, max(1, completion.amount_minor // 4))


async def _ten_times(cashier: Cashier) -> None:
    wrong = await cashier.charge(cashier.plan.amount_minor * 10)
    if wrong and await cashier.follow(Kind.VOID, wrong):
        await cashier.charge(like=wrong)


async def _digits_swapped(cashier: Cashier) -> None:
    wrong = await cashier.charge(swapped(cashier.plan.amount_minor))
    if wrong and await cashier.follow(Kind.VOID, wrong):
        await cashier.charge(like=wrong)


def swapped(amount_minor: int) -> int:
    """The amount with two neighbouring digits in each other's place; the first pair from the right that differs."""
    digits = str(amount_minor)
    for at in range(len(digits) - 1, 0, -1):
        first, second = digits[at - 1], digits[at]
        if first != second and (at > 1 or second != "0"):
            return int(digits[: at - 1] + second + first + digits[at + 1 :])
    return amount_minor + 9


async def _charged_twice(cashier: Cashier) -> None:
    first = await cashier.charge()
    if first and (second := await cashier.charge(like=first)):
        await cashier.follow(Kind.VOID, second)


async def _wrong_amount_voided(cashier: Cashier) -> None:
    if paper := await cashier.earlier_sale():
        await cashier.follow(Kind.VOID, paper, paper.amount_minor + 100)


async def _wrong_slip_voided(cashier: Cashier) -> None:
    if paper := await cashier.earlier_sale():
        await cashier.follow(Kind.VOID, paper, stan=NO_SUCH_STAN)


async def _voided_again(cashier: Cashier) -> None:
    paper = await cashier.charge()
    if paper and await cashier.follow(Kind.VOID, paper):
        await cashier.follow(Kind.VOID, paper)


async def _refund_too_high(cashier: Cashier) -> None:
    paper = await cashier.earlier_sale()
    if paper and await cashier.follow(Kind.REFUND, paper, max(1, paper.amount_minor // 2)):
        await cashier.follow(Kind.REFUND, paper)


async def _keying_errors(cashier: Cashier) -> None:
    card = make_card(cashier.till.chance)
    for _ in range(KEYING_ERRORS):
        payment = cashier.till.new_payment(cashier.plan.amount_minor, EntryMode.KEYED, mistyped(card))
        await cashier.till.ask(Ask(kind=Kind.SALE, payment=payment, errand=cashier.plan.errand.value))


async def _test_amount(cashier: Cashier) -> None:
    if paper := await cashier.charge(TEST_AMOUNT_MINOR):
        await cashier.follow(Kind.VOID, paper)


async def _sign_in_forgotten(cashier: Cashier) -> None:
    cashier.till.forget_sign_in()
    await cashier.charge()
    await cashier.charge()


STORIES: Mapping[Errand, Callable[[Cashier], Awaitable[None]]] = {
    Errand.VOID: _void,
    Errand.PARTIAL_REFUND: _partial_refund,
    Errand.TWO_REFUNDS: _two_refunds,
    Errand.FULL_REFUND: _full_refund,
    Errand.PREAUTH_COMPLETED: _preauth_completed,
    Errand.PREAUTH_VOIDED: _preauth_voided,
    Errand.COMPLETION_VOIDED: _completion_voided,
    Errand.COMPLETION_REFUNDED: _completion_refunded,
    Errand.TEN_TIMES: _ten_times,
    Errand.DIGITS_SWAPPED: _digits_swapped,
    Errand.CHARGED_TWICE: _charged_twice,
    Errand.WRONG_AMOUNT_VOIDED: _wrong_amount_voided,
    Errand.WRONG_SLIP_VOIDED: _wrong_slip_voided,
    Errand.VOIDED_AGAIN: _voided_again,
    Errand.REFUND_TOO_HIGH: _refund_too_high,
    Errand.KEYING_ERRORS: _keying_errors,
    Errand.TEST_AMOUNT: _test_amount,
    Errand.SIGN_IN_FORGOTTEN: _sign_in_forgotten,
}
"""One for each errand; a test checks that none is missing."""
