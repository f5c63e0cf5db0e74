"""Whose turn it is, and when."""

from datetime import datetime, time

import pytest
from msgspec.structs import replace

from tests.unit.cases.cases import HOUR_US, MINUTE_US, NOW_US, TERMS, a_case, a_decision
from yuanlu.cases.ladder import Climb, Expire, Rest, Support, Wake, deadline_us, due, latest_waking_us, turn_of_us
from yuanlu.cases.service_levels import Level, ServiceLevels
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.contracts import Agreements, ServiceLevel, Terms
from yuanlu.kernel.clock import CHINA, local_time


def beijing(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp()) * 1_000_000


SINCE = beijing("2025-10-09 16:53:20")
RUNGS = [
    (Level.L1, "2025-10-09 17:03:20", "10 minutes"),
    (Level.L2, "2025-10-09 17:23:20", "30 minutes"),
    (Level.MERCHANT, "2025-10-09 18:53:20", "2 hours"),
    (Level.MANAGER, "2025-10-10 10:00:00", "the next day at ten"),
]


@pytest.mark.parametrize(("level", "at", "why"), RUNGS, ids=[row[2] for row in RUNGS])
def test_each_level_has_its_time_by_default(level, at, why):
    assert turn_of_us(level, SINCE, 0, TERMS) == beijing(at), why


def test_the_next_day_is_beijings():
    just_before = beijing("2025-10-09 23:59:59")
    assert turn_of_us(Level.MANAGER, just_before, 0, TERMS) == beijing("2025-10-10 10:00:00")
    assert turn_of_us(Level.MANAGER, just_before + 1_000_000, 0, TERMS) == beijing("2025-10-11 10:00:00")


def test_a_contract_brings_its_own_times():
    own = ServiceLevel(l2_after_ms=60_000, manager_after_days=2, manager_at=time(9, 30))
    levels = ServiceLevels(agreements=Agreements(by_merchant={"M": Terms(contract="gold", service_levels=own)}))
    assert levels.of("M") is own
    assert levels.of("other") == ServiceLevel()
    assert turn_of_us(Level.L2, SINCE, 0, own) == SINCE + MINUTE_US
    assert turn_of_us(Level.MANAGER, SINCE, 0, own) == beijing("2025-10-11 09:30:00")


def test_no_level_comes_after_the_managers_morning():
    slow = ServiceLevel(merchant_after_ms=30 * 3_600_000)
    morning = turn_of_us(Level.MANAGER, SINCE, 0, slow)
    assert turn_of_us(Level.MERCHANT, SINCE, 0, slow) == morning
    assert turn_of_us(Level.L2, SINCE, 40 * HOUR_US, slow) == morning


def test_a_deadline_is_the_next_levels_turn_and_at_the_top_the_managers_own():
    for level in (Level.L1, Level.L2, Level.MERCHANT):
        assert deadline_us(level, SINCE, 0, TERMS) == turn_of_us(Level(level + 1), SINCE, 0, TERMS)
    assert deadline_us(Level.MANAGER, SINCE, 0, TERMS) == turn_of_us(Level.MANAGER, SINCE, 0, TERMS)


ASLEEP = {"state": CaseState.SNOOZED, "snoozed_at_us": NOW_US, "snoozed_until_us": NOW_US + HOUR_US}
STORIES = [
    ({}, None, 0, Rest(until_us=NOW_US + 30 * MINUTE_US), "new: the second line is next"),
    ({}, None, 30 * MINUTE_US - 1, Rest(until_us=NOW_US + 30 * MINUTE_US), "a moment before"),
    ({}, None, 30 * MINUTE_US, Climb(level=Level.L2), "at that moment"),
    ({"level": Level.L2}, None, 3 * HOUR_US, Climb(level=Level.MERCHANT), "one level at a time, each is told"),
    ({"level": Level.MANAGER}, None, 90 * HOUR_US, Rest(until_us=None), "time closes nothing"),
    ({"slept_us": 10 * MINUTE_US}, None, 30 * MINUTE_US, Rest(until_us=NOW_US + 40 * MINUTE_US), "it slept"),
    (ASLEEP, None, 59 * MINUTE_US, Rest(until_us=NOW_US + HOUR_US), "asleep"),
    (ASLEEP, None, HOUR_US, Wake(), "slept enough"),
    ({"state": CaseState.CLOSED}, None, 90 * HOUR_US, Rest(until_us=None), "closed"),
    ({"is_complex": True}, None, 0, Support(), "too complex for the first line"),
    ({"is_complex": True, "ticket": "t"}, None, 0, Rest(until_us=NOW_US + 30 * MINUTE_US), "back from support"),
    ({}, a_decision(), HOUR_US, Expire(), "nobody approved it"),
    ({"level": Level.MANAGER}, a_decision(), 0, Rest(until_us=NOW_US + HOUR_US), "only the proposal can fall due"),
    ({}, a_decision(state=DecisionState.APPROVED), 29 * MINUTE_US, Rest(until_us=NOW_US + 30 * MINUTE_US), "approved"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "decision", "after_us", "expected", "why"), STORIES, ids=[s[4] for s in STORIES])
def test_what_time_demands(changed, decision, after_us, expected, why):
    assert due(replace(a_case(), **changed), decision, TERMS, NOW_US + after_us) == expected, why


def test_nothing_sleeps_past_the_managers_morning_but_what_is_the_managers():
    assert local_time(latest_waking_us(a_case(), TERMS, NOW_US)).isoformat()[:16] == "2025-10-10T10:00"
    managers = replace(a_case(), level=Level.MANAGER)
    assert latest_waking_us(managers, TERMS, NOW_US) == NOW_US + 7 * 24 * HOUR_US
