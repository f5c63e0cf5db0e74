"""Who asks too much is slowed down, and nobody else."""

import pytest

from yuanlu.console.limits import NAMES_MAX, Limiter


def taken(limiter: Limiter, name: str, now_s: float, times: int) -> int:
    """How many of so many requests at once are all right."""
    return [limiter.wait_s(name, now_s) for _ in range(times)].count(0.0)


def test_a_burst_is_all_right_and_then_what_the_rate_allows() -> None:
    limiter = Limiter(burst=5, per_minute=2)
    assert taken(limiter, "a", 1_000.0, 20) == 5
    assert taken(limiter, "a", 1_029.9, 20) == 0
    assert taken(limiter, "a", 1_030.1, 20) == 1
    assert taken(limiter, "a", 9_000.0, 20) == 5, "no more than the burst is saved up"


def test_one_name_does_not_use_up_anothers() -> None:
    limiter = Limiter(burst=2, per_minute=60)
    assert taken(limiter, "a", 5.0, 9) == 2
    assert taken(limiter, "b", 5.0, 9) == 2


def test_who_is_refused_is_told_when_to_come_back_and_asking_on_costs_nothing() -> None:
    limiter = Limiter(burst=1, per_minute=6)
    assert limiter.wait_s("a", 0.0) == 0.0
    assert limiter.wait_s("a", 0.0) == 10.0
    assert limiter.wait_s("a", 4.0) == pytest.approx(6.0)
    assert limiter.wait_s("a", 10.1) == 0.0


def test_of_too_many_names_the_longest_unused_is_forgotten_and_not_who_asks_all_the_time() -> None:
    limiter = Limiter(burst=1, per_minute=1)
    assert limiter.wait_s("busy", 0.0) == 0.0
    assert limiter.wait_s("idle", 0.0) == 0.0
    for n in range(NAMES_MAX + 5):
        assert limiter.wait_s(f"name {n}", 0.0) == 0.0
        assert limiter.wait_s("busy", 0.0) > 0.0
    assert limiter.wait_s("idle", 0.0) == 0.0, "its bucket is full again"
