"""Patterns in the history of an operator: what neighbouring payments show (`Evidence.recent`, the nearest first).

The same card is the same token. A pattern needs the payment that went wrong and the one that puts it right, so that
two coffees in a row are no mistake by themselves: only what is abnormal already is looked at.
"""

from collections.abc import Callable

from yuanlu.causes.cause import Reason
from yuanlu.causes.evidence import CHARGED_STATES, GIVINGS_BACK, OPEN_STATES, SALES, Evidence, Recent
from yuanlu.causes.slips import decimal_slip, neighbours_swapped

TWICE_WITHIN_S = 600
CORRECTED_WITHIN_S = 900
KEYING_ERRORS_IN_A_ROW = 3
KEYING_CODES = frozenset({"13", "14", "54"})
DECLINES_OF_ONE_CARD = 3
CARD_REFUSALS = frozenset(
    {"01", "02", "05", "15", "21", "31", "33", "38", "39", "51", "54", "55", "57", "61", "62", "65", "75"}
)
"""By these a bank refuses the card itself, so that trying it once more is a habit and no help."""
TEST_AMOUNTS_MINOR = frozenset({1, 2, 10, 11, 100, 111, 123, 1234})
TESTS_IN_A_ROW = 2
OTHER_CARD_CODE = "14"
"""To a void or refund: its card is not the one that was charged."""


def charged_while_unknown(evidence: Evidence) -> Reason | None:
    """Charged again although nobody knew what became of the first."""
    earlier = next((r for r in _same_again(evidence) if r.ago_s >= 0 and r.state in OPEN_STATES), None)
    if earlier is None or evidence.state == "DECLINED":
        return None
    return Reason(
        zh=f"{earlier.ago_s} 秒前同卡同额的一笔结果未知，又收了一次",
        en=f"the same card and amount was charged {earlier.ago_s} s before, with the result still unknown",
    )


def charged_twice(evidence: Evidence) -> Reason | None:
    """The same card and amount went through twice within minutes."""
    if evidence.state not in CHARGED_STATES:
        return None
    other = next((r for r in _same_again(evidence) if r.state in CHARGED_STATES), None)
    if other is None:
        return None
    return Reason(
        zh=f"相隔 {abs(other.ago_s)} 秒，同卡同额扣款两次",
        en=f"the same card and amount was charged twice within {abs(other.ago_s)} s",
    )


def _same_again(evidence: Evidence) -> list[Recent]:
    """Sales of the same card and amount, minutes apart."""
    if evidence.kind not in SALES:
        return []
    return [r for r in evidence.same_card(TWICE_WITHIN_S) if r.amount == evidence.amount and r.kind in SALES]


def off_by_ten(evidence: Evidence) -> Reason | None:
    """An amount ten or a hundred times wrong, taken back and charged anew."""
    return _mistyped(evidence, decimal_slip, "差一个小数位", "off by a decimal place")


def swapped(evidence: Evidence) -> Reason | None:
    """An amount with two digits swapped, taken back and charged anew."""
    return _mistyped(evidence, neighbours_swapped, "相邻两位颠倒", "two digits swapped")


def _mistyped(evidence: Evidence, slipped: Callable[[int, int], bool], zh: str, en: str) -> Reason | None:
    wrong = evidence.amount
    if wrong is None:
        return None
    anew = (r.amount for r in _corrected(evidence) if r.amount.currency == wrong.currency)
    right = next((amount for amount in anew if slipped(wrong.minor, amount.minor)), None)
    if right is None:
        return None
    return Reason(
        zh=f"已撤回 {wrong}，同卡另收 {right}：{zh}",
        en=f"{wrong} was taken back and {right} charged to the same card: {en}",
    )


def _corrected(evidence: Evidence) -> list[Recent]:
    """Payments of the same card about the time at which this one was taken back."""
    if not evidence.voided and evidence.kind not in GIVINGS_BACK:
        return []
    return [r for r in evidence.same_card(CORRECTED_WITHIN_S) if r.kind not in GIVINGS_BACK]


def wrong_type(evidence: Evidence) -> Reason | None:
    """The wrong kind of transaction, taken back and made anew."""
    if not evidence.voided or evidence.kind in GIVINGS_BACK:
        return None
    near = (r for r in _corrected(evidence) if r.amount == evidence.amount and r.kind != evidence.kind)
    right = next(near, None)
    if right is None:
        return None
    return Reason(
        zh=f"已撤回 {evidence.kind}，同卡同额改做 {right.kind}",
        en=f"{evidence.kind} was taken back and made anew as {right.kind}",
    )


def wrong_slip(evidence: Evidence) -> Reason | None:
    """A void of another slip than the one that was meant."""
    if evidence.kind not in GIVINGS_BACK:
        return None
    if evidence.response_code == OTHER_CARD_CODE:
        return Reason(zh="卡号与原交易不符", en="its card is not that of the original")
    near = evidence.near(TWICE_WITHIN_S)
    again = any(r.kind in SALES and r.ago_s < 0 and _same_payment(r, evidence) for r in near)
    other = any(r.kind in GIVINGS_BACK and not _same_payment(r, evidence) for r in near)
    if not again or not other:
        return None
    return Reason(
        zh="撤销后同卡同额重新收款，并撤销了另一笔", en="after this void the sale was made anew, and another one voided"
    )


def _same_payment(recent: Recent, evidence: Evidence) -> bool:
    return recent.card_token == evidence.card_token and recent.amount == evidence.amount


def test_amount(evidence: Evidence) -> Reason | None:
    """An amount that nobody pays, on a terminal that takes real money."""
    amount = evidence.amount
    if amount is None or amount.minor not in TEST_AMOUNTS_MINOR or not evidence.terminal.live:
        return None
    if evidence.state not in CHARGED_STATES and not evidence.voided:
        return None
    tests = sum(r.amount.minor in TEST_AMOUNTS_MINOR for r in evidence.near(CORRECTED_WITHIN_S))
    if not evidence.voided and tests < TESTS_IN_A_ROW:
        return None
    return Reason(zh=f"正式终端上的测试金额 {amount}", en=f"a test amount on a live terminal: {amount}")


def keying_errors(evidence: Evidence) -> Reason | None:
    """Card numbers or amounts typed in wrongly, several times in a row."""
    if not evidence.keyed or evidence.response_code not in KEYING_CODES:
        return None
    count = 1
    for recent in evidence.near(CORRECTED_WITHIN_S):
        if recent.ago_s < 0:
            continue
        if not recent.keyed or recent.response_code not in KEYING_CODES:
            break
        count += 1
    if count < KEYING_ERRORS_IN_A_ROW:
        return None
    return Reason(zh=f"连续 {count} 次手工输入有误", en=f"{count} keyed entries in a row were wrong")


def retried(evidence: Evidence) -> Reason | None:
    """One card tried again and again after its bank said no to it."""
    if evidence.state != "DECLINED" or evidence.host_code not in CARD_REFUSALS:
        return None
    declined = [r for r in evidence.same_card(TWICE_WITHIN_S) if r.state == "DECLINED" and r.ago_s >= 0]
    if len(declined) < DECLINES_OF_ONE_CARD:
        return None
    return Reason(
        zh=f"同一张卡此前被拒 {len(declined)} 次", en=f"the same card was declined {len(declined)} times before"
    )
