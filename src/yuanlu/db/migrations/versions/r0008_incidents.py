"""Incidents, and which transactions each explains."""

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0008"
down_revision = "0007"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}

STEPS = ("ACTIVE>ENDED",)

TRIGGERS = (
    f"""CREATE TRIGGER incidents_transition BEFORE UPDATE OF state ON incidents
    WHEN old.state <> new.state AND old.state || '>' || new.state NOT IN ('{"', '".join(STEPS)}')
    BEGIN SELECT RAISE(ABORT, 'no such transition'); END""",
    # Compare-and-set: whoever changes an incident takes its next version.
    """CREATE TRIGGER incidents_version BEFORE UPDATE ON incidents WHEN new.version <= old.version
    BEGIN SELECT RAISE(ABORT, 'an incident changes by its next version'); END""",
    """CREATE TRIGGER incidents_identity BEFORE UPDATE OF incident_id, kind, scope_kind, scope_name, declared_by,
    reason, began_at_us, declared_at_us ON incidents
    BEGIN SELECT RAISE(ABORT, 'what was declared never changes'); END""",
    """CREATE TRIGGER incidents_final BEFORE UPDATE ON incidents WHEN old.state = 'ENDED' AND old.open_count = 0
    BEGIN SELECT RAISE(ABORT, 'the report is final'); END""",
    """CREATE TRIGGER incidents_kept BEFORE DELETE ON incidents
    BEGIN SELECT RAISE(ABORT, 'incidents are kept'); END""",
    # What is over explains nothing more: its report has counted all of it.
    """CREATE TRIGGER incident_members_active BEFORE INSERT ON incident_members
    WHEN NOT EXISTS (SELECT 1 FROM incidents WHERE incident_id = new.incident_id AND state = 'ACTIVE')
    BEGIN SELECT RAISE(ABORT, 'this incident is over'); END""",
    """CREATE TRIGGER incident_members_unchanged BEFORE UPDATE ON incident_members
    BEGIN SELECT RAISE(ABORT, 'what an incident explains is append-only'); END""",
    """CREATE TRIGGER incident_members_kept BEFORE DELETE ON incident_members
    BEGIN SELECT RAISE(ABORT, 'what an incident explains is append-only'); END""",
)

LOCKED = {
    "incident_members_active": "incidents WHERE incident_id = new.incident_id",
}
"""What a rule reads of another row, which is locked first where writers run side by side."""


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope_kind", sa.Text(), nullable=False),
        sa.Column("scope_name", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at_us", whole, nullable=False),
        sa.Column("declared_at_us", whole, nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at_us", whole, nullable=True),
        sa.Column("transaction_count", whole, nullable=False),
        sa.Column("terminal_count", whole, nullable=False),
        sa.Column("amounts", sa.Text(), nullable=False),
        sa.Column("returned_count", whole, nullable=False),
        sa.Column("open_count", whole, nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.CheckConstraint("scope_kind IN ('all', 'region', 'host', 'merchant')", name="ck_incidents_scope_kind"),
        sa.CheckConstraint("(scope_kind = 'all') = (scope_name = '')", name="ck_incidents_scope_name"),
        sa.CheckConstraint("declared_by <> '' AND reason <> ''", name="ck_incidents_declared"),
        sa.CheckConstraint(
            "state = 'ACTIVE' OR (ended_by <> '' AND ended_at_us IS NOT NULL AND held_by = '')",
            name="ck_incidents_ended",
        ),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incidents"),
        **STRICT,
    )
    active, unsettled = sa.text("state = 'ACTIVE'"), sa.text("state = 'ENDED' AND open_count > 0")
    op.create_index(
        "ix_incidents_one_active", "incidents", ["scope_kind", "scope_name"], unique=True,
        sqlite_where=active, postgresql_where=active,
    )  # fmt: skip
    op.create_index(
        "ix_incidents_unsettled", "incidents", ["incident_id"], unique=False,
        sqlite_where=unsettled, postgresql_where=unsettled,
    )  # fmt: skip
    op.create_table(
        "incident_members",
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.transaction_id"], name="fk_incident_members_transaction_id"
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.incident_id"], name="fk_incident_members_incident_id"),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_incident_members"),
        **BY_KEY,
    )
    op.create_index("ix_incident_members_incident", "incident_members", ["incident_id"], unique=False)
    for trigger in TRIGGERS:
        add_rule(trigger, LOCKED.get(trigger.split()[2], ""))
