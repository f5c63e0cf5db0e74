"""Pages of cases for programs: the views of `pages`, of one merchant or of all."""

from sqlalchemy import Connection

from yuanlu.cases.pages import View, page_query
from yuanlu.cases.records import Case
from yuanlu.cases.store import case_from_row, get_case
from yuanlu.cases.tables import cases


def listed(
    connection: Connection, view: View, key: str = "", *, merchant_id: str = "", queue: str = "", incident: str = "",
    cause: str = "", after_id: str = "", limit: int = 50,
) -> list[Case]:  # fmt: skip
    """One page in the view's order; an empty text wants any. CaseUnknown when `after_id` is no case."""
    after = get_case(connection, after_id) if after_id else None
    query = page_query(view, key, after, limit)
    given = (
        (cases.c.merchant_id, merchant_id), (cases.c.queue, queue), (cases.c.incident, incident),
        (cases.c.cause, cause),
    )  # fmt: skip
    query = query.where(*(column == value for column, value in given if value))
    return [case_from_row(row) for row in connection.execute(query)]
