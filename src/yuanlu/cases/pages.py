"""The pages of the work list: what a person sees first. Each view is one index, read in its order.

A page begins behind the last case of the page before (keyset): the list moves while people read it, so that page
numbers would lie.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, desc, select, text, tuple_

from yuanlu.cases.records import Case, Decision
from yuanlu.cases.store import case_from_row, decision_from_row, get_case
from yuanlu.cases.tables import AWAKE, case_decisions, cases

PAGE_ROWS_MAX = 200

_ORDER = (cases.c.priority, cases.c.deadline_at_us, cases.c.case_id)
"""Most urgent first: priority, then deadline."""


class View(StrEnum):
    """Which cases."""

    BOARD = "board"
    """All that are on the list now. By ix_cases_board."""
    QUEUE = "queue"
    """One queue's. By ix_cases_queue."""
    OWNER = "owner"
    """One person's; nobody's with "". By ix_cases_owner."""
    INCIDENT = "incident"
    """Those below one incident. By ix_cases_incident."""
    SNOOZED = "snoozed"
    """Asleep, the next to wake first. By ix_cases_snoozed."""
    CLOSED = "closed"
    """The last to be closed first. By ix_cases_closed."""


def page_query(view: View, key: str = "", after: Case | None = None, limit: int = 50) -> Select[Any]:
    """The query of one page: `key` is the queue, owner or incident; `after` the last case of the page before."""
    query = select(cases).limit(min(limit, PAGE_ROWS_MAX))
    match view:
        case View.BOARD:
            return _behind(query.where(text(AWAKE)), after)
        case View.QUEUE:
            return _behind(query.where(text(AWAKE), cases.c.queue == key), after)
        case View.OWNER:
            return _behind(query.where(text(AWAKE), cases.c.owner == key), after)
        case View.INCIDENT:
            return _behind(query.where(text(AWAKE), cases.c.incident == key), after)
        case View.SNOOZED:
            order = (cases.c.snoozed_until_us, cases.c.case_id)
            values = after and (after.snoozed_until_us, after.case_id)
            query = query.where(text("state = 'SNOOZED'")).order_by(*order)
            return query if values is None else query.where(tuple_(*order) > values)
        case View.CLOSED:
            order = (cases.c.closed_at_us, cases.c.case_id)
            values = after and (after.closed_at_us or 0, after.case_id)
            query = query.where(text("state = 'CLOSED'")).order_by(*(desc(column) for column in order))
            return query if values is None else query.where(tuple_(*order) < values)


def _behind(query: Select[Any], after: Case | None) -> Select[Any]:
    query = query.order_by(*_ORDER)
    if after is None:
        return query
    behind: ColumnElement[bool] = tuple_(*_ORDER) > (after.priority, after.deadline_at_us, after.case_id)
    return query.where(behind)


def page(connection: Connection, view: View, key: str = "", after_id: str = "", limit: int = 50) -> list[Case]:
    """One page of cases. CaseUnknown when `after_id` is no case."""
    after = get_case(connection, after_id) if after_id else None
    return [case_from_row(row) for row in connection.execute(page_query(view, key, after, limit))]


def waiting(connection: Connection, limit: int = 50) -> list[tuple[Case, Decision]]:
    """What waits for a second person, the next to expire first. By ix_case_decisions_waiting."""
    query = (
        select(case_decisions)
        .where(text("state = 'PROPOSED'"))
        .order_by(case_decisions.c.expires_at_us, case_decisions.c.decision_id)
        .limit(min(limit, PAGE_ROWS_MAX))
    )
    found = [decision_from_row(row) for row in connection.execute(query)]
    return [(get_case(connection, each.case_id), each) for each in found]
