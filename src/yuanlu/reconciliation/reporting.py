"""What batches and clearing files of a day came to, for reports. Each query reads that day alone, by an index."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import Connection, case, func, select

from yuanlu.db.types import total
from yuanlu.reconciliation.clearing_store import ClearingFile, files_of
from yuanlu.reconciliation.clearing_tables import clearing_entries
from yuanlu.reconciliation.tables import batch_findings, batches

BATCHES_MAX = 50_000


def settled_between(connection: Connection, from_us: int, to_us: int, merchant_id: str = "") -> list[Any]:
    """Batches whose latest settlement (0500) came in this time, with `findings` of that settlement; by
    ix_batches_opened and the findings' primary key.
    """
    b, f = batches.c, batch_findings.c
    findings = (
        select(func.count())
        .where(
            f.terminal_id == b.terminal_id, f.merchant_id == b.merchant_id, f.batch_no == b.batch_no,
            f.upload_no == b.upload_no,
        )
        .scalar_subquery()
    )  # fmt: skip
    query = select(batches, findings.label("findings")).where(b.opened_at_us >= from_us, b.opened_at_us < to_us)
    query = query.where(b.merchant_id == merchant_id) if merchant_id else query
    return list(connection.execute(query.order_by(b.opened_at_us).limit(BATCHES_MAX)))


def files_on(connection: Connection, acquirers: Collection[str], day: date) -> list[ClearingFile]:
    """The files of this settlement date, acquirer by acquirer."""
    return [file for name in sorted(acquirers) for file in files_of(connection, name, day, day)]


def cleared_in(connection: Connection, file: ClearingFile, merchant_id: str = "") -> list[Any]:
    """A file's lines by merchant, currency and side: `many`, `minor`, and of these what no transaction of ours is for
    (`foreign`, `foreign_minor`); by the file's own primary key.
    """
    e = clearing_entries.c
    foreign = case((e.transaction_id == "", 1), else_=0)
    query = (
        select(
            e.merchant_id, e.currency, e.side, func.count().label("many"), total(e.amount_minor).label("minor"),
            total(foreign).label("foreign"), total(foreign * e.amount_minor).label("foreign_minor"),
        )
        .where(e.file_id == file.file_id)
        .group_by(e.merchant_id, e.currency, e.side)
        .order_by(e.merchant_id, e.currency, e.side)
    )  # fmt: skip
    return list(connection.execute(query.where(e.merchant_id == merchant_id) if merchant_id else query))
