"""Batches, what terminals uploaded, and findings: the records, their statements and their queries."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Table, bindparam, select, text

from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.unit import Change
from yuanlu.reconciliation.batch import BatchItem, BatchTotals, Finding, FindingKind
from yuanlu.reconciliation.tables import batch_findings, batch_items, batches

BATCH_NO_MAX = 999_999
RETURNED, CASE = "returned", "case"
"""What was done about a finding."""


class BatchState(StrEnum):
    """Where a settlement stands. A batch that was never settled has no row."""

    UPLOADING = "UPLOADING"
    """The totals differ; the terminal uploads its details."""
    CLOSED = "CLOSED"


class BatchKey(Struct, frozen=True, kw_only=True):
    """A batch is a terminal's own: its number begins anew at each."""

    terminal_id: str
    merchant_id: str
    batch_no: str

    def __str__(self) -> str:
        return f"batch {self.batch_no} of {self.terminal_id}"


class Batch(Struct, frozen=True, kw_only=True):
    """A batch as its latest settlement left it. `settled_to` is the last transaction that a closed one covered."""

    key: BatchKey
    acquirer: str
    currency: str
    state: BatchState
    version: int = 1
    agreed: bool
    upload_no: int = 1
    theirs: BatchTotals
    ours: BatchTotals
    settled_to: str = ""
    opened_at_us: int
    closed_at_us: int | None = None


INSERT_BATCH = Insert(table=batches, rank=7)
_KEY = ("terminal_id", "merchant_id", "batch_no")
UPDATE_BATCH = Update(
    table=batches,
    sets=tuple(column.name for column in batches.columns if column.name not in _KEY),
    match=(*_KEY, "version"),
    rank=7,
)
PUT_ITEM = Insert(table=batch_items, replace=True, rank=7)
INSERT_FINDING = Insert(table=batch_findings, rank=7)


def put_batch(before: Batch | None, after: Batch) -> Change:
    """The batch as it stands now; its version is the compare-and-set, and a second first settlement conflicts."""
    key = (after.key.terminal_id, after.key.merchant_id, after.key.batch_no)
    version = 1 if before is None else before.version + 1
    values = (
        after.acquirer, after.currency, after.state.value, version, int(after.agreed), after.upload_no,
        *_four(after.theirs), *_four(after.ours), after.settled_to, after.opened_at_us, after.closed_at_us,
    )  # fmt: skip
    if before is None:
        return Change(statement=INSERT_BATCH, row=(*key, *values))
    return Change(statement=UPDATE_BATCH, row=(*values, *key, before.version))


def _four(totals: BatchTotals) -> tuple[int, int, int, int]:
    return totals.debit_minor, totals.debit_count, totals.credit_minor, totals.credit_count


def put_item(batch: Batch, upload_stan: str, position: int, item: BatchItem) -> Change:
    """One uploaded item; the same message again changes nothing."""
    key = batch.key
    return Change(
        statement=PUT_ITEM,
        row=(
            key.terminal_id, key.merchant_id, key.batch_no, batch.upload_no, upload_stan, position, item.trace_no,
            item.amount_minor,
        ),
    )  # fmt: skip


def insert_finding(batch: Batch, n: int, finding: Finding, done: str, explained: str, at_us: int) -> Change:
    """The n-th finding of this settlement, and what was done about it."""
    key = batch.key
    return Change(
        statement=INSERT_FINDING,
        row=(
            key.terminal_id, key.merchant_id, key.batch_no, batch.upload_no, n, finding.trace_no, finding.kind.value,
            finding.ours_minor, finding.theirs_minor, finding.transaction_id, done, explained, at_us,
        ),
    )  # fmt: skip


def _of(table: Table, key: BatchKey) -> ColumnElement[bool]:
    columns = table.c
    return (
        (columns.terminal_id == key.terminal_id)
        & (columns.merchant_id == key.merchant_id)
        & (columns.batch_no == key.batch_no)
    )


def find_batch(connection: Connection, key: BatchKey) -> Batch | None:
    """The batch's latest settlement; None for one that was never settled."""
    row = connection.execute(select(batches).where(_of(batches, key))).first()
    if row is None:
        return None
    return Batch(
        key=key, acquirer=row.acquirer, currency=row.currency, state=BatchState(row.state), version=row.version,
        agreed=bool(row.agreed), upload_no=row.upload_no, theirs=_totals(row, "theirs"), ours=_totals(row, "ours"),
        settled_to=row.settled_to, opened_at_us=row.opened_at_us, closed_at_us=row.closed_at_us,
    )  # fmt: skip


def _totals(row: Any, side: str) -> BatchTotals:
    values = row._mapping
    return BatchTotals(
        debit_minor=values[f"{side}_debit_minor"],
        debit_count=values[f"{side}_debit_count"],
        credit_minor=values[f"{side}_credit_minor"],
        credit_count=values[f"{side}_credit_count"],
    )


def items_of(connection: Connection, batch: Batch) -> list[BatchItem]:
    """What the terminal uploaded since its latest 0500."""
    query = select(batch_items.c.trace_no, batch_items.c.amount_minor).where(
        _of(batch_items, batch.key), batch_items.c.upload_no == batch.upload_no
    )
    return [BatchItem(trace_no=row.trace_no, amount_minor=row.amount_minor) for row in connection.execute(query)]


def findings_of(connection: Connection, key: BatchKey) -> Sequence[Any]:
    """All findings of a batch, first to last, as rows of `tables.batch_findings`."""
    query = select(batch_findings).where(_of(batch_findings, key))
    return connection.execute(query.order_by(batch_findings.c.upload_no, batch_findings.c.n)).all()


class About(Struct, frozen=True, kw_only=True):
    """How the terminal's batch differs about a transaction, what was done about it, and when it was found."""

    kind: FindingKind
    done: str
    at_us: int


_FINDING_ABOUT = (
    select(batch_findings.c.kind, batch_findings.c.done, batch_findings.c.at_us)
    .where(batch_findings.c.transaction_id == bindparam("transaction_id"), text("transaction_id <> ''"))
    .order_by(batch_findings.c.at_us.desc(), batch_findings.c.n.desc())
    .limit(1)
)
"""Whenever a payment is looked into it is asked: made once."""


def finding_about(connection: Connection, transaction_id: str) -> About | None:
    """The latest finding about this transaction; by the partial index."""
    row = connection.execute(_FINDING_ABOUT, {"transaction_id": transaction_id}).first()
    return None if row is None else About(kind=FindingKind(row.kind), done=row.done, at_us=row.at_us)


def next_open(connection: Connection, terminal_id: str, merchant_id: str, batch_no: str) -> str:
    """This batch number, or the next one that is not closed: what a sign-in assigns."""
    while True:
        key = BatchKey(terminal_id=terminal_id, merchant_id=merchant_id, batch_no=batch_no)
        found = find_batch(connection, key)
        if found is None or found.state is not BatchState.CLOSED:
            return batch_no
        batch_no = f"{int(batch_no) % BATCH_NO_MAX + 1:06}"
