"""Settled batches: totals and state, what terminals uploaded, and what was found."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}


def _key() -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in ("terminal_id", "merchant_id", "batch_no")]


def _sides() -> list[sa.Column[int]]:
    parts = ("debit_minor", "debit_count", "credit_minor", "credit_count")
    return [sa.Column(f"{side}_{part}", whole, nullable=False) for side in ("theirs", "ours") for part in parts]


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """No batch was settled before."""
    op.create_table(
        "batches",
        *_key(),
        sa.Column("acquirer", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.Column("agreed", whole, nullable=False),
        sa.Column("upload_no", whole, nullable=False),
        *_sides(),
        sa.Column("settled_to", sa.Text(), nullable=False),
        sa.Column("opened_at_us", whole, nullable=False),
        sa.Column("closed_at_us", whole, nullable=True),
        sa.CheckConstraint("state in ('UPLOADING', 'CLOSED')", name="ck_batches_state"),
        sa.CheckConstraint("agreed in (0, 1)", name="ck_batches_agreed"),
        sa.PrimaryKeyConstraint("terminal_id", "merchant_id", "batch_no", name="pk_batches"),
        **BY_KEY,
    )
    op.create_index("ix_batches_uploading", "batches", ["opened_at_us"], **_where("state = 'UPLOADING'"))
    op.create_table(
        "batch_items",
        *_key(),
        sa.Column("upload_no", whole, nullable=False),
        sa.Column("upload_stan", sa.Text(), nullable=False),
        sa.Column("position", whole, nullable=False),
        sa.Column("trace_no", sa.Text(), nullable=False),
        sa.Column("amount_minor", whole, nullable=False),
        sa.PrimaryKeyConstraint(
            "terminal_id", "merchant_id", "batch_no", "upload_no", "upload_stan", "position", "trace_no",
            name="pk_batch_items",
        ),
        **BY_KEY,
    )  # fmt: skip
    op.create_table(
        "batch_findings",
        *_key(),
        sa.Column("upload_no", whole, nullable=False),
        sa.Column("n", whole, nullable=False),
        sa.Column("trace_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ours_minor", whole, nullable=True),
        sa.Column("theirs_minor", whole, nullable=True),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("explained", sa.Text(), nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.CheckConstraint("done in ('', 'returned', 'case')", name="ck_batch_findings_done"),
        sa.PrimaryKeyConstraint("terminal_id", "merchant_id", "batch_no", "upload_no", "n", name="pk_batch_findings"),
        **BY_KEY,
    )
    op.create_index(
        "ix_batch_findings_transaction", "batch_findings", ["transaction_id"], **_where("transaction_id <> ''")
    )
