"""The tables of clearing files. This package alone writes them.

What the database itself holds (migration 0011): rows are append-only; a file's own row comes when all its lines are
there, and only then it counts; one file a merchant and settlement date, and a file of all merchants (`merchant_id` "")
stands for each of them. Of a card the last four digits are kept.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, text

from yuanlu.db.types import STRICT_BY_KEY, Whole, Words, metadata

MATCHED = "transaction_id <> ''"
"""A query must say this in these very words, or SQLite does not use the partial index."""

clearing_files = Table(
    "clearing_files",
    metadata,
    Column("file_id", Words, primary_key=True),
    Column("acquirer", Words, nullable=False),
    Column("settlement_date", Words, nullable=False),  # 2026-11-23
    Column("merchant_id", Words, nullable=False),  # "" for a file of all merchants
    Column("name", Words, nullable=False),
    Column("sha256", Words, nullable=False),
    Column("lines", Whole, nullable=False),
    Column("debit_minor", Whole, nullable=False),
    Column("debit_count", Whole, nullable=False),
    Column("credit_minor", Whole, nullable=False),
    Column("credit_count", Whole, nullable=False),
    Column("loaded_at_us", Whole, nullable=False),
    Column("loaded_by", Words, nullable=False),
    CheckConstraint("loaded_by <> ''", name="loaded_by"),
    Index("ix_clearing_files_date", "acquirer", "settlement_date"),
    **STRICT_BY_KEY,
)

clearing_entries = Table(
    "clearing_entries",
    metadata,
    Column("file_id", Words, primary_key=True),
    Column("line", Whole, primary_key=True),
    Column("side", Words, nullable=False),
    Column("terminal_id", Words, nullable=False),
    Column("merchant_id", Words, nullable=False),
    Column("stan", Words, nullable=False),
    Column("rrn", Words, nullable=False),
    Column("amount_minor", Whole, nullable=False),
    Column("currency", Words, nullable=False),
    Column("at_us", Whole),
    Column("card_last4", Words, nullable=False),
    Column("original_stan", Words, nullable=False),
    Column("original_rrn", Words, nullable=False),
    Column("transaction_id", Words, nullable=False),  # ours that it is about, "" where we have none
    CheckConstraint("side in ('debit', 'credit')", name="side"),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("length(card_last4) <= 4", name="card_last4"),
    Index("ix_clearing_entries_transaction", "transaction_id", sqlite_where=text(MATCHED),
          postgresql_where=text(MATCHED)),
    **STRICT_BY_KEY,
)  # fmt: skip
