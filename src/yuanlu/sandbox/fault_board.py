"""Which fault befalls the next message of a host."""

import random
from dataclasses import dataclass

from yuanlu.kernel.errors import YuanluError
from yuanlu.sandbox.faults import MAGIC_CLASSES, Fault, MessageClass, fault_of_amount

ACTIVE_FAULTS_MAX = 100


@dataclass(slots=True, kw_only=True)
class ActiveFault:
    """A fault switched on: for one class of message, for one terminal or all, for so many messages or until cleared,
    with a probability.
    """

    fault: Fault
    message_class: MessageClass = "sale"
    terminal_id: str | None = None
    remaining: int | None = None
    rate: float = 1.0


class FaultBoard:
    """Which fault befalls the next message: its amount decides first, then what was switched on, oldest first."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.active: list[ActiveFault] = []

    def switch_on(self, active: ActiveFault) -> None:
        """Let a fault befall coming messages; YuanluError when too many are on."""
        if len(self.active) >= ACTIVE_FAULTS_MAX:
            raise YuanluError(f"{ACTIVE_FAULTS_MAX} faults are on; clear them first")
        self.active.append(active)

    def clear(self) -> None:
        """Switch everything off; magic amounts stay."""
        self.active.clear()

    def choose(self, terminal_id: str, amount_minor: int, message_class: MessageClass = "sale") -> Fault | None:
        """The fault for this message, or None. A counted one is used up by this. The amount is in minor units."""
        by_amount = fault_of_amount(amount_minor) if message_class in MAGIC_CLASSES else None
        if by_amount is not None:
            return by_amount
        for active in self.active:
            meant = active.message_class == message_class and active.terminal_id in (None, terminal_id)
            if meant and self._chance.random() < active.rate:
                self._use(active)
                return active.fault
        return None

    def _use(self, active: ActiveFault) -> None:
        if active.remaining is not None:
            active.remaining -= 1
            if active.remaining <= 0:
                self.active.remove(active)
