"""A terminal about the time of one transaction, from what was observed. The windows are named here."""

from collections.abc import Collection, Sequence

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.causes.evidence import Break, HandedOver, Terminal
from yuanlu.fleet.observations import STANDING, YES, Kind, Observation
from yuanlu.fleet.store import latest_of, of_payment, of_terminal

BEFORE_US = 120_000_000
"""So long before its request a terminal may have said what belongs to it: the card that could not be read."""

AFTER_US = 600_000_000
"""So long after it what happened to it is told: only a terminal that is back on its feet can speak."""

READING_BEFORE_US = 900_000_000
"""A reading, or a fault, is the terminal's state for a quarter of an hour."""

MOMENTS = (Kind.RESTARTED, Kind.READ_FAILED, Kind.CARD_REMOVED, Kind.CHIP_REFUSED, Kind.SLIP_FAILED, Kind.SIGNED_IN)
STATES = (Kind.HARDWARE_FAULT, Kind.SIGNAL, Kind.BATTERY)
FOR_PEOPLE = frozenset({Kind.TAMPERED, Kind.MOVED, Kind.HANDED_OVER, Kind.CLEARING})


class Moment(Struct, frozen=True, kw_only=True):
    """The transaction, as far as its terminal's health is concerned; instants in microseconds since 1970 UTC.

    `waited_until_us` is when the terminal had its answer, at the latest. `in_order` says that it was answered and
    nothing contradicts it: then only what names it is about it. `day_began_us` is when sign-ins began to count, or
    0 where terminals need none.
    """

    terminal_id: str
    transaction_id: str = ""
    at_us: int
    waited_until_us: int
    in_order: bool = False
    day_began_us: int = 0


class Seen(Struct, frozen=True, kw_only=True):
    """What was observed about one moment, read together.

    `near` is of the terminal about that time, `of_it` names the transaction, `standing` holds until it is taken back.
    """

    near: Sequence[Observation] = ()
    of_it: Sequence[Observation] = ()
    standing: Sequence[Observation] = ()

    def stands(self, kind: Kind) -> bool:
        """Whether this holds."""
        return any(each.kind is kind for each in self.standing)


def read_seen(connection: Connection, moment: Moment) -> Seen:
    """Everything that `terminal_health` looks at."""
    began_us = min(moment.at_us - READING_BEFORE_US, moment.day_began_us or moment.at_us)
    until_us = moment.at_us + AFTER_US
    signed = of_terminal(connection, moment.terminal_id, began_us, until_us, (Kind.SIGNED_IN,), moment.at_us)
    others = {*MOMENTS, *STATES} - {Kind.SIGNED_IN}
    near = of_terminal(connection, moment.terminal_id, moment.at_us - READING_BEFORE_US, until_us, others, moment.at_us)
    latest = (latest_of(connection, moment.terminal_id, kind, until_us) for kind in STANDING)
    return Seen(
        near=(*signed, *near),
        of_it=of_payment(connection, moment.transaction_id) if moment.transaction_id else (),
        standing=tuple(each for each in latest if each is not None and each.value == YES),
    )


def terminal_health(seen: Seen, moment: Moment) -> Terminal:
    """The terminal's part of the evidence."""
    mine = _of_moment(seen, moment)
    anyway = {each.kind for each in mine}
    named = {each.kind for each in seen.of_it}
    fault, signal, battery = (_nearest(seen, moment, kind) for kind in STATES)
    return Terminal(
        live=not seen.stands(Kind.TEST_TERMINAL),
        signed_in=_signed_in(seen, moment),
        restarted=Kind.RESTARTED in named or _restarted(seen, moment),
        read_failures=max((int(each.value) for each in mine if each.kind is Kind.READ_FAILED), default=0),
        card_removed=Kind.CARD_REMOVED in (named if moment.in_order else anyway),
        chip_declined=Kind.CHIP_REFUSED in anyway,
        slip_failed=Kind.SLIP_FAILED in anyway,
        hardware_fault=fault,
        signal_percent=int(signal) if signal else None,
        battery_percent=int(battery) if battery else None,
        software_outdated=seen.stands(Kind.SOFTWARE_OUTDATED),
        tampered=seen.stands(Kind.TAMPERED),
        moved=seen.stands(Kind.MOVED),
    )


def handed_over(seen: Seen) -> HandedOver | None:
    """What the cashier gave the customer, as declared."""
    return next((HandedOver(each.value) for each in seen.of_it if each.kind is Kind.HANDED_OVER), None)


def clearing(seen: Seen) -> Break | None:
    """How the clearing file differs, as was declared last."""
    declared = [Break(each.value) for each in seen.of_it if each.kind is Kind.CLEARING]
    return declared[-1] if declared else None


def suspected_at_us(seen: Seen) -> int:
    """When something was told last that a person has to judge, 0 for never."""
    said = [each.at_us for each in (*seen.standing, *seen.of_it) if each.kind in FOR_PEOPLE]
    return max(said, default=0)


def _of_moment(seen: Seen, moment: Moment) -> list[Observation]:
    """What names it, and what names nothing and was said about its time."""
    first_us, last_us = moment.at_us - BEFORE_US, moment.at_us + AFTER_US
    near = (each for each in seen.near if not each.transaction_id and first_us <= each.at_us <= last_us)
    return [*seen.of_it, *near]


def _restarted(seen: Seen, moment: Moment) -> bool:
    """A restart or a new sign-in, told by whoever, after its request and while it waited."""
    again: Collection[Kind] = (Kind.RESTARTED, Kind.SIGNED_IN)
    return any(
        moment.at_us < each.at_us <= moment.waited_until_us
        for each in seen.near
        if each.kind in again and not each.transaction_id
    )


def _signed_in(seen: Seen, moment: Moment) -> bool | None:
    if not moment.day_began_us:
        return None
    return any(
        moment.day_began_us <= each.at_us <= moment.at_us for each in seen.near if each.kind is Kind.SIGNED_IN
    )  # fmt: skip


def _nearest(seen: Seen, moment: Moment, kind: Kind) -> str:
    """The value that was told nearest to it, "" for none."""
    values = [each for each in (*seen.of_it, *seen.near) if each.kind is kind]
    nearest = min(values, key=lambda each: abs(each.at_us - moment.at_us), default=None)
    return "" if nearest is None else nearest.value
