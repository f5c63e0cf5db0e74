"""The tables of incidents. This package alone writes them.

What the database itself holds (migrations 0008, 0009): one active incident per scope (unique index); what was declared
never changes; states move only along `records.STEPS`, each change takes the next version; an ended incident holds no
sales and explains nothing more, and once nothing of it is open its report is final; a transaction belongs to one
incident, for good; nothing is deleted.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, text

from yuanlu.db.types import STRICT, STRICT_BY_KEY, Whole, Words, metadata

ACTIVE = "state = 'ACTIVE'"
UNSETTLED = "state = 'ENDED' AND open_count > 0"
"""A query must say these in these very words, or SQLite does not use the partial indexes."""

incidents = Table(
    "incidents",
    metadata,
    Column("incident_id", Words, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("scope_kind", Words, nullable=False),
    Column("scope_name", Words, nullable=False),  # "" for all
    Column("declared_by", Words, nullable=False),  # detection, or a person
    Column("reason", Words, nullable=False),
    Column("began_at_us", Whole, nullable=False),
    Column("declared_at_us", Whole, nullable=False),
    Column("held_by", Words, nullable=False),  # who holds new sales; "" while they are taken
    Column("state", Words, nullable=False),
    Column("ended_by", Words, nullable=False),
    Column("ended_at_us", Whole),
    Column("transaction_count", Whole, nullable=False),  # the report; counted from the journal at the end
    Column("terminal_count", Whole, nullable=False),
    Column("amounts", Words, nullable=False),
    Column("returned_count", Whole, nullable=False),
    Column("open_count", Whole, nullable=False),
    Column("version", Whole, nullable=False),  # counts the incident's facts
    CheckConstraint("scope_kind IN ('all', 'region', 'host', 'wallet', 'issuer', 'merchant')", name="scope_kind"),
    CheckConstraint("(scope_kind = 'all') = (scope_name = '')", name="scope_name"),
    CheckConstraint("declared_by <> '' AND reason <> ''", name="declared"),
    CheckConstraint("state = 'ACTIVE' OR (ended_by <> '' AND ended_at_us IS NOT NULL AND held_by = '')", name="ended"),
    Index("ix_incidents_one_active", "scope_kind", "scope_name", unique=True, sqlite_where=text(ACTIVE),
          postgresql_where=text(ACTIVE)),
    Index("ix_incidents_unsettled", "incident_id", sqlite_where=text(UNSETTLED), postgresql_where=text(UNSETTLED)),
    **STRICT,
)  # fmt: skip

incident_members = Table(
    "incident_members",
    metadata,
    Column("transaction_id", Words, ForeignKey("transactions.transaction_id"), primary_key=True),
    Column("incident_id", Words, ForeignKey("incidents.incident_id"), nullable=False),
    Index("ix_incident_members_incident", "incident_id"),
    **STRICT_BY_KEY,
)
