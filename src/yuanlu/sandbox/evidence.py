"""The three witnesses of a run: the hosts' books, the gateway's journal, and what the tills were told.

The journal is read by tables only; nothing of the gateway's own code judges itself here.
"""

import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from yuanlu.journal.tables import facts, transactions
from yuanlu.kernel.errors import YuanluError
from yuanlu.returns.tables import legs
from yuanlu.sandbox.ledger import PaymentRef

CONTROL_TIMEOUT_S = 10.0


class EvidenceMissing(YuanluError):
    """A witness cannot be heard, so there is no verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEntry:
    """What one host booked for one payment, in minor units; `debit_count` is how often it charged."""

    ref: PaymentRef
    debits_minor: int
    credits_minor: int
    debit_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """What the journal says about one payment.

    `approved_at_us` is when its approval became durable, None if it never did.
    """

    ref: PaymentRef
    transaction_id: str
    acquirer: str
    state: str
    reason: str
    amount_minor: int
    approved_at_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnEntry:
    """One giving-back: its state, and from when to when, in microseconds since 1970 UTC."""

    transaction_id: str
    acquirer: str
    state: str
    opened_at_us: int
    closed_at_us: int | None


def ask_hosts(port: int, path: str) -> Any:
    """GET `path` of the hosts' fault API on loopback. Raises EvidenceMissing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CONTROL_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EvidenceMissing(f"the simulated hosts do not answer {path}: {error}") from None
    finally:
        connection.close()


def host_entries(payments: Iterable[dict[str, Any]]) -> list[HostEntry]:
    """The rows of GET /ledger."""
    return [
        HostEntry(
            ref=PaymentRef(
                terminal_id=row["terminal_id"],
                merchant_id=row["merchant_id"],
                batch_no=row["batch"],
                stan=row["stan"],
            ),
            debits_minor=row["debits"],
            credits_minor=row["credits"],
            debit_count=row["debit_count"],
        )
        for row in payments
    ]


def journal_entries(connection: Connection) -> list[JournalEntry]:
    """Every payment in the journal, with the instant of its approval from the facts."""
    approved = (
        select(facts.c.subject_id, func.min(facts.c.at_us).label("at_us"))
        .where(facts.c.kind == "APPROVED")
        .group_by(facts.c.subject_id)
        .subquery()
    )
    t = transactions.c
    query = select(
        t.terminal_id, t.merchant_id, t.batch_no, t.stan, t.transaction_id, t.acquirer, t.state, t.reason,
        t.amount_minor, approved.c.at_us,
    ).join_from(transactions, approved, approved.c.subject_id == t.transaction_id, isouter=True)  # fmt: skip
    return [
        JournalEntry(
            ref=PaymentRef(
                terminal_id=row.terminal_id,
                merchant_id=row.merchant_id,
                batch_no=row.batch_no,
                stan=row.stan,
            ),
            transaction_id=row.transaction_id,
            acquirer=row.acquirer,
            state=row.state,
            reason=row.reason,
            amount_minor=row.amount_minor,
            approved_at_us=row.at_us,
        )
        for row in connection.execute(query)
    ]


def return_entries(connection: Connection) -> list[ReturnEntry]:
    """Every leg in the journal."""
    c = legs.c
    query = select(c.transaction_id, c.acquirer, c.state, c.opened_at_us, c.closed_at_us)
    return [
        ReturnEntry(
            transaction_id=row.transaction_id,
            acquirer=row.acquirer,
            state=row.state,
            opened_at_us=row.opened_at_us,
            closed_at_us=row.closed_at_us,
        )
        for row in connection.execute(query)
    ]
