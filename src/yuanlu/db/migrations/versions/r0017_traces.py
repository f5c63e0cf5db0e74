"""Up to where facts have become traces; what lists and reports read: payments by what few have,
open cases by terminal, batches by when they were settled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

AWAKE = "state IN ('OPEN', 'IN_HAND', 'SUPPORT')"
whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One table, three indexes. The first rises with the payments: each is put at its end."""
    op.create_table(
        "trace_cursors",
        sa.Column("writer_id", whole, nullable=False),
        sa.Column("writer_seq", whole, nullable=False),
        sa.PrimaryKeyConstraint("writer_id", name="pk_trace_cursors"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_transactions_sought", "transactions",
        ["transaction_id", "card_last4", "amount_minor", "stan", "kind", "acquirer"], unique=False,
    )  # fmt: skip
    op.create_index(
        "ix_cases_terminal", "cases", ["terminal_id"], unique=False, sqlite_where=sa.text(AWAKE),
        postgresql_where=sa.text(AWAKE),
    )  # fmt: skip
    op.create_index("ix_batches_opened", "batches", ["opened_at_us"], unique=False)
