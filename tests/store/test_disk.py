"""The reserve: room for reversals when the disk is full."""

import pytest

from yuanlu.journal.disk import DiskReserve

SIZE = 4096
FREE = [
    (100, False, True, "plenty: filled"),
    (3.5, False, True, "enough to fill"),
    (1.9, True, False, "without its file, what is free is the reserve"),
    (0.5, True, False, "nearly full"),
]


def reserve(tmp_path, monkeypatch, free):
    made = DiskReserve(tmp_path / "j.db", SIZE)
    monkeypatch.setattr(DiskReserve, "_free_bytes", lambda self: int(free[0] * SIZE))
    return made


@pytest.mark.parametrize(("free", "low", "filled", "why"), FREE, ids=[row[3] for row in FREE])
def test_sales_are_taken_while_there_is_room(tmp_path, monkeypatch, free, low, filled, why):
    made = reserve(tmp_path, monkeypatch, [free])
    assert made.look() is low, why
    assert (tmp_path / "j.db.reserve").exists() is filled
    if filled:
        assert (tmp_path / "j.db.reserve").stat().st_size == SIZE


def test_a_released_reserve_serves_reversals_only_until_it_is_filled_again(tmp_path, monkeypatch):
    free = [100.0]
    made = reserve(tmp_path, monkeypatch, free)
    assert not made.look()
    made.release()
    assert made.low
    assert not (tmp_path / "j.db.reserve").exists()
    free[0] = 1.2
    assert made.look(), "what the reserve gave back is not for sales"
    free[0] = 10
    assert not made.look()
    assert (tmp_path / "j.db.reserve").exists()
    free[0] = 0.9
    assert made.look(), "nearly full with the reserve still held"


def test_without_a_reserve_nothing_is_ever_low(tmp_path):
    made = DiskReserve(tmp_path / "j.db", 0)
    assert not made.look()
    assert not list(tmp_path.iterdir())


def test_giving_up_a_reserve_that_is_not_there_is_no_error(tmp_path):
    DiskReserve(tmp_path / "j.db", SIZE).release()
