"""Saved views above a list: as links, with the one that the list is at now.

A view without dates keeps the present ones when it is opened; so a list is not stuck in the week in which it was saved.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.access.roles import Right
from yuanlu.access.views import QUERY_CHARACTERS_MAX, SavedView, views_for
from yuanlu.console.asked import Asked
from yuanlu.console.payment_filters import FIELDS

CASES, TRANSACTIONS = "cases", "transactions"
DATES = ("from", "to", "hours")
FIELDS_OF = {
    CASES: ("tab", "q", "f", "m", "t", "p", "incident", "group"),
    TRANSACTIONS: tuple(name for name in FIELDS if name != "by"),
}
"""What the address of each list may hold; anything else is no filter and is not kept."""


class Shown(Struct, frozen=True, kw_only=True):
    """A view as a link: whether the list is at it now, and whether this person may remove it."""

    view: SavedView
    address: str
    current: bool
    removable: bool


class Views(Struct, frozen=True, kw_only=True):
    """All that stands above a list. `query` is what would be kept now; `dated` when it has dates."""

    place: str
    query: str
    dated: bool
    shown: tuple[Shown, ...]


def reader(asked: Asked, place: str, query: str) -> Callable[[Connection], Views]:
    """What stands above the list that is at `query` now."""
    now = kept(place, query)

    def read(connection: Connection) -> Views:
        shown = tuple(_shown(asked, each, now) for each in views_for(connection, asked.who, place))
        return Views(place=place, query=urlencode(now), dated=any(name in now for name in DATES), shown=shown)

    return read


def _shown(asked: Asked, view: SavedView, now: dict[str, str]) -> Shown:
    wanted = kept(view.place, view.query)
    dated = any(name in wanted for name in DATES)
    there = wanted if dated else wanted | {name: now[name] for name in DATES if name in now}
    mine = view.staff_id == asked.who.staff_id
    return Shown(
        view=view,
        address=asked.address(f"/{view.place}?{urlencode(there)}"),
        current=there == now,
        removable=mine or asked.may(Right.SHARE_VIEWS),
    )


def kept(place: str, query: str) -> dict[str, str]:
    """The filters of an address, in the list's own order."""
    given = dict(parse_qsl(query[:QUERY_CHARACTERS_MAX]))
    return {name: given[name] for name in FIELDS_OF[place] if given.get(name)}
