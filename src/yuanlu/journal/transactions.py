"""A transaction's current state: the record, its statements and its queries."""

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, Integer, Select, bindparam, func, select, text

from yuanlu.journal.frames import Direction, StoredFrame, unpack
from yuanlu.journal.statements import Insert, Row, Update
from yuanlu.journal.tables import facts, transactions
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money


class Transaction(Struct, frozen=True, kw_only=True):
    """One payment as it stands. `sealed` opens under the context `transactions/{transaction_id}`.

    `reason` says why it is in its state; `response_code` is the host's, or ours if it never got that far.
    """

    transaction_id: str
    key: TransactionKey
    acquirer: str
    kind: str
    state: str
    version: int
    amount: Money
    card_token: str
    card_bin: str
    card_last4: str
    sealed: bytes | None
    reason: str = ""
    response_code: str = ""
    rrn: str = ""
    auth_code: str = ""
    received_at_us: int
    changed_at_us: int
    original_id: str = ""
    approved_minor: int | None = None
    cause: str = ""

    @property
    def paid(self) -> Money:
        """What the account was charged, if it was: the amount approved, which can be less than what was asked for."""
        if self.approved_minor is None:
            return self.amount
        return Money(minor=self.approved_minor, currency=self.amount.currency)


OWN_STAN_ABOVE = "990000"
"""Trace numbers above it are ours, not a terminal's."""

HAS_ORIGINAL, HAS_RRN, IN_FLIGHT = text("original_id <> ''"), text("rrn <> ''"), text("state = 'SEND_INTENT'")
ABNORMAL = text("cause <> ''")
"""The conditions of four partial indexes, in their very words: without them SQLite reads the whole table."""

INSERT_TRANSACTION = Insert(table=transactions)

SET_OUTCOME = Update(
    table=transactions,
    sets=("state", "version", "reason", "response_code", "rrn", "auth_code", "approved_minor", "changed_at_us"),
    match=("transaction_id", "version"),
)
"""The answer is known, or its absence is."""

SET_STATE = Update(
    table=transactions,
    sets=("state", "version", "reason", "changed_at_us"),
    match=("transaction_id", "version"),
)

SET_VERSION = Update(table=transactions, sets=("version",), match=("transaction_id", "version"))
"""A fact that changes no state still takes the next version."""


SET_CAUSE = Update(table=transactions, sets=("version", "cause"), match=("transaction_id", "version"))
"""Why it went wrong is known now, or better known."""


def as_row(t: Transaction) -> Row:
    """The columns of the table, in their order; plain strings, since a subclass takes the driver 2 µs to bind."""
    return (
        t.transaction_id, t.key.terminal_id, t.key.merchant_id, t.key.batch_no, t.key.stan, t.key.mti_class,
        t.acquirer, t.kind, str(t.state), t.version, t.amount.minor, t.amount.currency,
        t.card_token, t.card_bin, t.card_last4, t.sealed, t.reason, t.response_code, t.rrn, t.auth_code,
        t.received_at_us, t.changed_at_us, t.original_id, t.approved_minor, t.cause,
    )  # fmt: skip


def from_row(row: Any) -> Transaction:
    """A row of the table as a record."""
    return Transaction(
        transaction_id=row.transaction_id,
        key=TransactionKey(
            terminal_id=row.terminal_id,
            merchant_id=row.merchant_id,
            batch_no=row.batch_no,
            stan=row.stan,
            mti_class=row.mti_class,
        ),
        acquirer=row.acquirer,
        kind=row.kind,
        state=row.state,
        version=row.version,
        amount=Money(minor=row.amount_minor, currency=row.currency),
        card_token=row.card_token,
        card_bin=row.card_bin,
        card_last4=row.card_last4,
        sealed=row.sealed,
        reason=row.reason,
        response_code=row.response_code,
        rrn=row.rrn,
        auth_code=row.auth_code,
        received_at_us=row.received_at_us,
        changed_at_us=row.changed_at_us,
        original_id=row.original_id,
        approved_minor=row.approved_minor,
        cause=row.cause,
    )


def _all(connection: Connection, query: Select[Any], **values: object) -> list[Transaction]:
    return [from_row(row) for row in connection.execute(query, values)]


# Every payment asks these. They are made once: to make one takes twice as long as to ask it.
_IN_BATCH = (
    transactions.c.terminal_id == bindparam("terminal_id"),
    transactions.c.merchant_id == bindparam("merchant_id"),
    transactions.c.batch_no == bindparam("batch_no"),
)
_BY_KEY = select(transactions).where(
    *_IN_BATCH, transactions.c.stan == bindparam("stan"), transactions.c.mti_class == bindparam("mti_class")
)
_BY_ID = select(transactions).where(transactions.c.transaction_id == bindparam("transaction_id"))
_BESIDE = (
    select(transactions)
    .where(
        *_IN_BATCH,
        transactions.c.received_at_us.between(bindparam("from_us"), bindparam("until_us")),
        transactions.c.transaction_id != bindparam("transaction_id"),
        transactions.c.stan <= OWN_STAN_ABOVE,
    )
    .order_by(func.abs(transactions.c.received_at_us - bindparam("at_us")))
    .limit(bindparam("limit", type_=Integer))
)
_ABOUT = (
    select(transactions)
    .where(transactions.c.original_id == bindparam("original_id"), HAS_ORIGINAL)
    .order_by(transactions.c.transaction_id)
)
_FACTS_OF = (
    select(facts)
    .where(facts.c.merchant_id == bindparam("merchant_id"), facts.c.subject_id == bindparam("subject_id"))
    .order_by(facts.c.version)
)


def find_by_key(connection: Connection, key: TransactionKey) -> Transaction | None:
    """The transaction of this identity, by the unique index."""
    return next(iter(_all(connection, _BY_KEY, **asdict(key))), None)


def find_by_rrn(connection: Connection, merchant_id: str, rrn: str, kinds: Collection[str]) -> Transaction | None:
    """The merchant's newest transaction of these kinds with this retrieval reference number."""
    query = (
        select(transactions)
        .where(
            transactions.c.rrn == rrn, HAS_RRN, transactions.c.merchant_id == merchant_id,
            transactions.c.kind.in_(kinds),
        )
        .order_by(transactions.c.transaction_id.desc())
        .limit(1)
    )  # fmt: skip
    return next(iter(_all(connection, query)), None)


def beside(connection: Connection, transaction: Transaction, within_us: int, limit: int) -> list[Transaction]:
    """The other transactions of its terminal and batch within so much time, the nearest first; by the unique index."""
    key, at_us = transaction.key, transaction.received_at_us
    return _all(
        connection, _BESIDE, terminal_id=key.terminal_id, merchant_id=key.merchant_id, batch_no=key.batch_no,
        from_us=at_us - within_us, until_us=at_us + within_us, transaction_id=transaction.transaction_id, at_us=at_us,
        limit=limit,
    )  # fmt: skip


def of_batch(connection: Connection, terminal_id: str, merchant_id: str, batch_no: str) -> list[Transaction]:
    """The terminal's transactions of a batch, our own messages left out; by the unique index."""
    query = select(transactions).where(
        transactions.c.terminal_id == terminal_id,
        transactions.c.merchant_id == merchant_id,
        transactions.c.batch_no == batch_no,
        transactions.c.stan <= OWN_STAN_ABOVE,
    )
    return _all(connection, query)


def last_of_terminal(connection: Connection, terminal_id: str, merchant_id: str, limit: int) -> list[Transaction]:
    """A terminal's own latest transactions, newest first; by the unique index."""
    query = (
        select(transactions)
        .where(
            transactions.c.terminal_id == terminal_id, transactions.c.merchant_id == merchant_id,
            transactions.c.stan <= OWN_STAN_ABOVE,
        )
        .order_by(transactions.c.transaction_id.desc())
        .limit(limit)
    )  # fmt: skip
    return _all(connection, query)


def about(connection: Connection, original_id: str) -> list[Transaction]:
    """The voids, refunds and completions of a transaction, oldest first; by the partial index."""
    return _all(connection, _ABOUT, original_id=original_id)


def get(connection: Connection, transaction_id: str) -> Transaction:
    """The transaction of this id, which must exist."""
    found = find(connection, transaction_id)
    assert found is not None, f"{transaction_id} is no transaction"
    return found


def find(connection: Connection, transaction_id: str) -> Transaction | None:
    """The transaction of this id."""
    return next(iter(_all(connection, _BY_ID, transaction_id=transaction_id)), None)


def find_latest(
    connection: Connection, terminal_id: str, merchant_id: str, batch_no: str, stan: str, mti_class: str
) -> Transaction | None:
    """The newest transaction of this trace number; for answers, which do not carry our batch number for certain.

    An empty `merchant_id`, `batch_no` or `mti_class` matches any.
    """
    query = (
        select(transactions)
        .where(transactions.c.terminal_id == terminal_id, transactions.c.stan == stan)
        .order_by(transactions.c.transaction_id.desc())
        .limit(1)
    )
    if merchant_id:
        query = query.where(transactions.c.merchant_id == merchant_id)
    if batch_no:
        query = query.where(transactions.c.batch_no == batch_no)
    if mti_class:
        query = query.where(transactions.c.mti_class == mti_class)
    return next(iter(_all(connection, query)), None)


def newer_from_terminal(connection: Connection, transaction: Transaction) -> bool:
    """Whether the same terminal sent a later transaction of the same merchant: a repeat is then a stale twin."""
    query = (
        select(transactions.c.transaction_id)
        .where(
            transactions.c.terminal_id == transaction.key.terminal_id,
            transactions.c.merchant_id == transaction.key.merchant_id,
            transactions.c.transaction_id > transaction.transaction_id,
            transactions.c.stan <= OWN_STAN_ABOVE,
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def own_stan(connection: Connection, terminal_id: str, merchant_id: str, batch_no: str) -> str:
    """The next trace number of our own at this terminal and batch: they count down from 999999."""
    query = select(func.min(transactions.c.stan)).where(
        transactions.c.terminal_id == terminal_id,
        transactions.c.merchant_id == merchant_id,
        transactions.c.batch_no == batch_no,
        transactions.c.stan > OWN_STAN_ABOVE,
    )
    lowest = connection.execute(query).scalar()
    return f"{int(lowest) - 1:06}" if lowest else "999999"


def latest_id(connection: Connection) -> str:
    """The highest transaction id, "" in an empty journal."""
    return connection.execute(select(func.max(transactions.c.transaction_id))).scalar() or ""


def latest_sealed(connection: Connection) -> tuple[str, bytes] | None:
    """The newest transaction that holds sealed material, with it; None when the journal holds none."""
    query = (
        select(transactions.c.transaction_id, transactions.c.sealed)
        .where(transactions.c.sealed.is_not(None))
        .order_by(transactions.c.transaction_id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row.transaction_id, row.sealed)


def left_in_flight(connection: Connection) -> list[tuple[Transaction, int]]:
    """Sent, perhaps, and without an outcome, each with the writer that began it. By the partial index."""
    query = (
        select(transactions, facts.c.writer_id)
        .join(
            facts,
            (facts.c.merchant_id == transactions.c.merchant_id)
            & (facts.c.subject_id == transactions.c.transaction_id)
            & (facts.c.version == 1),
        )
        .where(IN_FLIGHT)
    )
    return [(from_row(row), row.writer_id) for row in connection.execute(query)]


def search(connection: Connection, text: str) -> list[Transaction]:
    """By id, retrieval reference number, or `TERMINAL+STAN`; newest first, at most 20."""
    query = select(transactions).order_by(transactions.c.transaction_id.desc()).limit(20)
    terminal, plus, stan = text.partition("+")
    if plus:
        return _all(connection, query.where(transactions.c.terminal_id == terminal, transactions.c.stan == stan))
    return _all(connection, query.where(transactions.c.transaction_id == text)) or _all(
        connection, query.where(transactions.c.rrn == text, HAS_RRN)
    )


def first_request(connection: Connection, transaction: Transaction) -> StoredFrame:
    """The request a transaction began with, masked: as it went to the host, or as it came if it never did."""
    query = select(facts.c.frames).where(
        facts.c.merchant_id == transaction.key.merchant_id,
        facts.c.subject_id == transaction.transaction_id,
        facts.c.version == 1,
    )
    stored = {each.direction: each for each in unpack(connection.execute(query).scalar_one())}
    return stored.get(Direction.TO_HOST) or stored[Direction.FROM_TERMINAL]


def facts_of(connection: Connection, merchant_id: str, subject_id: str) -> list[Any]:
    """A subject's facts in order, as rows of `journal.tables.facts`."""
    return list(connection.execute(_FACTS_OF, {"merchant_id": merchant_id, "subject_id": subject_id}))
