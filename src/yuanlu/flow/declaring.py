"""An incident begins and ends together with its one case: the units, for the gateway and for the command line.

Whoever declares reads the next number first; of two who declare for the same scope at once, the database turns one
away. The case is settled with the incident if nothing of it is open any more, else later.
"""

from collections.abc import Callable

from msgspec import Struct

from yuanlu.cases.decisions import settled as case_settled
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.people import GATEWAY, Actor
from yuanlu.cases.records import Case, Opening, Outcome, Severity, Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.work import note
from yuanlu.causes import external, network, system
from yuanlu.causes.cause import Cause
from yuanlu.causes.evidence import IncidentKind
from yuanlu.incidents import writing
from yuanlu.incidents.detection import Crowd, Verdict
from yuanlu.incidents.records import Incident, Report, Scope, ScopeKind
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.money import Money

QUEUE = "incidents"
MINUTE_US = 60_000_000
NO_MONEY = Money(minor=0, currency="156")
"""An incident's case is about no money of its own: each payment's is in its own transaction."""

CAUSES = {
    IncidentKind.HOST_DOWN: system.host_down,
    IncidentKind.REGION_OFFLINE: external.regional_outage,
    IncidentKind.SHOP_OFFLINE: network.shop_network_down,
    IncidentKind.ISSUER_OUTAGE: external.issuer_outage,
    IncidentKind.WALLET_OUTAGE: external.wallet_outage,
    IncidentKind.POWER_CUT: external.power_cut,
    IncidentKind.DISASTER: external.natural_disaster,
    IncidentKind.CARRIER_OUTAGE: external.carrier_outage,
    IncidentKind.MAINTENANCE: external.planned_maintenance,
    IncidentKind.CYBER_ATTACK: external.cyber_attack,
    IncidentKind.PEAK: external.business_peak,
    IncidentKind.ORDER: external.ordered_stop,
}
"""By which cause each kind explains its payments."""

_SCOPES_ZH = {
    ScopeKind.ALL: "全部", ScopeKind.REGION: "地区", ScopeKind.HOST: "主机", ScopeKind.WALLET: "钱包",
    ScopeKind.ISSUER: "发卡行", ScopeKind.MERCHANT: "商户",
}  # fmt: skip


class Unit(Struct, frozen=True, kw_only=True):
    """What to commit, and the incident as it then stands."""

    incident: Incident
    facts: tuple[Fact, ...]
    changes: tuple[Change, ...]


def cause_of(kind: IncidentKind) -> Cause:
    """The cause that payments of such an incident have."""
    return CAUSES[kind]


def scope_words(scope: Scope) -> Words:
    """Whom it concerns, for people."""
    return Words(zh=f"{_SCOPES_ZH[scope.kind]} {scope.name}".rstrip(), en=str(scope))


def begun(incident: Incident, why: Words, who: Actor, levels: ServiceLevels, random_bits: Callable[[int], int]) -> Unit:
    """A new incident and its case."""
    said = writing.declared(incident)
    cause, scope, merchant_id = CAUSES[incident.kind], scope_words(incident.scope), writing.merchant_of(incident)
    opening = Opening(
        incident=incident.incident_id,
        merchant_id=merchant_id,
        terminal_id="",
        acquirer=incident.scope.name if incident.scope.kind is ScopeKind.HOST else "",
        amount=NO_MONEY,
        title=Words(zh=f"{cause.title.zh}（{scope.zh}）", en=f"{cause.title.en} ({scope.en})"),
        cause=cause.code,
        severity=Severity(cause.severity.value),
        explanation=why,
        queue=QUEUE,
        since_us=incident.began_at_us,
        is_complex=cause.needs_support,
    )
    now_us = incident.declared_at_us
    opened = open_case(
        opening, None, number=case_number(now_us, random_bits), terms=levels.of(merchant_id), now_us=now_us, who=who
    )
    return Unit(
        incident=said.incident, facts=(*said.facts, *opened.facts), changes=(*said.changes, *opened.changes)
    )  # fmt: skip


def finished(incident: Incident, case: Case | None, report: Report, who: str, why: str, now_us: int) -> Unit:
    """It is over. `case` is its open case, if there is one."""
    return _with_case(writing.ended(incident, who, why, report, now_us), case, now_us)


def settled(incident: Incident, case: Case | None, report: Report, now_us: int) -> Unit:
    """Long over, and now nothing of it is open any more."""
    return _with_case(writing.settled(incident, report, now_us), case, now_us)


def quiet(incident: Incident, case: Case, for_us: int, now_us: int) -> Unit:
    """Nothing has come from its place for a long time: people hear of it, since it cannot end by itself."""
    minutes = for_us // MINUTE_US
    text = (
        f"{scope_words(incident.scope).zh}：已有 {minutes} 分钟没有任何交易，事件不会自行结束，请人工确认 / "
        f"nothing has come from {incident.scope} for {minutes} minutes; it cannot end by itself, look after it"
    )
    said = note(case, GATEWAY, text, now_us)
    return Unit(incident=incident, facts=said.facts, changes=said.changes)


def _with_case(said: writing.Written, case: Case | None, now_us: int) -> Unit:
    report = said.incident.report
    if case is None or report.open:
        return Unit(incident=said.incident, facts=said.facts, changes=said.changes)
    closed = case_settled(case, None, Outcome.REPAIRED, now_us, writing.in_words(report))
    return Unit(incident=said.incident, facts=(*said.facts, *closed.facts), changes=(*said.changes, *closed.changes))


def others(scope: Scope, crowd: Crowd) -> dict[str, int]:
    """Who else fails there, beside the terminal that is looked at: fields of `Failing`."""
    terminals, merchants = max(0, crowd.terminals - 1), max(0, crowd.merchants - 1)
    match scope.kind:
        case ScopeKind.HOST:
            return {"host_merchants": merchants}
        case ScopeKind.REGION:
            return {"region_merchants": merchants, "region_hosts": crowd.hosts}
        case ScopeKind.WALLET:
            return {"wallet_merchants": merchants}
        case ScopeKind.ISSUER:
            return {"issuer_terminals": terminals}
        case ScopeKind.MERCHANT:
            return {"merchant_terminals": terminals}
        case ScopeKind.ALL:
            return {}


def seen(verdict: Verdict) -> Words:
    """What detection has seen, for people."""
    crowd, scope = verdict.crowd, scope_words(verdict.scope)
    if verdict.kind is IncidentKind.POWER_CUT:
        return Words(
            zh=f"{scope.zh}：{crowd.terminals} 台终端同时重启，之前有交易中断",
            en=f"{crowd.terminals} terminals started anew together after payments got lost, {scope.en}",
        )
    if crowd.merchants == 1:
        return Words(
            zh=f"{scope.zh}：{crowd.terminals} 台终端同时异常",
            en=f"{crowd.terminals} terminals fail together, {scope.en}",
        )
    return Words(
        zh=f"{scope.zh}：{crowd.merchants} 家商户的 {crowd.terminals} 台终端同时异常",
        en=f"{crowd.terminals} terminals of {crowd.merchants} merchants fail together, {scope.en}",
    )
