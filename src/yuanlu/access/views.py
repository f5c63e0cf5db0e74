"""Saved views: a list's filters that a person keeps under a name, for himself or, by an administrator, for everybody.

A view is an address and nothing more: what it shows to whom is decided when it is opened. A shared one that names a
merchant is shown to that merchant's people and to those who see all merchants, so that no name travels further.
"""

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, delete, func, insert, select, text

from yuanlu.access.records import AccessRefused, Staff
from yuanlu.access.view_tables import SHARED, saved_views

NAME_CHARACTERS_MAX, QUERY_CHARACTERS_MAX = 30, 600
VIEWS_MAX = 20
"""Of one person for one list, and of shared ones that are shown."""


class SavedView(Struct, frozen=True, kw_only=True):
    """One view: `place` is the list, `query` the end of its address; `merchant_id` "" is for all merchants' people."""

    view_id: str
    staff_id: str
    place: str
    name: str
    query: str
    merchant_id: str
    shared: bool
    created_at_us: int


class TooManyViews(AccessRefused):
    """A person keeps so many for one list at most."""


def views_for(connection: Connection, who: Staff, place: str) -> list[SavedView]:
    """This person's own, and the shared ones that are his to see; by name, his own first."""
    v = saved_views.c
    own = select(saved_views).where(v.staff_id == who.staff_id, v.place == place).order_by(v.name)
    shared = select(saved_views).where(text(SHARED), v.place == place, v.staff_id != who.staff_id)
    if who.merchant_id:
        shared = shared.where(v.merchant_id.in_(("", who.merchant_id)))
    return [*_all(connection, own), *_all(connection, shared.order_by(v.name).limit(VIEWS_MAX))]


def _all(connection: Connection, query: Select[Any]) -> list[SavedView]:
    return [SavedView(**dict(row._mapping) | {"shared": bool(row.shared)}) for row in connection.execute(query)]


def keep_view(connection: Connection, view: SavedView) -> None:
    """Keep it; a view of the same name of this person and list is replaced. Raises TooManyViews."""
    v = saved_views.c
    mine = (v.staff_id == view.staff_id) & (v.place == view.place)
    connection.execute(delete(saved_views).where(mine, v.name == view.name))
    if connection.execute(select(func.count()).select_from(saved_views).where(mine)).scalar_one() >= VIEWS_MAX:
        raise TooManyViews(f"a list has at most {VIEWS_MAX} saved views of one person; remove one first")
    values = {name: getattr(view, name) for name in view.__struct_fields__}
    connection.execute(insert(saved_views).values(values | {"shared": int(view.shared)}))


def remove_view(connection: Connection, view_id: str, staff_id: str, *, shared_too: bool) -> bool:
    """Remove one's own view; `shared_too`: also what somebody else shared. Whether there was such a view."""
    v = saved_views.c
    whose = (v.staff_id == staff_id) | (v.shared == 1) if shared_too else v.staff_id == staff_id
    return connection.execute(delete(saved_views).where(v.view_id == view_id, whose)).rowcount > 0
