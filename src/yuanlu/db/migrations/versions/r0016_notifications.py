"""Messages to people: the outbox, what was tried, contacts, who does not want to be told."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0016"
down_revision = "0015"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
octets = sa.LargeBinary()
STRICT = {"sqlite_strict": True}
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}

STEPS = (
    "WAITING>SENT", "WAITING>DELIVERED", "WAITING>FAILED", "WAITING>OVERTAKEN", "WAITING>UNWANTED", "SENT>DELIVERED",
    "SENT>UNDELIVERED", "SENT>WAITING", "DELIVERED>WAITING", "UNDELIVERED>DELIVERED", "UNDELIVERED>WAITING",
    "FAILED>WAITING", "OVERTAKEN>WAITING", "OVERTAKEN>SENT", "OVERTAKEN>DELIVERED",
)  # fmt: skip

TRIGGERS = (
    """CREATE TRIGGER notifications_begin BEFORE INSERT ON notifications
    WHEN new.state <> 'WAITING' OR new.version <> 1
    BEGIN SELECT RAISE(ABORT, 'a message begins by waiting'); END""",
    f"""CREATE TRIGGER notifications_transition BEFORE UPDATE OF state ON notifications
    WHEN old.state <> new.state AND old.state || '>' || new.state NOT IN ('{"', '".join(STEPS)}')
    BEGIN SELECT RAISE(ABORT, 'no such transition'); END""",
    """CREATE TRIGGER notifications_version BEFORE UPDATE ON notifications WHEN new.version <= old.version
    BEGIN SELECT RAISE(ABORT, 'a message changes by its next version'); END""",
    """CREATE TRIGGER notifications_identity BEFORE UPDATE OF message_id, once, merchant_id, terminal_id,
    transaction_id, case_id, incident_id, event, audience, template, language, person, contact_id, masked, round, title,
    text, values_json, urgent, ways, created_at_us ON notifications
    BEGIN SELECT RAISE(ABORT, 'what was said never changes'); END""",
    """CREATE TRIGGER notification_attempts_unchanged BEFORE UPDATE ON notification_attempts
    BEGIN SELECT RAISE(ABORT, 'what was tried is append-only'); END""",
    *(
        f"""CREATE TRIGGER {table}_kept BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, 'what people were told is kept'); END"""
        for table in ("notifications", "notification_attempts")
    ),
)


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _wholes(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, whole, nullable=False) for name in names]


def _partial(name: str, *columns: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "notifications", list(columns), sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    """Nobody was told anything before."""
    op.create_table(
        "notifications",
        *_words(
            "message_id", "once", "merchant_id", "terminal_id", "transaction_id", "case_id", "incident_id", "event",
            "audience", "template", "language", "person", "contact_id", "masked", "round", "title", "text",
            "values_json",
        ),
        *_wholes("urgent"),
        *_words("ways", "state"),
        *_wholes("attempts"),
        *_words("channel", "provider_id", "note"),
        *_wholes("created_at_us", "not_before_us", "expires_at_us", "changed_at_us", "version"),
        sa.UniqueConstraint("once", name="uq_notifications_once"),
        sa.CheckConstraint(
            "transaction_id <> '' OR case_id <> '' OR incident_id <> ''", name="ck_notifications_subject"
        ),
        sa.CheckConstraint("language IN ('zh', 'en')", name="ck_notifications_language"),
        sa.PrimaryKeyConstraint("message_id", name="pk_notifications"),
        **STRICT,
    )  # fmt: skip
    _partial("ix_notifications_transaction", "transaction_id", "message_id", where="transaction_id <> ''")
    _partial("ix_notifications_case", "case_id", "message_id", where="case_id <> ''")
    _partial("ix_notifications_incident", "incident_id", "message_id", where="incident_id <> ''")
    _partial("ix_notifications_receipt", "channel", "provider_id", where="provider_id <> ''")
    _partial("ix_notifications_waiting", "not_before_us", "message_id", where="state = 'WAITING'")
    op.create_index("ix_notifications_merchant", "notifications", ["merchant_id", "message_id"])
    op.create_table(
        "notification_attempts",
        *_words("message_id"),
        *_wholes("number", "at_us"),
        *_words("channel", "outcome", "provider_id", "note"),
        sa.PrimaryKeyConstraint("message_id", "number", name="pk_notification_attempts"),
        **BY_KEY,
    )
    op.create_table(
        "notification_contacts",
        *_words("contact_id", "transaction_id", "merchant_id", "masked", "token"),
        sa.Column("sealed", octets, nullable=False),
        *_words("language", "told_by"),
        *_wholes("at_us"),
        sa.UniqueConstraint("transaction_id", "token", name="uq_notification_contacts_transaction"),
        sa.CheckConstraint("told_by <> ''", name="ck_notification_contacts_told_by"),
        sa.PrimaryKeyConstraint("contact_id", name="pk_notification_contacts"),
        **STRICT,
    )
    op.create_table(
        "notification_optouts",
        *_words("token", "told_by"),
        *_wholes("at_us"),
        sa.CheckConstraint("told_by <> ''", name="ck_notification_optouts_told_by"),
        sa.PrimaryKeyConstraint("token", name="pk_notification_optouts"),
        **BY_KEY,
    )
    for trigger in TRIGGERS:
        add_rule(trigger)
