"""A busy day of the sandbox in virtual time, with faults, errands and kills: every note of it has its Chinese."""

from typing import Any

import pytest

from proof.quiet import quiet
from proof.schedules import PROFILES, Result, replay
from proof.virtual.machine import reading
from proof.virtual.town import Town
from tests.chinese import notes_left_english
from yuanlu.sandbox.verdict import Verdict

SCHEDULES = 2 * len(PROFILES)


def test_whatever_a_day_of_the_sandbox_writes_has_its_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet()
    left: dict[str, Any] = {}
    judged, result = Town.verdict, Result()

    def read_and_judged(town: Town) -> Verdict:
        engine = reading(town.life.folder / "journal.db")
        with engine.connect() as connection:
            left.update(notes_left_english(connection))
        engine.dispose()
        return judged(town)

    monkeypatch.setattr(Town, "verdict", read_and_judged)
    assert [replay(seed, result) for seed in range(SCHEDULES)] == [[]] * SCHEDULES
    assert result.kills, "what a crash leaves is among it"
    assert left == {}
