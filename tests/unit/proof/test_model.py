"""The model stays honest: some hundred worlds hold, the same seed takes the same course, every guard is missed."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from proof import guards
from proof.guards import GUARDS, Guard, unnoticed_after
from proof.model.plan import FAULTS, PROFILES, Plan, plan_of, without
from proof.model.run import chosen, modelled, replay_command, run_seeds, shrunk, told, violations
from proof.model.world import World

SEEDS_FOR_A_GUARD = 120


@pytest.fixture
def world() -> Iterator[None]:
    with modelled():
        yield


def test_some_hundred_worlds_keep_every_invariant():
    figures = run_seeds(0, 300)
    assert figures.failed == []
    assert figures.counts["payments"] > 300
    ends = {"APPROVED", "CAPTURED", "DECLINED", "RETURNED", "NO_EFFECT", "ESCALATED"}
    assert ends <= figures.counts.keys(), "a run that never comes to an end of some kind proves nothing about it"
    assert FAULTS.keys() - figures.hits.keys() <= {"repeat called duplicate", "slow commits", "slow reads"}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_of_host_is_met(profile):
    assert run_seeds(1_000, 40, profile=profile).failed == []


def test_the_same_seed_takes_the_same_course(world):
    first, second = World(plan_of(17), trace=True).run(), World(plan_of(17), trace=True).run()
    assert list(first.story) == list(second.story)
    assert first.evidence == second.evidence


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_each_guard_is_missed_when_it_is_taken_away(guard: Guard, world):
    noticed = unnoticed_after(guard, SEEDS_FOR_A_GUARD)
    assert noticed.violation is not None
    assert noticed.violation.invariant in guard.breaks


def test_a_failure_is_shrunk_and_its_command_brings_it_back(world, monkeypatch):
    whole = next(plan for plan in map(plan_of, range(1_000)) if _pays_twice(plan, monkeypatch))
    _blind(monkeypatch)
    small = shrunk(whole, "I2")
    assert len(small.faults) < len(whole.faults)
    assert "!! I2" in told(small)
    given = dict(pairwise(replay_command(small).split()))
    again = chosen(small.seed, sales=given.get("--sales", ""), faults=given.get("--faults", ""))
    assert again == small
    monkeypatch.undo()
    assert violations(again) == []


def _blind(monkeypatch):
    monkeypatch.setattr("yuanlu.returns.policy._no_definite_answer", guards._always_again)


def _pays_twice(plan: Plan, monkeypatch) -> bool:
    if plan.profile != "P3" or "answer lost" not in plan.faults or len(plan.faults) < 6:
        return False
    with monkeypatch.context() as patch:
        _blind(patch)
        return any(found.invariant == "I2" for found in violations(plan))


def test_a_smaller_plan_is_the_same_plan_with_less():
    plan = plan_of(4)
    fault = next(iter(plan.faults))
    assert without(plan, faults=[fault]) == replace(
        plan, faults={name: weight for name, weight in plan.faults.items() if name != fault}
    )
