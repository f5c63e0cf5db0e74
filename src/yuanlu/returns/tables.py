"""The tables of the return engine. This package alone writes them.

What the database itself holds: one live leg per transaction (unique index), the legs' sum never above the payment
(trigger `legs_cap`), each attempt once (primary key of `leg_sends`), money back to the same transaction's account
(foreign key).
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint, text

from yuanlu.db.types import STRICT_BY_KEY, Whole, Words, metadata

legs = Table(
    "legs",
    metadata,
    Column("return_id", Words, primary_key=True),
    Column("transaction_id", Words, ForeignKey("transactions.transaction_id"), nullable=False),
    Column("acquirer", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("leg_no", Whole, nullable=False),
    Column("state", Words, nullable=False),
    Column("live", Whole, nullable=False),
    Column("amount_minor", Whole, nullable=False),
    Column("currency", Words, nullable=False),
    Column("reason", Words, nullable=False),  # field 39 of the next reversal: 98, A0, 06
    Column("original_answer", Words, nullable=False),  # "", approved or declined
    Column("original_sent_at_us", Whole, nullable=False),
    Column("original_boot_us", Whole, nullable=False),
    Column("original_boot_id", Words, nullable=False),
    Column("attempts", Whole, nullable=False),  # reversals that left
    Column("rejected", Whole, nullable=False),  # of these, refused before processing: stale keys
    Column("inquiries", Whole, nullable=False),
    Column("last_step", Words, nullable=False),  # "", reversal or inquiry
    Column("last_meaning", Words, nullable=False),  # "" while no answer is known
    Column("last_boot_us", Whole, nullable=False),  # when the last reversal left
    Column("last_boot_id", Words, nullable=False),
    Column("asked_boot_us", Whole, nullable=False),  # when the last inquiry left
    Column("case_opened", Whole, nullable=False),
    Column("explanation", Words, nullable=False),
    Column("opened_at_us", Whole, nullable=False),
    Column("closed_at_us", Whole),
    Column("unanswered_boot_us", Whole, nullable=False, server_default="0"),  # last reversal whose answer may yet come
    Column("message_id", Words, nullable=False, server_default=""),  # the void or refund that carries it out
    Column("order_id", Words, nullable=False, server_default=""),  # who wanted it, if it is not the online net
    UniqueConstraint("transaction_id", "kind", "leg_no", name="uq_legs_number"),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("live in (0, 1)", name="live"),
    Index("ix_legs_one_live", "transaction_id", unique=True, sqlite_where=text("live = 1"),
          postgresql_where=text("live = 1")),
    Index("ix_legs_message", "message_id", sqlite_where=text("message_id <> ''"),
          postgresql_where=text("message_id <> ''")),
    Index("ix_legs_open", "acquirer", "opened_at_us", sqlite_where=text("live = 1"),
          postgresql_where=text("live = 1")),
    **STRICT_BY_KEY,
)  # fmt: skip

orders = Table(
    "orders",
    metadata,
    Column("order_id", Words, primary_key=True),
    Column("transaction_id", Words, ForeignKey("transactions.transaction_id"), nullable=False),
    Column("kind", Words, nullable=False),  # as decided: void, refund, adjustment, repayment, compensation
    Column("paid_from", Words, nullable=False),  # original: within what was paid; contract: on top of it
    Column("amount_minor", Whole, nullable=False),
    Column("currency", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("version", Whole, nullable=False),
    Column("origin", Words, nullable=False),  # person, void in doubt, settlement …
    Column("cause", Words, nullable=False),
    Column("reason", Words, nullable=False),  # why money is to be given back
    Column("explanation", Words, nullable=False),  # why by this way, and what came of it
    Column("automatic", Whole, nullable=False),
    Column("maker", Words, nullable=False),
    Column("checker", Words, nullable=False),
    Column("reference", Words, nullable=False),  # evidence: a bank's or file's reference
    Column("attempts", Whole, nullable=False),
    Column("proposed_at_us", Whole, nullable=False),
    Column("expires_at_us", Whole, nullable=False),
    Column("decided_at_us", Whole),
    Column("closed_at_us", Whole),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("paid_from in ('original', 'contract')", name="paid_from"),
    CheckConstraint("checker = '' OR checker <> maker", name="two_people"),
    CheckConstraint("automatic = 1 OR checker <> '' OR state IN ('PROPOSED', 'REFUSED', 'EXPIRED')", name="approved"),
    Index("ix_orders_open", "state", "proposed_at_us", sqlite_where=text("closed_at_us IS NULL"),
          postgresql_where=text("closed_at_us IS NULL")),
    Index("ix_orders_transaction", "transaction_id"),
    **STRICT_BY_KEY,
)  # fmt: skip

leg_sends = Table(
    "leg_sends",
    metadata,
    Column("return_id", Words, ForeignKey("legs.return_id"), primary_key=True),
    Column("step", Words, primary_key=True),  # reversal or inquiry
    Column("n", Whole, primary_key=True),
    Column("sent_at_us", Whole, nullable=False),
    **STRICT_BY_KEY,
)

watches = Table(
    "watches",
    metadata,
    Column("transaction_id", Words, ForeignKey("transactions.transaction_id"), primary_key=True),
    Column("since_us", Whole, nullable=False),
    Column("reason", Words, nullable=False),
    **STRICT_BY_KEY,
)
