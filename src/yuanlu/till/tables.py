"""The tables of our own till. This package alone writes them.

A trace number is taken in the same transaction that makes the payment durable, before its frame leaves: a crash never
gives a number to other content. No card data is here, not even sealed: what a reversal needs, the gateway has.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint, text

from yuanlu.db.types import STRICT, STRICT_BY_KEY, Whole, Words, metadata

UNDO_DUE, SENT, UNCONFIRMED = "undo = 'DUE'", "state = 'SENT'", "confirm_by_us IS NOT NULL"
"""The conditions of three partial indexes, in their very words."""

till_counters = Table(
    "till_counters",
    metadata,
    Column("terminal_id", Words, primary_key=True),
    Column("batch_no", Words, nullable=False),
    Column("stan", Whole, nullable=False),  # the last one taken
    **STRICT_BY_KEY,
)

till_payments = Table(
    "till_payments",
    metadata,
    Column("payment_id", Words, primary_key=True),
    Column("tenant", Words, nullable=False),
    Column("key", Words, nullable=False),  # the client's Idempotency-Key
    Column("kind", Words, nullable=False),  # sale, void or refund
    Column("original_id", Words, nullable=False),  # the payment that a void or refund is about
    Column("terminal_id", Words, nullable=False),
    Column("merchant_id", Words, nullable=False),
    Column("batch_no", Words, nullable=False),
    Column("stan", Words, nullable=False),
    Column("mti_class", Words, nullable=False),
    Column("amount_minor", Whole, nullable=False),
    Column("currency", Words, nullable=False),
    Column("entry", Words, nullable=False),  # how the card or code was read
    Column("reference", Words, nullable=False),  # the client's own
    Column("made_by", Words, nullable=False),  # the API key, or who stands at the till
    Column("state", Words, nullable=False),
    Column("code", Words, nullable=False),  # field 39 of the answer
    Column("rrn", Words, nullable=False),
    Column("auth_code", Words, nullable=False),
    Column("date_mmdd", Words, nullable=False),  # field 13 of the answer: a refund names it
    Column("approved_minor", Whole),
    Column("undo", Words, nullable=False),  # whether the till has to reverse it: "", DUE, DONE, REFUSED
    Column("confirm_by_us", Whole),  # approved, and reversed unless the client confirms by then
    Column("made_at_us", Whole, nullable=False),
    Column("changed_at_us", Whole, nullable=False),
    UniqueConstraint("terminal_id", "batch_no", "stan", "mti_class", name="uq_till_payments_number"),
    UniqueConstraint("tenant", "key", name="uq_till_payments_key"),
    CheckConstraint("kind IN ('sale', 'void', 'refund')", name="kind"),
    CheckConstraint("state IN ('SENT', 'APPROVED', 'DECLINED', 'UNKNOWN', 'NOT_SENT')", name="state"),
    CheckConstraint("undo IN ('', 'DUE', 'DONE', 'REFUSED')", name="undo"),
    CheckConstraint("amount_minor > 0", name="amount"),
    Index("ix_till_payments_undo", "payment_id", sqlite_where=text(UNDO_DUE), postgresql_where=text(UNDO_DUE)),
    Index("ix_till_payments_sent", "payment_id", sqlite_where=text(SENT), postgresql_where=text(SENT)),
    Index(
        "ix_till_payments_unconfirmed", "confirm_by_us", sqlite_where=text(UNCONFIRMED),
        postgresql_where=text(UNCONFIRMED),
    ),
    Index("ix_till_payments_original", "original_id"),
    Index("ix_till_payments_merchant", "merchant_id", "payment_id"),
    **STRICT,
)  # fmt: skip
