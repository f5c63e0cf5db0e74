"""Every page of the console, and what the navigation shows: one list each."""

from msgspec import Struct

from yuanlu.access.roles import Right
from yuanlu.console.pages import case, case_work, cases, incidents, me, orders, signing_in, terminals
from yuanlu.console.routing import Page

PAGES: tuple[Page, ...] = (
    *signing_in.PAGES,
    *me.PAGES,
    *cases.PAGES,
    *case.PAGES,
    *case_work.PAGES,
    *orders.PAGES,
    *incidents.PAGES,
    *terminals.PAGES,
)


class Place(Struct, frozen=True, kw_only=True):
    """One entry of the navigation: an English message, its path, and the right that shows it."""

    name: str
    path: str
    right: Right
    key: str = ""
    """Press g, then this."""


PLACES: tuple[Place, ...] = (
    Place(name="Cases", path="/cases", right=Right.SEE_CASES, key="c"),
    Place(name="Returns", path="/returns", right=Right.SEE_CASES, key="r"),
    Place(name="Incidents", path="/incidents", right=Right.SEE_CASES, key="i"),
    Place(name="Terminals", path="/terminals", right=Right.SEE_TERMINALS, key="d"),
)
