"""A row of the table of causes: how a cause is provoked in the sandbox, and what must follow."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.scenario.sandbox_town import SandboxTown
from yuanlu.causes.cause import Cause, Remedy
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.sandbox.ledger import Net
from yuanlu.sandbox.till_messages import Payment

Play = Callable[[SandboxTown], Awaitable[Payment]]
"""Provokes the cause, and gives the payment that must have it."""

BY_CODE = {cause.code: cause for cause in CAUSES}

CHARGED, GONE_BACK, NEVER_CHARGED = "charged", "gone back", "never charged"
"""What the host's books show of it at the end."""

APPROVED, DECLINED, RETURNED, NO_EFFECT = "APPROVED", "DECLINED", "RETURNED", "NO_EFFECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cause. `ends` is the journal's state at rest, `books` what the host's ledger shows then.

    `case` and `watch`: whether a person works on it, its own case or its incident's, and whether the clearing file must
    confirm it. `original`: of a void or refund, what the books show at the end of the payment that it is about.
    """

    play: Play
    ends: str
    books: str
    case: bool = False
    watch: bool = False
    original: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A cause of our own no: no transaction, and the host never hears of it.

    `code` is what the till is told, "" for what it does not believe. `recorded`: whether it stands in the journal; a
    wrong MAC does not, since nobody knows who sent it, and is counted alone. `original`: as of a row.
    """

    play: Play
    code: str
    recorded: bool = True
    original: str = ""


NOTHING_TO_RETURN = frozenset({Remedy.NONE, Remedy.CONFIGURE, Remedy.SIGN_IN_AGAIN})


def ends_as_its_remedy_says(cause: Cause, row: Row | Refused) -> bool:
    """Whether a row's end is one that the cause's remedy allows."""
    if isinstance(row, Refused):
        return cause.remedy in NOTHING_TO_RETURN or row.original == GONE_BACK
    end = (row.ends, row.books)
    returned = end in ((RETURNED, GONE_BACK), (NO_EFFECT, NEVER_CHARGED))
    match cause.remedy:
        case Remedy.NONE | Remedy.CONFIGURE | Remedy.SIGN_IN_AGAIN:
            return end == (DECLINED, NEVER_CHARGED) or (cause.may_be_debited and end == (APPROVED, CHARGED))
        case Remedy.REVERSE:
            return returned
        case Remedy.VOID | Remedy.REFUND:
            return returned or row.case or row.original == GONE_BACK
        case Remedy.VERIFY:
            return row.case or row.watch
        case Remedy.MANUAL | Remedy.REPAY:
            return row.case
        case Remedy.REPRINT:
            return end == (APPROVED, CHARGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What the gateway has refused so far: the notes in its journal, and its counters by cause."""

    notes: Counter[str]
    by_cause: Counter[str]

    @classmethod
    async def of(cls, town: SandboxTown) -> "Refusals":
        counted = town.gateway.server.counters.refused_by_cause
        return cls(notes=Counter(await town.events("REFUSED")), by_cause=Counter(counted))


async def is_refused(town: SandboxTown, code: str, row: Refused, payment: Payment, before: Refusals) -> None:
    """The till was told, nothing was sent, and the cause stands in the record and in the counters."""
    assert (town.told(payment), await town.known(payment)) == (row.code, [])
    assert town.core_of(payment).state_of(payment.ref) is None, "the host has heard of it"
    after = await Refusals.of(town)
    assert (after.by_cause - before.by_cause)[code] == 1
    causes = [note.rpartition("[")[2].rstrip("]") for note in (after.notes - before.notes).elements()]
    assert causes == ([code] if row.recorded else [])
    await town.until(lambda: books_of_original(town, payment) == row.original)


async def follows(town: SandboxTown, code: str, row: Row, payment: Payment) -> None:
    """Wait for what must follow; AssertionError with the payment's timeline when something else does."""

    async def at_rest() -> bool:
        found = await town.find(payment)
        if (found.state, found.cause) != (row.ends, code):
            return False
        return not row.case or await town.case(payment) is not None

    with suppress(AssertionError):  # what is so instead is told below
        await town.soon(at_rest)
    found = await town.find(payment)
    shown = (found.cause, found.state, books_of(town.net(payment)))
    assert shown == (code, row.ends, row.books), await town.timeline(payment)
    assert BY_CODE[code].may_be_debited or not town.net(payment).debit_count
    case = await town.case(payment)
    assert (case is not None, bool(await town.watched(payment))) == (row.case, row.watch), await town.timeline(payment)
    assert case is None or case.cause == code
    assert not row.original or books_of_original(town, payment) == row.original


def books_of_original(town: SandboxTown, payment: Payment) -> str:
    """What the books show of the payment that a till's void or refund is about; "" for what is about none."""
    about = town.about(payment)
    return "" if about is None else books_of(town.net_of(about))


def books_of(net: Net) -> str:
    """The books in one word."""
    if not net.debit_count:
        return NEVER_CHARGED
    return CHARGED if net.net_minor < 0 else GONE_BACK
