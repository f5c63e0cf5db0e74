"""Lists of transactions, a page at a time, and a day's totals.

Identifiers rise with time, so a span of time is a range of the primary key. A merchant's transactions are found by
their first facts: the facts' key begins with the merchant, so that one merchant's page reads that merchant's rows
alone (looked at with EXPLAIN QUERY PLAN on SQLite).
"""

from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, TextClause, func, select, text

from yuanlu.db.types import total
from yuanlu.journal.tables import facts, transactions
from yuanlu.journal.transactions import ABNORMAL, HAS_RRN, OWN_STAN_ABOVE, Transaction, from_row
from yuanlu.kernel.identifiers import first_of

PAGE_ROWS_MAX = 200


class Wanted(Struct, frozen=True, kw_only=True):
    """Which transactions. An empty text wants any; times are microseconds since 1970 UTC, from included, to not."""

    merchant_id: str = ""
    terminal_id: str = ""
    acquirer: str = ""
    states: tuple[str, ...] = ()
    kind: str = ""
    causes: tuple[str, ...] = ()
    abnormal: bool = False
    response_code: str = ""
    rrn: str = ""
    stan: str = ""
    last4: str = ""
    amount_from: int | None = None
    amount_to: int | None = None
    from_us: int | None = None
    to_us: int | None = None


def page_query(wanted: Wanted, before_id: str, limit: int) -> Select[Any]:
    """The newest first, those older than `before_id`."""
    if wanted.merchant_id and not wanted.rrn:
        found = select(transactions).join(facts, facts.c.subject_id == transactions.c.transaction_id)
        found = found.where(facts.c.merchant_id == wanted.merchant_id, facts.c.version == 1)
        place: ColumnElement[str] = facts.c.subject_id
    else:
        found, place = select(transactions), transactions.c.transaction_id
    ends = [before_id] if before_id else []
    ends += [first_of(wanted.to_us)] if wanted.to_us is not None else []
    if ends:
        found = found.where(place < min(ends))
    if wanted.from_us is not None:
        found = found.where(place >= first_of(wanted.from_us))
    return found.where(*_conditions(wanted)).order_by(place.desc()).limit(min(limit, PAGE_ROWS_MAX + 1))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool] | TextClause]:
    table = transactions.c
    given = (
        (table.merchant_id, wanted.merchant_id), (table.terminal_id, wanted.terminal_id),
        (table.acquirer, wanted.acquirer), (table.kind, wanted.kind), (table.response_code, wanted.response_code),
        (table.rrn, wanted.rrn), (table.stan, wanted.stan), (table.card_last4, wanted.last4),
    )  # fmt: skip
    found: list[ColumnElement[bool] | TextClause] = [column == value for column, value in given if value]
    several = ((table.state, wanted.states), (table.cause, wanted.causes))
    found += [column.in_(values) for column, values in several if values]
    found += [table.amount_minor >= wanted.amount_from] if wanted.amount_from is not None else []
    found += [table.amount_minor <= wanted.amount_to] if wanted.amount_to is not None else []
    found += [ABNORMAL] if wanted.abnormal or wanted.causes else []
    return [*found, HAS_RRN] if wanted.rrn else found


def page(connection: Connection, wanted: Wanted, before_id: str = "", limit: int = 50) -> list[Transaction]:
    """One page."""
    return [from_row(row) for row in connection.execute(page_query(wanted, before_id, limit))]


def find(connection: Connection, transaction_id: str) -> Transaction | None:
    """The transaction of this id."""
    row = connection.execute(select(transactions).where(transactions.c.transaction_id == transaction_id)).first()
    return None if row is None else from_row(row)


def totals(connection: Connection, from_us: int, to_us: int, merchant_id: str = "") -> list[Any]:
    """What terminals began in this time, by merchant, currency, kind and state: rows with `many` and `minor`.

    Reads the span once. Our own voids and refunds, which people or the policy ordered, are left out.
    """
    table = transactions.c
    charged = func.coalesce(table.approved_minor, table.amount_minor)
    query = select(
        table.merchant_id, table.currency, table.kind, table.state, func.count().label("many"),
        total(charged).label("minor"),
    ).where(table.transaction_id >= first_of(from_us), table.transaction_id < first_of(to_us), text("original_id = ''"),
            table.stan <= OWN_STAN_ABOVE)  # fmt: skip
    if merchant_id:
        query = query.where(table.merchant_id == merchant_id)
    grouped = query.group_by(table.merchant_id, table.currency, table.kind, table.state)
    return list(connection.execute(grouped.order_by(table.merchant_id, table.currency)))
