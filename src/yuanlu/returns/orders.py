"""An order to give money back, or to pay it: what was decided, by whom, and what became of it.

The legs are how; the order is that. It may take several: a void that is declined, then a refund, then a person. The
database holds the cap (orders and legs together never exceed what was paid), the steps, and that maker and checker
are two people.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, bindparam, select, tuple_

from yuanlu.db.types import total
from yuanlu.journal import tasks
from yuanlu.journal.statements import Insert, Row, Update
from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.clock import Moment, day_began_us
from yuanlu.kernel.money import Money
from yuanlu.returns.steps import next_version, return_fact
from yuanlu.returns.tables import legs, orders

TASK_KIND = "order"
POLICY = "policy"
"""The maker of what nobody proposed."""


class OrderState(StrEnum):
    """Where an order stands. The database has the same steps (trigger `orders_transition`)."""

    PROPOSED = "PROPOSED"
    RUNNING = "RUNNING"
    """Approved, or automatic: the driver gives it back."""
    ESCALATED = "ESCALATED"
    """It goes on by hand: a person pays and names the bank's reference."""
    DONE = "DONE"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


OPEN = frozenset({OrderState.PROPOSED, OrderState.RUNNING, OrderState.ESCALATED})


class Order(Struct, frozen=True, kw_only=True):
    """One order. `kind` is the way decided at first; `paid_from` is "original" or "contract"."""

    order_id: str
    transaction_id: str
    kind: str
    paid_from: str
    amount: Money
    state: OrderState
    version: int = 1
    origin: str
    cause: str = ""
    reason: str
    explanation: str
    automatic: bool
    maker: str
    checker: str = ""
    reference: str = ""
    attempts: int = 0
    proposed_at_us: int
    expires_at_us: int
    decided_at_us: int | None = None
    closed_at_us: int | None = None


INSERT_ORDER = Insert(table=orders, rank=7)
UPDATE_ORDER = Update(
    table=orders,
    sets=(
        "state", "version", "explanation", "checker", "reference", "attempts", "decided_at_us", "closed_at_us",
    ),
    match=("order_id", "version"),
    rank=7,
)  # fmt: skip


def insert_order(order: Order) -> Change:
    """A new order; the database refuses one that would exceed what is left."""
    return Change(statement=INSERT_ORDER, row=_as_row(order))


def update_order(before: Order, after: Order) -> Change:
    """The order as it stands now; the version is the compare-and-set."""
    return Change(
        statement=UPDATE_ORDER,
        row=(
            after.state.value, before.version + 1, after.explanation, after.checker, after.reference, after.attempts,
            after.decided_at_us, after.closed_at_us, before.order_id, before.version,
        ),
    )  # fmt: skip


def due(order: Order, lane: str, at_us: int) -> Change:
    """The driver looks at it then."""
    return tasks.put(TASK_KIND, order.order_id, lane, at_us)


def told(original: Transaction, kind: str, note: str, now: Moment) -> tuple[list[Fact], list[Change]]:
    """The original's timeline says what happened to an order; its next version guards it."""
    return [return_fact(original, kind, now, note)], [next_version(original)]


def _as_row(order: Order) -> Row:
    return (
        order.order_id, order.transaction_id, order.kind, order.paid_from, order.amount.minor, order.amount.currency,
        order.state.value, order.version, order.origin, order.cause, order.reason, order.explanation,
        int(order.automatic), order.maker, order.checker, order.reference, order.attempts, order.proposed_at_us,
        order.expires_at_us, order.decided_at_us, order.closed_at_us,
    )  # fmt: skip


def _from_row(row: Any) -> Order:
    values = dict(row._mapping)
    values["amount"] = Money(minor=values.pop("amount_minor"), currency=values.pop("currency"))
    values["state"] = OrderState(values["state"])
    values["automatic"] = bool(values["automatic"])
    return Order(**values)


def _all(connection: Connection, query: Select[Any], **values: object) -> list[Order]:
    return [_from_row(row) for row in connection.execute(query, values)]


_ORDERS_OF = select(orders).where(orders.c.transaction_id == bindparam("transaction_id")).order_by(orders.c.order_id)
"""Every step of a return asks it: made once."""


def find_order(connection: Connection, order_id: str) -> Order | None:
    """By its id."""
    return next(iter(_all(connection, select(orders).where(orders.c.order_id == order_id))), None)


def orders_of(connection: Connection, transaction_id: str) -> list[Order]:
    """All orders of a transaction, first to last."""
    return _all(connection, _ORDERS_OF, transaction_id=transaction_id)


def open_orders(connection: Connection, limit: int) -> list[Order]:
    """What is not closed, oldest first; by the partial index."""
    query = select(orders).where(orders.c.closed_at_us.is_(None)).order_by(orders.c.proposed_at_us).limit(limit)
    return _all(connection, query)


def open_page(connection: Connection, merchant_id: str = "", after_id: str = "", limit: int = 50) -> list[Order]:
    """A page of what is not closed, oldest first, behind the order `after_id`; of one merchant, if one is named. By
    the partial index.
    """
    place = (orders.c.proposed_at_us, orders.c.order_id)
    query = select(orders).where(orders.c.closed_at_us.is_(None)).order_by(*place).limit(limit)
    if merchant_id:
        query = query.join(transactions, transactions.c.transaction_id == orders.c.transaction_id)
        query = query.where(transactions.c.merchant_id == merchant_id)
    after = find_order(connection, after_id) if after_id else None
    if after is not None:
        query = query.where(tuple_(*place) > (after.proposed_at_us, after.order_id))
    return _all(connection, query)


def page_of_orders(
    connection: Connection, *, merchant_id: str = "", transaction_id: str = "", state: str = "", before_id: str = "",
    limit: int = 50,
) -> list[Order]:  # fmt: skip
    """Orders by falling id; an empty text wants any. By the primary key, or by the transaction's index."""
    query = select(orders).order_by(orders.c.order_id.desc()).limit(limit)
    if merchant_id:
        query = query.join(transactions, transactions.c.transaction_id == orders.c.transaction_id).where(
            transactions.c.merchant_id == merchant_id
        )
    given = ((orders.c.transaction_id, transaction_id), (orders.c.state, state))
    query = query.where(*(column == value for column, value in given if value))
    return _all(connection, query.where(orders.c.order_id < before_id) if before_id else query)


def open_for(connection: Connection, acquirer: str) -> list[str]:
    """The payments of this acquirer with an order that is not closed; by the partial index."""
    query = (
        select(orders.c.transaction_id)
        .join(transactions, transactions.c.transaction_id == orders.c.transaction_id)
        .where(orders.c.closed_at_us.is_(None), transactions.c.acquirer == acquirer)
    )
    return list(connection.execute(query).scalars())


def automatic_today_minor(connection: Connection, merchant_id: str, currency: str, now_us: int) -> int:
    """What has been given back automatically for a merchant on this day in China, in minor units: for the limit."""
    query = (
        select(total(orders.c.amount_minor))
        .join(transactions, transactions.c.transaction_id == orders.c.transaction_id)
        .where(
            transactions.c.merchant_id == merchant_id, orders.c.currency == currency, orders.c.automatic == 1,
            orders.c.proposed_at_us >= day_began_us(now_us),
        )
    )  # fmt: skip
    return int(connection.execute(query).scalar_one())


def given_minor(connection: Connection, order_id: str) -> int:
    """What this order's legs have returned, in minor units."""
    query = select(total(legs.c.amount_minor)).where(legs.c.order_id == order_id, legs.c.state == "RETURNED")
    return int(connection.execute(query).scalar_one())


def returned_between(connection: Connection, from_id: str, to_id: str, merchant_id: str = "") -> list[Any]:
    """What has gone back of the transactions from one id to before another: rows with merchant_id, currency, the
    transaction's `state`, and `minor`.
    """
    query = (
        select(
            transactions.c.merchant_id, legs.c.currency, transactions.c.state, total(legs.c.amount_minor).label("minor")
        )
        .join(transactions, transactions.c.transaction_id == legs.c.transaction_id)
        .where(legs.c.transaction_id >= from_id, legs.c.transaction_id < to_id, legs.c.state == "RETURNED")
        .group_by(transactions.c.merchant_id, legs.c.currency, transactions.c.state)
    )
    return list(connection.execute(query.where(transactions.c.merchant_id == merchant_id) if merchant_id else query))


def expired(orders_: Sequence[Order], now_us: int) -> list[Order]:
    """Proposals that nobody approved in time."""
    return [each for each in orders_ if each.state is OrderState.PROPOSED and each.expires_at_us <= now_us]
