"""The tables of messages: the outbox, what was tried, whom to tell, who does not want to be told; people's own words.

What the database itself holds (migrations 0016 and 0019): the same person hears the same of the same subject once;
states move only along `notification.states`; what was said never changes; attempts are append-only; nothing is deleted.
A wording has two people, its words never change, its version is above those before it, and one at a time waits.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint, text

from yuanlu.db.types import STRICT, STRICT_BY_KEY, Octets, Whole, Words, metadata

OF_TRANSACTION, OF_CASE, OF_INCIDENT = "transaction_id <> ''", "case_id <> ''", "incident_id <> ''"
RECEIVED = "provider_id <> ''"
NOT_SENT = "state = 'WAITING'"
IN_USE, PROPOSED = "state = 'APPROVED'", "state = 'PROPOSED'"
"""A query must say these in these very words, or SQLite does not use the partial indexes."""


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


notifications = Table(
    "notifications",
    metadata,
    Column("message_id", Words, primary_key=True),
    Column("once", Words, nullable=False),
    Column("merchant_id", Words, nullable=False),
    Column("terminal_id", Words, nullable=False),
    Column("transaction_id", Words, nullable=False),
    Column("case_id", Words, nullable=False),
    Column("incident_id", Words, nullable=False),
    Column("event", Words, nullable=False),
    Column("audience", Words, nullable=False),
    Column("template", Words, nullable=False),  # with its version
    Column("language", Words, nullable=False),
    Column("person", Words, nullable=False),  # a keyed name, or "contract/recipient"; never an address
    Column("contact_id", Words, nullable=False),
    Column("masked", Words, nullable=False),
    Column("round", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("values_json", Words, nullable=False),
    Column("urgent", Whole, nullable=False),
    Column("ways", Words, nullable=False),  # channels, one a line
    Column("state", Words, nullable=False),
    Column("attempts", Whole, nullable=False),
    Column("channel", Words, nullable=False),  # that took it
    Column("provider_id", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("created_at_us", Whole, nullable=False),
    Column("not_before_us", Whole, nullable=False),
    Column("expires_at_us", Whole, nullable=False),
    Column("changed_at_us", Whole, nullable=False),
    Column("version", Whole, nullable=False),
    UniqueConstraint("once", name="uq_notifications_once"),
    CheckConstraint("transaction_id <> '' OR case_id <> '' OR incident_id <> ''", name="subject"),
    CheckConstraint("language IN ('zh', 'en')", name="language"),
    _partial("ix_notifications_transaction", "transaction_id", "message_id", where=OF_TRANSACTION),
    _partial("ix_notifications_case", "case_id", "message_id", where=OF_CASE),
    _partial("ix_notifications_incident", "incident_id", "message_id", where=OF_INCIDENT),
    _partial("ix_notifications_receipt", "channel", "provider_id", where=RECEIVED),
    _partial("ix_notifications_waiting", "not_before_us", "message_id", where=NOT_SENT),
    Index("ix_notifications_merchant", "merchant_id", "message_id"),
    **STRICT,
)

notification_attempts = Table(
    "notification_attempts",
    metadata,
    Column("message_id", Words, primary_key=True),
    Column("number", Whole, primary_key=True),
    Column("at_us", Whole, nullable=False),
    Column("channel", Words, nullable=False),
    Column("outcome", Words, nullable=False),
    Column("provider_id", Words, nullable=False),
    Column("note", Words, nullable=False),
    **STRICT_BY_KEY,
)

notification_contacts = Table(
    "notification_contacts",
    metadata,
    Column("contact_id", Words, primary_key=True),
    Column("transaction_id", Words, nullable=False),
    Column("merchant_id", Words, nullable=False),
    Column("masked", Words, nullable=False),
    Column("token", Words, nullable=False),  # keyed, one-way
    Column("sealed", Octets, nullable=False),
    Column("language", Words, nullable=False),
    Column("told_by", Words, nullable=False),
    Column("at_us", Whole, nullable=False),
    UniqueConstraint("transaction_id", "token", name="uq_notification_contacts_transaction"),
    CheckConstraint("told_by <> ''", name="told_by"),
    **STRICT,
)

notification_optouts = Table(
    "notification_optouts",
    metadata,
    Column("token", Words, primary_key=True),
    Column("told_by", Words, nullable=False),
    Column("at_us", Whole, nullable=False),
    CheckConstraint("told_by <> ''", name="told_by"),
    **STRICT_BY_KEY,
)

notification_wordings = Table(
    "notification_wordings",
    metadata,
    Column("name", Words, primary_key=True),  # of the program's template
    Column("version", Whole, primary_key=True),
    Column("back", Whole, nullable=False),  # 1: the program's own words again
    Column("title_zh", Words, nullable=False),
    Column("title_en", Words, nullable=False),
    Column("text_zh", Words, nullable=False),
    Column("text_en", Words, nullable=False),
    Column("reason", Words, nullable=False),  # why it is wanted
    Column("state", Words, nullable=False),
    Column("maker", Words, nullable=False),
    Column("checker", Words, nullable=False),
    Column("explanation", Words, nullable=False),  # why it was refused or withdrawn
    Column("proposed_at_us", Whole, nullable=False),
    Column("decided_at_us", Whole),
    CheckConstraint("version > 100", name="version"),
    CheckConstraint("(back = 1 AND text_zh = '' AND text_en = '') OR (back = 0 AND text_zh <> '' AND text_en <> '')",
                    name="words"),
    CheckConstraint("maker <> '' AND reason <> ''", name="maker"),
    CheckConstraint("checker = '' OR checker <> maker", name="two_people"),
    CheckConstraint("(checker <> '') = (state IN ('APPROVED', 'REFUSED'))", name="decided"),
    Index("uq_notification_wordings_proposed", "name", unique=True, sqlite_where=text(PROPOSED),
          postgresql_where=text(PROPOSED)),
    Index("ix_notification_wordings_in_use", "name", "version", sqlite_where=text(IN_USE),
          postgresql_where=text(IN_USE)),
    **STRICT_BY_KEY,
)  # fmt: skip
