"""What can be observed about a terminal or declared about a payment: one table of kinds. Pure.

An observation explains; it never moves money and stops no return (`docs/decisions/0014-observations.md`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from yuanlu.causes.evidence import Break, HandedOver
from yuanlu.kernel.errors import YuanluError

VALUE_CHARACTERS_MAX = 64
READ_FAILURES_MAX = 99
LONG_NUMBER = 13
"""So many digits in a row may be a card number; no observation needs them."""


class ObservationWrong(YuanluError):
    """A kind that nobody knows, or a value that does not fit it; the text says what would be right."""


class Kind(StrEnum):
    """What is observed. Those up to `test_terminal` are a terminal's, the next two one payment's."""

    RESTARTED = "restarted"
    READ_FAILED = "read_failed"
    CARD_REMOVED = "card_removed"
    CHIP_REFUSED = "chip_refused"
    SLIP_FAILED = "slip_failed"
    HARDWARE_FAULT = "hardware_fault"
    SIGNAL = "signal"
    BATTERY = "battery"
    SOFTWARE_OUTDATED = "software_outdated"
    TAMPERED = "tampered"
    MOVED = "moved"
    TEST_TERMINAL = "test_terminal"
    HANDED_OVER = "handed_over"
    CLEARING = "clearing"
    SIGNED_IN = "signed_in"
    """The gateway's own observation: nobody reports it."""


STANDING = frozenset({Kind.SOFTWARE_OUTDATED, Kind.TAMPERED, Kind.MOVED, Kind.TEST_TERMINAL})
"""Holds from when it is said until it is taken back; the others are of a moment."""

READINGS = frozenset({Kind.SIGNAL, Kind.BATTERY})
OF_ONE_PAYMENT = frozenset({Kind.SLIP_FAILED, Kind.CHIP_REFUSED})
"""Without a trace number these are about the terminal's latest payment that was not declined."""

OF_WHAT_STANDS = frozenset({Kind.SLIP_FAILED, Kind.CHIP_REFUSED, Kind.TAMPERED, Kind.MOVED})
"""These concern payments that were approved; the others only what went wrong."""

YES, NO = "1", "0"
LOW_SIGNAL_PERCENT, LOW_BATTERY_PERCENT = 30, 15
"""Readings above explain nothing; they are kept only once, when they have been below."""


class Told(Struct, frozen=True, kw_only=True):
    """A kind and its value, checked."""

    kind: Kind
    value: str

    @property
    def happened(self) -> bool:
        """Whether it says that something is so, rather than that it is not."""
        match self.kind:
            case Kind.SIGNAL:
                return int(self.value) < LOW_SIGNAL_PERCENT
            case Kind.BATTERY:
                return int(self.value) < LOW_BATTERY_PERCENT
            case _:
                return self.value != NO


class Observation(Struct, frozen=True, kw_only=True):
    """One row. `transaction_id` is "" for what concerns no single payment; `told_by` is a person, or "terminal"."""

    merchant_id: str
    terminal_id: str
    transaction_id: str = ""
    at_us: int
    kind: Kind
    value: str
    told_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a kind may say: `fits` holds for its values, `words` names them for people, `default` is for no value."""

    fits: Callable[[str], bool]
    words: str
    default: str = ""


def _number(low: int, high: int) -> Rule:
    return Rule(
        fits=lambda value: value.isascii() and value.isdecimal() and len(value) <= 3 and low <= int(value) <= high,
        words=f"a whole number from {low} to {high}",
    )


_FLAG = Rule(fits=lambda value: value in (YES, NO), words="1, or 0 to take it back", default=YES)
_MOMENT = Rule(fits=lambda value: value in (YES, NO), words="1", default=YES)


def _one_of(values: type[StrEnum]) -> Rule:
    known = frozenset(str(each) for each in values)
    return Rule(fits=lambda value: value in known, words=" or ".join(str(each) for each in values))


def _is_text(value: str) -> bool:
    return 0 < len(value.strip()) == len(value) <= VALUE_CHARACTERS_MAX and value.isprintable() and ";" not in value


RULES: Mapping[Kind, Rule] = MappingProxyType(
    {
        Kind.RESTARTED: _MOMENT,
        Kind.READ_FAILED: _number(0, READ_FAILURES_MAX),
        Kind.CARD_REMOVED: _MOMENT,
        Kind.CHIP_REFUSED: _MOMENT,
        Kind.SLIP_FAILED: _MOMENT,
        Kind.HARDWARE_FAULT: Rule(fits=_is_text, words=f"a few words, at most {VALUE_CHARACTERS_MAX} characters"),
        Kind.SIGNAL: _number(0, 100),
        Kind.BATTERY: _number(0, 100),
        Kind.SOFTWARE_OUTDATED: _FLAG,
        Kind.TAMPERED: _FLAG,
        Kind.MOVED: _FLAG,
        Kind.TEST_TERMINAL: _FLAG,
        Kind.HANDED_OVER: _one_of(HandedOver),
        Kind.CLEARING: _one_of(Break),
        Kind.SIGNED_IN: Rule(fits=bool, words="the batch number"),
    }
)

TERMINAL_KINDS = tuple(kind for kind in Kind if kind not in (Kind.HANDED_OVER, Kind.CLEARING, Kind.SIGNED_IN))
"""What a terminal, or a person about a terminal, can report."""


def told(kind: str, value: str = "") -> Told:
    """A terminal's kind with its value, as terminals and people write them. Raises ObservationWrong."""
    if kind not in TERMINAL_KINDS:
        raise ObservationWrong(f'"{kind}" is no kind of observation; there are {", ".join(TERMINAL_KINDS)}')
    rule = RULES[Kind(kind)]
    given = value or rule.default
    if not rule.fits(given):
        raise ObservationWrong(f'{kind} "{given}": give {rule.words}')
    if has_long_number(given):
        raise ObservationWrong(f"{kind}: so long a number may be a card's, and is not kept")
    return Told(kind=Kind(kind), value=given)


def has_long_number(text: str) -> bool:
    """Whether there are as many digits in a row as a card number has."""
    run = 0
    for character in text:
        run = run + 1 if character.isdecimal() else 0
        if run >= LONG_NUMBER:
            return True
    return False
