"""External: what befalls a place, an issuer or everybody. Found by who else fails, or declared by people.

A declared incident explains only what it can have caused: a payment that got lost, or a code that says "cannot work".
A wrong PIN stays a wrong PIN in an earthquake.
"""

from collections.abc import Callable

from yuanlu.acquirers.kinds import QR_SALE
from yuanlu.causes.cause import Cause, Clue, Family, Guidance, Reason, Remedy, Severity, Words, when
from yuanlu.causes.evidence import Evidence, IncidentKind
from yuanlu.causes.guidance import UNKNOWN

REGION_MERCHANTS = 3
REGION_HOSTS = 2
ISSUER_TERMINALS = 5
WALLET_MERCHANTS = 3
RESTARTS_OF_A_POWER_CUT = 2

REGION_DECLARED = Reason(zh="已宣布：区域性故障", en="declared: an outage of the region")
WALLET_DECLARED = Reason(zh="已宣布：扫码支付平台故障", en="declared: an outage of the wallet")
ISSUER_DECLARED = Reason(zh="已宣布：发卡行故障", en="declared: an outage of the issuer")

OUTAGE = Guidance(
    cashier=Words(
        zh="本地区多家商户同时异常，这笔交易结果待确认。请勿重复刷卡。可改用现金或其他方式收款，需顾客同意。",
        en="Many shops in this area have the same trouble; this payment is being confirmed. Do not charge again. Take "
        "cash or another payment only if the customer agrees.",
    ),
    cardholder=UNKNOWN.cardholder,
)


def _declared(incident: IncidentKind, zh: str, en: str) -> Callable[[Evidence], Reason | None]:
    """A detector for one kind of declared incident."""
    return when(lambda e: e.incident is incident and e.affected, zh=f"已宣布：{zh}", en=f"declared: {en}")


def _power_cut(evidence: Evidence) -> Reason | None:
    if evidence.incident is IncidentKind.POWER_CUT and evidence.affected:
        return Reason(zh="已宣布：停电", en="declared: a power cut")
    restarts = evidence.failing.merchant_restarts
    if not evidence.terminal.restarted or restarts < RESTARTS_OF_A_POWER_CUT:
        return None
    return Reason(
        zh=f"本店另有 {restarts} 台终端同时重启",
        en=f"{restarts} more terminals of this shop restarted at the same time",
    )


def _region(evidence: Evidence) -> Reason | None:
    failing = evidence.failing
    if not evidence.affected:
        return None
    if failing.region_merchants < REGION_MERCHANTS or failing.region_hosts < REGION_HOSTS:
        return REGION_DECLARED if evidence.incident is IncidentKind.REGION_OFFLINE else None
    return Reason(
        zh=f"本地区另有 {failing.region_merchants} 家商户、{failing.region_hosts} 家主机同时异常",
        en=f"{failing.region_merchants} more merchants on {failing.region_hosts} hosts fail in this region",
    )


def _issuer(evidence: Evidence) -> Reason | None:
    count = evidence.failing.issuer_terminals
    if not evidence.affected:
        return None
    if count < ISSUER_TERMINALS:
        return ISSUER_DECLARED if evidence.incident is IncidentKind.ISSUER_OUTAGE else None
    return Reason(
        zh=f"同一发卡行的卡在另外 {count} 台终端同时异常",
        en=f"cards of this issuer fail at {count} more terminals at the same time",
    )


def _wallet(evidence: Evidence) -> Reason | None:
    count = evidence.failing.wallet_merchants
    if evidence.kind != QR_SALE or not evidence.affected:
        return None
    if count < WALLET_MERCHANTS:
        return WALLET_DECLARED if evidence.incident is IncidentKind.WALLET_OUTAGE else None
    return Reason(
        zh=f"另有 {count} 家商户的扫码同时异常，刷卡正常",
        en=f"QR sales of {count} more merchants fail, cards go through",
    )


natural_disaster = Cause(
    code="NATURAL_DISASTER", family=Family.EXTERNAL, title=Words(zh="自然灾害", en="Natural disaster"),
    looks_at=(Clue.DECLARED, Clue.TRANSPORT), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=OUTAGE,
    explains=_declared(IncidentKind.DISASTER, "自然灾害", "a natural disaster"),
)  # fmt: skip

cyber_attack = Cause(
    code="CYBER_ATTACK", family=Family.EXTERNAL, title=Words(zh="网络攻击", en="Cyber attack"),
    looks_at=(Clue.DECLARED, Clue.TRANSPORT), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN,
    explains=_declared(IncidentKind.CYBER_ATTACK, "网络攻击", "a cyber attack"),
)  # fmt: skip

ordered_stop = Cause(
    code="ORDERED_STOP", family=Family.EXTERNAL,
    title=Words(zh="监管或卡组织要求暂停", en="Stopped by an authority or a card organisation"),
    looks_at=(Clue.DECLARED, Clue.RESPONSE_CODE), severity=Severity.HIGH, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN,
    explains=_declared(IncidentKind.ORDER, "按要求暂停业务", "business stopped by order"),
)  # fmt: skip

power_cut = Cause(
    code="POWER_CUT", family=Family.EXTERNAL, title=Words(zh="停电", en="Power cut"),
    looks_at=(Clue.DECLARED, Clue.TERMINAL, Clue.OUTAGE), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN, explains=_power_cut,
)  # fmt: skip

carrier_outage = Cause(
    code="CARRIER_OUTAGE", family=Family.EXTERNAL, title=Words(zh="运营商网络故障", en="Outage of the carrier"),
    looks_at=(Clue.DECLARED, Clue.TRANSPORT), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=OUTAGE,
    explains=_declared(IncidentKind.CARRIER_OUTAGE, "运营商网络故障", "an outage of the carrier"),
)  # fmt: skip

planned_maintenance = Cause(
    code="PLANNED_MAINTENANCE", family=Family.EXTERNAL, title=Words(zh="计划内维护", en="Planned maintenance"),
    looks_at=(Clue.DECLARED, Clue.RESPONSE_CODE), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False,
    guidance=Guidance(
        cashier=Words(
            zh="银行正在计划内维护，这笔交易结果待确认。请勿重复刷卡。可改用其他方式收款，需顾客同意。",
            en="The bank is in planned maintenance; this payment is being confirmed. Do not charge again. Take another "
            "payment only if the customer agrees.",
        ),
        cardholder=UNKNOWN.cardholder,
    ),
    explains=_declared(IncidentKind.MAINTENANCE, "计划内维护", "planned maintenance"),
)  # fmt: skip

business_peak = Cause(
    code="BUSINESS_PEAK", family=Family.EXTERNAL, title=Words(zh="业务高峰", en="Business peak"),
    looks_at=(Clue.DECLARED, Clue.TRANSPORT), severity=Severity.MEDIUM, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=UNKNOWN,
    explains=_declared(IncidentKind.PEAK, "业务高峰", "a business peak"),
)  # fmt: skip

regional_outage = Cause(
    code="REGIONAL_OUTAGE", family=Family.EXTERNAL, title=Words(zh="区域性故障", en="Outage of a region"),
    looks_at=(Clue.OUTAGE, Clue.TRANSPORT), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=OUTAGE, explains=_region,
)  # fmt: skip

wallet_outage = Cause(
    code="WALLET_OUTAGE", family=Family.EXTERNAL, title=Words(zh="扫码支付平台故障", en="Outage of a wallet"),
    looks_at=(Clue.OUTAGE, Clue.RESPONSE_CODE), severity=Severity.CRITICAL, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN, explains=_wallet,
)  # fmt: skip

issuer_outage = Cause(
    code="ISSUER_OUTAGE", family=Family.EXTERNAL, title=Words(zh="发卡行故障", en="Outage of an issuer"),
    looks_at=(Clue.OUTAGE, Clue.RESPONSE_CODE), severity=Severity.HIGH, remedy=Remedy.REVERSE,
    may_charge_again=False, may_be_debited=True, needs_support=True, guidance=UNKNOWN, explains=_issuer,
)  # fmt: skip
