"""API keys, requests by Idempotency-Key, our own till, and webhooks."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0014"
down_revision = "0013"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}

TRIGGERS = (
    """CREATE TRIGGER api_keys_kept BEFORE DELETE ON api_keys
    BEGIN SELECT RAISE(ABORT, 'a key is revoked, never deleted'); END""",
    """CREATE TRIGGER api_keys_unchanged BEFORE UPDATE ON api_keys
    WHEN new.key_id <> old.key_id OR new.secret_hash <> old.secret_hash OR new.scopes <> old.scopes
    OR new.merchant_id <> old.merchant_id OR new.mode <> old.mode OR new.made_by <> old.made_by
    OR old.revoked_at_us IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a key never changes, it is revoked once'); END""",
    """CREATE TRIGGER till_payments_kept BEFORE DELETE ON till_payments
    BEGIN SELECT RAISE(ABORT, 'a number that was given stays given'); END""",
    """CREATE TRIGGER till_payments_unchanged BEFORE UPDATE ON till_payments
    WHEN new.payment_id <> old.payment_id OR new.stan <> old.stan OR new.batch_no <> old.batch_no
    OR new.amount_minor <> old.amount_minor OR new.terminal_id <> old.terminal_id OR new.kind <> old.kind
    OR new.key <> old.key OR (old.state <> 'SENT' AND new.state <> old.state)
    BEGIN SELECT RAISE(ABORT, 'what a till was told stays'); END""",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at_us", whole, nullable=False),
        sa.Column("revoked_by", sa.Text(), nullable=False),
        sa.Column("revoked_at_us", whole),
        sa.Column("version", whole, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
        sa.CheckConstraint("mode IN ('test', 'live')", name="ck_api_keys_mode"),
        sa.CheckConstraint("(revoked_at_us IS NULL) = (revoked_by = '')", name="ck_api_keys_revoked"),
        sa.CheckConstraint("name <> '' AND made_by <> '' AND scopes <> ''", name="ck_api_keys_said"),
        sa.UniqueConstraint("secret_hash", name="uq_api_keys_secret_hash"),
        **STRICT,
    )
    op.create_table(
        "api_requests",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", whole, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_api_requests"),
        sa.CheckConstraint("state IN ('BEGUN', 'DONE', 'CANCELLED')", name="ck_api_requests_state"),
        **STRICT,
    )
    op.create_index("ix_api_requests_age", "api_requests", ["at_us"], unique=False)
    op.create_table(
        "till_counters",
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("batch_no", sa.Text(), nullable=False),
        sa.Column("stan", whole, nullable=False),
        sa.PrimaryKeyConstraint("terminal_id", name="pk_till_counters"),
        **BY_KEY,
    )
    op.create_table(
        "till_payments",
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("original_id", sa.Text(), nullable=False),
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("batch_no", sa.Text(), nullable=False),
        sa.Column("stan", sa.Text(), nullable=False),
        sa.Column("mti_class", sa.Text(), nullable=False),
        sa.Column("amount_minor", whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("rrn", sa.Text(), nullable=False),
        sa.Column("auth_code", sa.Text(), nullable=False),
        sa.Column("date_mmdd", sa.Text(), nullable=False),
        sa.Column("approved_minor", whole),
        sa.Column("undo", sa.Text(), nullable=False),
        sa.Column("confirm_by_us", whole),
        sa.Column("made_at_us", whole, nullable=False),
        sa.Column("changed_at_us", whole, nullable=False),
        sa.PrimaryKeyConstraint("payment_id", name="pk_till_payments"),
        sa.CheckConstraint("amount_minor > 0", name="ck_till_payments_amount"),
        sa.CheckConstraint("kind IN ('sale', 'void', 'refund')", name="ck_till_payments_kind"),
        sa.CheckConstraint(
            "state IN ('SENT', 'APPROVED', 'DECLINED', 'UNKNOWN', 'NOT_SENT')", name="ck_till_payments_state"
        ),
        sa.CheckConstraint("undo IN ('', 'DUE', 'DONE', 'REFUSED')", name="ck_till_payments_undo"),
        sa.UniqueConstraint("terminal_id", "batch_no", "stan", "mti_class", name="uq_till_payments_number"),
        sa.UniqueConstraint("tenant", "key", name="uq_till_payments_key"),
        **STRICT,
    )
    op.create_index("ix_till_payments_merchant", "till_payments", ["merchant_id", "payment_id"], unique=False)
    op.create_index("ix_till_payments_original", "till_payments", ["original_id"], unique=False)
    op.create_index(
        "ix_till_payments_sent",
        "till_payments",
        ["payment_id"],
        unique=False,
        sqlite_where=sa.text("state = 'SENT'"),
        postgresql_where=sa.text("state = 'SENT'"),
    )
    op.create_index(
        "ix_till_payments_unconfirmed",
        "till_payments",
        ["confirm_by_us"],
        unique=False,
        sqlite_where=sa.text("confirm_by_us IS NOT NULL"),
        postgresql_where=sa.text("confirm_by_us IS NOT NULL"),
    )
    op.create_index(
        "ix_till_payments_undo",
        "till_payments",
        ["payment_id"],
        unique=False,
        sqlite_where=sa.text("undo = 'DUE'"),
        postgresql_where=sa.text("undo = 'DUE'"),
    )
    op.create_table(
        "webhook_endpoints",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at_us", whole, nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", name="pk_webhook_endpoints"),
        sa.CheckConstraint("state IN ('enabled', 'disabled', 'deleted')", name="ck_webhook_endpoints_state"),
        **STRICT,
    )
    op.create_table(
        "webhook_events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_webhook_events"),
        **STRICT,
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", whole, nullable=False),
        sa.Column("due_at_us", whole, nullable=False),
        sa.Column("changed_at_us", whole, nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "event_id", name="pk_webhook_deliveries"),
        sa.CheckConstraint("state IN ('WAITING', 'DELIVERED', 'FAILED')", name="ck_webhook_deliveries_state"),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.endpoint_id"], name="fk_webhook_deliveries_endpoint_id"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["webhook_events.event_id"], name="fk_webhook_deliveries_event_id"),
        **BY_KEY,
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "due_at_us"],
        unique=False,
        sqlite_where=sa.text("state = 'WAITING'"),
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("endpoint_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("number", whole, nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.Column("status", whole, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("took_ms", whole, nullable=False),
        sa.PrimaryKeyConstraint("endpoint_id", "event_id", "number", name="pk_webhook_attempts"),
        **BY_KEY,
    )
    op.create_table(
        "webhook_cursors",
        sa.Column("writer_id", whole, nullable=False),
        sa.Column("writer_seq", whole, nullable=False),
        sa.PrimaryKeyConstraint("writer_id", name="pk_webhook_cursors"),
        **BY_KEY,
    )
    for trigger in TRIGGERS:
        add_rule(trigger)
