"""What the tills of one acquirer do next: mostly ordinary sales, and every fault, behaviour and errand in its turn.

Faults, behaviours and errands are dealt from shuffled decks, so that each comes up before any comes twice. Heavy
faults are in the first deck only.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

from yuanlu.sandbox.errands import Errand, ErrandPlan
from yuanlu.sandbox.faults import FAULTS, FAULTS_BY_NAME, find_fault
from yuanlu.sandbox.till import Behaviour, SalePlan
from yuanlu.sandbox.till_messages import EntryMode

Item = TypeVar("Item")

AMOUNT_MINOR_MIN = 100
AMOUNT_MINOR_MAX = 50_000
CODES = ("05", "51", "54", "55", "61", "68", "91", "96", "A2")
ENTRY_MODES = (
    EntryMode.CHIP,
    EntryMode.CONTACTLESS,
    EntryMode.CONTACTLESS,
    EntryMode.MAGSTRIPE,
    EntryMode.QR,
)


class SalesDeck:
    """Deals sales and errands; percentages say how many are not ordinary sales."""

    def __init__(
        self,
        chance: random.Random,
        *,
        fault_percent: int,
        behaviour_percent: int,
        code_percent: int,
        errand_percent: int = 0,
    ) -> None:
        self._chance = chance
        self._fault_below = fault_percent
        self._behaviour_below = self._fault_below + behaviour_percent
        self._code_below = self._behaviour_below + code_percent
        self._errand_below = self._code_below + errand_percent
        self._faults: list[int] = self._shuffled([fault.magic_minor for fault in FAULTS])
        self._behaviours: list[Behaviour] = []
        self._codes: list[str] = []
        self._errands: list[Errand] = []

    def deal(self) -> SalePlan | ErrandPlan:
        """The next turn of a till."""
        entry = self._chance.choice(ENTRY_MODES)
        dice = self._chance.randrange(100)
        if dice < self._fault_below:
            return SalePlan(amount_minor=self._next_fault(), entry=entry)
        amount_minor = self._chance.randint(AMOUNT_MINOR_MIN, AMOUNT_MINOR_MAX)
        if dice < self._behaviour_below:
            return self._misbehaving(amount_minor, entry)
        if dice < self._code_below:
            amount_minor = find_fault(f"code_{self._next_code()}").magic_minor
        elif dice < self._errand_below:
            return ErrandPlan(errand=self._next_errand(), amount_minor=amount_minor, entry=entry)
        return SalePlan(amount_minor=amount_minor, entry=entry)

    def _misbehaving(self, amount_minor: int, entry: EntryMode) -> SalePlan:
        if not self._behaviours:
            self._behaviours = self._shuffled([b for b in Behaviour if b is not Behaviour.NORMAL])
        behaviour = self._behaviours.pop()
        if behaviour is Behaviour.IMPATIENT:
            # Patience is tried by an answer that is late.
            amount_minor = FAULTS_BY_NAME["delay"].magic_minor
        return SalePlan(amount_minor=amount_minor, entry=entry, behaviour=behaviour)

    def _next_fault(self) -> int:
        if not self._faults:
            self._faults = self._shuffled([fault.magic_minor for fault in FAULTS if not fault.heavy])
        return self._faults.pop()

    def _next_code(self) -> str:
        if not self._codes:
            self._codes = self._shuffled(list(CODES))
        return self._codes.pop()

    def _next_errand(self) -> Errand:
        if not self._errands:
            self._errands = self._shuffled(list(Errand))
        return self._errands.pop()

    def _shuffled(self, items: Sequence[Item]) -> list[Item]:
        return self._chance.sample(items, len(items))
