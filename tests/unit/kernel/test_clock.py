from datetime import UTC

from yuanlu.kernel.clock import Moment, SystemClock, day_began_us, instant, local_time


def test_elapsed_time_is_known_within_one_boot_only():
    now = Moment(wall_us=0, boot_us=5_000, boot_id="this")
    assert now.elapsed_us_since(2_000, "this") == 3_000
    assert now.elapsed_us_since(2_000, "another") is None


def test_the_system_clock_reads_both_clocks_and_never_goes_back():
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.boot_id == second.boot_id != ""
    assert second.boot_us >= first.boot_us
    assert first.at.tzinfo is UTC


def test_message_fields_are_in_chinas_time():
    new_year = 1_767_225_600_000_000
    assert instant(new_year).isoformat() == "2026-01-01T00:00:00+00:00"
    assert local_time(new_year).strftime("%m%d %H%M%S") == "0101 080000"


def test_a_moment_knows_its_wall_time():
    assert Moment(wall_us=1_500_000, boot_us=0, boot_id="").at.timestamp() == 1.5


def test_a_day_begins_at_midnight_in_china():
    midnight_us = 1_764_000_000_000_000 // 86_400_000_000 * 86_400_000_000 - 8 * 3_600_000_000
    assert day_began_us(midnight_us) == midnight_us
    assert day_began_us(midnight_us + 86_399_999_999) == midnight_us
    assert day_began_us(midnight_us - 1) == midnight_us - 86_400_000_000
