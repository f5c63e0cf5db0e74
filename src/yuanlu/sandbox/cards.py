"""Synthetic cards: made-up numbers that pass the Luhn check (ISO/IEC 7812-1)."""

import random
from dataclasses import dataclass, field, replace

TEST_PREFIXES = ("6200000000", "6216261000")
"""Prefixes of test cards; the digits behind them are random."""

EXPIRY_YYMM = "3012"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card as a till reads it. `pan` is 16 or 19 digits, `pin` 6; neither is shown."""

    pan: str = field(repr=False)
    pin: str = field(repr=False)
    expiry_yymm: str = EXPIRY_YYMM

    @property
    def track2(self) -> str:
        """Track 2 with its separator, as field 35 shows it (ISO/IEC 7813)."""
        return f"{self.pan}={self.expiry_yymm}201{self.pan[-6:-1]}"


def luhn_digit(digits: str) -> str:
    """The check digit that completes `digits`."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def make_card(chance: random.Random) -> Card:
    """A new card from the given random source."""
    prefix = chance.choice(TEST_PREFIXES)
    length = chance.choice((16, 19))
    body = prefix + "".join(chance.choice("0123456789") for _ in range(length - len(prefix) - 1))
    return Card(pan=body + luhn_digit(body), pin="".join(chance.choice("0123456789") for _ in range(6)))


def is_card_number(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    return digits[-1:] == luhn_digit(digits[:-1])


def mistyped(card: Card) -> Card:
    """The same card with its last digit read wrongly: a number that no bank gave out."""
    return replace(card, pan=card.pan[:-1] + str((int(card.pan[-1]) + 1) % 10))
