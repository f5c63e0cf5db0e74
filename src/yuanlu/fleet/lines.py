"""How each terminal's line and keys have been lately: in memory, for this process's life, a few numbers a terminal.

Frames with a wrong MAC are nobody's for certain, so they stay out of the journal; here they are counted. Whoever calls
makes sure that the terminal is registered, and so the list of terminals bounds what is remembered.
"""

from collections import deque
from dataclasses import dataclass, field

from yuanlu.kernel.clock import Clock

LOST_REMEMBERED = 8
ABOUT_US = 600_000_000
"""A loss or a wrong MAC counts for what happened within ten minutes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is known about one time: lines lost while the terminal waited, and wrong MACs in a row."""

    reconnects: int = 0
    mac_failures: int = 0


@dataclass(slots=True)
class _Terminal:
    lost_at_us: deque[int] = field(default_factory=lambda: deque(maxlen=LOST_REMEMBERED))
    mac_failures: int = 0
    failed_at_us: int = 0


class Lines:
    """One per gateway: the server and the front desk tell it, the examiner asks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._terminals: dict[str, _Terminal] = {}

    def lost(self, terminal_id: str) -> None:
        """Its connection ended while it waited for an answer: it has to connect again."""
        self._of(terminal_id).lost_at_us.append(self._clock.wall_us())

    def wrong_mac(self, terminal_id: str) -> int:
        """A request of a terminal that has signed in; returns how many in a row by now."""
        found = self._of(terminal_id)
        found.mac_failures += 1
        found.failed_at_us = self._clock.wall_us()
        return found.mac_failures

    def right_mac(self, terminal_id: str) -> None:
        """An authentic request, or a sign-in: what came before is over."""
        found = self._terminals.get(terminal_id)
        if found is not None:
            found.mac_failures = 0

    def about(self, terminal_id: str, at_us: int) -> Line:
        """How it was about that time, in microseconds since 1970 UTC."""
        found = self._terminals.get(terminal_id)
        if found is None:
            return Line()
        recent = abs(found.failed_at_us - at_us) <= ABOUT_US
        return Line(
            reconnects=sum(1 for lost_us in found.lost_at_us if abs(lost_us - at_us) <= ABOUT_US),
            mac_failures=found.mac_failures if recent else 0,
        )

    def _of(self, terminal_id: str) -> _Terminal:
        return self._terminals.setdefault(terminal_id, _Terminal())
