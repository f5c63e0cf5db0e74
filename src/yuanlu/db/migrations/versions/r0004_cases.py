"""The work list: cases, their timelines and attachments, and the decisions of two people."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from yuanlu.db.migrations.rules import add_rule

revision = "0004"
down_revision = "0003"

whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STRICT = {"sqlite_strict": True}
BY_KEY = {"sqlite_strict": True, "sqlite_with_rowid": False}

CASE_STEPS = (
    "OPEN>IN_HAND", "OPEN>SNOOZED", "OPEN>SUPPORT", "OPEN>CLOSED",
    "IN_HAND>OPEN", "IN_HAND>SNOOZED", "IN_HAND>SUPPORT", "IN_HAND>CLOSED",
    "SNOOZED>OPEN", "SNOOZED>IN_HAND", "SNOOZED>CLOSED",
    "SUPPORT>OPEN", "SUPPORT>IN_HAND", "SUPPORT>CLOSED",
    "CLOSED>OPEN",
)  # fmt: skip
DECISION_STEPS = (
    "PROPOSED>APPROVED", "PROPOSED>REFUSED", "PROPOSED>EXPIRED",
    "APPROVED>CARRIED_OUT", "APPROVED>REFUSED",
)  # fmt: skip

MONEY_IN_THE_OPEN = ("SEND_INTENT", "UNKNOWN", "RETURNING", "ESCALATED", "REOPENED")
"""States of a transaction in which its case cannot be closed."""


def _listed(values: Sequence[str]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def _steps(table: str, steps: Sequence[str]) -> str:
    return f"""CREATE TRIGGER {table}_transition BEFORE UPDATE OF state ON {table}
    WHEN old.state <> new.state AND old.state || '>' || new.state NOT IN {_listed(steps)}
    BEGIN SELECT RAISE(ABORT, 'no such transition'); END"""


def _kept(table: str, words: str) -> str:
    return f"""CREATE TRIGGER {table}_kept BEFORE DELETE ON {table}
    BEGIN SELECT RAISE(ABORT, '{words}'); END"""


TRIGGERS = (
    _steps("cases", CASE_STEPS),
    _steps("case_decisions", DECISION_STEPS),
    # Compare-and-set: whoever changes a case takes its next version, so that of two at once one loses.
    """CREATE TRIGGER cases_version BEFORE UPDATE ON cases WHEN new.version <= old.version
    BEGIN SELECT RAISE(ABORT, 'a case changes by its next version'); END""",
    """CREATE TRIGGER cases_identity BEFORE UPDATE OF case_id, transaction_id, incident, merchant_id, terminal_id,
    acquirer, amount_minor, currency, cause, opened_at_us ON cases
    BEGIN SELECT RAISE(ABORT, 'what a case is about never changes'); END""",
    # I10: money in the open always has its case.
    f"""CREATE TRIGGER cases_money_settled BEFORE UPDATE OF state ON cases
    WHEN new.state = 'CLOSED' AND EXISTS (SELECT 1 FROM transactions WHERE transaction_id = new.transaction_id
                                          AND state IN {_listed(MONEY_IN_THE_OPEN)})
    BEGIN SELECT RAISE(ABORT, 'the money is not settled yet'); END""",  # noqa: S608 - names of our own
    """CREATE TRIGGER cases_decided BEFORE UPDATE OF state ON cases
    WHEN new.state = 'CLOSED' AND EXISTS (SELECT 1 FROM case_decisions WHERE case_id = new.case_id
                                          AND state IN ('PROPOSED', 'APPROVED'))
    BEGIN SELECT RAISE(ABORT, 'a decision still waits'); END""",
    _kept("cases", "cases are kept"),
    # The timeline and the attachments are append-only.
    """CREATE TRIGGER case_events_unchanged BEFORE UPDATE ON case_events
    BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END""",
    _kept("case_events", "the timeline is append-only"),
    """CREATE TRIGGER case_attachments_unchanged BEFORE UPDATE ON case_attachments
    BEGIN SELECT RAISE(ABORT, 'attachments are append-only'); END""",
    _kept("case_attachments", "attachments are append-only"),
    # I14: a decision begins as a proposal without a checker, within the case's amount; it never changes, and it is
    # approved in time or not at all.
    """CREATE TRIGGER case_decisions_proposed BEFORE INSERT ON case_decisions
    WHEN new.state <> 'PROPOSED' OR new.checker <> ''
    BEGIN SELECT RAISE(ABORT, 'a decision begins as a proposal'); END""",
    """CREATE TRIGGER case_decisions_cap BEFORE INSERT ON case_decisions
    WHEN NOT EXISTS (SELECT 1 FROM cases WHERE case_id = new.case_id AND transaction_id IS NOT NULL
                     AND state <> 'CLOSED' AND currency = new.currency AND amount_minor >= new.amount_minor)
    BEGIN SELECT RAISE(ABORT, 'more than the case is about, or no case to decide'); END""",
    """CREATE TRIGGER case_decisions_identity BEFORE UPDATE OF decision_id, case_id, kind, amount_minor, currency,
    bank_reference, reason, maker, proposed_at_us, expires_at_us ON case_decisions
    BEGIN SELECT RAISE(ABORT, 'what was proposed never changes'); END""",
    """CREATE TRIGGER case_decisions_in_time BEFORE UPDATE OF state ON case_decisions
    WHEN old.state = 'PROPOSED' AND new.state = 'APPROVED' AND new.decided_at_us >= old.expires_at_us
    BEGIN SELECT RAISE(ABORT, 'the proposal has expired'); END""",
    """CREATE TRIGGER case_decisions_checker BEFORE UPDATE OF checker ON case_decisions
    WHEN old.state <> 'PROPOSED' AND old.checker <> new.checker
    BEGIN SELECT RAISE(ABORT, 'what was decided never changes'); END""",
    _kept("case_decisions", "decisions are kept"),
)

LOCKED = {
    "cases_money_settled": "transactions WHERE transaction_id = new.transaction_id",
    "case_decisions_cap": "cases WHERE case_id = new.case_id",
}
"""What a rule reads of another row, which is locked first where writers run side by side."""


def upgrade() -> None:
    """Make the tables."""
    _cases()
    _events()
    _attachments()
    _decisions()
    for trigger in TRIGGERS:
        add_rule(trigger, LOCKED.get(trigger.split()[2], ""))


def _partial(name: str, table: str, columns: Sequence[str], where: str, *, unique: bool = False) -> None:
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )  # fmt: skip


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("acquirer", sa.Text(), nullable=False),
        sa.Column("amount_minor", whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("explanation_zh", sa.Text(), nullable=False),
        sa.Column("explanation_en", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("is_complex", whole, nullable=False),
        sa.Column("may_send_again", whole, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("level", whole, nullable=False),
        sa.Column("priority", whole, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("since_us", whole, nullable=False),
        sa.Column("deadline_at_us", whole, nullable=False),
        sa.Column("snoozed_at_us", whole, nullable=False),
        sa.Column("snoozed_until_us", whole, nullable=False),
        sa.Column("slept_us", whole, nullable=False),
        sa.Column("opened_at_us", whole, nullable=False),
        sa.Column("changed_at_us", whole, nullable=False),
        sa.Column("closed_at_us", whole, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("person_needed", whole, nullable=True),
        sa.Column("version", whole, nullable=False),
        sa.CheckConstraint(
            "state <> 'CLOSED' OR (outcome <> '' AND person_needed IN (0, 1) AND closed_at_us IS NOT NULL)",
            name="ck_cases_closed",
        ),
        sa.CheckConstraint("transaction_id IS NOT NULL OR incident <> ''", name="ck_cases_subject"),
        sa.CheckConstraint("amount_minor >= 0", name="ck_cases_amount"),
        sa.CheckConstraint("state <> 'IN_HAND' OR owner <> ''", name="ck_cases_owner"),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.transaction_id"], name="fk_cases_transaction_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
        **STRICT,
    )
    _partial(
        "ix_cases_board",
        "cases",
        ["priority", "deadline_at_us", "case_id"],
        "state IN ('OPEN', 'IN_HAND', 'SUPPORT')",
    )
    _partial("ix_cases_closed", "cases", ["closed_at_us", "case_id"], "state = 'CLOSED'")
    _partial(
        "ix_cases_incident",
        "cases",
        ["incident", "priority", "deadline_at_us", "case_id"],
        "state IN ('OPEN', 'IN_HAND', 'SUPPORT')",
    )
    _partial(
        "ix_cases_one_incident", "cases", ["incident"], "state <> 'CLOSED' AND transaction_id IS NULL", unique=True
    )
    _partial("ix_cases_one_open", "cases", ["transaction_id"], "state <> 'CLOSED'", unique=True)
    _partial(
        "ix_cases_owner",
        "cases",
        ["owner", "priority", "deadline_at_us", "case_id"],
        "state IN ('OPEN', 'IN_HAND', 'SUPPORT')",
    )
    _partial(
        "ix_cases_queue",
        "cases",
        ["queue", "priority", "deadline_at_us", "case_id"],
        "state IN ('OPEN', 'IN_HAND', 'SUPPORT')",
    )
    _partial("ix_cases_snoozed", "cases", ["snoozed_until_us", "case_id"], "state = 'SNOOZED'")
    op.create_index("ix_cases_transaction", "cases", ["transaction_id", "opened_at_us"])


def _events() -> None:
    op.create_table(
        "case_events",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("version", whole, nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint("who <> ''", name="ck_case_events_who"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_case_events_case_id"),
        sa.PrimaryKeyConstraint("case_id", "version", "subject_id", name="pk_case_events"),
        **BY_KEY,
    )


def _attachments() -> None:
    op.create_table(
        "case_attachments",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("number", whole, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at_us", whole, nullable=False),
        sa.CheckConstraint("length(content) <= 5242880", name="ck_case_attachments_size"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_case_attachments_case_id"),
        sa.PrimaryKeyConstraint("case_id", "number", name="pk_case_attachments"),
        **STRICT,
    )


def _decisions() -> None:
    op.create_table(
        "case_decisions",
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", whole, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("checker", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_at_us", whole, nullable=False),
        sa.Column("expires_at_us", whole, nullable=False),
        sa.Column("decided_at_us", whole, nullable=True),
        sa.Column("carried_out_at_us", whole, nullable=True),
        sa.CheckConstraint("amount_minor > 0", name="ck_case_decisions_amount"),
        sa.CheckConstraint("kind <> 'declare_returned' OR bank_reference <> ''", name="ck_case_decisions_reference"),
        sa.CheckConstraint("maker <> '' AND reason <> ''", name="ck_case_decisions_maker"),
        sa.CheckConstraint(
            "checker = '' OR lower(trim(checker)) <> lower(trim(maker))",
            name="ck_case_decisions_two_people",
        ),
        sa.CheckConstraint(
            "state NOT IN ('APPROVED', 'CARRIED_OUT') OR (checker <> '' AND decided_at_us IS NOT NULL)",
            name="ck_case_decisions_approved",
        ),
        sa.CheckConstraint(
            "kind IN ('declare_returned', 'declare_no_effect', 'send_once_more', 'manual_credit')",
            name="ck_case_decisions_kind",
        ),
        sa.CheckConstraint("expires_at_us > proposed_at_us", name="ck_case_decisions_expires"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_case_decisions_case_id"),
        sa.PrimaryKeyConstraint("decision_id", name="pk_case_decisions"),
        **STRICT,
    )
    op.create_index("ix_case_decisions_case", "case_decisions", ["case_id"])
    _partial(
        "ix_case_decisions_one_open", "case_decisions", ["case_id"], "state IN ('PROPOSED', 'APPROVED')", unique=True
    )
    _partial(
        "ix_case_decisions_waiting",
        "case_decisions",
        ["expires_at_us", "decision_id"],
        "state = 'PROPOSED'",
    )
