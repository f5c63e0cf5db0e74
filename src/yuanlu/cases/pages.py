"""The pages of the work list: what a person sees first. Each view is one index, read in its order.

A page begins behind the last case of the page before (keyset): the list moves while people read it, so that page
numbers would lie.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, case, desc, func, select, text, tuple_

from yuanlu.cases.records import Case, Decision
from yuanlu.cases.store import case_from_row, decision_from_row, get_case, get_decision
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


class Narrowing(Struct, frozen=True, kw_only=True):
    """What a page is limited to besides its view; "", 0 and None limit nothing.

    The view's index gives the order, these are looked at row by row: the list of what is open is short.
    """

    merchant_id: str = ""
    terminal_id: str = ""
    queue: str = ""
    incident: str = ""
    causes: tuple[str, ...] | None = None
    priority: int = 0

    def conditions(self) -> list[ColumnElement[bool]]:
        """As conditions of a query on `cases`."""
        pairs = (
            (cases.c.merchant_id, self.merchant_id), (cases.c.terminal_id, self.terminal_id),
            (cases.c.queue, self.queue), (cases.c.incident, self.incident), (cases.c.priority, self.priority),
        )  # fmt: skip
        found: list[ColumnElement[bool]] = [column == value for column, value in pairs if value]
        return found if self.causes is None else [*found, cases.c.cause.in_(self.causes)]


EVERYTHING = Narrowing()


def page_query(
    view: View, key: str = "", after: Case | None = None, limit: int = 50, within: Narrowing = EVERYTHING
) -> Select[Any]:
    """The query of one page: `key` is the queue, owner or incident; `after` the last case of the page before."""
    query = select(cases).where(*within.conditions()).limit(min(limit, PAGE_ROWS_MAX))
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


def page(
    connection: Connection, view: View, key: str = "", after_id: str = "", limit: int = 50,
    within: Narrowing = EVERYTHING,
) -> list[Case]:  # fmt: skip
    """One page of cases. CaseUnknown when `after_id` is no case."""
    after = get_case(connection, after_id) if after_id else None
    return [case_from_row(row) for row in connection.execute(page_query(view, key, after, limit, within))]


def beside_query(view: View, key: str, here: Case, within: Narrowing, *, before: bool) -> Select[Any]:
    """The query of the next case of a list that is awake, or of the one before: by the view's index, either way."""
    query = page_query(view, key, None, 1, within).order_by(None)
    place, order = tuple_(*_ORDER), tuple_(here.priority, here.deadline_at_us, here.case_id)
    if before:
        return query.where(place < order).order_by(*(desc(column) for column in _ORDER))
    return query.where(place > order).order_by(*_ORDER)


def beside(connection: Connection, view: View, key: str, here: Case, within: Narrowing) -> tuple[str, str]:
    """The numbers of the cases before and behind this one, "" at an end."""
    rows = (connection.execute(beside_query(view, key, here, within, before=side)).first() for side in (True, False))
    before, behind = ("" if row is None else str(row.case_id) for row in rows)
    return before, behind


def waiting_query(after: Decision | None = None, limit: int = 50, within: Narrowing = EVERYTHING) -> Select[Any]:
    """The query of what waits for a second person, behind the decision `after`. By ix_case_decisions_waiting."""
    order = (case_decisions.c.expires_at_us, case_decisions.c.decision_id)
    query = select(case_decisions).where(text("case_decisions.state = 'PROPOSED'"))
    if conditions := within.conditions():
        query = query.join(cases, cases.c.case_id == case_decisions.c.case_id).where(*conditions)
    if after is not None:
        query = query.where(tuple_(*order) > (after.expires_at_us, after.decision_id))
    return query.order_by(*order).limit(min(limit, PAGE_ROWS_MAX))


def waiting(
    connection: Connection, limit: int = 50, after_id: str = "", within: Narrowing = EVERYTHING
) -> list[tuple[Case, Decision]]:
    """What waits for a second person, the next to expire first. CaseUnknown when `after_id` is no decision."""
    after = get_decision(connection, after_id) if after_id else None
    found = [decision_from_row(row) for row in connection.execute(waiting_query(after, limit, within))]
    return [(get_case(connection, each.case_id), each) for each in found]


class Counts(Struct, frozen=True, kw_only=True):
    """How many cases each list has now."""

    everything: int
    unassigned: int
    mine: int
    late: int
    to_approve: int
    snoozed: int


def counts(connection: Connection, owner: str, merchant_id: str, now_us: int) -> Counts:
    """How many are open, nobody's, this person's, late, to be approved, asleep; each by its partial index."""
    within = Narrowing(merchant_id=merchant_id)
    row = connection.execute(
        select(
            func.count(), _how_many(cases.c.owner == ""), _how_many(cases.c.owner == owner),
            _how_many(cases.c.deadline_at_us < now_us),
        ).select_from(cases).where(text(AWAKE), *within.conditions())
    ).one()  # fmt: skip
    waits = (
        waiting_query(within=within)
        .order_by(None)
        .limit(None)
        .with_only_columns(func.count(), maintain_column_froms=True)
    )
    asleep = select(func.count()).select_from(cases).where(text("state = 'SNOOZED'"), *within.conditions())
    return Counts(
        everything=row[0], unassigned=row[1], mine=row[2], late=row[3],
        to_approve=connection.execute(waits).scalar_one(), snoozed=connection.execute(asleep).scalar_one(),
    )  # fmt: skip


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


class Group(Struct, frozen=True, kw_only=True):
    """The open cases below one incident, batch or terminal, "" for all that belong to none."""

    incident: str
    cases: int
    priority: int
    deadline_at_us: int


def groups(connection: Connection, within: Narrowing = EVERYTHING, limit: int = 100) -> list[Group]:
    """What is open, by incident, the most urgent first. One pass over the partial index of incidents."""
    query = (
        select(
            cases.c.incident, func.count().label("many"), func.min(cases.c.priority).label("priority"),
            func.min(cases.c.deadline_at_us).label("deadline"),
        )
        .where(text(AWAKE), *within.conditions())
        .group_by(cases.c.incident)
        .order_by("priority", "deadline")
        .limit(limit)
    )  # fmt: skip
    return [
        Group(incident=row.incident, cases=row.many, priority=row.priority, deadline_at_us=row.deadline)
        for row in connection.execute(query)
    ]


def open_at_query(terminal_ids: Collection[str]) -> Select[Any]:
    """The query of `open_at_terminals`, by ix_cases_terminal."""
    return (
        select(cases.c.terminal_id, func.count().label("many"))
        .where(text(AWAKE), cases.c.terminal_id.in_(terminal_ids))
        .group_by(cases.c.terminal_id)
    )


def open_at_terminals(connection: Connection, terminal_ids: Collection[str]) -> dict[str, int]:
    """How many open cases each of these terminals has; terminals without any are left out."""
    return {row.terminal_id: row.many for row in connection.execute(open_at_query(terminal_ids))}


def of_terminal(connection: Connection, terminal_id: str, merchant_id: str, limit: int = 20) -> list[Case]:
    """A terminal's open cases, most urgent first."""
    within = Narrowing(terminal_id=terminal_id, merchant_id=merchant_id)
    return page(connection, View.BOARD, limit=limit, within=within)
