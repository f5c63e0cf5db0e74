"""A row of the table of causes: how a cause is provoked in the sandbox, and what must follow."""

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
    confirm it.
    """

    play: Play
    ends: str
    books: str
    case: bool = False
    watch: bool = False


def ends_as_its_remedy_says(cause: Cause, row: Row) -> bool:
    """Whether a row's end is one that the cause's remedy allows."""
    end = (row.ends, row.books)
    returned = end in ((RETURNED, GONE_BACK), (NO_EFFECT, NEVER_CHARGED))
    match cause.remedy:
        case Remedy.NONE | Remedy.CONFIGURE | Remedy.SIGN_IN_AGAIN:
            return end == (DECLINED, NEVER_CHARGED) or (cause.may_be_debited and end == (APPROVED, CHARGED))
        case Remedy.REVERSE:
            return returned
        case Remedy.VOID | Remedy.REFUND:
            return returned or row.case
        case Remedy.VERIFY:
            return row.case or row.watch
        case Remedy.MANUAL | Remedy.REPAY:
            return row.case
        case Remedy.REPRINT:
            return end == (APPROVED, CHARGED)


async def follows(town: SandboxTown, code: str, row: Row, payment: Payment) -> None:
    """Wait for what must follow; AssertionError with the payment's timeline when something else does."""

    async def at_rest() -> bool:
        found = await town.find(payment)
        return (found.state, found.cause) == (row.ends, code)

    with suppress(AssertionError):  # what is so instead is told below
        await town.soon(at_rest)
    found = await town.find(payment)
    shown = (found.cause, found.state, books_of(town.net(payment)))
    assert shown == (code, row.ends, row.books), await town.timeline(payment)
    assert BY_CODE[code].may_be_debited or not town.net(payment).debit_count
    case = await town.case(payment)
    assert (case is not None, bool(await town.watched(payment))) == (row.case, row.watch), await town.timeline(payment)
    assert case is None or case.cause == code


def books_of(net: Net) -> str:
    """The books in one word."""
    if not net.debit_count:
        return NEVER_CHARGED
    return CHARGED if net.net_minor < 0 else GONE_BACK
