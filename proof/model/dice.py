"""Dice that belong to what they are thrown for: a message, a gateway, a cashier.

A world in which something else happens first throws the same for it. So two worlds can be compared that differ in one
thing, and a smaller plan keeps the fates of what is left in it.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import TypeVar

Thing = TypeVar("Thing")

_WORDS = Struct(">16I")
_WHOLE = 1 << 32


class Dice:
    """Numbers that follow from a name alone. Like `random.Random`, as far as the model and the product throw it."""

    __slots__ = ("_left", "_name", "_rounds")

    def __init__(self, *name: object) -> None:
        self._name = "/".join(map(str, name)).encode()
        self._rounds = 0
        self._left: list[int] = []

    def _word(self) -> int:
        if not self._left:
            self._left = list(_WORDS.unpack(blake2b(self._name, salt=self._rounds.to_bytes(16)).digest()))
            self._rounds += 1
        return self._left.pop()

    def random(self) -> float:
        """From 0 to less than 1."""
        left = self._left
        return (left.pop() if left else self._word()) / _WHOLE

    def uniform(self, least: float, most: float) -> float:
        """From `least` to `most`."""
        return least + (most - least) * self._word() / _WHOLE

    def choice(self, things: Sequence[Thing]) -> Thing:
        """One of them."""
        return things[self._word() * len(things) >> 32]

    def getrandbits(self, bits: int) -> int:
        """So many bits."""
        value = 0
        for _ in range(-(-bits // 32)):
            value = value << 32 | self._word()
        return value >> -bits % 32


class Fates:
    """The dice of one world and the weights of its faults; when it is `calm`, nothing befalls anybody any more."""

    def __init__(self, seed: int, weights: Mapping[str, float]) -> None:
        self.calm = False
        self.hits: set[str] = set()
        """The faults that have befallen something."""
        self._seed = seed
        self._weights = weights

    def dice(self, *name: object) -> Dice:
        """The dice of what has this name."""
        return Dice(self._seed, *name)

    def befall(self, fault: str, dice: Dice) -> bool:
        """Whether the fault befalls whose dice these are."""
        thrown = dice.random()
        if thrown >= self._weights.get(fault, 0.0) or self.calm:
            return False
        self.hits.add(fault)
        return True
