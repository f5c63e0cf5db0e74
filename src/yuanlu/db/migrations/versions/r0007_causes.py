"""Each abnormal transaction says why it went wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Nothing is explained so far."""
    op.add_column("transactions", sa.Column("cause", sa.Text(), nullable=False, server_default=""))
