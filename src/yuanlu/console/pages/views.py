"""The forms that keep a list's present filters under a name, and remove such a view."""

import secrets
from urllib.parse import urlencode

from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.access.views import (
    NAME_CHARACTERS_MAX,
    QUERY_CHARACTERS_MAX,
    SavedView,
    TooManyViews,
    keep_view,
    remove_view,
)
from yuanlu.cases.people import tidy_name
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.routing import Handler, Page
from yuanlu.console.saved_views import CASES, DATES, TRANSACTIONS, kept
from yuanlu.console.typed import Wrong
from yuanlu.kernel.card_numbers import has_card_number
from yuanlu.kernel.identifiers import IdentifierSource


def keeping(place: str) -> Handler:
    """The handler that keeps the present filters of this list."""

    async def keep(asked: Asked) -> Response:
        view = _asked_view(asked, place)
        try:
            await asked.console.store.write(lambda c: keep_view(c, view))
        except TooManyViews:
            raise Wrong(asked.say("You have as many views of this list as fit. Remove one first.")) from None
        return asked.go(f"/{place}?{view.query}")

    return keep


def _asked_view(asked: Asked, place: str) -> SavedView:
    """The view that the form asks for. Raises Wrong."""
    name, given = tidy_name(asked.given("name")), asked.form.get("query", "")
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise Wrong(asked.say("Give the view a name of at most {n} characters.", n=NAME_CHARACTERS_MAX))
    if len(given) > QUERY_CHARACTERS_MAX:
        raise Wrong(asked.say("These filters are too long to be kept."))
    wanted = kept(place, given)
    if not asked.given("dates"):
        wanted = {field: value for field, value in wanted.items() if field not in DATES}
    if has_card_number("\n".join((name, *wanted.values()))):
        raise Wrong(asked.say("This holds a card number. Card numbers are not kept."))
    shared = bool(asked.given("shared")) and asked.may(Right.SHARE_VIEWS)
    return SavedView(
        view_id=IdentifierSource(asked.console.clock, secrets.randbits).new(),
        staff_id=asked.who.staff_id, place=place, name=name, query=urlencode(wanted),
        merchant_id=asked.who.merchant_id or wanted.get("m", ""), shared=shared, created_at_us=asked.now_us,
    )  # fmt: skip


def removing(place: str) -> Handler:
    """The handler that removes a view of this list; another's private one is as if it were not."""

    async def remove(asked: Asked) -> Response:
        view_id, who = asked.request.path_params["view_id"], asked.who.staff_id
        shared_too, query = asked.may(Right.SHARE_VIEWS), urlencode(kept(place, asked.form.get("query", "")))
        if not await asked.console.store.write(lambda c: remove_view(c, view_id, who, shared_too=shared_too)):
            raise NotThere(asked.say("There is no such view."))
        return asked.go(f"/{place}?{query}")

    return remove


PAGES = tuple(
    page
    for place, right in ((CASES, Right.SEE_CASES), (TRANSACTIONS, Right.SEE_TRANSACTIONS))
    for page in (
        Page(path=f"/{place}/views", right=right, show=keeping(place), method="POST"),
        Page(path=f"/{place}/views/{{view_id}}/remove", right=right, show=removing(place), method="POST"),
    )
)
