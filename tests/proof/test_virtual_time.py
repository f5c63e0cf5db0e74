"""The proofs in virtual time: a few stories at every crash point, a few schedules, and both repeat exactly."""

import shutil
from pathlib import Path

import pytest

from proof.crashes.run import Point, replay
from proof.crashes.scenarios import scenarios
from proof.quiet import quiet
from proof.schedules import Result
from proof.schedules import replay as replay_schedule

SEED = 20_261_123
STORIES = ("fault drop_after_commit", "till cut_then_repeats", "errand void")
WHOLE_STORIES_MIN = 40


@pytest.fixture(autouse=True)
def _quiet():
    quiet()


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_well_wherever_the_gateway_is_stopped(name):
    wrong, steps = replay(Point(scenario=name, seed=SEED, stops=()))
    assert (wrong, steps > 5) == ([], True)
    for step in range(steps):
        point = Point(scenario=name, seed=SEED, stops=(step, step % 5))
        assert replay(point)[0] == [], point


def test_a_journal_that_forgets_is_noticed(monkeypatch):
    def without_log(old: Path, new: Path) -> None:
        new.mkdir()
        shutil.copyfile(old / "journal.db", new / "journal.db")

    monkeypatch.setattr("proof.virtual.town._copy", without_log)
    monkeypatch.setattr("yuanlu.wiring.refuse_older", lambda *_: None)  # it would not even start
    _, steps = replay(Point(scenario="sale", seed=SEED, stops=()))
    found = [what for step in range(steps) for what in replay(Point(scenario="sale", seed=SEED, stops=(step,)))[0]]
    assert any(what.startswith("lost") for what in found), found


def test_a_schedule_repeats_exactly_and_another_seed_is_another_one():
    def played(seed: int) -> tuple[int, int, object]:
        result = Result()
        assert replay_schedule(seed, result) == []
        return result.transactions, result.kills, result.states

    first = played(SEED)
    assert played(SEED) == first
    assert any(played(SEED + 5 * n) != first for n in range(1, 4))


def test_there_are_as_many_stories_as_promised():
    names = [scenario.name for scenario in scenarios()]
    assert len(names) == len(set(names)) >= WHOLE_STORIES_MIN
