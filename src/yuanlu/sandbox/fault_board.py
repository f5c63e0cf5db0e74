"""Which fault befalls the next payment of a host."""

import random
from dataclasses import dataclass

from yuanlu.kernel.errors import YuanluError
from yuanlu.sandbox.faults import Fault, fault_of_amount

ACTIVE_FAULTS_MAX = 100


@dataclass(slots=True, kw_only=True)
class ActiveFault:
    """A fault switched on: for one terminal or all, for so many payments or until cleared, with a
    probability.
    """

    fault: Fault
    terminal_id: str | None = None
    remaining: int | None = None
    rate: float = 1.0


class FaultBoard:
    """Which fault befalls the next payment: its amount decides first, then what was switched on, oldest
    first.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.active: list[ActiveFault] = []

    def switch_on(self, active: ActiveFault) -> None:
        """Let a fault befall coming payments; YuanluError when too many are on."""
        if len(self.active) >= ACTIVE_FAULTS_MAX:
            raise YuanluError(f"{ACTIVE_FAULTS_MAX} faults are on; clear them first")
        self.active.append(active)

    def clear(self) -> None:
        """Switch everything off; magic amounts stay."""
        self.active.clear()

    def choose(self, terminal_id: str, amount_minor: int) -> Fault | None:
        """The fault for this payment, or None. A counted one is used up by this."""
        by_amount = fault_of_amount(amount_minor)
        if by_amount is not None:
            return by_amount
        for active in self.active:
            if active.terminal_id in (None, terminal_id) and self._chance.random() < active.rate:
                self._use(active)
                return active.fault
        return None

    def _use(self, active: ActiveFault) -> None:
        if active.remaining is not None:
            active.remaining -= 1
            if active.remaining <= 0:
                self.active.remove(active)
