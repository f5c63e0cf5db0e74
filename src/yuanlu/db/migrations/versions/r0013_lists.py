"""What people's lists read: abnormal payments by time, and what people did by time."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

ABNORMAL = "cause <> ''"


def upgrade() -> None:
    """Two indexes; the first holds abnormal payments alone, so that ordinary ones pay nothing for it."""
    op.create_index(
        "ix_transactions_abnormal", "transactions", ["transaction_id"], unique=False,
        sqlite_where=sa.text(ABNORMAL), postgresql_where=sa.text(ABNORMAL),
    )  # fmt: skip
    op.create_index("ix_case_events_at", "case_events", ["at_us"], unique=False)
