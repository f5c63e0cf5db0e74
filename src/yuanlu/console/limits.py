"""Token buckets: how much one key, address or payment may ask. In this process alone, which is enough to slow a guesser
or a runaway program down; forgotten at a restart.
"""

NAMES_MAX = 10_000
"""Buckets kept; the one that was longest unused goes first, and begins full again."""


class Limiter:
    """`burst` requests at once, `per_minute` in the long run, for each name. Times are seconds of a clock that never
    jumps: the event loop's.
    """

    def __init__(self, *, burst: int, per_minute: int) -> None:
        self._burst = float(burst)
        self._per_second = per_minute / 60
        self._buckets: dict[str, tuple[float, float]] = {}
        """What is left and since when, the longest unused first."""

    def wait_s(self, name: str, now_s: float) -> float:
        """Count one more: 0 when it is all right, else after how many seconds it will be."""
        left, at_s = self._buckets.pop(name, (self._burst, now_s))
        left = min(self._burst, left + (now_s - at_s) * self._per_second)
        taken = left >= 1
        self._buckets[name] = (left - 1 if taken else left, now_s)
        if len(self._buckets) > NAMES_MAX:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if taken else (1 - left) / self._per_second
