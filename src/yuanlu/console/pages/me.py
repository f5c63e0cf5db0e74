"""One's own account."""

from starlette.responses import Response

from yuanlu.console.asked import Asked
from yuanlu.console.routing import Page


async def show(asked: Asked) -> Response:
    """Who I am here."""
    if asked.session is None:
        return asked.go("/sign-in")
    return asked.page("me.html")


PAGES = (Page(path="/me", right=None, show=show),)
