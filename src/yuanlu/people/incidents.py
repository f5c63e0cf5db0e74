"""What people do to incidents: declare, hold, release, end; read, build, commit beside the gateway."""

import secrets
from collections.abc import Callable

from sqlalchemy import Connection

from yuanlu.cases.people import Actor, same_person
from yuanlu.cases.records import Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of_incident
from yuanlu.cases.texts import text_of
from yuanlu.causes.evidence import IncidentKind
from yuanlu.flow.declaring import Unit, begun, finished
from yuanlu.incidents.records import BIN_DIGITS, DETECTION, WALLETS, Incident, Scope, ScopeKind
from yuanlu.incidents.store import (
    IncidentError,
    active_incidents,
    counted,
    get_incident,
    next_number,
)
from yuanlu.incidents.writing import Written
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.people.database import on_database
from yuanlu.settings import Settings
from yuanlu.terminals import read_terminals

TRIES = 5
MINUTE_US = 60_000_000

Build = Callable[[Incident, str, str, int], Written]


@on_database
def declared(
    settings: Settings, kind: str, scope: tuple[str, str], by: Actor, reason: str, *, hold: bool, since_minutes: int
) -> Incident:
    """A new incident with its case; IncidentError when the scope is unknown or has an active one."""
    if kind not in set(IncidentKind):
        raise IncidentError(f'"{kind}" is no kind of incident; there are {", ".join(IncidentKind)}')
    who, why, where, clock = _person(by), text_of(reason, "the reason"), _scope(settings, *scope), SystemClock()
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

    return _committed(settings, clock, build)


def _person(who: Actor) -> Actor:
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
def acted(settings: Settings, incident_id: str, by: Actor, reason: str, build: Build) -> Incident:
    """Hold or release its sales."""
    who, why, clock = _person(by), text_of(reason, "the reason"), SystemClock()

    def unit(connection: Connection) -> Unit:
        said = build(get_incident(connection, incident_id), who.name, why, clock.wall_us())
        return Unit(incident=said.incident, facts=said.facts, changes=said.changes)

    return _committed(settings, clock, unit)


@on_database
def over(settings: Settings, incident_id: str, by: Actor, reason: str) -> Incident:
    """End it, with its report; its case is closed if nothing of it is open."""
    who, why, clock = _person(by), text_of(reason, "the reason"), SystemClock()

    def build(connection: Connection) -> Unit:
        incident = get_incident(connection, incident_id)
        report, case = counted(connection, incident_id), find_case_of_incident(connection, incident_id)
        return finished(incident, case, report, who.name, why, clock.wall_us())

    return _committed(settings, clock, build)


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
