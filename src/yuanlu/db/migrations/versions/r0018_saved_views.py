"""Saved views: the filters of a list under a name."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "saved_views",
        sa.Column("view_id", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("shared", whole, nullable=False),
        sa.Column("created_at_us", whole, nullable=False),
        sa.PrimaryKeyConstraint("view_id", name="pk_saved_views"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.staff_id"], name="fk_saved_views_staff_id"),
        sa.UniqueConstraint("staff_id", "place", "name", name="uq_saved_views_staff_id"),
        sa.CheckConstraint("place IN ('transactions', 'cases')", name="ck_saved_views_place"),
        sa.CheckConstraint("name <> '' AND shared IN (0, 1)", name="ck_saved_views_said"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    condition = sa.text("shared = 1")
    op.create_index(
        "ix_saved_views_shared", "saved_views", ["place", "name"], sqlite_where=condition, postgresql_where=condition
    )
