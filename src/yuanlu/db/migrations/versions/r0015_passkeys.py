"""Passkeys of staff."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "staff_passkeys",
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", whole, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at_us", whole, nullable=False),
        sa.PrimaryKeyConstraint("credential_id", name="pk_staff_passkeys"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.staff_id"], name="fk_staff_passkeys_staff_id"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_staff_passkeys_staff", "staff_passkeys", ["staff_id"], unique=False)
