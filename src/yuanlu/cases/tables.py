"""The tables of the work list. This package alone writes them.

What the database itself holds (triggers in migration 0004):
- one open case per transaction and per incident; one open decision per case (unique indexes);
- an approved decision has a checker, who is not the maker, and came in time; what was proposed never changes;
- states move only along `cases.states`; every change of a case takes the next version;
- a case is not closed while its money is in the open or a decision waits;
- the timeline and the attachments are append-only, and nothing is deleted.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, text
from sqlalchemy.sql.elements import TextClause

from yuanlu.db.types import STRICT, STRICT_BY_KEY, Octets, Whole, Words, metadata

ATTACHMENT_BYTES_MAX = 5 * 1024 * 1024

AWAKE = "state IN ('OPEN', 'IN_HAND', 'SUPPORT')"
"""On the list now. A query must say it in these very words, or SQLite does not use the partial indexes."""
NOT_CLOSED = "state <> 'CLOSED'"
UNDECIDED = "state IN ('PROPOSED', 'APPROVED')"
ONE_INCIDENT = f"{NOT_CLOSED} AND transaction_id IS NULL"


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    condition: TextClause = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


cases = Table(
    "cases",
    metadata,
    Column("case_id", Words, primary_key=True),
    Column("transaction_id", Words, ForeignKey("transactions.transaction_id")),  # null: an incident or a batch
    Column("incident", Words, nullable=False),  # the incident or batch it is, or the incident it belongs to
    Column("merchant_id", Words, nullable=False),
    Column("terminal_id", Words, nullable=False),
    Column("acquirer", Words, nullable=False),
    Column("amount_minor", Whole, nullable=False),
    Column("currency", Words, nullable=False),
    Column("title_zh", Words, nullable=False),
    Column("title_en", Words, nullable=False),
    Column("cause", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("explanation_zh", Words, nullable=False),
    Column("explanation_en", Words, nullable=False),
    Column("evidence", Words, nullable=False),  # one line each
    Column("is_complex", Whole, nullable=False),
    Column("may_send_again", Whole, nullable=False),
    Column("queue", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("level", Whole, nullable=False),
    Column("priority", Whole, nullable=False),  # 1 first
    Column("owner", Words, nullable=False),  # a person; "" while it is the level's
    Column("ticket", Words, nullable=False),
    Column("since_us", Whole, nullable=False),  # where the service level's time starts
    Column("deadline_at_us", Whole, nullable=False),
    Column("snoozed_at_us", Whole, nullable=False),
    Column("snoozed_until_us", Whole, nullable=False),
    Column("slept_us", Whole, nullable=False),
    Column("opened_at_us", Whole, nullable=False),
    Column("changed_at_us", Whole, nullable=False),
    Column("closed_at_us", Whole),
    Column("outcome", Words, nullable=False),
    Column("person_needed", Whole),  # null while it is open
    Column("version", Whole, nullable=False),  # counts the case's facts; each change takes the next
    CheckConstraint("transaction_id IS NOT NULL OR incident <> ''", name="subject"),
    CheckConstraint("amount_minor >= 0", name="amount"),
    CheckConstraint(
        "state <> 'CLOSED' OR (outcome <> '' AND person_needed IN (0, 1) AND closed_at_us IS NOT NULL)", name="closed"
    ),
    CheckConstraint("state <> 'IN_HAND' OR owner <> ''", name="owner"),
    _partial("ix_cases_one_open", "transaction_id", where=NOT_CLOSED, unique=True),
    _partial("ix_cases_one_incident", "incident", where=ONE_INCIDENT, unique=True),
    Index("ix_cases_transaction", "transaction_id", "opened_at_us"),
    _partial("ix_cases_board", "priority", "deadline_at_us", "case_id", where=AWAKE),
    _partial("ix_cases_queue", "queue", "priority", "deadline_at_us", "case_id", where=AWAKE),
    _partial("ix_cases_owner", "owner", "priority", "deadline_at_us", "case_id", where=AWAKE),
    _partial("ix_cases_terminal", "terminal_id", where=AWAKE),
    _partial("ix_cases_snoozed", "snoozed_until_us", "case_id", where="state = 'SNOOZED'"),
    _partial("ix_cases_closed", "closed_at_us", "case_id", where="state = 'CLOSED'"),
    _partial("ix_cases_incident", "incident", "priority", "deadline_at_us", "case_id", where=AWAKE),
    **STRICT,
)

case_events = Table(
    "case_events",
    metadata,
    Column("case_id", Words, ForeignKey("cases.case_id"), primary_key=True),
    Column("version", Whole, primary_key=True),  # the case's, once this has happened
    Column("subject_id", Words, primary_key=True),  # of the fact: the case, or its own for what was refused
    Column("at_us", Whole, nullable=False),
    Column("kind", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("via", Words, nullable=False),
    Column("text", Words, nullable=False),
    CheckConstraint("who <> ''", name="who"),
    Index("ix_case_events_at", "at_us"),
    **STRICT_BY_KEY,
)

case_attachments = Table(
    "case_attachments",
    metadata,
    Column("case_id", Words, ForeignKey("cases.case_id"), primary_key=True),
    Column("number", Whole, primary_key=True),
    Column("name", Words, nullable=False),
    Column("sha256", Words, nullable=False),
    Column("content", Octets, nullable=False),
    Column("who", Words, nullable=False),
    Column("at_us", Whole, nullable=False),
    CheckConstraint(f"length(content) <= {ATTACHMENT_BYTES_MAX}", name="size"),
    **STRICT,
)

case_decisions = Table(
    "case_decisions",
    metadata,
    Column("decision_id", Words, primary_key=True),
    Column("case_id", Words, ForeignKey("cases.case_id"), nullable=False),
    Column("kind", Words, nullable=False),
    Column("amount_minor", Whole, nullable=False),
    Column("currency", Words, nullable=False),
    Column("bank_reference", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("maker", Words, nullable=False),
    Column("checker", Words, nullable=False),  # "" while there is none
    Column("state", Words, nullable=False),
    Column("proposed_at_us", Whole, nullable=False),
    Column("expires_at_us", Whole, nullable=False),
    Column("decided_at_us", Whole),
    Column("carried_out_at_us", Whole),
    CheckConstraint(
        "kind IN ('declare_returned', 'declare_no_effect', 'send_once_more', 'manual_credit')", name="kind"
    ),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("kind <> 'declare_returned' OR bank_reference <> ''", name="reference"),
    CheckConstraint("maker <> '' AND reason <> ''", name="maker"),
    CheckConstraint("checker = '' OR lower(trim(checker)) <> lower(trim(maker))", name="two_people"),
    CheckConstraint(
        "state NOT IN ('APPROVED', 'CARRIED_OUT') OR (checker <> '' AND decided_at_us IS NOT NULL)", name="approved"
    ),
    CheckConstraint("expires_at_us > proposed_at_us", name="expires"),
    _partial("ix_case_decisions_one_open", "case_id", where=UNDECIDED, unique=True),
    _partial("ix_case_decisions_waiting", "expires_at_us", "decision_id", where="state = 'PROPOSED'"),
    Index("ix_case_decisions_case", "case_id"),
    **STRICT,
)
