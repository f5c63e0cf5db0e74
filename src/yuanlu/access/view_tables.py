"""The table of saved views: the filters of a list under a name. This package alone writes it.

What the database itself holds: a person has one view of a name for each list.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint, text

from yuanlu.db.types import STRICT_BY_KEY, Whole, Words, metadata

SHARED = "shared = 1"
"""A query must say this in these very words, or SQLite does not use the partial index."""

saved_views = Table(
    "saved_views",
    metadata,
    Column("view_id", Words, primary_key=True),
    Column("staff_id", Words, ForeignKey("staff.staff_id"), nullable=False),
    Column("place", Words, nullable=False),  # which list
    Column("name", Words, nullable=False),
    Column("query", Words, nullable=False),  # the end of the list's address
    Column("merchant_id", Words, nullable=False),  # whose people may see it when it is shared, "" for all
    Column("shared", Whole, nullable=False),
    Column("created_at_us", Whole, nullable=False),
    UniqueConstraint("staff_id", "place", "name", name="uq_saved_views_staff_id"),
    CheckConstraint("place IN ('transactions', 'cases')", name="place"),
    CheckConstraint("name <> '' AND shared IN (0, 1)", name="said"),
    Index("ix_saved_views_shared", "place", "name", sqlite_where=text(SHARED), postgresql_where=text(SHARED)),
    **STRICT_BY_KEY,
)
