"""An acquirer's clearing file, whatever its format: what a line says, and what must hold of a file. Pure.

The file is the final arbiter: what it lists has moved money, what two complete files do not list has moved none. So a
file counts whole or not at all, and it must say itself, or whoever loads it must say, how much it holds: the end of a
file that was cut between two lines looks like any other line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from msgspec import Struct

from yuanlu.kernel.errors import YuanluError
from yuanlu.reconciliation.batch import BatchTotals

LINES_MAX = 2_000_000
"""More lines are refused; nobody's day is so long."""


FILE_SAYS = "clearing file: "
"""How the note of a fact begins that rests on clearing files."""


class ClearingWrong(YuanluError):
    """A file, or what is said of it, cannot be believed. `line` counts from 1, 0 for the file as a whole."""

    def __init__(self, reason: str, *, line: int = 0, field: str = "") -> None:
        where = f"line {line}" + (f", field {field}" if field else "") + ": " if line else ""
        super().__init__(where + reason)
        self.line = line
        self.field = field


class Side(StrEnum):
    """Which way the cardholder's money went."""

    DEBIT = "debit"
    CREDIT = "credit"

    @property
    def opposite(self) -> "Side":
        """What takes it back."""
        return Side.CREDIT if self is Side.DEBIT else Side.DEBIT


class Entry(Struct, frozen=True, kw_only=True):
    """One line. `at_us` is the transaction's time, None where the file has none; "" is what the line does not name.

    `original_stan` and `original_rrn` name the payment that a credit gives back.
    """

    line: int
    side: Side
    terminal_id: str
    merchant_id: str
    stan: str
    rrn: str = ""
    amount_minor: int
    currency: str
    at_us: int | None = None
    card_last4: str = ""
    original_stan: str = ""
    original_rrn: str = ""


class Given(Struct, frozen=True, kw_only=True):
    """What whoever loads a file says of it; "" and None for what is left to the file itself.

    `merchant_id` is whose file it is, `lines` how many entries the acquirer's summary names.
    """

    name: str
    acquirer: str
    day: date | None = None
    merchant_id: str = ""
    lines: int | None = None
    encoding: str = ""


class Document(Struct, frozen=True, kw_only=True):
    """A file that was read. `merchant_id` is "" for a file of all the acquirer's merchants."""

    day: date
    merchant_id: str
    entries: Sequence[Entry]

    @property
    def totals(self) -> BatchTotals:
        """Both sides of what it lists."""
        return totals_of(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A way of writing clearing files. `read` raises ClearingWrong."""

    name: str
    encoding: str
    read: Callable[[bytes, Given], Document]


def totals_of(entries: Sequence[Entry]) -> BatchTotals:
    """Counts and amounts, side by side."""
    debits = [entry.amount_minor for entry in entries if entry.side is Side.DEBIT]
    credited = [entry.amount_minor for entry in entries if entry.side is Side.CREDIT]
    return BatchTotals(
        debit_minor=sum(debits), debit_count=len(debits), credit_minor=sum(credited), credit_count=len(credited)
    )


def must_agree(said: str, own: str, what: str) -> None:
    """What was said of a file against what the file says. Raises ClearingWrong when they differ."""
    if said and said != own:
        raise ClearingWrong(f"the file is of {what} {own}, not {said}")


def must_have(entries: Sequence[Entry], lines: int | None) -> None:
    """The number of entries against what the acquirer's summary names. Raises ClearingWrong when they differ."""
    if len(entries) > LINES_MAX:
        raise ClearingWrong(f"more than {LINES_MAX} lines")
    if lines is not None and lines != len(entries):
        raise ClearingWrong(f"the file has {len(entries)} entries, and {lines} were announced: it is not complete")
