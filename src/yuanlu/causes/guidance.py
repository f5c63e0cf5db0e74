"""What several causes tell people alike.

Rules (`docs/causes.md`): what happened, is the money safe, what we do, what you do now. An unknown outcome is never
called a failure, and nobody is asked to try again while money may be gone. Staff read 冲正, cardholders read 退回.
"""

from yuanlu.causes.cause import Guidance, Words

UNKNOWN = Guidance(
    cashier=Words(
        zh="交易结果未知，系统正在自动冲正。请勿重复刷卡或扫码，也无需再刷其他卡。"
        "请把小票交给顾客：若已扣款，会退回原付款账户。",
        en="Result unknown. The system is reversing this payment automatically. Do not charge again, and do not swipe "
        "another card. Give the customer the slip: if they were charged, the money goes back to where it came from.",
    ),
    cardholder=Words(
        zh="这笔交易的结果正在与银行确认。如已扣款，会退回您的原付款账户。请勿重复支付，您无需操作。",
        en="This payment is being confirmed with the bank. If you were charged, the money goes back to the account it "
        "came from. Please do not pay twice. There is nothing you need to do.",
    ),
)
"""Sent, and nobody knows: it is being reversed."""

CHECKED = Guidance(
    cashier=Words(
        zh="银行的答复不能确定是否扣款，正在查证。请勿重复刷卡或扫码。可改用现金或其他方式收款，需顾客同意。",
        en="The bank's answer does not settle whether the customer was charged; it is being checked. Do not charge "
        "again. Take cash or another payment only if the customer agrees.",
    ),
    cardholder=Words(
        zh="银行未能完成这笔交易，是否扣款正在查证。如已扣款，会退回您的原付款账户。请勿重复支付。",
        en="The bank could not complete this payment; whether you were charged is being checked. If you were, the "
        "money goes back to the account it came from. Please do not pay twice.",
    ),
)
"""Declined, and yet the money may be gone: it is watched until clearing."""

NOT_SENT = Guidance(
    cashier=Words(
        zh="交易没有发往银行，本次未扣款。请稍后再收款，或请顾客改用其他方式支付。",
        en="The payment was not sent to the bank. Nothing was charged. Take it in a moment, or ask for another way to "
        "pay.",
    ),
    cardholder=Words(
        zh="这笔交易没有发往银行，本次未扣款。您可以稍后再付，或改用其他方式支付。",
        en="This payment was not sent to the bank. Nothing was charged. You may pay in a moment, or in another way.",
    ),
)

DECLINED = Guidance(
    cashier=Words(
        zh="银行未同意这笔交易，本次未扣款。请顾客换一张卡或其他方式支付；原因由顾客向发卡银行了解。",
        en="The bank did not approve this payment. Nothing was charged. Ask for another card or way to pay; the "
        "customer can ask their bank why.",
    ),
    cardholder=Words(
        zh="银行未同意这笔交易，本次未扣款。您可以换一张卡或其他方式支付；原因可向您的发卡银行了解。",
        en="Your bank did not approve this payment. Nothing was charged. You may use another card or way to pay; your "
        "bank can tell you why.",
    ),
)

NOT_TAKEN = Guidance(
    cashier=Words(
        zh="主机没有受理这笔交易，本次未扣款。可以作为一笔新交易收款，或请顾客改用其他方式支付。",
        en="The host did not accept this transaction. Nothing was charged. Take it as a new payment, or ask for "
        "another way to pay.",
    ),
    cardholder=Words(
        zh="银行系统没有受理这笔交易，本次未扣款。您可以再付一次，或改用其他方式支付。",
        en="The bank's system did not accept this transaction. Nothing was charged. You may pay once more, or in "
        "another way.",
    ),
)

SUPPORT = Guidance(
    cashier=Words(
        zh="这台终端暂时不能收这笔款，本次未扣款。技术支持会处理。请改用其他终端或其他方式收款。",
        en="This terminal cannot take this payment for now. Nothing was charged. Support deals with it. Use another "
        "terminal or another way to pay.",
    ),
    cardholder=Words(
        zh="商户的设备未能完成这笔交易，本次未扣款。您可以在另一台设备付款，或改用其他方式支付。",
        en="The shop's equipment could not complete this payment. Nothing was charged. You may pay at another terminal "
        "or in another way.",
    ),
)

SIGN_IN = Guidance(
    cashier=Words(
        zh="终端需要重新签到，本次未扣款。请先签到，再收款。",
        en="The terminal has to sign in again. Nothing was charged. Sign in first, then take the payment.",
    ),
    cardholder=SUPPORT.cardholder,
)

LOOKED_INTO = Guidance(
    cashier=Words(
        zh="这笔交易正在核对。请勿重复刷卡或扫码，请保留小票，同事会与您联系。",
        en="This payment is being checked. Do not charge again. Keep the slip; a colleague will contact you.",
    ),
    cardholder=Words(
        zh="这笔交易正在核对。多扣的款项会退回您的原付款账户。请保留小票，您无需操作。",
        en="This payment is being checked. What was charged too much goes back to the account it came from. Keep the "
        "slip; there is nothing you need to do.",
    ),
)
"""Charged, and something about it does not agree."""

RETURN_UNKNOWN = Guidance(
    cashier=Words(
        zh="撤销或退货的结果未知，正在查证。请勿重复刷卡，也请勿再次退货或退现金。请把小票交给顾客。",
        en="The result of this void or refund is unknown and being checked. Do not charge again, and do not refund "
        "again or give cash. Give the customer the slip.",
    ),
    cardholder=Words(
        zh="这笔退回的结果正在与银行确认，您无需操作。",
        en="This return is being confirmed with the bank. There is nothing you need to do.",
    ),
)

RETURN_REFUSED = Guidance(
    cashier=Words(
        zh="这笔撤销或退货没有办成，原交易不变，钱还没有退回。请勿重复刷卡，也请勿退现金。请对照原小票核对，或转财务处理。",
        en="This void or refund was not carried out; the original stands and no money has gone back. Do not "
        "charge again, and do not give cash. Compare it with the original slip, or hand it to finance.",
    ),
    cardholder=Words(
        zh="这笔退回还没有办成，原交易不变。请保留小票，商户会为您核对。",
        en="This return has not been carried out yet; the original stands. Keep the slip; the shop will check "
        "it for you.",
    ),
)

NO_MONEY = Guidance(
    cashier=Words(
        zh="查询没有结果。查询不涉及扣款，本次未扣款。可稍后再查询。",
        en="The inquiry has no result. It moves no money. Nothing was charged. It may be made again later.",
    ),
    cardholder=Words(
        zh="查询没有结果。查询不涉及扣款，本次未扣款。",
        en="The inquiry has no result. It moves no money. Nothing was charged.",
    ),
)
