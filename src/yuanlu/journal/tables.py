"""The journal's tables. This package alone writes them.

`facts` is the truth: append-only, one row for each thing that happened to a subject, holding the masked frames that
came in and went out. `transactions` is the current state, derived from the facts in the same commit. `tasks` is the
only durable timer and outbox. `writers` names each process that ever wrote.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint, text

from yuanlu.db.types import STRICT, STRICT_BY_KEY, Octets, Whole, Words, metadata

facts = Table(
    "facts",
    metadata,
    Column("merchant_id", Words, primary_key=True),
    Column("subject_id", Words, primary_key=True),  # a transaction's id, or an event's own
    Column("version", Whole, primary_key=True),  # the insert is the compare-and-set
    Column("writer_id", Whole, nullable=False),
    Column("writer_seq", Whole, nullable=False),  # gap-free per writer
    Column("at_us", Whole, nullable=False),
    Column("kind", Words, nullable=False),
    Column("terminal_id", Words, nullable=False),
    Column("note", Words, nullable=False),  # what the frames alone do not say
    Column("frames", Octets, nullable=False),  # masked; see journal.frames
    UniqueConstraint("writer_id", "writer_seq", name="uq_facts_writer"),
    **STRICT,
)

transactions = Table(
    "transactions",
    metadata,
    Column("transaction_id", Words, primary_key=True),
    Column("terminal_id", Words, nullable=False),
    Column("merchant_id", Words, nullable=False),
    Column("batch_no", Words, nullable=False),
    Column("stan", Words, nullable=False),
    Column("mti_class", Words, nullable=False),
    Column("acquirer", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("version", Whole, nullable=False),
    Column("amount_minor", Whole, nullable=False),
    Column("currency", Words, nullable=False),
    Column("card_token", Words, nullable=False),
    Column("card_bin", Words, nullable=False),
    Column("card_last4", Words, nullable=False),
    Column("sealed", Octets),  # what a reversal needs; shredded when closed and cleared
    Column("reason", Words, nullable=False),
    Column("response_code", Words, nullable=False),
    Column("rrn", Words, nullable=False),
    Column("auth_code", Words, nullable=False),
    Column("received_at_us", Whole, nullable=False),
    Column("changed_at_us", Whole, nullable=False),
    Column("original_id", Words, nullable=False, server_default=""),  # what a void, refund or completion is about
    Column("approved_minor", Whole),  # where it differs from what was asked for
    Column("cause", Words, nullable=False, server_default=""),  # why it went wrong: a code of `causes`
    UniqueConstraint("terminal_id", "merchant_id", "batch_no", "stan", "mti_class", name="uq_transactions_key"),
    CheckConstraint("amount_minor >= 0", name="amount"),
    CheckConstraint("length(currency) = 3", name="currency"),
    Index(
        "ix_transactions_open",
        "transaction_id",
        sqlite_where=text("state = 'SEND_INTENT'"),
        postgresql_where=text("state = 'SEND_INTENT'"),
    ),
    Index(
        "ix_transactions_original",
        "original_id",
        sqlite_where=text("original_id <> ''"),
        postgresql_where=text("original_id <> ''"),
    ),
    Index(
        "ix_transactions_abnormal",
        "transaction_id",
        sqlite_where=text("cause <> ''"),
        postgresql_where=text("cause <> ''"),
    ),
    Index("ix_transactions_sought", "transaction_id", "card_last4", "amount_minor", "stan", "kind", "acquirer"),
    Index("ix_transactions_rrn", "rrn", sqlite_where=text("rrn <> ''"), postgresql_where=text("rrn <> ''")),
    **STRICT,
)

tasks = Table(
    "tasks",
    metadata,
    Column("kind", Words, primary_key=True),
    Column("key", Words, primary_key=True),
    Column("lane", Words, nullable=False),  # what must not block another: the acquirer
    Column("due_at_us", Whole, nullable=False),
    Column("epoch", Whole, nullable=False),  # fencing: rises with each claim
    Column("holder", Whole, nullable=False),  # writer that holds the lease, 0 for none; below 0: woken since
    Column("lease_until_us", Whole, nullable=False),
    Index("ix_tasks_due", "kind", "lane", "due_at_us"),
    **STRICT_BY_KEY,
)

writers = Table(
    "writers",
    metadata,
    Column("writer_id", Whole, primary_key=True),
    Column("boot_id", Words, nullable=False),
    Column("process_id", Whole, nullable=False),
    Column("started_at_us", Whole, nullable=False),
    Column("stopped_at_us", Whole),  # null: running, or it ended without saying so
    Column("role", Words, nullable=False, server_default="gateway"),  # or visitor
    **STRICT,
)
