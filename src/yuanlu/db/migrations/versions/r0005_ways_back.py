"""More ways back than the reversal: transactions that refer to another one, orders to give back, legs of each kind."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule, drop_rule

revision = "0005"
down_revision = "0004"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}

STEPS = (
    "SEND_INTENT>APPROVED", "SEND_INTENT>DECLINED", "SEND_INTENT>UNKNOWN", "SEND_INTENT>RETURNING",
    "APPROVED>CAPTURED", "APPROVED>RETURNING",
    "UNKNOWN>RETURNING", "UNKNOWN>APPROVED", "UNKNOWN>DECLINED",
    "RETURNING>RETURNED", "RETURNING>NO_EFFECT", "RETURNING>ESCALATED",
    "ESCALATED>RETURNED", "ESCALATED>NO_EFFECT", "ESCALATED>CAPTURED",
    "NO_EFFECT>REOPENED", "RETURNED>REOPENED", "DECLINED>REOPENED", "RETURNED>APPROVED",
    "REOPENED>RETURNING",
    "CAPTURED>ESCALATED", "CAPTURED>RETURNING",
)  # fmt: skip

_TARGETS: dict[str, set[str]] = {}
for _step in STEPS:
    _TARGETS.setdefault(_step.partition(">")[0], set()).add(_step.partition(">")[2])


def _either(states: set[str]) -> str:
    return "(" + " OR ".join(f"new.state = '{state}'" for state in sorted(states)) + ")"


TRIGGERS = (
    f"""CREATE TRIGGER transactions_transition BEFORE UPDATE OF state ON transactions
    WHEN old.state <> new.state AND NOT CASE old.state {
        " ".join(f"WHEN '{state}' THEN {_either(tos)}" for state, tos in _TARGETS.items())
    } ELSE false END
    BEGIN SELECT RAISE(ABORT, 'no such transition'); END""",
    # I11: what is given back never exceeds what was paid; a leg that had no effect gave nothing back.
    """CREATE TRIGGER legs_cap BEFORE INSERT ON legs
    WHEN new.amount_minor + (SELECT coalesce(sum(amount_minor), 0) FROM legs
                             WHERE transaction_id = new.transaction_id AND state <> 'NO_EFFECT')
         > (SELECT coalesce(approved_minor, amount_minor) FROM transactions
            WHERE transaction_id = new.transaction_id)
    BEGIN SELECT RAISE(ABORT, 'more would be returned than was paid'); END""",
    # Two proposals at the same moment: together they may not exceed what is left.
    """CREATE TRIGGER orders_cap BEFORE INSERT ON orders
    WHEN new.paid_from = 'original' AND new.amount_minor
         + (SELECT coalesce(sum(amount_minor), 0) FROM orders
            WHERE transaction_id = new.transaction_id AND paid_from = 'original'
              AND state IN ('PROPOSED', 'RUNNING', 'ESCALATED'))
         + (SELECT coalesce(sum(amount_minor), 0) FROM legs
            WHERE transaction_id = new.transaction_id AND state <> 'NO_EFFECT'
              AND order_id NOT IN (SELECT order_id FROM orders
                                   WHERE transaction_id = new.transaction_id
                                     AND state IN ('PROPOSED', 'RUNNING', 'ESCALATED')))
         > (SELECT coalesce(approved_minor, amount_minor) FROM transactions
            WHERE transaction_id = new.transaction_id)
    BEGIN SELECT RAISE(ABORT, 'more would be returned than was paid'); END""",
    """CREATE TRIGGER orders_transition BEFORE UPDATE OF state ON orders
    WHEN old.state <> new.state AND NOT CASE old.state
         WHEN 'PROPOSED' THEN new.state IN ('RUNNING', 'REFUSED', 'EXPIRED')
         WHEN 'RUNNING' THEN new.state IN ('DONE', 'FAILED', 'ESCALATED', 'CANCELLED')
         WHEN 'ESCALATED' THEN new.state IN ('DONE', 'FAILED')
         ELSE false END
    BEGIN SELECT RAISE(ABORT, 'no such transition'); END""",
    """CREATE TRIGGER orders_identity BEFORE UPDATE OF transaction_id, kind, amount_minor, currency, maker ON orders
    BEGIN SELECT RAISE(ABORT, 'what was proposed never changes'); END""",
)

LOCKED = {
    "legs_cap": "transactions WHERE transaction_id = new.transaction_id",
    "orders_cap": "transactions WHERE transaction_id = new.transaction_id",
}
"""What a rule reads of another row, which is locked first where writers run side by side."""


def upgrade() -> None:
    """Add what refers to another transaction, and the orders."""
    op.add_column("transactions", sa.Column("original_id", sa.Text(), nullable=False, server_default=""))
    op.add_column("transactions", sa.Column("approved_minor", whole, nullable=True))
    op.create_index(
        "ix_transactions_original", "transactions", ["original_id"], unique=False,
        sqlite_where=sa.text("original_id <> ''"), postgresql_where=sa.text("original_id <> ''"),
    )  # fmt: skip
    op.add_column("legs", sa.Column("message_id", sa.Text(), nullable=False, server_default=""))
    op.add_column("legs", sa.Column("order_id", sa.Text(), nullable=False, server_default=""))
    op.create_index(
        "ix_legs_message", "legs", ["message_id"], unique=False,
        sqlite_where=sa.text("message_id <> ''"), postgresql_where=sa.text("message_id <> ''"),
    )  # fmt: skip
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("paid_from", sa.Text(), nullable=False),
        sa.Column("amount_minor", whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("automatic", whole, nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("checker", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("proposed_at_us", whole, nullable=False),
        sa.Column("expires_at_us", whole, nullable=False),
        sa.Column("decided_at_us", whole, nullable=True),
        sa.Column("closed_at_us", whole, nullable=True),
        sa.CheckConstraint("amount_minor > 0", name="ck_orders_amount"),
        sa.CheckConstraint("paid_from in ('original', 'contract')", name="ck_orders_paid_from"),
        sa.CheckConstraint("checker = '' OR checker <> maker", name="ck_orders_two_people"),
        sa.CheckConstraint(
            "automatic = 1 OR checker <> '' OR state IN ('PROPOSED', 'REFUSED', 'EXPIRED')", name="ck_orders_approved"
        ),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.transaction_id"], name="fk_orders_transaction_id"),
        sa.PrimaryKeyConstraint("order_id", name="pk_orders"),
        **BY_KEY,
    )
    op.create_index(
        "ix_orders_open", "orders", ["state", "proposed_at_us"], unique=False,
        sqlite_where=sa.text("closed_at_us IS NULL"), postgresql_where=sa.text("closed_at_us IS NULL"),
    )  # fmt: skip
    op.create_index("ix_orders_transaction", "orders", ["transaction_id"], unique=False)
    drop_rule("transactions_transition", "transactions")
    drop_rule("legs_cap", "legs")
    for trigger in TRIGGERS:
        add_rule(trigger, LOCKED.get(trigger.split()[2], ""))
