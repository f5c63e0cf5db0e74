"""Time as Yuanlu measures it.

Two readings are kept apart on purpose (`returns` invariant I18). Wall time is for people and files: it may jump.
CLOCK_BOOTTIME counts since the machine booted, suspended time included: it never jumps, but starts anew with
each boot, so it is only comparable under the same boot id.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

CHINA = ZoneInfo("Asia/Shanghai")
"""The zone of every local date and time in a UnionPay message (domain trap T19)."""


class Moment(Struct, frozen=True, kw_only=True):
    """One reading of both clocks: `wall_us` since 1970 UTC, `boot_us` since the boot named `boot_id`."""

    wall_us: int
    boot_us: int
    boot_id: str

    @property
    def at(self) -> datetime:
        """The wall time as an aware UTC datetime."""
        return instant(self.wall_us)

    def elapsed_us_since(self, boot_us: int, boot_id: str) -> int | None:
        """Microseconds since a reading taken earlier; None if it was another boot or machine."""
        return self.boot_us - boot_us if boot_id == self.boot_id else None


class Clock(Protocol):
    """Where readings come from; the system's clock, or one a test moves by hand."""

    def now(self) -> Moment:
        """Both clocks, read now."""
        ...

    def wall_us(self) -> int:
        """The wall clock alone, microseconds since 1970 UTC: where no duration hangs on it."""
        ...


class SystemClock:
    """The machine's clocks. Made once, in `wiring`, and passed in."""

    def __init__(self) -> None:
        self._boot_id = _boot_id()

    def now(self) -> Moment:
        """Both clocks, read now."""
        return Moment(
            wall_us=time.time_ns() // 1000,
            boot_us=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000,
            boot_id=self._boot_id,
        )

    def wall_us(self) -> int:
        """The wall clock alone."""
        return time.time_ns() // 1000


def _boot_id() -> str:
    """The kernel's boot id; without one (not Linux) the boot's own start stands in, to the second."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"boot-{round(time.time() - time.monotonic())}"


def instant(wall_us: int) -> datetime:
    """An aware UTC datetime from microseconds since 1970."""
    return datetime.fromtimestamp(wall_us / 1_000_000, tz=UTC)


def local_time(wall_us: int) -> datetime:
    """The same instant in China's zone, for message fields 12 and 13 and for people."""
    return instant(wall_us).astimezone(CHINA)


def day_began_us(wall_us: int) -> int:
    """When that instant's day began in China, in microseconds since 1970 UTC."""
    return int(local_time(wall_us).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000_000
