"""So many requests in a while: a bucket of tokens for each address or key. In this process alone, which is enough to
slow a guesser or a runaway program down.
"""

from dataclasses import dataclass, field

BUCKETS_MAX = 10_000


@dataclass(slots=True)
class Limiter:
    """`burst` requests at once, `per_minute` in the long run, for each name."""

    burst: int
    per_minute: int
    left: dict[str, tuple[float, int]] = field(default_factory=dict)

    def takes(self, name: str, now_us: int) -> bool:
        """Whether one more is all right now; it counts."""
        tokens, at_us = self.left.get(name, (float(self.burst), now_us))
        tokens = min(self.burst, tokens + max(now_us - at_us, 0) / 60_000_000 * self.per_minute)
        if len(self.left) >= BUCKETS_MAX and name not in self.left:
            self.left.clear()  # rather let everybody in anew than keep a list without end
        self.left[name] = (max(tokens - 1, 0.0) if tokens >= 1 else tokens, now_us)
        return tokens >= 1
