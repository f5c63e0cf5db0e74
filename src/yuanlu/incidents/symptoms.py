"""What was noticed beside failing payments: links lost, wrong MACs, foreign answers, terminals that started anew.

Pure and bounded: every time is given, in wall time (µs), and each memory keeps the latest alone. A restart of the
gateway forgets it all.
"""

from collections import deque
from collections.abc import Iterable, Sequence
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
"""… if one of them lost a payment so shortly before …"""
POWER_CUT_GOOD_MAX = 3
"""… and hardly anything succeeded in the shop between the loss and the first start: what was on its way."""

Name = TypeVar("Name")
Value = TypeVar("Value")


class Start(Struct, frozen=True):
    """A terminal signed in. `good` is how many requests of its shop had succeeded by then."""

    at_us: int
    good: int


class Loss(Struct, frozen=True):
    """A payment of which the terminal did not hear. `good` is how many requests of its shop had succeeded when we
    noticed.
    """

    received_at_us: int
    noticed_us: int
    good: int


class PowerCut(Struct, frozen=True, kw_only=True):
    """So many terminals of a shop started anew together after a payment of one of them, `terminal_id`, got lost.

    It came at `since_us`.
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
        self._starts: dict[str, dict[str, deque[Start]]] = {}
        self._lost: dict[str, Loss] = {}
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

    def restarted(self, merchant_id: str, terminal_id: str, start: Start) -> None:
        """A terminal of the configuration signed in anew."""
        shop = self._starts.setdefault(merchant_id, {})
        shop.setdefault(terminal_id, deque(maxlen=STARTS_KEPT)).append(start)
        self._news.add(merchant_id)

    def restarts_beside(self, merchant_id: str, terminal_id: str, received_at_us: int) -> int:
        """How many other terminals of this shop started anew together with this one, after this payment of it."""
        shop = {name: [each.at_us for each in starts] for name, starts in self._starts.get(merchant_id, {}).items()}
        own_us = min((at_us for at_us in shop.pop(terminal_id, ()) if at_us >= received_at_us), default=None)
        if own_us is None:
            return 0
        return sum(_between(times, own_us - TOGETHER_US, own_us + TOGETHER_US) > 0 for times in shop.values())

    def undelivered(self, merchant_id: str, terminal_id: str, loss: Loss) -> None:
        """The terminal did not hear what became of a payment."""
        self._lost[terminal_id] = loss
        self._news.add(merchant_id)

    def power_cuts(self) -> list[PowerCut]:
        """Shops of which something is new since the last look, and whose terminals lost their power."""
        news, self._news = self._news, set()
        found = [self._power_cut(merchant_id) for merchant_id in sorted(news)]
        return [each for each in found if each is not None]

    def _power_cut(self, merchant_id: str) -> PowerCut | None:
        latest = {name: starts[-1] for name, starts in self._starts.get(merchant_id, {}).items()}
        last_us = max((start.at_us for start in latest.values()), default=0)
        together = {name: start for name, start in latest.items() if start.at_us >= last_us - TOGETHER_US}
        cuts = [
            PowerCut(merchant_id=merchant_id, terminal_id=name, terminals=len(after), since_us=loss.received_at_us)
            for name, start in together.items()
            if (loss := self._lost.get(name)) is not None
            and loss.received_at_us <= start.at_us <= loss.received_at_us + POWER_CUT_US
            and len(after := [each for each in together.values() if each.at_us >= loss.received_at_us])
            >= POWER_CUT_TERMINALS
            and _all_stood_still(loss, after)
        ]
        return min(cuts, key=lambda cut: cut.since_us, default=None)


def _all_stood_still(loss: Loss, after: Sequence[Start]) -> bool:
    """Whether nothing went on in the shop until the first start. Of a loss that is told later nobody knows."""
    first = min(after, key=lambda start: start.at_us)
    return first.at_us <= loss.noticed_us or first.good - loss.good <= POWER_CUT_GOOD_MAX


def _between(times: Iterable[int], since_us: int, until_us: int) -> int:
    return sum(since_us <= at_us <= until_us for at_us in times)


def keep(memory: dict[Name, Value], name: Name, value: Value) -> None:
    """Remember, and forget the oldest when there are too many."""
    memory[name] = value
    if len(memory) > NAMES_MAX:
        del memory[next(iter(memory))]
