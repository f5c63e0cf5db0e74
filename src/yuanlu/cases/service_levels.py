"""By when somebody must have looked: the ladder's rungs and their times, per contract.

The defaults are promises of this program, no law: a person of the first line after 10 minutes, the second line after
30, the merchant after 2 hours, a manager the next day at 10:00 Beijing time. All count from when it went wrong.
"""

from collections.abc import Mapping
from datetime import time
from enum import IntEnum

from msgspec import Struct

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Level(IntEnum):
    """Whose turn it is, bottom to top."""

    L1 = 1
    """First line: operations on duty."""
    L2 = 2
    """Second line: payment specialists."""
    MERCHANT = 3
    """The merchant's own operations."""
    MANAGER = 4


class ServiceLevel(Struct, frozen=True, kw_only=True):
    """The times of one contract."""

    l1_after_ms: int = 10 * MINUTE_MS
    """So long the machine has before a person is asked: the latest time to open a case."""
    l2_after_ms: int = 30 * MINUTE_MS
    merchant_after_ms: int = 2 * HOUR_MS
    manager_after_days: int = 1
    manager_at: time = time(10, 0)
    """Beijing time, so many days later."""
    decision_ms: int = 4 * HOUR_MS
    """A proposal that no second person has answered by then expires."""
    manager_snooze_ms_max: int = 7 * DAY_MS
    """How long a manager's case may sleep at most; a lower one wakes when it becomes the manager's."""
    manual_minor_max: int = 10_000_000
    """A larger amount is decided only when the case has reached the manager."""


class ServiceLevels(Struct, frozen=True, kw_only=True):
    """The times of all contracts: those of a merchant, else the default."""

    default: ServiceLevel = ServiceLevel()
    by_merchant: Mapping[str, ServiceLevel] = {}

    def of(self, merchant_id: str) -> ServiceLevel:
        """The times agreed with this merchant."""
        return self.by_merchant.get(merchant_id, self.default)
