"""Payments as lists show them: what each terminal did lately, and where the money of some payments is."""

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, case, func, select

from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import OWN_STAN_ABOVE
from yuanlu.kernel.identifiers import first_of

LATELY_MAX = 20_000
"""So many of the latest payments are looked at for the list of terminals: a busy day is not read as a whole."""


class Lately(Struct, frozen=True, kw_only=True):
    """What one terminal did lately."""

    payments: int
    abnormal: int
    """Payments with a cause: something about them went wrong."""
    last_at_us: int


def lately_query(since_us: int) -> Select[Any]:
    """The query of `lately`: a range of the primary key, read backwards and cut."""
    latest = (
        select(
            transactions.c.terminal_id, transactions.c.received_at_us, transactions.c.cause, transactions.c.stan
        )
        .where(transactions.c.transaction_id >= first_of(since_us))
        .order_by(transactions.c.transaction_id.desc())
        .limit(LATELY_MAX)
        .subquery()
    )  # fmt: skip
    return (
        select(
            latest.c.terminal_id, func.count().label("many"), func.max(latest.c.received_at_us).label("last"),
            func.sum(case((latest.c.cause != "", 1), else_=0)).label("abnormal"),
        )
        .where(latest.c.stan <= OWN_STAN_ABOVE)
        .group_by(latest.c.terminal_id)
    )  # fmt: skip


def lately(connection: Connection, since_us: int) -> dict[str, Lately]:
    """Each terminal's payments since then, as far as they are among the latest of all."""
    return {
        row.terminal_id: Lately(payments=row.many, abnormal=int(row.abnormal), last_at_us=row.last)
        for row in connection.execute(lately_query(since_us))
    }


class Standing(Struct, frozen=True, kw_only=True):
    """Where the money of a payment is, and its card's last digits."""

    state: str
    kind: str
    card_last4: str
    merchant_id: str


def standing_of(connection: Connection, transaction_ids: list[str]) -> dict[str, Standing]:
    """These payments' states; by the primary key."""
    query = select(
        transactions.c.transaction_id,
        transactions.c.state,
        transactions.c.kind,
        transactions.c.card_last4,
        transactions.c.merchant_id,
    ).where(transactions.c.transaction_id.in_(transaction_ids))
    return {
        row.transaction_id: Standing(
            state=row.state, kind=row.kind, card_last4=row.card_last4, merchant_id=row.merchant_id
        )
        for row in connection.execute(query)
    }
