"""Clearing files in the database: records, statements and queries. Each query is by an index or has a limit."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, func, select, text

from yuanlu.journal.statements import Insert
from yuanlu.journal.unit import Change
from yuanlu.reconciliation.batch import BatchTotals
from yuanlu.reconciliation.clearing import Document, Entry, Side
from yuanlu.reconciliation.clearing_tables import MATCHED, clearing_entries, clearing_files

IDS_PER_QUERY = 400
LISTED_MAX = 100


class ClearingFile(Struct, frozen=True, kw_only=True):
    """A file that is loaded; `merchant_id` is "" for one of all merchants."""

    file_id: str
    acquirer: str
    day: date
    merchant_id: str
    name: str
    sha256: str
    lines: int
    totals: BatchTotals
    loaded_at_us: int
    loaded_by: str


class Listed(Struct, frozen=True, kw_only=True):
    """A line of a loaded file that is about a transaction of ours; `reference` says FILE:LINE."""

    transaction_id: str
    reference: str
    day: date
    side: Side
    amount_minor: int


INSERT_FILE = Insert(table=clearing_files, rank=8)
INSERT_ENTRY = Insert(table=clearing_entries, rank=7)


def file_id_of(acquirer: str, document: Document, sha256: str) -> str:
    """The same file of the same acquirer, date and merchant has the same name in every process."""
    named = f"{acquirer}/{document.day.isoformat()}/{document.merchant_id}/{sha256}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def insert_file(file: ClearingFile) -> Change:
    """The file, which counts from now on; the database refuses it before all its lines are there."""
    totals = file.totals
    return Change(
        statement=INSERT_FILE,
        row=(
            file.file_id, file.acquirer, file.day.isoformat(), file.merchant_id, file.name, file.sha256, file.lines,
            totals.debit_minor, totals.debit_count, totals.credit_minor, totals.credit_count, file.loaded_at_us,
            file.loaded_by,
        ),
    )  # fmt: skip


def insert_entry(file_id: str, entry: Entry, transaction_id: str) -> Change:
    """A line, and which transaction of ours it is about."""
    return Change(
        statement=INSERT_ENTRY,
        row=(
            file_id, entry.line, entry.side.value, entry.terminal_id, entry.merchant_id, entry.stan, entry.rrn,
            entry.amount_minor, entry.currency, entry.at_us, entry.card_last4, entry.original_stan,
            entry.original_rrn, transaction_id,
        ),
    )  # fmt: skip


def files_of(connection: Connection, acquirer: str, first: date, last: date) -> list[ClearingFile]:
    """The acquirer's files of these settlement dates, both included; by the index."""
    query = select(clearing_files).where(
        clearing_files.c.acquirer == acquirer,
        clearing_files.c.settlement_date.between(first.isoformat(), last.isoformat()),
    )
    return [_file(row) for row in connection.execute(query.order_by(clearing_files.c.settlement_date))]


def latest_files(connection: Connection) -> list[ClearingFile]:
    """The newest files of all acquirers, newest first."""
    query = select(clearing_files).order_by(clearing_files.c.settlement_date.desc(), clearing_files.c.acquirer)
    return [_file(row) for row in connection.execute(query.limit(LISTED_MAX))]


def _file(row: Any) -> ClearingFile:
    return ClearingFile(
        file_id=row.file_id, acquirer=row.acquirer, day=date.fromisoformat(row.settlement_date),
        merchant_id=row.merchant_id, name=row.name, sha256=row.sha256, lines=row.lines,
        totals=BatchTotals(
            debit_minor=row.debit_minor, debit_count=row.debit_count, credit_minor=row.credit_minor,
            credit_count=row.credit_count,
        ),
        loaded_at_us=row.loaded_at_us, loaded_by=row.loaded_by,
    )  # fmt: skip


def last_line(connection: Connection, file_id: str) -> int:
    """How far a file that is being loaded has come, 0 for not at all."""
    query = select(func.max(clearing_entries.c.line)).where(clearing_entries.c.file_id == file_id)
    return int(connection.execute(query).scalar() or 0)


def listed_about(connection: Connection, transaction_ids: Collection[str]) -> dict[str, list[Listed]]:
    """The lines of loaded files about these transactions, by transaction; by the partial index."""
    found: defaultdict[str, list[Listed]] = defaultdict(list)
    for some in _pieces(transaction_ids):
        query = (
            select(
                clearing_entries.c.transaction_id, clearing_entries.c.line, clearing_entries.c.side,
                clearing_entries.c.amount_minor, clearing_files.c.name, clearing_files.c.settlement_date,
            )
            .join(clearing_files, clearing_files.c.file_id == clearing_entries.c.file_id)
            .where(clearing_entries.c.transaction_id.in_(some), text(f"clearing_entries.{MATCHED}"))
            .order_by(clearing_files.c.settlement_date, clearing_entries.c.line)
        )  # fmt: skip
        for row in connection.execute(query):
            found[row.transaction_id].append(
                Listed(
                    transaction_id=row.transaction_id, reference=f"{row.name}:{row.line}",
                    day=date.fromisoformat(row.settlement_date), side=Side(row.side), amount_minor=row.amount_minor,
                )
            )  # fmt: skip
    return found


def named_in(connection: Connection, file_ids: Sequence[str]) -> set[str]:
    """Every transaction of ours that these files list."""
    query = select(clearing_entries.c.transaction_id).where(
        clearing_entries.c.file_id.in_(file_ids), text(MATCHED)
    )  # fmt: skip
    return set(connection.execute(query).scalars())


class Stranger(Struct, frozen=True, kw_only=True):
    """Lines that are about no transaction of ours, of one terminal and side."""

    terminal_id: str
    merchant_id: str
    side: Side
    lines: int
    amount_minor: int
    first_line: int
    currency: str


def strangers_in(connection: Connection, file_id: str) -> list[Stranger]:
    """What a file lists and our journal does not have, summed up by terminal and side."""
    own = clearing_entries.c
    query = (
        select(
            own.terminal_id, own.merchant_id, own.side, own.currency, func.count().label("lines"),
            func.sum(own.amount_minor).label("amount_minor"), func.min(own.line).label("first_line"),
        )
        .where(own.file_id == file_id, own.transaction_id == "")
        .group_by(own.terminal_id, own.merchant_id, own.side, own.currency)
        .order_by(func.min(own.line))
    )  # fmt: skip
    return [
        Stranger(**dict(row._mapping) | {"side": Side(row.side)}) for row in connection.execute(query)
    ]  # fmt: skip


def _pieces(names: Collection[str]) -> Iterator[list[str]]:
    left = iter(sorted(names))
    while some := list(islice(left, IDS_PER_QUERY)):
        yield some
