"""Suspicion of fraud: what the issuer says, what the terminal shows, and patterns of cards and amounts.

A suspicion is not a verdict. It goes to a risk analyst; the cashier and the cardholder hear nothing that accuses, and
nobody learns what gave it away. A card is kept only where the house allows it, and never by force.
"""

from yuanlu.causes.cause import Cause, Clue, Family, Guidance, Reason, Remedy, Severity, Words, when
from yuanlu.causes.evidence import CHARGED_STATES, GIVINGS_BACK, SALES, Evidence
from yuanlu.causes.guidance import DECLINED

PATTERN_WITHIN_S = 600
CASH_OUT_WITHIN_S = 3_600
CARDS_OF_A_TEST = 4
"""So many other cards, all declined, within ten minutes at one till."""
ROUND_MINOR = 10_000
"""A multiple of a hundred units."""
CASH_OUT_MINOR = 100_000
CASH_OUT_SALES = 3
RETURNS_TO_ONE_CARD = 3
FORGED_IN_A_ROW = 5
LIMIT_CODE = "61"

HELD = Guidance(
    cashier=Words(
        zh="这笔交易正在核对。请勿重复刷卡，请保留小票。同事会与您联系，请勿与顾客争执。",
        en="This payment is being checked. Do not charge again, and keep the slip. A colleague will contact you; do "
        "not argue with the customer.",
    ),
    cardholder=Words(
        zh="这笔交易正在核对，有结果会告知您。请保留小票。",
        en="This payment is being checked and you will be told the result. Keep the slip.",
    ),
)
STOPPED = Guidance(
    cashier=Words(
        zh="请停用这台终端，不要再刷任何卡。请勿重复刷卡收取这一笔。请保持终端原样，同事会与您联系。",
        en="Stop using this terminal and take no more cards with it. Do not charge again for this payment. Leave it as "
        "it is; a colleague will contact you.",
    ),
    cardholder=HELD.cardholder,
)


def _testing(evidence: Evidence) -> Reason | None:
    if evidence.state in CHARGED_STATES:
        return None
    declined = (r for r in evidence.near(PATTERN_WITHIN_S) if r.state == "DECLINED" and r.card_token)
    cards = {r.card_token for r in declined} - {evidence.card_token}
    if len(cards) < CARDS_OF_A_TEST:
        return None
    return Reason(
        zh=f"十分钟内另有 {len(cards)} 张不同的卡被拒",
        en=f"{len(cards)} other cards were declined here within ten minutes",
    )


def _split(evidence: Evidence) -> Reason | None:
    amount = evidence.amount
    if amount is None or evidence.kind not in SALES:
        return None
    sales = (r for r in evidence.same_card(CASH_OUT_WITHIN_S) if r.kind in SALES and r.ago_s >= 0)
    refused = [r for r in sales if r.response_code == LIMIT_CODE]
    larger = any(r.amount.currency == amount.currency and r.amount.minor > amount.minor for r in refused)
    if not larger:
        return None
    return Reason(
        zh="同一张卡超限被拒后改刷较小金额", en="the same card was refused for its limit, then charged a smaller amount"
    )


def _cash_out(evidence: Evidence) -> Reason | None:
    if evidence.amount is None or evidence.kind not in SALES or not _round(evidence.amount.minor):
        return None
    near = evidence.same_card(CASH_OUT_WITHIN_S)
    count = 1 + sum(r.kind in SALES and r.state in CHARGED_STATES and _round(r.amount.minor) for r in near)
    if count < CASH_OUT_SALES:
        return None
    return Reason(zh=f"一小时内同卡 {count} 笔整额大额", en=f"{count} large round amounts of one card within an hour")


def _round(minor: int) -> bool:
    return minor >= CASH_OUT_MINOR and minor % ROUND_MINOR == 0


def _returns_pile_up(evidence: Evidence) -> Reason | None:
    if evidence.kind not in GIVINGS_BACK:
        return None
    count = 1 + sum(r.kind in GIVINGS_BACK for r in evidence.same_card(CASH_OUT_WITHIN_S))
    if count < RETURNS_TO_ONE_CARD:
        return None
    return Reason(zh=f"一小时内向同一张卡退回 {count} 笔", en=f"{count} returns to one card within an hour")


def _forged(evidence: Evidence) -> Reason | None:
    count = max(evidence.mac_failures, evidence.terminal.mac_failures)
    if count < FORGED_IN_A_ROW:
        return None
    return Reason(zh=f"签到之后连续 {count} 个 MAC 不符", en=f"{count} wrong MACs in a row although the keys are fresh")


terminal_tampered = Cause(
    code="TERMINAL_TAMPERED", family=Family.FRAUD, title=Words(zh="终端被拆动", en="Terminal tampered with"),
    looks_at=(Clue.TERMINAL,), severity=Severity.CRITICAL, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=STOPPED,
    explains=when(lambda e: e.terminal.tampered, zh="终端报告被拆动", en="the terminal reports that it was opened"),
)  # fmt: skip

messages_forged = Cause(
    code="MESSAGES_FORGED", family=Family.FRAUD, title=Words(zh="疑似伪造报文", en="Messages may be forged"),
    looks_at=(Clue.TRANSPORT, Clue.TERMINAL), severity=Severity.CRITICAL, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=HELD, explains=_forged,
)  # fmt: skip

terminal_moved = Cause(
    code="TERMINAL_MOVED", family=Family.FRAUD, title=Words(zh="疑似移机", en="Terminal used at another place"),
    looks_at=(Clue.TERMINAL,), severity=Severity.HIGH, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=STOPPED,
    explains=when(lambda e: e.terminal.moved, zh="终端不在登记地址", en="the terminal is not where it is registered"),
)  # fmt: skip

card_testing = Cause(
    code="CARD_TESTING", family=Family.FRAUD, title=Words(zh="疑似试卡", en="Cards may be being tested"),
    looks_at=(Clue.HISTORY,), severity=Severity.CRITICAL, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=HELD, explains=_testing,
)  # fmt: skip

cash_out = Cause(
    code="CASH_OUT", family=Family.FRAUD, title=Words(zh="疑似套现", en="May be a cash-out"),
    looks_at=(Clue.HISTORY,), severity=Severity.HIGH, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=HELD, explains=_cash_out,
)  # fmt: skip

amount_split = Cause(
    code="AMOUNT_SPLIT", family=Family.FRAUD, title=Words(zh="疑似拆分金额", en="Amount may have been split"),
    looks_at=(Clue.HISTORY, Clue.RESPONSE_CODE), severity=Severity.MEDIUM, remedy=Remedy.VERIFY,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=HELD, explains=_split,
)  # fmt: skip

returns_pile_up = Cause(
    code="RETURNS_PILE_UP", family=Family.FRAUD, title=Words(zh="向同一张卡频繁退回", en="Many returns to one card"),
    looks_at=(Clue.HISTORY,), severity=Severity.HIGH, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=False, of_returns=True, guidance=HELD,
    explains=_returns_pile_up,
)  # fmt: skip

issuer_suspects_fraud = Cause(
    code="ISSUER_SUSPECTS_FRAUD", family=Family.FRAUD, title=Words(zh="发卡行怀疑作弊", en="The issuer suspects fraud"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.NONE,
    may_charge_again=False, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

card_check_failed = Cause(
    code="CARD_CHECK_FAILED", family=Family.FRAUD, title=Words(zh="卡片校验错", en="Card verification failed"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.MEDIUM, remedy=Remedy.NONE,
    may_charge_again=False, may_be_debited=False, needs_support=False, guidance=DECLINED,
)  # fmt: skip

card_lost_or_stolen = Cause(
    code="CARD_LOST_OR_STOLEN", family=Family.FRAUD,
    title=Words(zh="挂失卡或被窃卡", en="Card reported lost or stolen"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.NONE,
    may_charge_again=False, may_be_debited=False, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="银行要求留下这张卡，本次未扣款。请按店内规定办理，不要争执，注意自身安全；请勿再刷这张卡。",
            en="The bank asks to keep this card. Nothing was charged. Follow your shop's rules, do not argue and stay "
            "safe; do not use this card again.",
        ),
        cardholder=DECLINED.cardholder,
    ),
)  # fmt: skip

card_to_be_kept = Cause(
    code="CARD_TO_BE_KEPT", family=Family.FRAUD, title=Words(zh="没收卡", en="Card to be kept"),
    looks_at=(Clue.RESPONSE_CODE,), severity=Severity.HIGH, remedy=Remedy.NONE,
    may_charge_again=False, may_be_debited=False, needs_support=False, guidance=card_lost_or_stolen.guidance,
)  # fmt: skip
