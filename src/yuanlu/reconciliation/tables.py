"""The tables of settled batches. This package alone writes them.

A batch that was never settled has no row. `upload_no` counts its settlements: with each 0500 the terminal begins its
upload anew. Of an uploaded item only trace number and amount are kept, never the card.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, text

from yuanlu.db.types import STRICT_BY_KEY, Whole, Words, metadata

batches = Table(
    "batches",
    metadata,
    Column("terminal_id", Words, primary_key=True),
    Column("merchant_id", Words, primary_key=True),
    Column("batch_no", Words, primary_key=True),
    Column("acquirer", Words, nullable=False),
    Column("currency", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("version", Whole, nullable=False),  # the compare-and-set
    Column("agreed", Whole, nullable=False),
    Column("upload_no", Whole, nullable=False),
    Column("theirs_debit_minor", Whole, nullable=False),
    Column("theirs_debit_count", Whole, nullable=False),
    Column("theirs_credit_minor", Whole, nullable=False),
    Column("theirs_credit_count", Whole, nullable=False),
    Column("ours_debit_minor", Whole, nullable=False),
    Column("ours_debit_count", Whole, nullable=False),
    Column("ours_credit_minor", Whole, nullable=False),
    Column("ours_credit_count", Whole, nullable=False),
    Column("settled_to", Words, nullable=False),  # the last transaction that a closed settlement covered
    Column("opened_at_us", Whole, nullable=False),  # its latest 0500
    Column("closed_at_us", Whole),
    CheckConstraint("state in ('UPLOADING', 'CLOSED')", name="state"),
    CheckConstraint("agreed in (0, 1)", name="agreed"),
    Index("ix_batches_opened", "opened_at_us"),
    Index("ix_batches_uploading", "opened_at_us", sqlite_where=text("state = 'UPLOADING'"),
          postgresql_where=text("state = 'UPLOADING'")),
    **STRICT_BY_KEY,
)  # fmt: skip

batch_items = Table(
    "batch_items",
    metadata,
    Column("terminal_id", Words, primary_key=True),
    Column("merchant_id", Words, primary_key=True),
    Column("batch_no", Words, primary_key=True),
    Column("upload_no", Whole, primary_key=True),
    Column("upload_stan", Words, primary_key=True),  # of the 0320: the same message again is the same row
    Column("position", Whole, primary_key=True),
    Column("trace_no", Words, primary_key=True),
    Column("amount_minor", Whole, nullable=False),
    **STRICT_BY_KEY,
)

batch_findings = Table(
    "batch_findings",
    metadata,
    Column("terminal_id", Words, primary_key=True),
    Column("merchant_id", Words, primary_key=True),
    Column("batch_no", Words, primary_key=True),
    Column("upload_no", Whole, primary_key=True),
    Column("n", Whole, primary_key=True),
    Column("trace_no", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("ours_minor", Whole),
    Column("theirs_minor", Whole),
    Column("transaction_id", Words, nullable=False),  # "" where we have none
    Column("done", Words, nullable=False),  # returned or case
    Column("explained", Words, nullable=False),  # why that was done
    Column("at_us", Whole, nullable=False),
    CheckConstraint("done in ('', 'returned', 'case')", name="done"),
    Index("ix_batch_findings_transaction", "transaction_id", sqlite_where=text("transaction_id <> ''"),
          postgresql_where=text("transaction_id <> ''")),
    **STRICT_BY_KEY,
)  # fmt: skip
