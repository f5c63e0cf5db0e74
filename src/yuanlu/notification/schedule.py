"""When a message is sent: quiet hours, the next try, the next daily update. Pure.

All times of day are Beijing's.
"""

from datetime import datetime, time, timedelta

from yuanlu.kernel.clock import CHINA, local_time
from yuanlu.notices import Telling

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
BACK_OFF_S = (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200)
"""Pauses before the next try, the last one for ever: quick at first, then over days."""
JITTER_PERCENT = 20
NOTICE_US = 2 * HOUR_US
"""An update that is due sooner than this is promised for the next day."""
EARLY_US = HOUR_US
"""So long before its promised time an update is sent."""


def not_before_us(telling: Telling, now_us: int, *, urgent: bool) -> int:
    """The earliest instant at which it may be sent: now, or when the quiet hours end."""
    start, end = telling.quiet_from, telling.quiet_until
    if urgent or start == end:
        return now_us
    now = local_time(now_us)
    clock = now.time()
    quiet = start <= clock < end if start < end else clock >= start or clock < end
    if not quiet:
        return now_us
    today = _at(now, end)
    return _us(today if today > now else _at(now + timedelta(days=1), end))


def again_after_us(attempts: int, chance: float) -> int:
    """How long to wait after so many attempts; `chance` from 0 to 1 spreads them, so that not all come at once."""
    pause_s = BACK_OFF_S[min(max(attempts, 1), len(BACK_OFF_S)) - 1]
    return int(pause_s * SECOND_US * (1 + JITTER_PERCENT / 100 * (2 * chance - 1)))


def next_update_us(telling: Telling, now_us: int) -> int:
    """By when the next news is promised: today's time of updates, or the next day's when that is too near."""
    now = local_time(now_us)
    today = _us(_at(now, telling.update_at))
    return today if today - now_us >= NOTICE_US else _us(_at(now + timedelta(days=1), telling.update_at))


def _at(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, tzinfo=CHINA)


def _us(at: datetime) -> int:
    return int(at.timestamp()) * SECOND_US
