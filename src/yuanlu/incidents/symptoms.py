"""What was noticed beside failing payments: links lost, wrong MACs, foreign answers, terminals that started anew.

Pure and bounded: every time is given, in wall time (µs), and each memory keeps the latest alone. A restart of the
gateway forgets it all.
"""

from collections import deque
from typing import TypeVar

from msgspec import Struct

LOSSES_KEPT = 64
FOREIGN_KEPT = 8
STARTS_KEPT = 4
NAMES_MAX = 10_000
"""So many terminals or payments are remembered: the latest."""

TOGETHER_US = 180_000_000
"""Terminals that start anew within so much time do it together."""
POWER_CUT_TERMINALS = 3
"""So many of one shop do not start anew together by chance …"""
POWER_CUT_US = 600_000_000
"""… if one of them lost a payment so shortly before."""

Name = TypeVar("Name")
Value = TypeVar("Value")


class PowerCut(Struct, frozen=True, kw_only=True):
    """So many terminals of a shop started anew together, `terminal_id` among them, and payments got lost just before;
    `since_us` is when the first of these came.
    """

    merchant_id: str
    terminal_id: str
    terminals: int
    since_us: int


class Symptoms:
    """One per gateway."""

    def __init__(self) -> None:
        self._losses: dict[str, int] = {}
        self._lost_at: dict[str, deque[int]] = {}
        self._wrong: dict[str, tuple[int, int]] = {}
        self._wrong_of: dict[str, int] = {}
        self._foreign: dict[str, deque[int]] = {}
        self._starts: dict[str, dict[str, deque[int]]] = {}
        self._paid: dict[str, int] = {}
        self._news: set[str] = set()

    # Links and answers.

    def link(self, host: str, losses: int, at_us: int) -> None:
        """How often the link to this host has been lost since the start, as counted now."""
        new = losses - self._losses.get(host, 0)
        if new:
            self._losses[host] = losses
            self._lost_at.setdefault(host, deque(maxlen=LOSSES_KEPT)).extend([at_us] * min(new, LOSSES_KEPT))

    def losses(self, host: str, since_us: int, until_us: int) -> int:
        """How often it was lost in this time."""
        return _between(self._lost_at.get(host, ()), since_us, until_us)

    @property
    def any_wrong(self) -> bool:
        """Whether the latest answer of any host had a wrong MAC."""
        return bool(self._wrong)

    def wrong_mac(self, host: str, transaction_id: str, received_at_us: int, at_us: int) -> None:
        """The answer to this payment had a wrong MAC.

        A payment that was under way already when the one before got its wrong MAC counts with that one: we sign in anew
        after each, and stale keys explain all answers until then.
        """
        row, before_us = self._wrong.get(host, (0, 0))
        row += received_at_us > before_us
        self._wrong[host] = row, at_us
        keep(self._wrong_of, transaction_id, row)

    def right_mac(self, host: str) -> None:
        """A payment's answer was authentic: the row is over."""
        self._wrong.pop(host, None)

    def wrong_macs(self, transaction_id: str) -> int:
        """How many payments in a row had a wrong MAC, up to this one; 0 when it had none."""
        return self._wrong_of.get(transaction_id, 0)

    def foreign(self, terminal_id: str, at_us: int) -> None:
        """An answer came that names this terminal, and fits no request of it."""
        times = self._foreign.get(terminal_id)
        if times is None:
            times = deque(maxlen=FOREIGN_KEPT)
            keep(self._foreign, terminal_id, times)
        times.append(at_us)

    def foreign_answers(self, terminal_id: str, since_us: int, until_us: int) -> int:
        """How many of these came in this time."""
        return _between(self._foreign.get(terminal_id, ()), since_us, until_us)

    # Terminals.

    def restarted(self, merchant_id: str, terminal_id: str, at_us: int) -> None:
        """A terminal of the configuration signed in anew."""
        shop = self._starts.setdefault(merchant_id, {})
        shop.setdefault(terminal_id, deque(maxlen=STARTS_KEPT)).append(at_us)
        self._news.add(merchant_id)

    def restarts_beside(self, merchant_id: str, terminal_id: str, received_at_us: int) -> int:
        """How many other terminals of this shop started anew together with this one, after this payment of it."""
        shop = self._starts.get(merchant_id, {})
        own_us = min((at_us for at_us in shop.get(terminal_id, ()) if at_us >= received_at_us), default=0)
        beside = (times for name, times in shop.items() if name != terminal_id)
        return sum(_between(times, own_us - TOGETHER_US, own_us + TOGETHER_US) > 0 for times in beside) if own_us else 0

    def undelivered(self, merchant_id: str, terminal_id: str, received_at_us: int) -> None:
        """The terminal did not hear what became of a payment that came at this time."""
        self._paid[terminal_id] = received_at_us
        self._news.add(merchant_id)

    def power_cuts(self) -> list[PowerCut]:
        """Shops of which something is new since the last look, and whose terminals lost their power."""
        news, self._news = self._news, set()
        found = [self._power_cut(merchant_id) for merchant_id in sorted(news)]
        return [each for each in found if each is not None]

    def _power_cut(self, merchant_id: str) -> PowerCut | None:
        latest = {terminal_id: times[-1] for terminal_id, times in self._starts.get(merchant_id, {}).items()}
        last_us = max(latest.values(), default=0)
        together = {name: at_us for name, at_us in latest.items() if at_us >= last_us - TOGETHER_US}
        lost = [
            self._paid[name]
            for name, at_us in together.items()
            if at_us - POWER_CUT_US <= self._paid.get(name, 0) <= at_us
        ]
        if len(together) < POWER_CUT_TERMINALS or not lost:
            return None
        return PowerCut(merchant_id=merchant_id, terminal_id=min(together), terminals=len(together), since_us=min(lost))


def _between(times: "deque[int] | tuple[()]", since_us: int, until_us: int) -> int:
    return sum(since_us <= at_us <= until_us for at_us in times)


def keep(memory: dict[Name, Value], name: Name, value: Value) -> None:
    """Remember, and forget the oldest when there are too many."""
    memory[name] = value
    if len(memory) > NAMES_MAX:
        del memory[next(iter(memory))]
