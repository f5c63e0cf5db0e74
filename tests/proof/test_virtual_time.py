"""The proofs in virtual time: a few stories at every crash point, a few schedules, and both repeat exactly."""

import asyncio
import shutil
from pathlib import Path

import pytest

from proof.crashes.branching import AGAIN_STEPS
from proof.crashes.run import Point, every_point, replay
from proof.crashes.scenarios import scenarios
from proof.quiet import quiet
from proof.schedules import Result
from proof.schedules import replay as replay_schedule
from proof.virtual.loop import VirtualLoop
from proof.virtual.town import play

SEED = 20_261_123
STORIES = ("fault drop_after_commit", "till cut_then_repeats", "errand void")
WHOLE_STORIES_MIN = 40
FOUND = (246,)
"""246: two pieces of one frame, due at the same moment, were swapped; the host read nothing on that line any more."""


@pytest.fixture(autouse=True)
def _quiet():
    quiet()


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_well_wherever_the_gateway_is_stopped(name):
    wrong, steps = replay(Point(scenario=name, seed=SEED, stops=()))
    assert (wrong, steps > 5) == ([], True)
    ends = every_point(name, SEED)
    assert [end for end in ends if end.wrong] == []
    assert sorted(end.stops[0] for end in ends if len(end.stops) == 1) == list(range(steps))
    assert {end.stops for end in ends if len(end.stops) == 2} >= {(step, step % AGAIN_STEPS) for step in range(3)}


def test_a_journal_that_forgets_is_noticed(monkeypatch):
    def without_log(old: Path, new: Path) -> None:
        new.mkdir()
        shutil.copyfile(old / "journal.db", new / "journal.db")

    monkeypatch.setattr("proof.virtual.town._copy", without_log)
    monkeypatch.setattr("yuanlu.wiring.refuse_older", lambda *_: None)  # it would not even start
    ends = every_point("sale", SEED)
    assert any(what.startswith("lost") for end in ends for what in end.wrong), ends
    for end in ends:  # what a fork has seen, its command shows again
        assert replay(Point(scenario="sale", seed=SEED, stops=end.stops))[0] == end.wrong, end


def test_a_schedule_repeats_exactly_and_another_seed_is_another_one():
    def played(seed: int) -> tuple[int, int, object]:
        result = Result()
        assert replay_schedule(seed, result) == []
        return result.transactions, result.kills, result.states

    first = played(SEED)
    assert played(SEED) == first
    assert any(played(SEED + 5 * n) != first for n in range(1, 4))


class Listener(asyncio.Protocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data


def test_what_is_sent_on_a_connection_arrives_in_its_order():
    sent = [bytes([number]) * 8 for number in range(200)]

    async def story(loop: VirtualLoop) -> bytes:
        listener = Listener()
        await loop.create_server(lambda: listener, "127.0.0.1", 9_900)
        line, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", 9_900)
        for each in sent:
            line.write(each)
        await asyncio.sleep(1)
        return listener.heard

    assert play(SEED, story) == b"".join(sent)


@pytest.mark.parametrize("seed", FOUND)
def test_a_schedule_that_once_ended_badly_ends_well(seed):
    assert replay_schedule(seed, Result()) == []


def test_there_are_as_many_stories_as_promised():
    names = [scenario.name for scenario in scenarios()]
    assert len(names) == len(set(names)) >= WHOLE_STORIES_MIN
