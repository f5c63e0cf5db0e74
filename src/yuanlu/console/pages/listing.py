"""Every page of the console, and what the navigation shows: one list each."""

from msgspec import Struct

from yuanlu.access.roles import Right
from yuanlu.console.pages import (
    audit,
    cardholder,
    case,
    case_work,
    cases,
    events,
    evidence,
    incidents,
    keys,
    me,
    monitor,
    notifications,
    orders,
    pos,
    settings,
    signing_in,
    staff,
    terminals,
    transactions,
    views,
    wordings,
)
from yuanlu.console.routing import Page

PAGES: tuple[Page, ...] = (
    *signing_in.PAGES,
    *me.PAGES,
    *views.PAGES,
    *cases.PAGES,
    *case.PAGES,
    *case_work.PAGES,
    *evidence.PAGES,
    *orders.PAGES,
    *incidents.PAGES,
    *terminals.PAGES,
    *wordings.PAGES,
    *notifications.PAGES,
    *events.PAGES,
    *monitor.PAGES,
    *transactions.PAGES,
    *audit.PAGES,
    *staff.PAGES,
    *keys.PAGES,
    *settings.PAGES,
    *cardholder.PAGES,
    *pos.PAGES,
)


class Place(Struct, frozen=True, kw_only=True):
    """One entry of the navigation: an English message, its path, and the right that shows it."""

    name: str
    path: str
    right: Right
    key: str = ""
    """Press g, then this."""


PLACES: tuple[Place, ...] = (
    Place(name="Live monitor", path="/monitor", right=Right.SEE_MONITOR, key="m"),
    Place(name="Cases", path="/cases", right=Right.SEE_CASES, key="c"),
    Place(name="Transactions", path="/transactions", right=Right.SEE_TRANSACTIONS, key="t"),
    Place(name="Returns", path="/returns", right=Right.SEE_CASES, key="r"),
    Place(name="Incidents", path="/incidents", right=Right.SEE_CASES, key="i"),
    Place(name="Terminals", path="/terminals", right=Right.SEE_TERMINALS, key="d"),
    Place(name="Notifications", path="/notifications", right=Right.SEE_MESSAGES, key="n"),
    Place(name="Virtual POS", path="/pos", right=Right.USE_POS),
    Place(name="Audit trail", path="/audit", right=Right.SEE_AUDIT, key="a"),
    Place(name="People", path="/staff", right=Right.MANAGE_STAFF),
    Place(name="API keys", path="/keys", right=Right.MANAGE_KEYS),
    Place(name="Settings", path="/settings", right=Right.SEE_SETTINGS),
)
