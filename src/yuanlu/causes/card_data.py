"""Card and account: the card cannot be read, or its bank says no. Codes: `response_codes`; chip: domain trap T16.

What the bank keeps to itself is not guessed at: the cashier hears no more than the code allows.
"""

from yuanlu.acquirers.kinds import QR_SALE
from yuanlu.causes.cause import Cause, Clue, Family, Guidance, Reason, Remedy, Severity, Words, when
from yuanlu.causes.evidence import CHARGED_STATES, Evidence
from yuanlu.causes.guidance import DECLINED, UNKNOWN

QR_REFUSALS = frozenset({"14", "15", "54"})
"""To a QR sale these speak of the code on the phone, not of a card."""


def _not_read(evidence: Evidence) -> Reason | None:
    failures = evidence.terminal.read_failures
    if failures == 0 or evidence.open or evidence.state in CHARGED_STATES:
        return None
    return Reason(zh=f"终端报告读卡 {failures} 次未成功", en=f"the terminal could not read the card {failures} times")


card_unreadable = Cause(
    code="CARD_UNREADABLE", family=Family.CARD_DATA, title=Words(zh="读不到卡", en="Card cannot be read"),
    looks_at=(Clue.TERMINAL,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="未读到卡片信息，本次未扣款。请擦净芯片后重新插卡，或改用挥卡。连续 2 次未读到请换卡。",
            en="The card could not be read. Nothing was charged. Wipe the chip and insert again, or tap. After two "
            "attempts use another card.",
        ),
        cardholder=Words(
            zh="终端没有读到您的卡，本次未扣款。您可以重新插卡、挥卡，或换一张卡。",
            en="The terminal could not read your card. Nothing was charged. You may insert or tap it again, or use "
            "another card.",
        ),
    ),
    explains=_not_read,
)  # fmt: skip

card_removed_early = Cause(
    code="CARD_REMOVED_EARLY", family=Family.CARD_DATA, title=Words(zh="卡拔出过早", en="Card taken out too early"),
    looks_at=(Clue.TERMINAL,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.terminal.card_removed,
        zh="终端报告交易完成前卡已拔出", en="the terminal says that the card was taken out too early",
    ),
)  # fmt: skip

chip_refused_approval = Cause(
    code="CHIP_REFUSED_APPROVAL", family=Family.CARD_DATA,
    title=Words(zh="主机批准后芯片拒绝", en="Chip refused after the approval"),
    looks_at=(Clue.TERMINAL,), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=when(
        lambda e: e.terminal.chip_declined,
        zh="主机批准后芯片未接受", en="the host approved, and the chip then refused",
    ),
)  # fmt: skip

qr_code_invalid = Cause(
    code="QR_CODE_INVALID", family=Family.CARD_DATA, title=Words(zh="付款码无效或过期", en="Payment code not valid"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="付款码已失效，本次未扣款。请顾客刷新付款码后重新扫码。",
            en="The payment code is no longer valid. Nothing was charged. Ask the customer to refresh it, then scan "
            "again.",
        ),
        cardholder=Words(
            zh="付款码已失效，本次未扣款。请刷新付款码后再付。",
            en="The payment code is no longer valid. Nothing was charged. Refresh it and pay again.",
        ),
    ),
    explains=when(
        lambda e: e.kind == QR_SALE and e.host_code in QR_REFUSALS,
        zh="二维码交易，主机不认这个付款码", en="a QR sale, and the host does not accept this code",
    ),
)  # fmt: skip

chip_required = Cause(
    code="CHIP_REQUIRED", family=Family.CARD_DATA, title=Words(zh="须插芯片卡", en="The chip must be used"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="这张卡须使用芯片，本次未扣款。请插卡或挥卡，不要刷磁条。",
            en="This card must be used by its chip. Nothing was charged. Insert or tap it; do not swipe the stripe.",
        ),
        cardholder=Words(
            zh="这张卡须使用芯片，本次未扣款。请插卡或挥卡。",
            en="This card must be used by its chip. Nothing was charged. Please insert or tap it.",
        ),
    ),
)  # fmt: skip

card_number_invalid = Cause(
    code="CARD_NUMBER_INVALID", family=Family.CARD_DATA, title=Words(zh="无效卡号", en="Card number not valid"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="卡号无效，本次未扣款。请核对卡号，或请顾客插卡、换一张卡。",
            en="The card number is not valid. Nothing was charged. Check the number, or ask for the chip or another "
            "card.",
        ),
        cardholder=DECLINED.cardholder,
    ),
)  # fmt: skip

card_not_accepted = Cause(
    code="CARD_NOT_ACCEPTED", family=Family.CARD_DATA, title=Words(zh="此卡不能受理", en="Card not accepted here"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="这里不能受理这张卡，本次未扣款。请顾客换一张卡或其他方式支付。",
            en="This card is not accepted here. Nothing was charged. Ask for another card or way to pay.",
        ),
        cardholder=Words(
            zh="这里不能受理这张卡，本次未扣款。您可以换一张卡或其他方式支付。",
            en="This card is not accepted here. Nothing was charged. You may use another card or way to pay.",
        ),
    ),
)  # fmt: skip

card_expired = Cause(
    code="CARD_EXPIRED", family=Family.CARD_DATA, title=Words(zh="过期卡", en="Card expired"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="此卡已过有效期，本次未扣款。请顾客换一张卡或其他方式支付。",
            en="This card has expired. Nothing was charged. Ask for another card or way to pay.",
        ),
        cardholder=Words(
            zh="这张卡已过有效期，本次未扣款。您可以换一张卡或其他方式支付。",
            en="This card has expired. Nothing was charged. You may use another card or way to pay.",
        ),
    ),
)  # fmt: skip

pin_wrong = Cause(
    code="PIN_WRONG", family=Family.CARD_DATA, title=Words(zh="密码不正确", en="Wrong PIN"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="密码不正确，本次未扣款。请顾客重新输入。多次输错，银行可能锁卡。",
            en="Wrong PIN. Nothing was charged. The customer may enter it again. After several wrong entries the bank "
            "may lock the card.",
        ),
        cardholder=Words(
            zh="密码不正确，本次未扣款。您可以重新输入。多次输错，银行可能锁卡。请勿把密码告诉任何人。",
            en="Wrong PIN. Nothing was charged. You may enter it again. After several wrong entries your bank may lock "
            "the card. Never tell anyone your PIN.",
        ),
    ),
)  # fmt: skip

pin_tries_exceeded = Cause(
    code="PIN_TRIES_EXCEEDED", family=Family.CARD_DATA, title=Words(zh="密码输错次数超限", en="Too many wrong PINs"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="密码输错次数超限，本次未扣款。请顾客换一张卡或其他方式支付，不要再用这张卡。",
            en="Too many wrong PINs. Nothing was charged. Ask for another card or way to pay; this card cannot be used "
            "now.",
        ),
        cardholder=Words(
            zh="密码输错次数超限，本次未扣款。您可以换一张卡支付；这张卡请联系发卡银行。",
            en="Too many wrong PINs. Nothing was charged. You may use another card; for this one ask your bank.",
        ),
    ),
)  # fmt: skip

funds_insufficient = Cause(
    code="FUNDS_INSUFFICIENT", family=Family.CARD_DATA, title=Words(zh="可用余额不足", en="Not enough funds"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="可用余额不足，本次未扣款。请顾客换一张卡或其他方式支付。请小声告知。",
            en="Not enough funds. Nothing was charged. Ask for another card or way to pay. Say so quietly.",
        ),
        cardholder=Words(
            zh="可用余额不足，本次未扣款。您可以换一张卡或其他方式支付。",
            en="There are not enough funds. Nothing was charged. You may use another card or way to pay.",
        ),
    ),
)  # fmt: skip

amount_limit_exceeded = Cause(
    code="AMOUNT_LIMIT_EXCEEDED", family=Family.CARD_DATA, title=Words(zh="超出金额限制", en="Above the card's limit"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="金额超出这张卡的限额，本次未扣款。请顾客换一张卡或其他方式支付，请勿拆分成多笔。",
            en="The amount is above this card's limit. Nothing was charged. Ask for another card or way to pay; do not "
            "split it into several payments.",
        ),
        cardholder=Words(
            zh="金额超出这张卡的限额，本次未扣款。您可以换一张卡，或向发卡银行调整限额。",
            en="The amount is above this card's limit. Nothing was charged. You may use another card, or have your "
            "bank change the limit.",
        ),
    ),
)  # fmt: skip

count_limit_exceeded = Cause(
    code="COUNT_LIMIT_EXCEEDED", family=Family.CARD_DATA, title=Words(zh="超出消费次数限制", en="Used too often today"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

card_restricted = Cause(
    code="CARD_RESTRICTED", family=Family.CARD_DATA,
    title=Words(zh="卡受限制或不允许此交易", en="Card restricted, or not for this kind of payment"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

card_not_active = Cause(
    code="CARD_NOT_ACTIVE", family=Family.CARD_DATA, title=Words(zh="卡未启用或睡眠卡", en="Card not active"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

ask_issuer = Cause(
    code="ASK_ISSUER", family=Family.CARD_DATA, title=Words(zh="请联系发卡行", en="Refer to the issuer"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

issuer_declined = Cause(
    code="ISSUER_DECLINED", family=Family.CARD_DATA, title=Words(zh="发卡行不予承兑", en="Declined by the issuer"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

account_missing = Cause(
    code="ACCOUNT_MISSING", family=Family.CARD_DATA, title=Words(zh="无此账户", en="No such account"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

account_currency_differs = Cause(
    code="ACCOUNT_CURRENCY_DIFFERS", family=Family.CARD_DATA,
    title=Words(zh="账户币种不一致", en="Account in another currency"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

partly_approved = Cause(
    code="PARTLY_APPROVED", family=Family.CARD_DATA, title=Words(zh="部分金额批准", en="Approved in part"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.LOW, remedy=Remedy.NONE,
    may_charge_again=True, may_be_debited=True, needs_support=False,
    why_charge_again="the rest alone: the slip shows what was approved",
    guidance=Guidance(
        cashier=Words(
            zh="银行只批准了一部分金额，以小票所列为准。请勿重复刷卡收取全额，只收差额；顾客不同意时请撤销这一笔。",
            en="The bank approved a part only; the slip shows how much. Do not charge again for the full amount: take "
            "the rest alone, or void this payment if the customer does not agree.",
        ),
        cardholder=Words(
            zh="银行批准了一部分金额，以小票所列为准。其余金额可用其他方式支付；如不同意，商户可撤销这一笔。",
            en="Your bank approved a part of the amount; the slip shows how much. You may pay the rest in another way, "
            "or ask the shop to void it.",
        ),
    ),
)  # fmt: skip
