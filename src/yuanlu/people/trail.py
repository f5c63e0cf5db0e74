"""The audit trail of people's actions: what people did to cases, orders, incidents and accounts, newest first."""

from msgspec import Struct
from sqlalchemy import Connection, select

from yuanlu.access.tables import staff
from yuanlu.cases.people import GATEWAY
from yuanlu.cases.records import EventKind
from yuanlu.cases.tables import case_events
from yuanlu.journal.tables import facts

SHOWN_MAX = 500
ACCOUNT = "U"
"""How the ids of accounts begin."""


class Deed(Struct, frozen=True, kw_only=True):
    """Somebody did something to something."""

    at_us: int
    who: str
    via: str
    kind: str
    subject: str
    text: str


def deeds(connection: Connection, since_us: int, until_us: int, who: str, limit: int = SHOWN_MAX) -> list[Deed]:
    """People's actions of a time, by anybody or by `who`; the machine's own are left out."""
    found = [*_of_cases(connection, since_us, until_us, who, limit), *_of_accounts(connection, since_us, until_us, who)]
    return sorted(found, key=lambda each: -each.at_us)[:limit]


def _of_cases(connection: Connection, since_us: int, until_us: int, who: str, limit: int) -> list[Deed]:
    """By ix_case_events_at."""
    e = case_events.c
    query = (
        select(e.at_us, e.who, e.via, e.kind, e.case_id, e.text)
        .where(e.at_us >= since_us, e.at_us < until_us, e.who != GATEWAY.name)
        .order_by(e.at_us.desc())
        .limit(limit)
    )
    query = query.where(e.who == who) if who else query
    return [
        Deed(
            at_us=row.at_us, who=row.who, via=row.via, kind=EventKind(row.kind).fact, subject=row.case_id, text=row.text
        )
        for row in connection.execute(query)
    ]


def _of_accounts(connection: Connection, since_us: int, until_us: int, who: str) -> list[Deed]:
    """By the primary key of facts: an account's facts belong to no merchant, and its id begins with U."""
    query = (
        select(facts.c.at_us, facts.c.kind, facts.c.note, facts.c.subject_id, staff.c.name)
        .join(staff, staff.c.staff_id == facts.c.subject_id)
        .where(
            facts.c.merchant_id == "", facts.c.subject_id >= ACCOUNT, facts.c.subject_id < chr(ord(ACCOUNT) + 1),
            facts.c.at_us >= since_us, facts.c.at_us < until_us,
        )
    )  # fmt: skip
    query = query.where(staff.c.name == who) if who else query
    return [
        Deed(at_us=row.at_us, who=row.name, via="console", kind=row.kind, subject=row.subject_id, text=row.note)
        for row in connection.execute(query)
    ]
