"""The table of observations. This package alone writes it.

What the database itself holds (migration 0010): a kind that is known, a short value, somebody who told it; rows are
append-only.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, text

from yuanlu.db.types import STRICT_BY_KEY, Whole, Words, metadata
from yuanlu.fleet.observations import VALUE_CHARACTERS_MAX, Kind

NAMED = "transaction_id <> ''"
"""A query must say this in these very words, or SQLite does not use the partial index."""

_KINDS = ", ".join(f"'{kind}'" for kind in Kind)

observations = Table(
    "observations",
    metadata,
    Column("observation_id", Words, primary_key=True),
    Column("merchant_id", Words, nullable=False),
    Column("terminal_id", Words, nullable=False),
    Column("transaction_id", Words, nullable=False),  # "" for what concerns no single payment
    Column("at_us", Whole, nullable=False),
    Column("kind", Words, nullable=False),
    Column("value", Words, nullable=False),
    Column("told_by", Words, nullable=False),  # a person, terminal or gateway
    CheckConstraint(f"kind IN ({_KINDS})", name="kind"),
    CheckConstraint(f"length(value) BETWEEN 1 AND {VALUE_CHARACTERS_MAX}", name="value"),
    CheckConstraint("told_by <> ''", name="told_by"),
    Index("ix_observations_terminal", "terminal_id", "kind", "at_us"),
    Index("ix_observations_transaction", "transaction_id", sqlite_where=text(NAMED), postgresql_where=text(NAMED)),
    **STRICT_BY_KEY,
)
