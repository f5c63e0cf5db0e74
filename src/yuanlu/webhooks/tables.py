"""The tables of webhooks. This package alone writes them.

An event is made once from a fact, and each endpoint that wants it has one delivery of it. How far the facts have been
read stands in `webhook_cursors`, one row for each writer that may still write: reading costs payments nothing.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, text

from yuanlu.db.types import STRICT, STRICT_BY_KEY, Octets, Whole, Words, metadata

WAITING = "state = 'WAITING'"
"""The condition of a partial index, in its very words."""

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("endpoint_id", Words, primary_key=True),
    Column("merchant_id", Words, nullable=False),  # "" hears of all merchants
    Column("mode", Words, nullable=False),  # of the key that made it: test or live
    Column("url", Words, nullable=False),
    Column("events", Words, nullable=False),  # names with blanks between
    Column("description", Words, nullable=False),
    Column("sealed", Octets, nullable=False),  # the secrets, newest first, under the key store
    Column("state", Words, nullable=False),
    Column("why", Words, nullable=False),  # why it is disabled
    Column("made_by", Words, nullable=False),
    Column("created_at_us", Whole, nullable=False),
    Column("version", Whole, nullable=False),
    CheckConstraint("state IN ('enabled', 'disabled', 'deleted')", name="state"),
    **STRICT,
)

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("event_id", Words, primary_key=True),
    Column("merchant_id", Words, nullable=False),
    Column("type", Words, nullable=False),
    Column("at_us", Whole, nullable=False),
    Column("body", Words, nullable=False),  # the very text that is signed
    **STRICT,
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("endpoint_id", Words, ForeignKey("webhook_endpoints.endpoint_id"), primary_key=True),
    Column("event_id", Words, ForeignKey("webhook_events.event_id"), primary_key=True),
    Column("state", Words, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("due_at_us", Whole, nullable=False),
    Column("changed_at_us", Whole, nullable=False),
    CheckConstraint("state IN ('WAITING', 'DELIVERED', 'FAILED')", name="state"),
    Index(
        "ix_webhook_deliveries_due", "endpoint_id", "due_at_us", sqlite_where=text(WAITING),
        postgresql_where=text(WAITING),
    ),
    **STRICT_BY_KEY,
)  # fmt: skip

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("endpoint_id", Words, primary_key=True),
    Column("event_id", Words, primary_key=True),
    Column("number", Whole, primary_key=True),
    Column("at_us", Whole, nullable=False),
    Column("status", Whole, nullable=False),  # HTTP, 0 where there was no answer
    Column("note", Words, nullable=False),
    Column("took_ms", Whole, nullable=False),
    **STRICT_BY_KEY,
)

webhook_cursors = Table(
    "webhook_cursors",
    metadata,
    Column("writer_id", Whole, primary_key=True),  # 0: the row that says up to which writer all are known
    Column("writer_seq", Whole, nullable=False),  # the last fact of this writer that was read
    **STRICT_BY_KEY,
)
