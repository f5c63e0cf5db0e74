"""Money: whole minor units of one currency. No float, no bare int (rule 1 of the house)."""

from typing import Self

from msgspec import Struct

from yuanlu.kernel.errors import YuanluError

MINOR_DIGITS_MAX = 12
"""ISO 8583 field 4 is n12: the largest amount any message can carry."""

# ISO 4217 numeric codes by the alphabetic code people read; the wire carries the numeric one.
_ALPHABETIC = {"156": "CNY", "344": "HKD", "446": "MOP", "840": "USD", "978": "EUR", "392": "JPY"}
_NUMERIC = {alphabetic: numeric for numeric, alphabetic in _ALPHABETIC.items()}
_NO_MINOR_UNIT = frozenset({"392"})


class MoneyError(YuanluError):
    """An amount that is not money: negative, too large, or in another currency than its partner."""


class Money(Struct, frozen=True, kw_only=True):
    """An amount of `minor` units (fen, cents) in `currency` (ISO 4217 numeric, three digits: "156")."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not 0 <= self.minor < 10**MINOR_DIGITS_MAX:
            raise MoneyError(f"{self.minor} minor units is outside 0 … 10^{MINOR_DIGITS_MAX}-1")

    def plus(self, other: Self) -> "Money":
        """The sum; raises MoneyError across currencies."""
        if self.currency != other.currency:
            raise MoneyError(f"cannot add {other.currency} to {self.currency}")
        return Money(minor=self.minor + other.minor, currency=self.currency)

    def __str__(self) -> str:
        return format_minor(self.minor, self.currency)


def alphabetic(currency: str) -> str:
    """The ISO 4217 code that people and programs read: CNY. "XXX" for a currency that nobody here knows."""
    return _ALPHABETIC.get(currency, "XXX")


def numeric(currency: str) -> str:
    """The ISO 4217 code that messages carry: 156. Raises MoneyError for a currency that nobody here knows."""
    if currency not in _NUMERIC:
        raise MoneyError(f'"{currency}" is no currency that is served; there are {", ".join(_NUMERIC)}')
    return _NUMERIC[currency]


def format_minor(minor: int, currency: str) -> str:
    """Text for people: `CNY 1,280.00`; whole units where the currency has no minor unit."""
    name = _ALPHABETIC.get(currency, currency)
    if currency in _NO_MINOR_UNIT:
        return f"{name} {minor:,}"
    sign = "-" if minor < 0 else ""
    major, rest = divmod(abs(minor), 100)
    return f"{name} {sign}{major:,}.{rest:02}"
