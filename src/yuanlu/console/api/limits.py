"""Token buckets: how much one key and one address may ask. In this process alone; forgotten at a restart."""

from collections import OrderedDict

BURST_SECONDS = 10
NAMES_MAX = 10_000
"""Buckets kept; the one that was longest unused goes first, and begins full again."""


class Buckets:
    """One bucket for each name, filled at a steady rate. Times are seconds of a clock that never jumps."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._full = float(per_second * BURST_SECONDS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, now_s: float) -> float:
        """Take one token; 0 when there was one, else after how many seconds there will be."""
        left, at_s = self._buckets.pop(name, (self._full, now_s))
        left = min(self._full, left + (now_s - at_s) * self._per_second)
        taken = left >= 1
        self._buckets[name] = (left - 1 if taken else left, now_s)
        if len(self._buckets) > NAMES_MAX:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - left) / self._per_second
