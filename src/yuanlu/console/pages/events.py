"""The event stream of a page that is open."""

from starlette.responses import Response, StreamingResponse

from yuanlu.console.asked import Asked
from yuanlu.console.routing import Page


async def events(asked: Asked) -> Response:
    """The stream of this page; without a session there is none."""
    if asked.session is None:
        return Response(status_code=204)  # the browser does not come again
    if asked.console.live.crowded:
        return Response(status_code=503, headers={"retry-after": "30"})
    return StreamingResponse(asked.console.live.stream(), media_type="text/event-stream")


PAGES = (Page(path="/events", right=None, show=events),)
