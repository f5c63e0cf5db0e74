"""When a case goes to the next level, and when it wakes: pure.

The times count from when it went wrong (`since_us`). Sleeping for a reason moves the second line's and the merchant's
time, but never the manager's: what is open the next morning is the manager's, whatever anybody snoozed.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from yuanlu.cases.records import Case, Decision
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.contracts import ServiceLevel
from yuanlu.kernel.clock import CHINA, local_time

MS_US = 1_000


class Climb(Struct, frozen=True, kw_only=True):
    """The level's time is over: the next one's turn."""

    level: Level


class Wake(Struct, frozen=True, kw_only=True):
    """It has slept as long as it was to."""


class Support(Struct, frozen=True, kw_only=True):
    """Too complex for the first line: to technical support, at once."""


class Expire(Struct, frozen=True, kw_only=True):
    """No second person answered the proposal in time."""


class Rest(Struct, frozen=True, kw_only=True):
    """Nothing is due before `until_us`; None: nothing at all, until a person acts."""

    until_us: int | None


Due = Climb | Wake | Support | Expire | Rest


def turn_of_us(level: Level, since_us: int, slept_us: int, terms: ServiceLevel) -> int:
    """When it becomes this level's turn. For L1: by when a case has to be open."""
    started_us = since_us + slept_us
    match level:
        case Level.L1:
            return since_us + terms.l1_after_ms * MS_US
        case Level.L2:
            due_us = started_us + terms.l2_after_ms * MS_US
        case Level.MERCHANT:
            due_us = started_us + terms.merchant_after_ms * MS_US
        case Level.MANAGER:
            return _managers_morning_us(since_us, terms)
    return min(due_us, _managers_morning_us(since_us, terms))


def _managers_morning_us(since_us: int, terms: ServiceLevel) -> int:
    """The day after, at the agreed time in Beijing."""
    day = local_time(since_us).date() + timedelta(days=terms.manager_after_days)
    at = datetime.combine(day, terms.manager_at, tzinfo=CHINA)
    return round(at.timestamp()) * 1_000_000


def deadline_us(level: Level, since_us: int, slept_us: int, terms: ServiceLevel) -> int:
    """By when this level should be done: the next level's turn; the manager's own turn at the top."""
    above = level if level is Level.MANAGER else Level(level + 1)
    return turn_of_us(above, since_us, slept_us, terms)


def latest_waking_us(case: Case, terms: ServiceLevel, now_us: int) -> int:
    """How long the case may sleep at most."""
    if case.level is Level.MANAGER:
        return now_us + terms.manager_snooze_ms_max * MS_US
    return turn_of_us(Level.MANAGER, case.since_us, 0, terms)


def due(case: Case, decision: Decision | None, terms: ServiceLevel, now_us: int) -> Due:
    """What time alone demands of a case now. `decision` is its open one, if there is any."""
    if case.state is CaseState.CLOSED:
        return Rest(until_us=None)
    if case.is_complex and not case.ticket and case.state in (CaseState.OPEN, CaseState.IN_HAND) and decision is None:
        return Support()
    waits_us: list[int] = []
    if decision is not None and decision.state is DecisionState.PROPOSED:
        if now_us >= decision.expires_at_us:
            return Expire()
        waits_us.append(decision.expires_at_us)
    if case.state is CaseState.SNOOZED:
        if now_us >= case.snoozed_until_us:
            return Wake()
        waits_us.append(case.snoozed_until_us)
    elif case.level is not Level.MANAGER:
        above = Level(case.level + 1)
        turn_us = turn_of_us(above, case.since_us, case.slept_us, terms)
        if now_us >= turn_us:
            return Climb(level=above)
        waits_us.append(turn_us)
    return Rest(until_us=min(waits_us, default=None))
