"""Quiet hours, the next try, and by when news is promised: all in Beijing time."""

from datetime import time

import pytest

from tests.unit.notification.payments import beijing_us
from yuanlu.notices import Telling
from yuanlu.notification.schedule import BACK_OFF_S, again_after_us, next_update_us, not_before_us

NIGHT = Telling()
LUNCH = Telling(quiet_from=time(12, 0), quiet_until=time(14, 0))


@pytest.mark.parametrize(
    ("terms", "now", "earliest", "why"),
    [
        (NIGHT, "11-23 21:59", "11-23 21:59", "the last minute of the day"),
        (NIGHT, "11-23 22:00", "11-24 08:00", "the night has begun"),
        (NIGHT, "11-24 03:00", "11-24 08:00", "after midnight it is this morning"),
        (NIGHT, "11-24 08:00", "11-24 08:00", "the night is over"),
        (LUNCH, "11-23 13:00", "11-23 14:00", "quiet hours within a day"),
        (LUNCH, "11-23 11:59", "11-23 11:59", "before them"),
        (Telling(quiet_from=time(8, 0)), "11-23 08:00", "11-23 08:00", "both alike: none"),
        (NIGHT, "12-31 23:30", "01-01 08:00", "over the year's end"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_in_quiet_hours_a_message_waits_for_the_morning(terms, now, earliest, why):
    expected = beijing_us(earliest) + (365 * 86_400_000_000 if earliest < now else 0)
    assert not_before_us(terms, beijing_us(now), urgent=False) == expected, why


def test_what_is_urgent_waits_for_nothing():
    assert not_before_us(NIGHT, beijing_us("11-24 03:00"), urgent=True) == beijing_us("11-24 03:00")


def test_the_next_try_comes_later_and_later_and_never_at_the_same_moment_for_all():
    assert [again_after_us(n, 0.5) // 1_000_000 for n in range(1, 12)] == [*BACK_OFF_S, 43_200, 43_200, 43_200]
    assert again_after_us(1, 0.0) == 4_000_000
    assert again_after_us(1, 1.0) == 6_000_000


@pytest.mark.parametrize(
    ("now", "by"), [("11-23 09:00", "11-23 18:00"), ("11-23 16:01", "11-24 18:00"), ("11-23 23:00", "11-24 18:00")]
)
def test_news_is_promised_for_a_time_of_day_that_can_be_kept(now, by):
    assert next_update_us(NIGHT, beijing_us(now)) == beijing_us(by)
