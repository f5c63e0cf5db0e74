"""The statements of the work list, and the queries by which one case is read."""

import hashlib
from typing import Any

from sqlalchemy import Connection, Select, desc, func, select, text

from yuanlu.cases.errors import CaseUnknown
from yuanlu.cases.records import Attachment, Case, Decision, DecisionKind, Event, EventKind, Severity, Words
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.cases.tables import UNDECIDED, case_attachments, case_decisions, case_events, cases
from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.tables import transactions
from yuanlu.journal.unit import Change
from yuanlu.kernel.money import Money

# The ranks: a decision ends before its case does, and a case is there before what belongs to it.
INSERT_CASE = Insert(table=cases, rank=2)
UPDATE_DECISION = Update(
    table=case_decisions,
    sets=("state", "checker", "decided_at_us", "carried_out_at_us"),
    match=("decision_id", "state"),
    rank=3,
)
UPDATE_CASE = Update(
    table=cases,
    sets=(
        "queue", "state", "level", "priority", "owner", "ticket", "since_us", "deadline_at_us", "snoozed_at_us",
        "snoozed_until_us", "slept_us", "changed_at_us", "closed_at_us", "outcome", "person_needed", "version",
    ),
    match=("case_id", "version"),
    rank=4,
)  # fmt: skip
INSERT_DECISION = Insert(table=case_decisions, rank=5)
INSERT_ATTACHMENT = Insert(table=case_attachments, rank=5)
INSERT_EVENT = Insert(table=case_events, rank=5)


def insert_case(c: Case) -> Change:
    """A new case; the database refuses a second open one of the same transaction or incident."""
    return Change(
        statement=INSERT_CASE,
        row=(
            c.case_id, c.transaction_id, c.incident, c.merchant_id, c.terminal_id, c.acquirer, c.amount.minor,
            c.amount.currency, c.title.zh, c.title.en, c.cause, c.severity.value, c.explanation.zh, c.explanation.en,
            "\n".join(c.evidence), int(c.is_complex), int(c.may_send_again), c.queue, c.state.value, int(c.level),
            c.priority, c.owner, c.ticket, c.since_us, c.deadline_at_us, c.snoozed_at_us, c.snoozed_until_us,
            c.slept_us, c.opened_at_us, c.changed_at_us, c.closed_at_us, c.outcome, _bit(c.person_needed), c.version,
        ),
    )  # fmt: skip


def update_case(c: Case, was: int) -> Change:
    """The case as it stands now, if nobody changed it since version `was`: the compare-and-set."""
    return Change(
        statement=UPDATE_CASE,
        row=(
            c.queue, c.state.value, int(c.level), c.priority, c.owner, c.ticket, c.since_us, c.deadline_at_us,
            c.snoozed_at_us, c.snoozed_until_us, c.slept_us, c.changed_at_us, c.closed_at_us, c.outcome,
            _bit(c.person_needed), c.version, c.case_id, was,
        ),
    )  # fmt: skip


def _bit(value: bool | None) -> int | None:
    return None if value is None else int(value)


def insert_event(e: Event) -> Change:
    """One line of the timeline."""
    return Change(
        statement=INSERT_EVENT,
        row=(e.case_id, e.version, e.subject_id, e.at_us, e.kind.value, e.who, e.via, e.text),
    )


def insert_attachment(case_id: str, number: int, name: str, content: bytes, who: str, at_us: int) -> Change:
    """A file, with its digest."""
    digest = hashlib.sha256(content).hexdigest()
    return Change(statement=INSERT_ATTACHMENT, row=(case_id, number, name, digest, content, who, at_us))


def insert_decision(d: Decision) -> Change:
    """A proposal; the database refuses a second open one of the same case."""
    return Change(
        statement=INSERT_DECISION,
        row=(
            d.decision_id, d.case_id, d.kind.value, d.amount.minor, d.amount.currency, d.bank_reference, d.reason,
            d.maker, d.checker, d.state.value, d.proposed_at_us, d.expires_at_us, d.decided_at_us, d.carried_out_at_us,
        ),
    )  # fmt: skip


def update_decision(d: Decision, was: DecisionState) -> Change:
    """What became of it, if it still was in state `was`."""
    return Change(
        statement=UPDATE_DECISION,
        row=(d.state.value, d.checker, d.decided_at_us, d.carried_out_at_us, d.decision_id, was.value),
    )


def case_from_row(row: Any) -> Case:
    """A row of `cases` as its record."""
    values = dict(row._mapping)
    amount = Money(minor=values.pop("amount_minor"), currency=values.pop("currency"))
    title = Words(zh=values.pop("title_zh"), en=values.pop("title_en"))
    explanation = Words(zh=values.pop("explanation_zh"), en=values.pop("explanation_en"))
    needed = values["person_needed"]
    values |= {
        "severity": Severity(values["severity"]),
        "evidence": tuple(values["evidence"].splitlines()),
        "is_complex": bool(values["is_complex"]),
        "may_send_again": bool(values["may_send_again"]),
        "state": CaseState(values["state"]),
        "level": Level(values["level"]),
        "person_needed": None if needed is None else bool(needed),
    }
    return Case(amount=amount, title=title, explanation=explanation, **values)


def decision_from_row(row: Any) -> Decision:
    """A row of `case_decisions` as its record."""
    values = dict(row._mapping)
    amount = Money(minor=values.pop("amount_minor"), currency=values.pop("currency"))
    values |= {"kind": DecisionKind(values["kind"]), "state": DecisionState(values["state"])}
    return Decision(amount=amount, **values)


def get_case(connection: Connection, case_id: str) -> Case:
    """The case of this number; CaseUnknown when there is none."""
    row = connection.execute(select(cases).where(cases.c.case_id == case_id)).first()
    if row is None:
        raise CaseUnknown(f'"{case_id}" is no case; see: yuanlu case list')
    return case_from_row(row)


def find_case_of(connection: Connection, transaction_id: str) -> Case | None:
    """The latest case of a transaction, open or closed; by the index (transaction_id, opened_at_us)."""
    return _latest(connection, select(cases).where(cases.c.transaction_id == transaction_id))


def find_case_of_incident(connection: Connection, incident: str) -> Case | None:
    """The incident's or batch's own open case; by its unique index."""
    query = select(cases).where(
        cases.c.incident == incident, text("state <> 'CLOSED'"), cases.c.transaction_id.is_(None)
    )
    return _latest(connection, query)


def _latest(connection: Connection, query: Select[Any]) -> Case | None:
    row = connection.execute(query.order_by(desc(cases.c.opened_at_us)).limit(1)).first()
    return None if row is None else case_from_row(row)


def events_of(connection: Connection, case_id: str) -> list[Event]:
    """The timeline in order; what was refused stands after what had happened by then."""
    own = (case_events.c.subject_id != case_id).label("own")
    query = select(case_events).where(case_events.c.case_id == case_id)
    rows = connection.execute(query.order_by(case_events.c.version, own, case_events.c.subject_id))
    return [Event(**dict(row._mapping) | {"kind": EventKind(row.kind)}) for row in rows]


def attachments_of(connection: Connection, case_id: str) -> list[Attachment]:
    """The case's files, without their contents."""
    table = case_attachments
    query = select(
        table.c.case_id, table.c.number, table.c.name, table.c.sha256, table.c.who, table.c.at_us,
        func.length(table.c.content).label("size_bytes"),
    ).where(table.c.case_id == case_id).order_by(table.c.number)  # fmt: skip
    return [Attachment(**row._mapping) for row in connection.execute(query)]


def content_of(connection: Connection, case_id: str, number: int) -> bytes:
    """The bytes of one file; CaseUnknown when there is none of this number."""
    query = select(case_attachments.c.content).where(
        case_attachments.c.case_id == case_id, case_attachments.c.number == number
    )
    content = connection.execute(query).scalar()
    if content is None:
        raise CaseUnknown(f"{case_id} has no attachment {number}")
    return bytes(content)


def decisions_of(connection: Connection, case_id: str) -> list[Decision]:
    """All that was ever proposed for a case, first to last."""
    query = select(case_decisions).where(case_decisions.c.case_id == case_id)
    return [decision_from_row(row) for row in connection.execute(query.order_by(case_decisions.c.proposed_at_us))]


def find_open_decision(connection: Connection, case_id: str) -> Decision | None:
    """The case's proposed or approved decision; by its unique index."""
    row = connection.execute(select(case_decisions).where(case_decisions.c.case_id == case_id, text(UNDECIDED))).first()
    return None if row is None else decision_from_row(row)


def get_decision(connection: Connection, decision_id: str) -> Decision:
    """The decision of this id; CaseUnknown when there is none."""
    row = connection.execute(select(case_decisions).where(case_decisions.c.decision_id == decision_id)).first()
    if row is None:
        raise CaseUnknown(f'"{decision_id}" is no decision')
    return decision_from_row(row)


def state_of_money(connection: Connection, case: Case) -> str:
    """The state of the case's transaction; "" for an incident."""
    if case.transaction_id is None:
        return ""
    query = select(transactions.c.state).where(transactions.c.transaction_id == case.transaction_id)
    return str(connection.execute(query).scalar_one())
