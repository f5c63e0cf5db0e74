"""Lists of payments for people and programs: filters, pages, counts, totals. Newest first; the identifier is the time.

A page begins behind the last payment of the page before (keyset). Each query reads either a range of time by the
primary key, the abnormal ones of it by their partial index, or what one merchant, terminal or reference number has. A
merchant's payments are found by their first facts: the facts' key begins with the merchant.
"""

from collections.abc import Collection, Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, case, func, literal_column, select, text

from yuanlu.db.types import total
from yuanlu.journal.tables import facts, transactions
from yuanlu.journal.transactions import ABNORMAL, HAS_RRN, OWN_STAN_ABOVE, Transaction, from_row
from yuanlu.kernel.identifiers import first_of

PAGE_ROWS_MAX = 200
"""And one more, which says whether there is a next page."""
EXPORT_ROWS_MAX = 100_000
AT_ONCE = 1_000
FOREVER_US = 2**62

_T = transactions.c


class Filter(Struct, frozen=True, kw_only=True):
    """Which payments. Empty fields do not filter; `merchant_id` also holds a person to his own merchant. Times are
    microseconds since 1970 UTC, `until_us` not included.
    """

    since_us: int = 0
    until_us: int = FOREVER_US
    merchant_id: str = ""
    terminal_ids: tuple[str, ...] = ()
    acquirer: str = ""
    states: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    abnormal: bool = False
    rrn: str = ""
    stan: str = ""
    card_last4: str = ""
    response_code: str = ""
    amount_from: int | None = None
    amount_to: int | None = None

    @property
    def by_terminal(self) -> bool:
        """Few enough rows by the terminal's own index."""
        return bool(self.terminal_ids)

    @property
    def by_merchant(self) -> bool:
        """Nothing that is asked for has fewer rows than the merchant."""
        fewer = self.terminal_ids or self.rrn or self.abnormal or any(self.causes)
        return bool(self.merchant_id) and not fewer

    @property
    def rare(self) -> bool:
        """It asks for what few payments may have, and for nothing that ix_transactions_sought does not hold."""
        elsewhere = (
            self.merchant_id, self.terminal_ids, self.states, self.causes, self.abnormal, self.rrn, self.response_code,
        )  # fmt: skip
        amounts = self.amount_from is not None or self.amount_to is not None
        return bool(self.stan or self.card_last4 or self.kinds or self.acquirer or amounts) and not any(elsewhere)


def query_of(wanted: Filter, *columns: Any, place: ColumnElement[str] = _T.transaction_id) -> Select[Any]:
    """The rows, in no order; `place` is the identifier whose index is read."""
    query = select(*(columns or (transactions,)))
    query = query.where(place >= first_of(wanted.since_us)) if wanted.since_us else query
    query = query.where(place < first_of(wanted.until_us)) if wanted.until_us < FOREVER_US else query
    exact = (
        (_T.merchant_id, wanted.merchant_id), (_T.acquirer, wanted.acquirer), (_T.stan, wanted.stan),
        (_T.card_last4, wanted.card_last4), (_T.response_code, wanted.response_code), (_T.rrn, wanted.rrn),
    )  # fmt: skip
    for column, value in exact:
        query = query.where(column == value) if value else query
    several: tuple[tuple[Any, Collection[str]], ...] = (
        (_T.terminal_id, wanted.terminal_ids), (_T.state, wanted.states), (_T.cause, wanted.causes),
        (_T.kind, wanted.kinds),
    )  # fmt: skip
    for column, values in several:
        query = query.where(column.in_(values)) if values else query
    if wanted.abnormal or any(wanted.causes):
        query = query.where(ABNORMAL)
    if wanted.rrn:
        query = query.where(HAS_RRN)
    if wanted.amount_from is not None:
        query = query.where(_T.amount_minor >= wanted.amount_from)
    if wanted.amount_to is not None:
        query = query.where(_T.amount_minor <= wanted.amount_to)
    return query


def page_query(wanted: Filter, after: str, limit: int) -> Select[Any]:
    """One page. A terminal's rows are sorted; everything else is read in the order of its index. What few payments may
    have is sought in the narrow index, and only the page's rows are read.
    """
    if wanted.rare:
        narrow = query_of(wanted, _T.transaction_id).order_by(_T.transaction_id.desc()).limit(limit)
        narrow = narrow.where(_T.transaction_id < after) if after else narrow
        return select(transactions).where(_T.transaction_id.in_(narrow)).order_by(_T.transaction_id.desc())
    place: ColumnElement[str] = facts.c.subject_id if wanted.by_merchant else _T.transaction_id
    query = query_of(wanted, place=place).limit(limit)
    if wanted.by_merchant:
        query = query.join(facts, facts.c.subject_id == _T.transaction_id)
        query = query.where(facts.c.merchant_id == wanted.merchant_id, facts.c.version == 1)
    if after:
        query = query.where(place < after)
    order = place.desc()
    if wanted.by_terminal or wanted.rrn:  # an expression is no index's order: read few rows, then sort them
        order = (_T.transaction_id.concat(literal_column("''"))).desc()
    return query.order_by(order)


def page(connection: Connection, wanted: Filter, after: str = "", limit: int = 50) -> list[Transaction]:
    """One page of payments, newest first, behind the payment `after`."""
    return [from_row(row) for row in connection.execute(page_query(wanted, after, min(limit, PAGE_ROWS_MAX + 1)))]


def everything(connection: Connection, wanted: Filter, limit: int = EXPORT_ROWS_MAX) -> Iterator[Transaction]:
    """All of them, newest first, some at a time; for exports."""
    after, left = "", limit
    while left > 0:
        rows = [from_row(row) for row in connection.execute(page_query(wanted, after, min(AT_ONCE, left)))]
        yield from rows
        left -= len(rows)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].transaction_id


def count(connection: Connection, wanted: Filter, at_most: int) -> int:
    """How many there are, counted up to `at_most`."""
    inner = query_of(wanted, _T.transaction_id).limit(at_most).subquery()
    return connection.execute(select(func.count()).select_from(inner)).scalar_one()


class Group(Struct, frozen=True, kw_only=True):
    """Payments that have something in common: how many, and what they come to per currency."""

    key: str
    currency: str
    number: int
    minor: int
    abnormal: int


def grouped(connection: Connection, wanted: Filter, by: str, limit: int = 50) -> list[Group]:
    """Payments by the column `by`: cause, merchant_id, terminal_id, acquirer, state, kind, or hour; most first."""
    column: Any = _hour() if by == "hour" else transactions.c[by]
    key = column.label("key")
    odd = func.sum(case((_T.cause != "", 1), else_=0))
    query = query_of(wanted, key, _T.currency, func.count().label("number"), func.sum(_T.amount_minor), odd)
    query = query.group_by(key, _T.currency).order_by(func.count().desc(), key).limit(limit)
    return [
        Group(key=str(row[0]), currency=row[1], number=row[2], minor=int(row[3]), abnormal=int(row[4]))
        for row in connection.execute(query)
    ]


def _hour() -> Any:
    """The hour of the day in Beijing, 0 to 23: eight hours ahead, all year."""
    return (_T.received_at_us // 3_600_000_000 + 8) % 24


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
