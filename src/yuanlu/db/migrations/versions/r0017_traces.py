"""Up to where facts have become traces; batches by when they were settled, for reports."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make table and index."""
    op.create_table(
        "trace_cursors",
        sa.Column("writer_id", whole, nullable=False),
        sa.Column("writer_seq", whole, nullable=False),
        sa.PrimaryKeyConstraint("writer_id", name="pk_trace_cursors"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_batches_opened", "batches", ["opened_at_us"], unique=False)
