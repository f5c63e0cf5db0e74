"""A reversal whose answer may still come: until then "not found" is not believed (`returns.policy`)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column; 0 says that every reversal so far was answered, which opening the journal corrects."""
    op.add_column("legs", sa.Column("unanswered_boot_us", whole, nullable=False, server_default="0"))
