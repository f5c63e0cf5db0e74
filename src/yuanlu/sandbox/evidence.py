"""Two of the witnesses of a run, read: the hosts' books, and the gateway's journal. The third is `told`.

The journal is read by tables only; nothing of the gateway's own code judges itself here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, literal, select, union
from sqlalchemy.sql import ColumnElement

from yuanlu.cases.tables import cases
from yuanlu.incidents.tables import incident_members, incidents
from yuanlu.journal.tables import facts, transactions
from yuanlu.returns.tables import legs, orders
from yuanlu.sandbox.ledger import PaymentRef


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEntry:
    """What one host booked for one payment, in minor units; `debit_count` is how often it charged."""

    ref: PaymentRef
    debits_minor: int
    credits_minor: int
    debit_count: int
    held_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """What one host holds a transaction to be; `state` is the name of a `RecordState`."""

    ref: PaymentRef
    kind: str
    state: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """What the journal says about one transaction.

    `approved_at_us` is when its approval became durable, None if it never did. `amount_minor` is what was paid, and
    `original_id` what a void, refund or completion is about. `cause` is a code of the cause catalogue, "" for none.
    """

    ref: PaymentRef
    transaction_id: str
    acquirer: str
    state: str
    reason: str
    amount_minor: int
    approved_at_us: int | None
    kind: str = "sale"
    original_id: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnEntry:
    """One giving-back: its kind and state, and from when to when, in microseconds since 1970 UTC.

    `message_id` is the void or refund that carries it out, `order_id` the order that it is part of.
    """

    transaction_id: str
    acquirer: str
    state: str
    opened_at_us: int
    closed_at_us: int | None
    kind: str = "reversal"
    amount_minor: int = 0
    message_id: str = ""
    order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntry:
    """An order to give money back, and where it stands."""

    transaction_id: str
    state: str
    amount_minor: int


def _ref(row: Mapping[str, Any]) -> PaymentRef:
    return PaymentRef(
        terminal_id=row["terminal_id"],
        merchant_id=row["merchant_id"],
        batch_no=row["batch"],
        stan=row["stan"],
    )


def host_entries(payments: Iterable[Mapping[str, Any]]) -> list[HostEntry]:
    """The rows of GET /ledger."""
    return [
        HostEntry(
            ref=_ref(row),
            debits_minor=row["debits"],
            credits_minor=row["credits"],
            debit_count=row["debit_count"],
            held_minor=row["held"],
        )
        for row in payments
    ]


def host_records(records: Iterable[Mapping[str, Any]]) -> list[HostRecord]:
    """The rows of GET /records."""
    return [
        HostRecord(ref=_ref(row), kind=row["kind"], state=row["state"], amount_minor=row["amount"]) for row in records
    ]


def cause_column() -> ColumnElement[str]:
    """The transactions' cause, or "" where this journal has none yet."""
    found = transactions.c.get("cause")
    return found if found is not None else literal("").label("cause")


def journal_entries(connection: Connection) -> list[JournalEntry]:
    """Every transaction in the journal, with the instant of its approval from the facts."""
    approved = (
        select(facts.c.subject_id, func.min(facts.c.at_us).label("at_us"))
        .where(facts.c.kind == "APPROVED")
        .group_by(facts.c.subject_id)
        .subquery()
    )
    t = transactions.c
    paid = func.coalesce(t.approved_minor, t.amount_minor).label("paid_minor")
    query = select(
        t.terminal_id, t.merchant_id, t.batch_no, t.stan, t.transaction_id, t.acquirer, t.state, t.reason, t.kind,
        t.original_id, paid, approved.c.at_us, cause_column(),
    ).join_from(transactions, approved, approved.c.subject_id == t.transaction_id, isouter=True)  # fmt: skip
    return [_journal_entry(row) for row in connection.execute(query).mappings()]


def _journal_entry(row: RowMapping) -> JournalEntry:
    ref = PaymentRef(
        terminal_id=row["terminal_id"],
        merchant_id=row["merchant_id"],
        batch_no=row["batch_no"],
        stan=row["stan"],
    )
    return JournalEntry(
        ref=ref,
        transaction_id=row["transaction_id"],
        acquirer=row["acquirer"],
        state=row["state"],
        reason=row["reason"],
        amount_minor=row["paid_minor"],
        approved_at_us=row["at_us"],
        kind=row["kind"],
        original_id=row["original_id"],
        cause=row["cause"],
    )


def return_entries(connection: Connection) -> list[ReturnEntry]:
    """Every leg in the journal."""
    c = legs.c
    query = select(
        c.transaction_id, c.acquirer, c.state, c.opened_at_us, c.closed_at_us, c.kind, c.amount_minor, c.message_id,
        c.order_id,
    )  # fmt: skip
    return [ReturnEntry(**row) for row in connection.execute(query).mappings()]


def order_entries(connection: Connection) -> list[OrderEntry]:
    """Every order that gives back what was paid."""
    c = orders.c
    query = select(c.transaction_id, c.state, c.amount_minor).where(c.paid_from == "original")
    return [OrderEntry(**row) for row in connection.execute(query).mappings()]


def in_work() -> Select[Any]:
    """Transactions with an open case of their own, or with one that their incident has."""
    own = select(cases.c.transaction_id).where(cases.c.state != "CLOSED", cases.c.transaction_id.is_not(None))
    shared = (
        select(incident_members.c.transaction_id)
        .join(cases, cases.c.incident == incident_members.c.incident_id)
        .where(cases.c.state != "CLOSED", cases.c.transaction_id.is_(None))
    )
    both = union(own, shared).subquery()
    return select(both.c.transaction_id)


def case_entries(connection: Connection) -> frozenset[str]:
    """The ids of all transactions that are in a person's work list."""
    return frozenset(connection.execute(in_work()).scalars())


def incident_kinds(connection: Connection) -> dict[str, int]:
    """How many incidents the gateway saw, by kind."""
    query = select(incidents.c.kind, func.count().label("number")).group_by(incidents.c.kind)
    return {row.kind: row.number for row in connection.execute(query)}
