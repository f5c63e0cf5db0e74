"""Every page of the console, and what the navigation shows: one list each."""

from msgspec import Struct

from yuanlu.access.roles import Right
from yuanlu.console.pages import me, signing_in
from yuanlu.console.routing import Page

PAGES: tuple[Page, ...] = (*signing_in.PAGES, *me.PAGES)


class Place(Struct, frozen=True, kw_only=True):
    """One entry of the navigation: an English message, its path, and the right that shows it."""

    name: str
    path: str
    right: Right
    key: str = ""
    """Press g, then this."""


PLACES: tuple[Place, ...] = ()
