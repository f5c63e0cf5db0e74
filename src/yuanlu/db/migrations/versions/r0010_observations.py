"""What is observed about terminals, and what people declare about one payment."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0010"
down_revision = "0009"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}
NAMED = "transaction_id <> ''"

KINDS = (
    "restarted", "read_failed", "card_removed", "chip_refused", "slip_failed", "hardware_fault", "signal", "battery",
    "software_outdated", "tampered", "moved", "test_terminal", "handed_over", "clearing", "signed_in",
)  # fmt: skip

TRIGGERS = (
    """CREATE TRIGGER observations_unchanged BEFORE UPDATE ON observations
    BEGIN SELECT RAISE(ABORT, 'observations are append-only'); END""",
    """CREATE TRIGGER observations_kept BEFORE DELETE ON observations
    BEGIN SELECT RAISE(ABORT, 'observations are append-only'); END""",
)

# Sessions in force go on: their terminals have signed in.
SESSIONS = """INSERT INTO observations
    SELECT 'session-' || terminal_id, '', terminal_id, '', signed_in_at_us, 'signed_in', batch_no, 'gateway'
    FROM terminal_sessions"""


def upgrade() -> None:
    """Make the table, and take over the sign-ins that are known."""
    kinds = ", ".join(f"'{kind}'" for kind in KINDS)
    op.create_table(
        "observations",
        sa.Column("observation_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("told_by", sa.Text(), nullable=False),
        sa.CheckConstraint(f"kind IN ({kinds})", name="ck_observations_kind"),
        sa.CheckConstraint("length(value) BETWEEN 1 AND 64", name="ck_observations_value"),
        sa.CheckConstraint("told_by <> ''", name="ck_observations_told_by"),
        sa.PrimaryKeyConstraint("observation_id", name="pk_observations"),
        **BY_KEY,
    )
    op.create_index("ix_observations_terminal", "observations", ["terminal_id", "kind", "at_us"], unique=False)
    op.create_index(
        "ix_observations_transaction", "observations", ["transaction_id"], unique=False,
        sqlite_where=sa.text(NAMED), postgresql_where=sa.text(NAMED),
    )  # fmt: skip
    op.execute(SESSIONS)
    for trigger in TRIGGERS:
        add_rule(trigger)
