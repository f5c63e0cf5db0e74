"""At the till: what cashiers and customers do, found in the history rather than waited for as a confession.

Mistakes show as patterns of neighbouring payments; those are in `history`. They explain an abnormal transaction, they
accuse nobody, and the cardholder never hears of them. Goods handed over: `docs/returns.md` §4.
"""

from yuanlu.causes import history
from yuanlu.causes.cause import Cause, Clue, Family, Guidance, Reason, Remedy, Severity, Words, when
from yuanlu.causes.evidence import CHARGED_STATES, GIVINGS_BACK, VOIDS, Break, Evidence, HandedOver
from yuanlu.causes.guidance import DECLINED, LOOKED_INTO, RETURN_REFUSED, SIGN_IN, UNKNOWN

HASTY_MS = 5_000
"""Nobody who waits for an answer gives up this soon."""
KEY_CODES = frozenset({"77", "99", "A0"})
UNANSWERED_CODES = frozenset({"98", "A0"})
"""The terminal reversed because no usable answer came, not because somebody wanted to."""
BEING_RETURNED = frozenset({"UNKNOWN", "RETURNING", "ESCALATED", "RETURNED"})


def _handed_over(evidence: Evidence) -> Reason | None:
    if evidence.handed_over is not None:
        what = evidence.handed_over is HandedOver.GOODS
        return Reason(
            zh=f"收银员声明已{'交货' if what else '退现金'}，这笔付款却不成立",
            en=f"the cashier says that {'goods' if what else 'cash'} went out, and the payment does not stand",
        )
    if evidence.batch is Break.ONLY_THEIRS and evidence.state in BEING_RETURNED:
        return Reason(
            zh="终端批次里记为成功，这笔钱却正在退回", en="the terminal's batch counts it as paid, and it is going back"
        )
    return None


def _returned_by_hand(evidence: Evidence) -> Reason | None:
    if evidence.kind not in GIVINGS_BACK or evidence.original_state not in BEING_RETURNED:
        return None
    return Reason(
        zh=f"手工退回时，原交易已是 {evidence.original_state}",
        en=f"it was given back by hand when its original was {evidence.original_state} already",
    )


def _sign_in_forgotten(evidence: Evidence) -> Reason | None:
    if evidence.terminal.signed_in is not False or evidence.response_code not in KEY_CODES:
        return None
    code = evidence.response_code
    return Reason(zh=f"终端今天没有签到，应答码 {code}", en=f"the terminal has not signed in; code {code}")


def _hasty(evidence: Evidence) -> Reason | None:
    own = evidence.terminal_reversal
    if own is None or own.after_ms is None or own.after_ms >= HASTY_MS:
        return None
    if evidence.response_code or evidence.doubt is not None:  # it had been answered by then, if only with our 98
        return None
    return Reason(zh=f"{own.after_ms} 毫秒后就冲正", en=f"it was reversed after {own.after_ms} ms")


def _cancelled(evidence: Evidence) -> Reason | None:
    own = evidence.terminal_reversal
    if own is None or own.reason in UNANSWERED_CODES:
        return None
    return Reason(zh=f"终端冲正，原因 {own.reason}", en=f"the terminal reversed it for reason {own.reason}")


handed_over_while_returning = Cause(
    code="HANDED_OVER_WHILE_RETURNING", family=Family.OPERATOR,
    title=Words(zh="凭扣款短信交货或退现金", en="Goods or cash handed over on a debit SMS"),
    looks_at=(Clue.DECLARED, Clue.BATCH), severity=Severity.CRITICAL, remedy=Remedy.REPAY,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="扣款短信不代表收款成功，这笔钱正在退回顾客账户。请勿重复刷卡，也请勿再交货或退现金。请保留小票，财务会处理补付。",
            en="A debit SMS does not mean that you were paid; this money is going back. Do not charge again, and hand "
            "over no more goods or cash. Keep the slip; finance deals with the repayment.",
        ),
        cardholder=Words(
            zh="这笔付款没有成立，如已扣款会退回您的原付款账户。商户会就已交付的商品与您核对。请保留小票。",
            en="This payment does not stand; if you were charged, the money goes back to the account it came from. The "
            "shop will settle with you what was handed over. Keep the slip.",
        ),
    ),
    explains=_handed_over,
)  # fmt: skip

returned_by_hand_too = Cause(
    code="RETURNED_BY_HAND_TOO", family=Family.OPERATOR,
    title=Words(zh="自动冲正中又手工退回", en="Given back by hand while it is being reversed"),
    looks_at=(Clue.HISTORY,), severity=Severity.CRITICAL, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, of_returns=True,
    guidance=Guidance(
        cashier=Words(
            zh="系统已在冲正原交易，无需再手工退回。请勿重复刷卡，也请勿再次撤销、退货或退现金。",
            en="The system is reversing the original already; it need not be given back by hand. Do not charge again, "
            "and do not void, refund or give cash once more.",
        ),
        cardholder=Words(
            zh="这笔退回正在与银行核对，会退到您的原付款账户。您无需操作。",
            en="This return is being checked with the bank; it goes to the account the money came from. There is "
            "nothing you need to do.",
        ),
    ),
    explains=_returned_by_hand,
)  # fmt: skip

charged_while_unknown = Cause(
    code="CHARGED_WHILE_UNKNOWN", family=Family.OPERATOR,
    title=Words(zh="结果未知时重复收款", en="Charged again while the first was unknown"),
    looks_at=(Clue.HISTORY,), severity=Severity.HIGH, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="前一笔结果未知，又收了一次。请勿重复刷卡，等系统给出两笔的结果；多扣的会退回原付款账户。",
            en="It was charged once more while the first result was unknown. Do not charge again; wait for both "
            "results. What was charged too much goes back to the account it came from.",
        ),
        cardholder=Words(
            zh="同一笔消费可能扣了两次，正在与银行确认。多扣的会退回您的原付款账户，请勿再付。",
            en="The same purchase may have been charged twice; it is being confirmed with the bank. What was charged "
            "too much goes back to the account it came from. Please do not pay again.",
        ),
    ),
    explains=history.charged_while_unknown,
)  # fmt: skip

charged_twice = Cause(
    code="CHARGED_TWICE", family=Family.OPERATOR, title=Words(zh="同卡同额重复扣款", en="Charged twice"),
    looks_at=(Clue.HISTORY,), severity=Severity.HIGH, remedy=Remedy.VOID,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="同一张卡、同一金额收了两次。请勿重复刷卡。请与顾客核对，多收的一笔由同事复核后退回原卡，请勿退现金。",
            en="The same card and amount was charged twice. Do not charge again. Ask the customer; a colleague "
            "approves the return of what was charged too much. Do not give cash.",
        ),
        cardholder=Words(
            zh="我们查到同卡同额扣了两次，正在与商户核对。若多扣，会退回您的原付款账户，您无需操作。",
            en="The same card and amount was charged twice; the shop is checking it. What was charged too much goes "
            "back to the account it came from. There is nothing you need to do.",
        ),
    ),
    explains=history.charged_twice,
)  # fmt: skip

amount_off_by_ten = Cause(
    code="AMOUNT_OFF_BY_TEN", family=Family.OPERATOR,
    title=Words(zh="金额差一个小数位", en="Amount off by a decimal place"),
    looks_at=(Clue.HISTORY,), severity=Severity.MEDIUM, remedy=Remedy.VOID,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=LOOKED_INTO,
    explains=history.off_by_ten,
)  # fmt: skip

digits_swapped = Cause(
    code="DIGITS_SWAPPED", family=Family.OPERATOR, title=Words(zh="金额相邻两位颠倒", en="Two digits swapped"),
    looks_at=(Clue.HISTORY,), severity=Severity.MEDIUM, remedy=Remedy.VOID,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=LOOKED_INTO, explains=history.swapped,
)  # fmt: skip

wrong_transaction_type = Cause(
    code="WRONG_TRANSACTION_TYPE", family=Family.OPERATOR, title=Words(zh="交易类型选错", en="Wrong transaction type"),
    looks_at=(Clue.HISTORY,), severity=Severity.MEDIUM, remedy=Remedy.VOID,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=LOOKED_INTO,
    explains=history.wrong_type,
)  # fmt: skip

wrong_slip_voided = Cause(
    code="WRONG_SLIP_VOIDED", family=Family.OPERATOR, title=Words(zh="撤销了别的单", en="Void of the wrong slip"),
    looks_at=(Clue.HISTORY, Clue.RESPONSE_CODE), severity=Severity.HIGH, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=False, of_returns=True,
    guidance=Guidance(
        cashier=Words(
            zh="撤销的不像是要撤的那一笔。请勿重复刷卡，也请勿退现金。请对照两张小票的凭证号、尾号和金额，转财务核对。",
            en="The slip that was voided does not look like the one that was meant. Do not charge again, and do not "
            "give cash. Compare voucher number, last digits and amount of both slips, and hand it to finance.",
        ),
        cardholder=LOOKED_INTO.cardholder,
    ),
    explains=history.wrong_slip,
)  # fmt: skip

test_amount_live = Cause(
    code="TEST_AMOUNT_LIVE", family=Family.OPERATOR,
    title=Words(zh="正式终端上的测试金额", en="Test amount on a live terminal"),
    looks_at=(Clue.HISTORY,), severity=Severity.LOW, remedy=Remedy.VOID,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=LOOKED_INTO,
    explains=history.test_amount,
)  # fmt: skip

keying_errors = Cause(
    code="KEYING_ERRORS", family=Family.OPERATOR, title=Words(zh="连续手工输入有误", en="Keying errors in a row"),
    looks_at=(Clue.HISTORY, Clue.RESPONSE_CODE), severity=Severity.MEDIUM, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="手工输入多次未通过，本次未扣款。请让顾客插卡或挥卡，不要再手工输入卡号。",
            en="Several keyed entries were not accepted. Nothing was charged. Insert or tap the card; do not key in "
            "its number any more.",
        ),
        cardholder=DECLINED.cardholder,
    ),
    explains=history.keying_errors,
)  # fmt: skip

retried_after_decline = Cause(
    code="RETRIED_AFTER_DECLINE", family=Family.OPERATOR,
    title=Words(zh="被拒后反复刷同一张卡", en="One card tried again and again"),
    looks_at=(Clue.HISTORY,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="这张卡已多次未获批准，本次未扣款。请不要再用这张卡，请顾客换一张卡或其他方式支付。",
            en="This card was declined several times. Nothing was charged. Do not use it any more; ask for another "
            "card or way to pay.",
        ),
        cardholder=DECLINED.cardholder,
    ),
    explains=history.retried,
)  # fmt: skip

sign_in_forgotten = Cause(
    code="SIGN_IN_FORGOTTEN", family=Family.OPERATOR, title=Words(zh="忘记签到", en="Sign-in forgotten"),
    looks_at=(Clue.TERMINAL, Clue.RESPONSE_CODE), severity=Severity.LOW, remedy=Remedy.SIGN_IN_AGAIN,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=SIGN_IN, explains=_sign_in_forgotten,
)  # fmt: skip

did_not_wait = Cause(
    code="DID_NOT_WAIT", family=Family.OPERATOR, title=Words(zh="未等应答就取消", en="Given up too early at the till"),
    looks_at=(Clue.TIMING, Clue.TERMINAL), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN, explains=_hasty,
)  # fmt: skip

cancelled_at_terminal = Cause(
    code="CANCELLED_AT_TERMINAL", family=Family.OPERATOR,
    title=Words(zh="终端取消了交易", en="Cancelled at the terminal"),
    looks_at=(Clue.TERMINAL,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN, explains=_cancelled,
)  # fmt: skip

void_too_late = Cause(
    code="VOID_TOO_LATE", family=Family.OPERATOR, title=Words(zh="隔日撤销", en="Void after the day has changed"),
    looks_at=(Clue.TIMING,), severity=Severity.MEDIUM, remedy=Remedy.REFUND,
    may_charge_again=False, may_be_debited=True, needs_support=False, of_returns=True,
    guidance=Guidance(
        cashier=Words(
            zh="原交易已过日切，不能撤销，请改做退货。请勿重复刷卡，也请勿退现金。",
            en="The host's day has changed, so this cannot be voided: make a refund. Do not charge again, and do not "
            "give cash.",
        ),
        cardholder=Words(
            zh="这笔退回会以退货方式办理，退回您的原付款账户。请保留小票。",
            en="This return is made as a refund, to the account it came from. Keep the slip.",
        ),
    ),
    explains=when(
        lambda e: e.kind in VOIDS and e.day_changed,
        zh="原交易之后已日切", en="the host's day has changed since the original",
    ),
)  # fmt: skip

linked_transaction_wrong = Cause(
    code="LINKED_TRANSACTION_WRONG", family=Family.OPERATOR,
    title=Words(zh="关联交易错误或超出天数", en="Linked transaction wrong, or too late"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=RETURN_REFUSED, of_returns=True,
)  # fmt: skip

return_amount_differs = Cause(
    code="RETURN_AMOUNT_DIFFERS", family=Family.OPERATOR,
    title=Words(zh="金额与原交易不符", en="Amount differs from the original"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=RETURN_REFUSED, of_returns=True,
)  # fmt: skip

amount_invalid = Cause(
    code="AMOUNT_INVALID", family=Family.OPERATOR, title=Words(zh="无效金额", en="Amount not valid"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="金额无效，本次未扣款。请核对金额后重新收款。",
            en="The amount is not valid. Nothing was charged. Check it, then take the payment.",
        ),
        cardholder=Words(
            zh="金额有误，本次未扣款。商户会核对后重新收款。",
            en="The amount was not valid. Nothing was charged. The shop will check it and take the payment then.",
        ),
    ),
)  # fmt: skip

customer_cancelled = Cause(
    code="CUSTOMER_CANCELLED", family=Family.OPERATOR, title=Words(zh="顾客取消", en="Cancelled by the customer"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="顾客取消了付款，本次未扣款。如仍要购买，请重新收款。",
            en="The customer cancelled the payment. Nothing was charged. If they still want to buy, take it as a new "
            "payment.",
        ),
        cardholder=Words(
            zh="付款已取消，本次未扣款。",
            en="The payment was cancelled. Nothing was charged.",
        ),
    ),
)  # fmt: skip

customer_did_not_confirm = Cause(
    code="CUSTOMER_DID_NOT_CONFIRM", family=Family.OPERATOR,
    title=Words(zh="顾客未及时确认付款", en="Not confirmed in time by the customer"),
    looks_at=(Clue.RESPONSE_CODE, Clue.TIMING), severity=Severity.LOW, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.customer_confirming and e.state not in CHARGED_STATES,
        zh="顾客未在限时内确认付款", en="the customer did not confirm in time",
    ),
)  # fmt: skip
