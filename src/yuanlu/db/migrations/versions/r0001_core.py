"""The core: journal, returns, terminal sessions.

A migration imports no package of ours but `rules`: it must mean the same when the packages have changed. A test
compares what it makes with the tables as the packages declare them.
"""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0001"
down_revision = None

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}

STEPS = (
    "SEND_INTENT>APPROVED", "SEND_INTENT>DECLINED", "SEND_INTENT>UNKNOWN", "SEND_INTENT>RETURNING",
    "APPROVED>CAPTURED", "APPROVED>RETURNING",
    "UNKNOWN>RETURNING",
    "RETURNING>RETURNED", "RETURNING>NO_EFFECT", "RETURNING>ESCALATED",
    "ESCALATED>RETURNED", "ESCALATED>NO_EFFECT", "ESCALATED>CAPTURED",
    "NO_EFFECT>REOPENED", "RETURNED>REOPENED", "DECLINED>REOPENED",
    "REOPENED>RETURNING",
    "CAPTURED>ESCALATED", "CAPTURED>RETURNING",
)  # fmt: skip

_TARGETS: dict[str, set[str]] = {}
for _step in STEPS:
    _TARGETS.setdefault(_step.partition(">")[0], set()).add(_step.partition(">")[2])


def _either(states: set[str]) -> str:
    return "(" + " OR ".join(f"new.state = '{state}'" for state in sorted(states)) + ")"


TRIGGERS = (
    # I13: states move only along the table of `returns.states`.
    f"""CREATE TRIGGER transactions_transition BEFORE UPDATE OF state ON transactions
    WHEN old.state <> new.state AND NOT CASE old.state {
        " ".join(f"WHEN '{state}' THEN {_either(tos)}" for state, tos in _TARGETS.items())
    } ELSE false END
    BEGIN SELECT RAISE(ABORT, 'no such transition'); END""",
    # I11: what is given back never exceeds the payment; a leg that had no effect gave nothing back.
    """CREATE TRIGGER legs_cap BEFORE INSERT ON legs
    WHEN new.amount_minor + (SELECT coalesce(sum(amount_minor), 0) FROM legs
                             WHERE transaction_id = new.transaction_id AND state <> 'NO_EFFECT')
         > (SELECT amount_minor FROM transactions WHERE transaction_id = new.transaction_id)
    BEGIN SELECT RAISE(ABORT, 'more would be returned than was paid'); END""",
    # I9, I12: all attempts of a leg share its identity and amount.
    """CREATE TRIGGER legs_identity BEFORE UPDATE OF transaction_id, kind, leg_no, amount_minor, currency ON legs
    BEGIN SELECT RAISE(ABORT, 'the identity of a leg never changes'); END""",
    # The journal is append-only.
    """CREATE TRIGGER facts_unchanged BEFORE UPDATE ON facts
    BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END""",
    """CREATE TRIGGER facts_kept BEFORE DELETE ON facts
    BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END""",
)

LOCKED = {
    "legs_cap": "transactions WHERE transaction_id = new.transaction_id",
}
"""What a rule reads of another row, which is locked first where writers run side by side."""


def upgrade() -> None:
    """Make the tables."""
    _journal()
    _returns()
    _gateway()
    for trigger in TRIGGERS:
        add_rule(trigger, LOCKED.get(trigger.split()[2], ""))


def _journal() -> None:
    op.create_table(
        "facts",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.Column("writer_id", whole, nullable=False),
        sa.Column("writer_seq", whole, nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("frames", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "subject_id", "version", name="pk_facts"),
        sa.UniqueConstraint("writer_id", "writer_seq", name="uq_facts_writer"),
        **STRICT,
    )
    op.create_table(
        "tasks",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("due_at_us", whole, nullable=False),
        sa.Column("epoch", whole, nullable=False),
        sa.Column("holder", whole, nullable=False),
        sa.Column("lease_until_us", whole, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_tasks"),
        **BY_KEY,
    )
    op.create_index("ix_tasks_due", "tasks", ["kind", "lane", "due_at_us"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("batch_no", sa.Text(), nullable=False),
        sa.Column("stan", sa.Text(), nullable=False),
        sa.Column("mti_class", sa.Text(), nullable=False),
        sa.Column("acquirer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.Column("amount_minor", whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("card_token", sa.Text(), nullable=False),
        sa.Column("card_bin", sa.Text(), nullable=False),
        sa.Column("card_last4", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("response_code", sa.Text(), nullable=False),
        sa.Column("rrn", sa.Text(), nullable=False),
        sa.Column("auth_code", sa.Text(), nullable=False),
        sa.Column("received_at_us", whole, nullable=False),
        sa.Column("changed_at_us", whole, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="ck_transactions_amount"),
        sa.CheckConstraint("length(currency) = 3", name="ck_transactions_currency"),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_transactions"),
        sa.UniqueConstraint("terminal_id", "merchant_id", "batch_no", "stan", "mti_class", name="uq_transactions_key"),
        **STRICT,
    )
    op.create_index(
        "ix_transactions_open",
        "transactions",
        ["transaction_id"],
        unique=False,
        sqlite_where=sa.text("state = 'SEND_INTENT'"),
        postgresql_where=sa.text("state = 'SEND_INTENT'"),
    )
    op.create_index(
        "ix_transactions_rrn",
        "transactions",
        ["rrn"],
        unique=False,
        sqlite_where=sa.text("rrn <> ''"),
        postgresql_where=sa.text("rrn <> ''"),
    )
    op.create_table(
        "writers",
        sa.Column("writer_id", whole, nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("process_id", whole, nullable=False),
        sa.Column("started_at_us", whole, nullable=False),
        sa.Column("stopped_at_us", whole, nullable=True),
        sa.PrimaryKeyConstraint("writer_id", name="pk_writers"),
        **STRICT,
    )


def _returns() -> None:
    op.create_table(
        "legs",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("acquirer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("leg_no", whole, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("live", whole, nullable=False),
        sa.Column("amount_minor", whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("original_answer", sa.Text(), nullable=False),
        sa.Column("original_sent_at_us", whole, nullable=False),
        sa.Column("original_boot_us", whole, nullable=False),
        sa.Column("original_boot_id", sa.Text(), nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("rejected", whole, nullable=False),
        sa.Column("inquiries", whole, nullable=False),
        sa.Column("last_step", sa.Text(), nullable=False),
        sa.Column("last_meaning", sa.Text(), nullable=False),
        sa.Column("last_boot_us", whole, nullable=False),
        sa.Column("last_boot_id", sa.Text(), nullable=False),
        sa.Column("asked_boot_us", whole, nullable=False),
        sa.Column("case_opened", whole, nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("opened_at_us", whole, nullable=False),
        sa.Column("closed_at_us", whole, nullable=True),
        sa.CheckConstraint("amount_minor > 0", name="ck_legs_amount"),
        sa.CheckConstraint("live in (0, 1)", name="ck_legs_live"),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.transaction_id"], name="fk_legs_transaction_id"),
        sa.PrimaryKeyConstraint("return_id", name="pk_legs"),
        sa.UniqueConstraint("transaction_id", "kind", "leg_no", name="uq_legs_number"),
        **BY_KEY,
    )
    op.create_index(
        "ix_legs_one_live",
        "legs",
        ["transaction_id"],
        unique=True,
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live = 1"),
    )
    op.create_index(
        "ix_legs_open",
        "legs",
        ["acquirer", "opened_at_us"],
        unique=False,
        sqlite_where=sa.text("live = 1"),
        postgresql_where=sa.text("live = 1"),
    )
    op.create_table(
        "watches",
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("since_us", whole, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.transaction_id"], name="fk_watches_transaction_id"),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_watches"),
        **BY_KEY,
    )
    op.create_table(
        "leg_sends",
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("n", whole, nullable=False),
        sa.Column("sent_at_us", whole, nullable=False),
        sa.ForeignKeyConstraint(["return_id"], ["legs.return_id"], name="fk_leg_sends_return_id"),
        sa.PrimaryKeyConstraint("return_id", "step", "n", name="pk_leg_sends"),
        **BY_KEY,
    )


def _gateway() -> None:
    op.create_table(
        "terminal_sessions",
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("batch_no", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("signed_in_at_us", whole, nullable=False),
        sa.PrimaryKeyConstraint("terminal_id", name="pk_terminal_sessions"),
        **BY_KEY,
    )
