"""Observations in the database: the statement, and the queries. Each query is by an index and has a limit.

What was told at the same moment comes in the order of its identifiers: a database has no order of its own.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, text

from yuanlu.fleet.observations import NO, READINGS, STANDING, Kind, Observation, Told
from yuanlu.fleet.tables import NAMED, observations
from yuanlu.journal.statements import Insert
from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import OWN_STAN_ABOVE
from yuanlu.journal.unit import Change

READ_MAX = 200
LATEST_MAX = 5
"""So many of a terminal's latest payments an observation can concern."""

INSERT_OBSERVATION = Insert(table=observations, rank=7)


def insert_observation(observation_id: str, row: Observation) -> Change:
    """A new observation."""
    return Change(
        statement=INSERT_OBSERVATION,
        row=(
            observation_id, row.merchant_id, row.terminal_id, row.transaction_id, row.at_us, row.kind.value, row.value,
            row.told_by,
        ),
    )  # fmt: skip


# Whenever a payment is looked into these are asked. They are made once: to make one takes twice as long as to ask it.
_OF_TERMINAL = (
    select(observations)
    .where(
        observations.c.terminal_id == bindparam("terminal_id"),
        observations.c.kind.in_(bindparam("kinds", expanding=True)),
        observations.c.at_us.between(bindparam("since_us"), bindparam("until_us")),
    )
    .order_by(
        func.abs(observations.c.at_us - bindparam("near_us")), observations.c.at_us, observations.c.observation_id
    )
    .limit(READ_MAX)
)
_OF_PAYMENT = (
    select(observations)
    .where(observations.c.transaction_id == bindparam("transaction_id"), text(NAMED))
    .order_by(observations.c.at_us, observations.c.observation_id)
    .limit(READ_MAX)
)
_LATEST = (
    select(observations)
    .where(
        observations.c.terminal_id == bindparam("terminal_id"), observations.c.kind == bindparam("kind"),
        observations.c.at_us <= bindparam("until_us"),
    )
    .order_by(observations.c.at_us.desc(), observations.c.observation_id.desc())
    .limit(1)
)  # fmt: skip


def _all(connection: Connection, query: Select[Any], **values: object) -> list[Observation]:
    return [
        Observation(
            merchant_id=row.merchant_id, terminal_id=row.terminal_id, transaction_id=row.transaction_id,
            at_us=row.at_us, kind=Kind(row.kind), value=row.value, told_by=row.told_by,
        )
        for row in connection.execute(query, values)
    ]  # fmt: skip


def of_terminal(
    connection: Connection, terminal_id: str, since_us: int, until_us: int, kinds: Collection[Kind], near_us: int
) -> list[Observation]:
    """A terminal's observations of these kinds from then until then, those nearest to `near_us` first."""
    names = sorted(kind.value for kind in kinds)
    return _all(
        connection, _OF_TERMINAL, terminal_id=terminal_id, kinds=names, since_us=since_us, until_us=until_us,
        near_us=near_us,
    )  # fmt: skip


def of_payment(connection: Connection, transaction_id: str) -> list[Observation]:
    """What names this payment, oldest first."""
    return _all(connection, _OF_PAYMENT, transaction_id=transaction_id)


def latest_of(connection: Connection, terminal_id: str, kind: Kind, until_us: int) -> Observation | None:
    """The latest of one kind that a terminal has until then."""
    found = _all(connection, _LATEST, terminal_id=terminal_id, kind=kind.value, until_us=until_us)
    return next(iter(found), None)


def is_news(connection: Connection, terminal_id: str, each: Told, now_us: int) -> bool:
    """Whether it is worth a row: a terminal may say every minute that all is well, or that nothing has changed."""
    if each.kind not in STANDING | READINGS:
        return each.happened
    before = latest_of(connection, terminal_id, each.kind, now_us)
    if each.kind in STANDING:
        return each.value != (NO if before is None else before.value)
    was_low = before is not None and Told(kind=each.kind, value=before.value).happened
    return each.happened or was_low


def payment_named(
    connection: Connection, terminal_id: str, merchant_id: str, batch_no: str, stan: str
) -> tuple[str, str] | None:
    """The terminal's latest payment with this trace number, in this batch if one is given, as id and state."""
    query = select(transactions.c.transaction_id, transactions.c.state).where(
        transactions.c.terminal_id == terminal_id, transactions.c.merchant_id == merchant_id,
        transactions.c.stan == stan,
    )  # fmt: skip
    if batch_no:
        query = query.where(transactions.c.batch_no == batch_no)
    row = connection.execute(query.order_by(transactions.c.transaction_id.desc()).limit(1)).first()
    return None if row is None else (row.transaction_id, row.state)


def latest_payments(connection: Connection, terminal_id: str, merchant_id: str, since_us: int) -> list[tuple[str, str]]:
    """The terminal's own latest payments since then, as id and state, newest first."""
    query = (
        select(transactions.c.transaction_id, transactions.c.state)
        .where(
            transactions.c.terminal_id == terminal_id, transactions.c.merchant_id == merchant_id,
            transactions.c.received_at_us >= since_us, transactions.c.stan <= OWN_STAN_ABOVE,
        )
        .order_by(transactions.c.received_at_us.desc())
        .limit(LATEST_MAX)
    )  # fmt: skip
    return [(row.transaction_id, row.state) for row in connection.execute(query)]


def latest_of_each(
    connection: Connection, terminal_ids: Collection[str], kinds: Collection[Kind]
) -> dict[str, dict[Kind, Observation]]:
    """The latest observation of each of these kinds, terminal by terminal; by the index of terminals."""
    of_these = (
        observations.c.terminal_id.in_(terminal_ids),
        observations.c.kind.in_([kind.value for kind in kinds]),
    )
    latest = (
        select(observations.c.terminal_id, observations.c.kind, func.max(observations.c.at_us).label("at_us"))
        .where(*of_these)
        .group_by(observations.c.terminal_id, observations.c.kind)
        .subquery()
    )
    query = (
        select(observations)
        .join(
            latest,
            (observations.c.terminal_id == latest.c.terminal_id)
            & (observations.c.kind == latest.c.kind)
            & (observations.c.at_us == latest.c.at_us),
        )
        .order_by(observations.c.observation_id)
    )
    found: dict[str, dict[Kind, Observation]] = {}
    for each in _all(connection, query):
        found.setdefault(each.terminal_id, {})[each.kind] = each
    return found


def told_lately(connection: Connection, terminal_id: str, since_us: int, limit: int = 50) -> list[Observation]:
    """What was said of a terminal since then, the latest first; sign-ins, which are the gateway's own, left out."""
    kinds = [kind.value for kind in Kind if kind is not Kind.SIGNED_IN]
    query = select(observations).where(
        observations.c.terminal_id == terminal_id, observations.c.kind.in_(kinds), observations.c.at_us >= since_us
    )
    latest = observations.c.at_us.desc(), observations.c.observation_id.desc()
    return _all(connection, query.order_by(*latest).limit(limit))
