"""What a merchant's till or gateway saw of a payment: a time-out, a duplicate, a complaint.

The payment may be one of ours, or may never have passed through us. In either case somebody has to find out, so it has
a case: the transaction's own, or one that is named by the merchant's reference. A payment that we cannot see we cannot
return, and the words say so: nobody is told that money comes back by itself when nothing here sends it.
"""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.people import Actor
from yuanlu.cases.records import OUTSIDE, Case, Opening, Severity
from yuanlu.cases.records import Words as CaseWords
from yuanlu.cases.writing import Written
from yuanlu.causes.cause import Guidance, Words
from yuanlu.contracts import ServiceLevel
from yuanlu.flow.observing import OBSERVED
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Fact
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.money import Money, format_minor

QUEUE = "reported"


class Seen(StrEnum):
    """What was seen."""

    TIME_OUT = "time_out"
    """No answer came, or none that can be trusted."""
    DUPLICATE = "duplicate"
    """The same goods were charged twice."""
    DECLINED_BUT_CHARGED = "declined_but_charged"
    """The till was told no, and the customer's bank shows a charge."""
    COMPLAINT = "complaint"
    """The customer complains about the charge in another way."""


class Kind(Struct, frozen=True, kw_only=True):
    """What is said and done about one thing that is seen."""

    code: str
    title: CaseWords
    severity: Severity
    guidance: Guidance


_ASKED = Words(
    zh="结果正在向收单机构查证，请勿重复刷卡或扫码。请保留小票和单号；若已扣款，查实后由收单机构退回原付款账户。",
    en="The acquirer is being asked. Do not charge again. Keep the slip and its numbers; if the customer was charged, "
    "the acquirer gives it back to the account that paid, once that is established.",
)
_PROMISED_NOTHING = Words(
    zh="这笔交易的结果正在查证。如已扣款，查实后会退回您的原付款账户。请勿重复支付，请保留小票。",
    en="This payment is being looked into. If you were charged, the money goes back to the account it came from once "
    "that is established. Please do not pay twice, and keep the slip.",
)
_TWICE = Words(
    zh="重复扣款正在核对，请勿退现金，也请勿再次刷卡。请保留两张小票；查实后多扣的一笔退回原付款账户。",
    en="The second charge is being checked. Give no cash and do not charge again. Keep both slips; the second charge "
    "goes back to the account that paid, once it is established.",
)
_TWICE_HOLDER = Words(
    zh="重复扣款正在核对。查实后，多扣的一笔会退回您的原付款账户。请保留两张小票。",
    en="The second charge is being checked. Once it is established, it goes back to the account it came from. Please "
    "keep both slips.",
)


def _kind(code: str, zh: str, en: str, severity: Severity, cashier: Words, cardholder: Words) -> Kind:
    guidance = Guidance(cashier=cashier, cardholder=cardholder)
    return Kind(code=code, title=CaseWords(zh=zh, en=en), severity=severity, guidance=guidance)


KINDS = {
    Seen.TIME_OUT: _kind(
        "REPORTED_TIME_OUT", "商户报告：交易超时", "Reported: no answer", Severity.HIGH, _ASKED, _PROMISED_NOTHING
    ),
    Seen.DUPLICATE: _kind(
        "REPORTED_DUPLICATE", "商户报告：重复扣款", "Reported: charged twice", Severity.HIGH, _TWICE, _TWICE_HOLDER
    ),
    Seen.DECLINED_BUT_CHARGED: _kind(
        "REPORTED_DECLINED_BUT_CHARGED", "商户报告：拒绝但已扣款", "Reported: declined, and charged", Severity.HIGH,
        _ASKED, _PROMISED_NOTHING,
    ),
    Seen.COMPLAINT: _kind(
        "REPORTED_COMPLAINT", "商户报告：顾客投诉", "Reported: the customer complains", Severity.MEDIUM, _ASKED,
        _PROMISED_NOTHING,
    ),
}  # fmt: skip
"""What each thing that is seen means."""


class Sighting(Struct, frozen=True, kw_only=True):
    """What was reported. `reference` is the merchant's own; `remark` is free of card numbers already."""

    seen: Seen
    merchant_id: str
    terminal_id: str
    acquirer: str
    reference: str
    amount: Money
    at_us: int
    remark: str = ""


def name_of(merchant_id: str, reference: str) -> str:
    """How the case of a payment that is not ours is named."""
    return f"{OUTSIDE}{merchant_id} {reference}"


def case_about(
    sighting: Sighting, found: Transaction | None, before: Case | None, *, terms: ServiceLevel,
    random_bits: Callable[[int], int], now_us: int, who: Actor,
) -> Written:  # fmt: skip
    """The rows by which it has its case; `before` is the transaction's latest, or the reference's open one."""
    kind = KINDS[sighting.seen]
    opening = Opening(
        transaction_id=None if found is None else found.transaction_id,
        incident=name_of(sighting.merchant_id, sighting.reference) if found is None else "",
        merchant_id=sighting.merchant_id,
        terminal_id=sighting.terminal_id,
        acquirer=sighting.acquirer,
        amount=sighting.amount,
        title=kind.title,
        cause=kind.code,
        severity=kind.severity,
        explanation=_explanation(sighting, kind, ours=found is not None),
        queue=QUEUE,
        since_us=now_us,
        evidence=(said(sighting),),
    )
    return open_case(opening, before, number=case_number(now_us, random_bits), terms=terms, now_us=now_us, who=who)


def _explanation(sighting: Sighting, kind: Kind, *, ours: bool) -> CaseWords:
    at = f"{local_time(sighting.at_us):%Y-%m-%d %H:%M:%S}"
    amount = format_minor(sighting.amount.minor, sighting.amount.currency)
    remark = f"：{sighting.remark}" if sighting.remark else ""
    whose_zh, whose_en = ("", "") if ours else ("；该交易未经本系统", "; it did not pass through us")
    return CaseWords(
        zh=f"{kind.title.zh}，单号 {sighting.reference}，{amount}，{at}{whose_zh}{remark}",
        en=f"{kind.title.en}, reference {sighting.reference}, {amount}, {at}{whose_en}"
        + (f": {sighting.remark}" if sighting.remark else ""),
    )


def said(sighting: Sighting) -> str:
    """What was reported, in a line."""
    amount = format_minor(sighting.amount.minor, sighting.amount.currency)
    return f"{sighting.seen.value}, reference {sighting.reference}, {amount}"


def fact_of(sighting: Sighting, who: Actor, subject_id: str, now_us: int) -> Fact:
    """The report in the journal, under a subject of its own."""
    return Fact(
        merchant_id=sighting.merchant_id, subject_id=subject_id, version=1, kind=OBSERVED, at_us=now_us,
        terminal_id=sighting.terminal_id, note=f"{who.name} ({who.via}): {said(sighting)}",
    )  # fmt: skip
