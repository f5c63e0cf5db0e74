"""Pages of cases for programs: the views of `pages`, of one merchant or of all."""

from collections.abc import Collection

from sqlalchemy import Connection

from yuanlu.cases.pages import Narrowing, View, page_query
from yuanlu.cases.records import Case
from yuanlu.cases.store import case_from_row, get_case
from yuanlu.cases.tables import cases


def listed(
    connection: Connection, view: View, key: str = "", *, merchant_id: str = "", terminal_id: str = "",
    queue: str = "", incident: str = "", cause: str = "", causes: Collection[str] | None = None, priority: int = 0,
    after_id: str = "", limit: int = 50,
) -> list[Case]:  # fmt: skip
    """One page in the view's order; an empty text wants any, `causes` one of these. CaseUnknown when `after_id` is
    no case.
    """
    within = Narrowing(
        merchant_id=merchant_id, terminal_id=terminal_id, queue=queue, incident=incident, priority=priority,
        causes=None if causes is None else tuple(causes),
    )  # fmt: skip
    after = get_case(connection, after_id) if after_id else None
    query = page_query(view, key, after, limit, within)
    query = query.where(cases.c.cause == cause) if cause else query
    return [case_from_row(row) for row in connection.execute(query)]
