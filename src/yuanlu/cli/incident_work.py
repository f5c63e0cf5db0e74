"""What the commands of `yuanlu incident` do: read beside the gateway, or write for a moment and show the result."""

import secrets
from collections.abc import Callable

from sqlalchemy import Connection

from yuanlu.cases.people import Actor, same_person
from yuanlu.cases.records import Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of_incident
from yuanlu.cases.texts import text_of
from yuanlu.causes.evidence import IncidentKind
from yuanlu.cli.casework import actor, reading
from yuanlu.cli.database import on_database
from yuanlu.cli.words import CHINESE, incident_word, language_of
from yuanlu.flow.declaring import Unit, begun, cause_of, finished, scope_words
from yuanlu.gateway.terminals import read_terminals
from yuanlu.incidents.records import BIN_DIGITS, DETECTION, WALLETS, Incident, IncidentState, Report, Scope, ScopeKind
from yuanlu.incidents.store import (
    IncidentError,
    active_incidents,
    counted,
    ended_incidents,
    get_incident,
    next_number,
)
from yuanlu.incidents.writing import Written, merchant_of
from yuanlu.journal.transactions import facts_of
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import SystemClock, local_time
from yuanlu.settings import Settings

TRIES = 5
MINUTE_US = 60_000_000

Build = Callable[[Incident, str, str, int], Written]


@on_database
def declared(
    settings: Settings, kind: str, scope: tuple[str, str], name: str, reason: str, lang: str, *, hold: bool,
    since_minutes: int,
) -> str:  # fmt: skip
    """A new incident with its case; IncidentError when the scope is unknown or has an active one."""
    if kind not in set(IncidentKind):
        raise IncidentError(f'"{kind}" is no kind of incident; there are {", ".join(IncidentKind)}')
    who, why, where, clock = _person(name), text_of(reason, "the reason"), _scope(settings, *scope), SystemClock()

    levels = ServiceLevels(agreements=settings.agreements())

    def build(connection: Connection) -> Unit:
        now_us = clock.wall_us()
        _refuse_second(connection, where)
        incident = Incident(
            incident_id=next_number(connection, now_us),
            kind=IncidentKind(kind),
            scope=where,
            declared_by=who.name,
            reason=why,
            began_at_us=now_us - since_minutes * MINUTE_US,
            declared_at_us=now_us,
            held_by=who.name if hold else "",
        )
        return begun(incident, Words(zh=why, en=why), who, levels, secrets.randbits)

    return _line(_committed(settings, clock, build), language_of(lang))


def _person(name: str) -> Actor:
    who = actor(name)
    if same_person(who.name, DETECTION):
        raise IncidentError(f'"{DETECTION}" is the machine itself; give your own name')
    return who


def _scope(settings: Settings, kind: str, name: str) -> Scope:
    """The scope, which must exist: a misspelt one would stand for nothing."""
    scope = Scope(kind=ScopeKind(kind), name=name)
    if scope.kind is ScopeKind.ISSUER and not (len(name) == BIN_DIGITS and name.isascii() and name.isdigit()):
        raise IncidentError(f'--issuer "{name}" is not how cards begin; give their first {BIN_DIGITS} digits')
    terminals = read_terminals(settings.path(settings.gateway.terminals), settings.acquirers).values()
    match scope.kind:
        case ScopeKind.ALL | ScopeKind.ISSUER:
            return scope
        case ScopeKind.WALLET:
            there = set(WALLETS)
        case ScopeKind.HOST:
            there = set(settings.acquirers)
        case ScopeKind.REGION:
            there = {terminal.region for terminal in terminals if terminal.region}
        case ScopeKind.MERCHANT:
            there = {terminal.merchant_id for terminal in terminals}
    if name not in there:
        known = ", ".join(sorted(there)[:10]) or "none"
        where = "known" if scope.kind is ScopeKind.WALLET else "in the configuration"
        raise IncidentError(f'--{kind} "{name}" is not {where}; there are: {known}')
    return scope


def _refuse_second(connection: Connection, scope: Scope) -> None:
    for each in active_incidents(connection):
        if each.scope == scope:
            raise IncidentError(f"{scope} has an active incident already, {each.incident_id}; end it first, or hold it")


@on_database
def acted(settings: Settings, incident_id: str, name: str, reason: str, lang: str, build: Build) -> str:
    """Hold or release its sales."""
    who, why, clock = _person(name), text_of(reason, "the reason"), SystemClock()

    def unit(connection: Connection) -> Unit:
        said = build(get_incident(connection, incident_id), who.name, why, clock.wall_us())
        return Unit(incident=said.incident, facts=said.facts, changes=said.changes)

    return _line(_committed(settings, clock, unit), language_of(lang))


@on_database
def over(settings: Settings, incident_id: str, name: str, reason: str, lang: str) -> str:
    """End it, with its report; its case is closed if nothing of it is open."""
    who, why, clock = _person(name), text_of(reason, "the reason"), SystemClock()

    def build(connection: Connection) -> Unit:
        incident = get_incident(connection, incident_id)
        report, case = counted(connection, incident_id), find_case_of_incident(connection, incident_id)
        return finished(incident, case, report, who.name, why, clock.wall_us())

    done, language = _committed(settings, clock, build), language_of(lang)
    return "\n".join([_line(done, language), *_report(done.report, language)])


def _committed(settings: Settings, clock: SystemClock, build: Callable[[Connection], Unit]) -> Incident:
    """Read, build and commit beside the gateway; again when somebody else was first."""
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            unit = _read(visitor, build)
            if not isinstance(visitor.commit(unit.facts, unit.changes), Conflict):
                return unit.incident
    raise IncidentError("it keeps changing; look at it again: yuanlu incident list")


def _read(visitor: Visitor, build: Callable[[Connection], Unit]) -> Unit:
    with visitor.reading() as connection:
        return build(connection)


@on_database
def list_text(settings: Settings, lang: str, *, ended: bool, limit: int) -> str:
    """One line for each incident."""
    language = language_of(lang)
    with reading(settings) as connection:
        found = ended_incidents(connection, limit) if ended else active_incidents(connection)[:limit]
    return "\n".join(_line(each, language) for each in found) or _say("没有事件", "no incident", language)


@on_database
def show_text(settings: Settings, incident_id: str, lang: str) -> str:
    """All of one: for an active one the report counts its payments now."""
    language = language_of(lang)
    with reading(settings) as connection:
        incident = get_incident(connection, incident_id)
        case = find_case_of_incident(connection, incident_id)
        report = counted(connection, incident_id)
        rows = facts_of(connection, merchant_of(incident), incident_id)
    lines = [_line(incident, language), f"{_say('原因', 'reason', language)}: {incident.reason}"]
    lines += _report(report, language)
    if case is not None:
        lines.append(f"{_say('工单', 'case', language)}: {case.case_id}")
    lines.append(f"{_say('单笔工单', 'its payments’ cases', language)}: yuanlu case list --incident {incident_id}")
    lines += ["", _say("经过", "timeline", language)]
    lines += [f"  {_when(row.at_us)}  {incident_word(row.kind, language)}: {row.note}" for row in rows]
    return "\n".join(lines)


def _line(incident: Incident, language: str) -> str:
    """One incident in a list."""
    title, scope = cause_of(incident.kind).title, scope_words(incident.scope)
    state = incident_word(incident.state, language)
    if incident.state is IncidentState.ENDED:
        state += f" {_when(incident.ended_at_us or 0)}"
    elif incident.holds_sales:
        state += "  " + _say("暂停新交易", "new sales held", language) + f" ({incident.held_by})"
    return (
        f"{incident.incident_id}  {_say(scope.zh, scope.en, language)}  {incident.kind.value}"
        f"  {_say(title.zh, title.en, language)}  {_say('开始于', 'since', language)} {_when(incident.began_at_us)}"
        f"  {incident.declared_by}  {state}"
    )


def _report(report: Report, language: str) -> list[str]:
    rows = (
        ("交易笔数", "transactions", report.transactions),
        ("终端数", "terminals", report.terminals),
        ("金额", "amount", report.amounts or "-"),
        ("已退回", "returned", report.returned),
        ("未了结", "open", report.open),
    )
    return [f"{_say(zh, en, language)}: {value}" for zh, en, value in rows]


def _when(at_us: int) -> str:
    return f"{local_time(at_us):%Y-%m-%d %H:%M:%S}"


def _say(zh: str, en: str, language: str) -> str:
    return zh if language == CHINESE else en
