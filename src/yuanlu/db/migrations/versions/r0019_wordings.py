"""People's own words in the place of the program's: proposed by one person, decided by another."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0019"
down_revision = "0018"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TRIGGERS = (
    """CREATE TRIGGER notification_wordings_begin BEFORE INSERT ON notification_wordings
    WHEN new.state <> 'PROPOSED' OR new.decided_at_us IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a wording begins as a proposal'); END""",
    """CREATE TRIGGER notification_wordings_rises BEFORE INSERT ON notification_wordings
    WHEN EXISTS (SELECT 1 FROM notification_wordings WHERE name = new.name AND version >= new.version)
    BEGIN SELECT RAISE(ABORT, 'versions only rise'); END""",
    """CREATE TRIGGER notification_wordings_transition BEFORE UPDATE ON notification_wordings
    WHEN old.state <> 'PROPOSED' OR new.state NOT IN ('APPROVED', 'REFUSED', 'WITHDRAWN')
    BEGIN SELECT RAISE(ABORT, 'no such transition'); END""",
    """CREATE TRIGGER notification_wordings_identity BEFORE UPDATE OF name, version, back, title_zh, title_en, text_zh,
    text_en, reason, maker, proposed_at_us ON notification_wordings
    BEGIN SELECT RAISE(ABORT, 'what was proposed never changes'); END""",
    """CREATE TRIGGER notification_wordings_kept BEFORE DELETE ON notification_wordings
    BEGIN SELECT RAISE(ABORT, 'wordings are kept'); END""",
)


def upgrade() -> None:
    """Everybody reads the program's own words, as before."""
    words = ("title_zh", "title_en", "text_zh", "text_en", "reason", "state", "maker", "checker", "explanation")
    op.create_table(
        "notification_wordings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.Column("back", whole, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in words),
        sa.Column("proposed_at_us", whole, nullable=False),
        sa.Column("decided_at_us", whole, nullable=True),
        sa.PrimaryKeyConstraint("name", "version", name="pk_notification_wordings"),
        sa.CheckConstraint("version > 100", name="ck_notification_wordings_version"),
        sa.CheckConstraint(
            "(back = 1 AND text_zh = '' AND text_en = '') OR (back = 0 AND text_zh <> '' AND text_en <> '')",
            name="ck_notification_wordings_words",
        ),
        sa.CheckConstraint("maker <> '' AND reason <> ''", name="ck_notification_wordings_maker"),
        sa.CheckConstraint("checker = '' OR checker <> maker", name="ck_notification_wordings_two_people"),
        sa.CheckConstraint(
            "(checker <> '') = (state IN ('APPROVED', 'REFUSED'))", name="ck_notification_wordings_decided"
        ),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    waits, used = sa.text("state = 'PROPOSED'"), sa.text("state = 'APPROVED'")
    op.create_index(
        "uq_notification_wordings_proposed", "notification_wordings", ["name"], unique=True, sqlite_where=waits,
        postgresql_where=waits,
    )  # fmt: skip
    op.create_index(
        "ix_notification_wordings_in_use", "notification_wordings", ["name", "version"], sqlite_where=used,
        postgresql_where=used,
    )  # fmt: skip
    for trigger in TRIGGERS:
        add_rule(trigger)
