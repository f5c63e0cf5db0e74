"""The table of requests by Idempotency-Key. The API alone writes it.

A key is taken before anything is done, so that the same request twice is done once, also across a crash.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table

from yuanlu.db.types import STRICT, Whole, Words, metadata

api_requests = Table(
    "api_requests",
    metadata,
    Column("tenant", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("digest", Words, nullable=False),  # keyed, of method, path and body
    Column("state", Words, nullable=False),
    Column("status", Whole, nullable=False),
    Column("answer", Words, nullable=False),  # the JSON that was answered, without card data
    Column("subject_id", Words, nullable=False),  # the payment it made
    Column("process", Words, nullable=False),  # whose it is while it is under way
    Column("at_us", Whole, nullable=False),
    CheckConstraint("state IN ('BEGUN', 'DONE', 'CANCELLED')", name="state"),
    Index("ix_api_requests_age", "at_us"),
    **STRICT,
)
