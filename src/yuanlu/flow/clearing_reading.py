"""What our journal has of the transactions that a clearing file may list. Reads only, a page at a time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, select

from yuanlu.acquirers.kinds import (
    ADJUSTMENT_ADVICE,
    COMPLETION_VOID,
    CREDITS,
    DEBITS,
    TIP_ADVICE,
    VOID,
)
from yuanlu.acquirers.terms import HostTerms
from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import HAS_ORIGINAL, HAS_RRN
from yuanlu.kernel.identifiers import first_of
from yuanlu.reconciliation.clearing import Side
from yuanlu.reconciliation.clearing_match import Holding, Ours, Standing
from yuanlu.returns.orders import open_for
from yuanlu.returns.states import State
from yuanlu.returns.store import live_ids, watched_ids
from yuanlu.returns.tables import legs

PAGE = 2_000
"""Transactions read at once: some hundredths of a second, so that the gateway's log can go on."""

IDS_PER_QUERY = 400
LATE_DAYS = 3
"""A payment may stand in the file of its settlement date or in one of the next three."""

MARGIN_US = 3_600_000_000
"""An identifier's time may differ from its transaction's, when the clock was set back."""

VOIDS = frozenset({VOID, COMPLETION_VOID})
COLUMNS = (
    "transaction_id", "merchant_id", "terminal_id", "stan", "rrn", "card_last4", "kind", "state", "amount_minor",
    "approved_minor", "currency", "received_at_us", "changed_at_us", "original_id",
)  # fmt: skip
STANDINGS = {
    State.APPROVED: Standing.STANDS,
    State.CAPTURED: Standing.STANDS,
    State.RETURNED: Standing.STANDS,  # less what went back beside messages of its own: a reversal leaves nothing
    State.DECLINED: Standing.GONE,
    State.NO_EFFECT: Standing.GONE,
    State.ESCALATED: Standing.IN_DOUBT,
    State.UNKNOWN: Standing.MOVING,
    State.SEND_INTENT: Standing.MOVING,
    State.RETURNING: Standing.MOVING,
    State.REOPENED: Standing.MOVING,
}


class Known(Struct, frozen=True, kw_only=True):
    """A transaction of ours: what a line may name it by, and what we hold it to be."""

    ours: Ours
    holding: Holding


def window(connection: Connection, terms: HostTerms, day: int, after: str) -> list[str]:
    """The next page of transactions that the file of this day may list; "" begins."""
    low = max(after, first_of(terms.day_began_us(day - LATE_DAYS) - MARGIN_US))
    high = first_of(terms.day_began_us(day + 1) + MARGIN_US)
    query = select(transactions.c.transaction_id).where(
        transactions.c.transaction_id > low, transactions.c.transaction_id < high,
        transactions.c.acquirer == terms.name,
    )  # fmt: skip
    return list(connection.execute(query.order_by(transactions.c.transaction_id).limit(PAGE)).scalars())


def waiting(connection: Connection, acquirer: str) -> set[str]:
    """What waits for this acquirer's files, however old: watched, returns that are open, orders that are open."""
    live = select(legs.c.transaction_id).where(legs.c.return_id.in_(live_ids(connection, acquirer)))
    return {
        *watched_ids(connection, acquirer),
        *open_for(connection, acquirer),
        *connection.execute(live).scalars(),
    }


def by_reference(connection: Connection, acquirer: str, rrns: Sequence[str]) -> set[str]:
    """The payments with these retrieval reference numbers, however old; by the partial index."""
    found: set[str] = set()
    for start in range(0, len(rrns), IDS_PER_QUERY):
        query = select(transactions.c.transaction_id).where(
            transactions.c.rrn.in_(rrns[start : start + IDS_PER_QUERY]), HAS_RRN, transactions.c.acquirer == acquirer,
            transactions.c.kind.in_(DEBITS),
        )  # fmt: skip
        found.update(connection.execute(query).scalars())
    return found


def read_known(connection: Connection, terms: HostTerms, names: Collection[str]) -> list[Known]:
    """These transactions, with their legs and what follows them."""
    ordered, found = sorted(names), []
    for start in range(0, len(ordered), IDS_PER_QUERY):
        some = ordered[start : start + IDS_PER_QUERY]
        rows = connection.execute(
            select(*(transactions.c[name] for name in COLUMNS)).where(transactions.c.transaction_id.in_(some))
        ).all()
        given, adjusted = _legs(connection, some), _adjusted(connection, some)
        found += [_known(terms, row, given[row.transaction_id], row.transaction_id in adjusted) for row in rows]
    return found


def _legs(connection: Connection, names: Sequence[str]) -> defaultdict[str, list[Any]]:
    """What went back of each, by leg."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    query = select(
        legs.c.transaction_id, legs.c.kind, legs.c.amount_minor, legs.c.closed_at_us, legs.c.message_id
    ).where(legs.c.transaction_id.in_(names), legs.c.state == State.RETURNED)
    for row in connection.execute(query):
        found[row.transaction_id].append(row)
    return found


def _adjusted(connection: Connection, names: Sequence[str]) -> set[str]:
    """Which of them a tip or an adjustment changed."""
    of_these: ColumnElement[bool] = transactions.c.original_id.in_(names)
    query = select(transactions.c.original_id).where(
        of_these, HAS_ORIGINAL, transactions.c.kind.in_((TIP_ADVICE, ADJUSTMENT_ADVICE))
    )
    return set(connection.execute(query).scalars())


def _known(terms: HostTerms, row: Any, given: Iterable[Any], adjusted: bool) -> Known:
    side = Side.DEBIT if row.kind in DEBITS else Side.CREDIT if row.kind in CREDITS else None
    paid = row.amount_minor if row.approved_minor is None else row.approved_minor
    ours = Ours(
        transaction_id=row.transaction_id, merchant_id=row.merchant_id, terminal_id=row.terminal_id, stan=row.stan,
        rrn=row.rrn, card_last4=row.card_last4, side=side, amount_minor=paid, currency=row.currency,
        at_us=row.received_at_us,
    )  # fmt: skip
    standing = STANDINGS[State(row.state)]
    if standing is Standing.MOVING and row.state == State.UNKNOWN and side is Side.CREDIT:
        standing = Standing.IN_DOUBT  # a refund: never sent again, so only evidence decides
    own = [leg for leg in given if not leg.message_id]
    ends = [leg.closed_at_us for leg in own if leg.closed_at_us is not None]
    if standing in (Standing.IN_DOUBT, Standing.GONE):
        ends.append(row.changed_at_us)
    first = terms.business_day(row.received_at_us)
    holding = Holding(
        transaction_id=row.transaction_id, merchant_id=row.merchant_id, standing=standing, side=side or Side.DEBIT,
        amount_minor=paid, given_minor=sum(leg.amount_minor for leg in own), clears=side is not None,
        partner=row.original_id if row.kind in VOIDS else _void_of(given), adjusted=adjusted, first_day=first,
        last_day=max([first, *(terms.business_day(at_us) for at_us in ends)]),
    )  # fmt: skip
    return Known(ours=ours, holding=holding)


def _void_of(given: Iterable[Any]) -> str:
    return next((leg.message_id for leg in given if leg.message_id and leg.kind in VOIDS), "")
