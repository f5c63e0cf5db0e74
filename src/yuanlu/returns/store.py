"""A leg's statements and queries."""

from typing import Any

from sqlalchemy import Connection, bindparam, case, select, text, update

from yuanlu.journal.statements import Delete, Insert, Row, Update
from yuanlu.journal.tables import transactions
from yuanlu.journal.unit import Change
from yuanlu.kernel.clock import Moment
from yuanlu.returns.policy import Leg
from yuanlu.returns.states import OPEN_RETURN, State
from yuanlu.returns.tables import leg_sends, legs, watches

INSERT_LEG = Insert(table=legs, rank=3)
UPDATE_LEG = Update(
    table=legs,
    sets=(
        "state", "live", "reason", "original_answer", "attempts", "rejected", "inquiries", "last_step", "last_meaning",
        "last_boot_us", "last_boot_id", "asked_boot_us", "unanswered_boot_us", "case_opened",
        "explanation", "closed_at_us",
    ),
    match=("return_id",),
    rank=4,
)  # fmt: skip
RESTART_WINDOW = Update(
    table=legs,
    sets=(
        "original_boot_us", "original_boot_id", "last_boot_us", "last_boot_id", "asked_boot_us", "unanswered_boot_us",
    ),
    match=("return_id", "original_boot_id"),
    rank=4,
)  # fmt: skip
INSERT_SEND = Insert(table=leg_sends, rank=4)
DELETE_SEND = Delete(table=leg_sends, match=("return_id", "step", "n"), rank=4)
PUT_WATCH = Insert(table=watches, replace=True, rank=4)
DROP_WATCH = Delete(table=watches, match=("transaction_id",), rank=4)


def insert_leg(leg: Leg) -> Change:
    """A new leg; the database refuses a second live one and a sum above the payment."""
    return Change(statement=INSERT_LEG, row=_as_row(leg))


def update_leg(leg: Leg) -> Change:
    """The leg as it stands now. Always with the transaction's version in the same unit: that is the guard."""
    return Change(
        statement=UPDATE_LEG,
        row=(
            leg.state.value, int(leg.state in OPEN_RETURN), leg.reason, leg.original_answer, leg.attempts, leg.rejected,
            leg.inquiries, leg.last_step, leg.last_meaning, leg.last_boot_us, leg.last_boot_id, leg.asked_boot_us,
            leg.unanswered_boot_us, int(leg.case_opened), leg.explanation, leg.closed_at_us, leg.return_id,
        ),
    )  # fmt: skip


def restart_window(leg: Leg, now: Moment) -> Change:
    """Another machine's readings mean nothing here: every window of the leg starts again now."""
    unanswered_us = now.boot_us if leg.attempts else 0
    return Change(
        statement=RESTART_WINDOW,
        row=(now.boot_us, now.boot_id, now.boot_us, now.boot_id, 0, unanswered_us, leg.return_id, leg.original_boot_id),
    )


def insert_send(leg: Leg, step: str, n: int, at_us: int) -> Change:
    """The n-th sending of this step; the primary key allows it once."""
    return Change(statement=INSERT_SEND, row=(leg.return_id, step, n, at_us))


def delete_send(leg: Leg, step: str, n: int) -> Change:
    """It provably never left."""
    return Change(statement=DELETE_SEND, row=(leg.return_id, step, n))


def put_watch(transaction_id: str, at_us: int, reason: str) -> Change:
    """On the watch list until complete clearing files agree."""
    return Change(statement=PUT_WATCH, row=(transaction_id, at_us, reason))


def drop_watch(transaction_id: str) -> Change:
    """Off the watch list; a conflict when it is not on it."""
    return Change(statement=DROP_WATCH, row=(transaction_id,))


def watched_ids(connection: Connection, acquirer: str) -> list[str]:
    """What waits for this acquirer's clearing files."""
    query = select(watches.c.transaction_id).join(
        transactions, transactions.c.transaction_id == watches.c.transaction_id
    )
    return list(connection.execute(query.where(transactions.c.acquirer == acquirer)).scalars())


def is_watched(connection: Connection, transaction_id: str) -> bool:
    """Whether it is on the watch list."""
    query = select(watches.c.transaction_id).where(watches.c.transaction_id == transaction_id)
    return connection.execute(query).first() is not None


def _as_row(leg: Leg) -> Row:
    return (
        leg.return_id, leg.transaction_id, leg.acquirer, leg.kind, leg.leg_no, leg.state.value,
        int(leg.state in OPEN_RETURN), leg.amount_minor, leg.currency, leg.reason, leg.original_answer,
        leg.original_sent_at_us, leg.original_boot_us, leg.original_boot_id, leg.attempts, leg.rejected, leg.inquiries,
        leg.last_step, leg.last_meaning, leg.last_boot_us, leg.last_boot_id, leg.asked_boot_us,
        int(leg.case_opened), leg.explanation, leg.opened_at_us, leg.closed_at_us, leg.unanswered_boot_us,
        leg.message_id, leg.order_id,
    )  # fmt: skip


def _from_row(row: Any) -> Leg:
    values = dict(row._mapping)
    values.pop("live")
    values["state"] = State(values["state"])
    values["case_opened"] = bool(values["case_opened"])
    return Leg(**values)


# Every step of a return asks these: made once.
_LIVE = select(legs).where(legs.c.return_id == bindparam("return_id"), legs.c.live == 1)
_LEGS = select(legs).where(legs.c.transaction_id == bindparam("transaction_id")).order_by(legs.c.opened_at_us)


def find_live(connection: Connection, return_id: str) -> Leg | None:
    """The leg of this id while it is live."""
    row = connection.execute(_LIVE, {"return_id": return_id}).first()
    return None if row is None else _from_row(row)


def legs_of(connection: Connection, transaction_id: str) -> list[Leg]:
    """All legs of a transaction, first to last."""
    return [_from_row(row) for row in connection.execute(_LEGS, {"transaction_id": transaction_id})]


def live_ids(connection: Connection, acquirer: str) -> list[str]:
    """The returns of this acquirer that are not closed, oldest first; by the partial index."""
    query = select(legs.c.return_id).where(legs.c.acquirer == acquirer, text("live = 1"))
    return list(connection.execute(query.order_by(legs.c.opened_at_us)).scalars())


def leg_rows(connection: Connection, transaction_id: str) -> list[dict[str, Any]]:
    """The same as plain rows, for a diagnostic bundle."""
    return [dict(row._mapping) for row in connection.execute(_LEGS, {"transaction_id": transaction_id})]


def open_legs(connection: Connection, limit: int) -> list[Any]:
    """Returns that are not closed, oldest first, with what a person needs to see; for `yuanlu status`."""
    query = (
        select(legs, transactions.c.terminal_id, transactions.c.merchant_id, transactions.c.stan,
               transactions.c.card_last4)
        .join(transactions, transactions.c.transaction_id == legs.c.transaction_id)
        .where(legs.c.live == 1)
        .order_by(legs.c.opened_at_us)
        .limit(limit)
    )  # fmt: skip
    return list(connection.execute(query))


def restart_windows(connection: Connection, now: Moment) -> None:
    """After a boot the old readings mean nothing: every window of an open leg starts again now."""
    connection.execute(
        update(legs)
        .where(legs.c.live == 1, legs.c.original_boot_id != now.boot_id)
        .values(
            original_boot_us=now.boot_us, original_boot_id=now.boot_id,
            last_boot_us=now.boot_us, last_boot_id=now.boot_id, asked_boot_us=0,
            unanswered_boot_us=case((legs.c.attempts > 0, now.boot_us), else_=0),
        )
    )  # fmt: skip
