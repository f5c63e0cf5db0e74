"""Staff accounts and their sessions."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0012"
down_revision = "0011"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}

TRIGGER = """CREATE TRIGGER staff_kept BEFORE DELETE ON staff
    BEGIN SELECT RAISE(ABORT, 'an account is disabled, never deleted'); END"""


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "staff",
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("checker", whole, nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_sealed", sa.LargeBinary()),
        sa.Column("totp_step", whole, nullable=False),
        sa.Column("failed", whole, nullable=False),
        sa.Column("locked_until_us", whole, nullable=False),
        sa.Column("disabled", whole, nullable=False),
        sa.Column("created_at_us", whole, nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.PrimaryKeyConstraint("staff_id", name="pk_staff"),
        sa.UniqueConstraint("login", name="uq_staff_login"),
        sa.CheckConstraint("name <> '' AND login <> ''", name="ck_staff_name"),
        sa.CheckConstraint("checker IN (0, 1) AND disabled IN (0, 1)", name="ck_staff_flags"),
        **STRICT,
    )
    op.create_table(
        "staff_sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at_us", whole, nullable=False),
        sa.Column("seen_at_us", whole, nullable=False),
        sa.Column("proved_at_us", whole, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_staff_sessions"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.staff_id"], name="fk_staff_sessions_staff_id"),
        **BY_KEY,
    )
    op.create_index("ix_staff_sessions_staff", "staff_sessions", ["staff_id"], unique=False)
    add_rule(TRIGGER)
