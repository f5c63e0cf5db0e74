"""The statements of incidents, and the queries by which they are read and counted."""

from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select, text

from yuanlu.causes.evidence import IncidentKind
from yuanlu.db.types import total
from yuanlu.incidents.records import Incident, IncidentState, Report, Scope, ScopeKind, day_prefix, incident_number
from yuanlu.incidents.tables import ACTIVE, UNSETTLED, incident_members, incidents
from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.tables import transactions
from yuanlu.journal.unit import Change
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.identifiers import first_of
from yuanlu.kernel.money import format_minor

IN_THE_OPEN = ("SEND_INTENT", "UNKNOWN", "RETURNING", "ESCALATED", "REOPENED")
"""States of a transaction in which nobody can say where the money is."""

AFFECTED_MAX = 5_000

INSERT_INCIDENT = Insert(table=incidents, rank=2)
UPDATE_INCIDENT = Update(
    table=incidents,
    sets=(
        "held_by", "state", "ended_by", "ended_at_us", "transaction_count", "terminal_count", "amounts",
        "returned_count", "open_count", "version",
    ),
    match=("incident_id", "version"),
    rank=4,
)  # fmt: skip
INSERT_MEMBER = Insert(table=incident_members, rank=5)


class IncidentError(YuanluError):
    """What was asked of an incident is not possible; the text says why, and nothing moved."""


def insert_incident(i: Incident) -> Change:
    """A new incident; the database refuses a second active one of the same scope."""
    return Change(
        statement=INSERT_INCIDENT,
        row=(
            i.incident_id, i.kind.value, i.scope.kind.value, i.scope.name, i.declared_by, i.reason, i.began_at_us,
            i.declared_at_us, i.held_by, i.state.value, i.ended_by, i.ended_at_us, *_counts(i.report), i.version,
        ),
    )  # fmt: skip


def update_incident(i: Incident, was: int) -> Change:
    """The incident as it stands now, if nobody changed it since version `was`: the compare-and-set."""
    return Change(
        statement=UPDATE_INCIDENT,
        row=(
            i.held_by, i.state.value, i.ended_by, i.ended_at_us, *_counts(i.report), i.version, i.incident_id, was,
        ),
    )  # fmt: skip


def _counts(r: Report) -> tuple[int, int, str, int, int]:
    return r.transactions, r.terminals, r.amounts, r.returned, r.open


def insert_member(incident_id: str, transaction_id: str) -> Change:
    """This incident explains that transaction; for good."""
    return Change(statement=INSERT_MEMBER, row=(transaction_id, incident_id))


def _from_row(row: Any) -> Incident:
    return Incident(
        incident_id=row.incident_id,
        kind=IncidentKind(row.kind),
        scope=Scope(kind=ScopeKind(row.scope_kind), name=row.scope_name),
        declared_by=row.declared_by,
        reason=row.reason,
        began_at_us=row.began_at_us,
        declared_at_us=row.declared_at_us,
        held_by=row.held_by,
        state=IncidentState(row.state),
        ended_by=row.ended_by,
        ended_at_us=row.ended_at_us,
        report=Report(
            transactions=row.transaction_count, terminals=row.terminal_count, amounts=row.amounts,
            returned=row.returned_count, open=row.open_count,
        ),
        version=row.version,
    )  # fmt: skip


def _all(connection: Connection, query: Select[Any], **values: object) -> list[Incident]:
    return [_from_row(row) for row in connection.execute(query, values)]


_INCIDENT_OF = (
    select(incidents)
    .join(incident_members, incident_members.c.incident_id == incidents.c.incident_id)
    .where(incident_members.c.transaction_id == bindparam("transaction_id"))
)
"""Whenever a payment is looked into it is asked: made once."""


def active_incidents(connection: Connection) -> list[Incident]:
    """What is going on now; by the partial index."""
    found = _all(connection, select(incidents).where(text(ACTIVE)))
    return sorted(found, key=lambda each: each.incident_id)  # not by SQLite, which would read all that ever were


def ended_incidents(connection: Connection, limit: int) -> list[Incident]:
    """What is over, the latest first."""
    query = select(incidents).where(incidents.c.state == IncidentState.ENDED.value)
    return _all(connection, query.order_by(incidents.c.declared_at_us.desc()).limit(limit))


def page_of_incidents(
    connection: Connection, *, merchant_id: str = "", state: str = "", before_id: str = "", limit: int = 50
) -> list[Incident]:
    """By falling number, which is by falling day; of a merchant, only those of its own scope."""
    query = select(incidents).order_by(incidents.c.incident_id.desc()).limit(limit)
    if merchant_id:
        query = query.where(incidents.c.scope_kind == ScopeKind.MERCHANT.value, incidents.c.scope_name == merchant_id)
    if state:
        query = query.where(incidents.c.state == state)
    return _all(connection, query.where(incidents.c.incident_id < before_id) if before_id else query)


def unsettled_incidents(connection: Connection) -> list[Incident]:
    """Over, but money of theirs was in the open; only those of which nothing is any more. By the partial index."""
    found = _all(connection, select(incidents).where(text(UNSETTLED)))
    return [each for each in found if not any_open(connection, each.incident_id)]


def get_incident(connection: Connection, incident_id: str) -> Incident:
    """The incident of this number; IncidentError when there is none."""
    found = _all(connection, select(incidents).where(incidents.c.incident_id == incident_id))
    if not found:
        raise IncidentError(f'"{incident_id}" is no incident; see: yuanlu incident list')
    return found[0]


def find_incident_of(connection: Connection, transaction_id: str) -> Incident | None:
    """The incident that explains this transaction."""
    return next(iter(_all(connection, _INCIDENT_OF, transaction_id=transaction_id)), None)


def next_number(connection: Connection, now_us: int) -> str:
    """The next free number of the day. Nothing is ever deleted, so it is counted."""
    prefix = day_prefix(now_us)
    today = select(func.count()).where(incidents.c.incident_id.between(prefix, prefix + "~"))
    return incident_number(now_us, connection.execute(today).scalar_one())


def any_member(connection: Connection, incident_id: str) -> bool:
    """Whether it explains any transaction yet."""
    query = select(incident_members.c.transaction_id).where(incident_members.c.incident_id == incident_id)
    return connection.execute(query.limit(1)).first() is not None


def any_open(connection: Connection, incident_id: str) -> bool:
    """Whether money of it is still in the open."""
    query = _members(incident_id, transactions.c.transaction_id).where(transactions.c.state.in_(IN_THE_OPEN))
    return connection.execute(query.limit(1)).first() is not None


def counted(connection: Connection, incident_id: str) -> Report:
    """The report as the journal gives it now."""
    by_state = _members(
        incident_id, transactions.c.state, transactions.c.currency, func.count().label("many"),
        total(transactions.c.amount_minor).label("minor"),
    ).group_by(transactions.c.state, transactions.c.currency)  # fmt: skip
    rows = connection.execute(by_state).all()
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.minor
    terminals = _members(incident_id, func.count(transactions.c.terminal_id.distinct()))
    return Report(
        transactions=sum(row.many for row in rows),
        terminals=connection.execute(terminals).scalar_one(),
        amounts=", ".join(format_minor(minor, currency) for currency, minor in sorted(sums.items())),
        returned=sum(row.many for row in rows if row.state == "RETURNED"),
        open=sum(row.many for row in rows if row.state in IN_THE_OPEN),
    )


def _members(incident_id: str, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(incident_members)
        .join(transactions, transactions.c.transaction_id == incident_members.c.transaction_id)
        .where(incident_members.c.incident_id == incident_id)
    )


def perhaps_affected(connection: Connection, since_us: int) -> list[Any]:
    """What went wrong since then and belongs to no incident, as rows with terminal, merchant, acquirer and BIN.

    Identifiers rise with time, so this is a range of the primary key.
    """
    query = (
        select(
            transactions.c.transaction_id, transactions.c.terminal_id, transactions.c.merchant_id,
            transactions.c.acquirer, transactions.c.card_bin,
        )
        .outerjoin(incident_members, incident_members.c.transaction_id == transactions.c.transaction_id)
        .where(
            transactions.c.transaction_id >= first_of(since_us),
            transactions.c.state.not_in(("SEND_INTENT", "APPROVED", "CAPTURED")),
            incident_members.c.transaction_id.is_(None),
        )
        .limit(AFFECTED_MAX)
    )  # fmt: skip
    return list(connection.execute(query))
