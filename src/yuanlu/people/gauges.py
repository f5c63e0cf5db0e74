"""What the journal says of itself for Prometheus: money at risk, ages, queues. Short reads by index."""

from msgspec import Struct
from sqlalchemy import Connection, func, select, text

from yuanlu.cases.tables import AWAKE, cases
from yuanlu.incidents.store import active_incidents
from yuanlu.journal.tables import tasks
from yuanlu.returns.tables import legs, orders


class Open(Struct, frozen=True, kw_only=True):
    """Returns that are not closed, of one host and currency."""

    acquirer: str
    currency: str
    number: int
    minor: int
    oldest_at_us: int


class Queue(Struct, frozen=True, kw_only=True):
    """Due work of one kind."""

    kind: str
    number: int
    due_at_us: int


class Gauges(Struct, frozen=True, kw_only=True):
    """One look."""

    open_returns: tuple[Open, ...]
    queues: tuple[Queue, ...]
    cases: dict[str, int]
    cases_late: int
    orders: dict[str, int]
    incidents: int


def gauges(connection: Connection, now_us: int) -> Gauges:
    """Everything that is measured in the journal."""
    leg = legs.c
    returns = connection.execute(
        select(leg.acquirer, leg.currency, func.count(), func.sum(leg.amount_minor), func.min(leg.opened_at_us))
        .where(leg.live == 1)
        .group_by(leg.acquirer, leg.currency)
    )
    work = connection.execute(select(tasks.c.kind, func.count(), func.min(tasks.c.due_at_us)).group_by(tasks.c.kind))
    awake = connection.execute(select(cases.c.queue, func.count()).where(text(AWAKE)).group_by(cases.c.queue))
    late = select(func.count()).select_from(cases).where(text(AWAKE), cases.c.deadline_at_us < now_us)
    undone = connection.execute(
        select(orders.c.state, func.count()).where(orders.c.closed_at_us.is_(None)).group_by(orders.c.state)
    )
    return Gauges(
        open_returns=tuple(
            Open(acquirer=row[0], currency=row[1], number=row[2], minor=int(row[3]), oldest_at_us=row[4])
            for row in returns
        ),
        queues=tuple(Queue(kind=row[0], number=row[1], due_at_us=row[2]) for row in work),
        cases={row[0]: row[1] for row in awake},
        cases_late=connection.execute(late).scalar_one(),
        orders={row[0]: row[1] for row in undone},
        incidents=len(active_incidents(connection)),
    )
