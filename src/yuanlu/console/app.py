"""The console as one ASGI application: pages below /zh and /en, the API below /v1, static files, health."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import text
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yuanlu.access.store import end_idle
from yuanlu.console import receiving
from yuanlu.console.api.building import Api
from yuanlu.console.api.idempotency import forget_old
from yuanlu.console.api.outbox import Outbox
from yuanlu.console.asked import Asked, Console
from yuanlu.console.live import Live
from yuanlu.console.metrics import metrics
from yuanlu.console.pages.listing import PAGES, PLACES
from yuanlu.console.rendering import FOLDER, environment
from yuanlu.console.routing import language_for, problem, routes
from yuanlu.console.store import ConsoleStore
from yuanlu.console.texts import LANGUAGES
from yuanlu.console.tilling import open_tills
from yuanlu.kernel.clock import Clock
from yuanlu.keys.contract import KeyStore
from yuanlu.settings import Settings
from yuanlu.terminals import read_terminals

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types yuanlu"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # none at all would make the origin of our own forms "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
STATIC_AGE_S = 365 * 24 * 3600
"""A file's address changes with the file."""
BODY_BYTES_MAX = 6 * 1024 * 1024
GZIP_BYTES_MIN = 1_024
TIDY_EVERY_S = 300


def build(settings: Settings, clock: Clock, keys: KeyStore) -> FastAPI:
    """The application; its store is opened here and closed when the server stops. Raises StoreError."""
    store = ConsoleStore(settings)
    terminals = read_terminals(settings.path(settings.gateway.terminals), settings.acquirers)
    console = Console(
        settings=settings,
        store=store,
        live=Live(store),
        clock=clock,
        keys=keys,
        terminals=terminals,
        templates=environment(settings.console.brand),
        tills=open_tills(settings, terminals, store, keys, clock),
    )
    console.templates.globals["places"] = PLACES

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        outbox = Outbox(console)
        beside = (_tidy(console), console.live.watch(), console.tills.keep(), outbox.run(), *_traces(console))
        running = [loop.create_task(each) for each in beside]
        yield
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await outbox.close()
        await console.store.close()

    api = Api(console)
    app = FastAPI(title="Yuanlu", version="1", lifespan=life, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.console = console
    app.router.routes.extend(
        [
            Route("/", _home),
            Route("/healthz", _alive),
            Route("/readyz", _ready),
            Route("/metrics", metrics),
            Route("/openapi.json", api.describe),
            Route(receiving.PATH, receiving.receive, methods=["POST"]),
            Mount("/static", StaticFiles(directory=FOLDER / "static")),
            *routes(console, PAGES),
        ]
    )
    app.add_middleware(api.before)
    app.add_exception_handler(404, not_there)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN)
    app.add_middleware(Guard)
    return app


def _traces(console: Console) -> list[Coroutine[Any, Any, None]]:
    """What sends traces, where they are wanted: protobuf is imported for nobody else."""
    if not console.settings.console.traces:
        return []
    from yuanlu.console.tracing import Tracing  # noqa: PLC0415

    return [Tracing(console.settings, console.store).run()]


async def _home(request: Request) -> Response:
    return RedirectResponse(f"/{language_for(request)}/sign-in", 307)


async def not_there(request: Request, _error: Exception) -> Response:
    """A page that there is not, in words and in the frame of every page."""
    language = request.url.path[1:3] if request.url.path[1:3] in LANGUAGES else language_for(request)
    asked = Asked(console=request.app.state.console, request=request, language=language, session=None, form={})
    return problem(asked, 404, asked.say("There is no such page."))


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _ready(request: Request) -> Response:
    """Whether the journal answers."""
    console: Console = request.app.state.console
    try:
        await console.store.read(lambda c: c.execute(text("SELECT 1")).scalar_one())
    except Exception as error:
        return JSONResponse({"ready": False, "reason": type(error).__name__}, 503)
    return JSONResponse({"ready": True})


async def _tidy(console: Console) -> None:
    """End the sessions that nobody uses, and forget requests that are over for long."""
    while True:
        await asyncio.sleep(TIDY_EVERY_S)
        now_us = console.clock.wall_us()
        before = now_us - console.settings.console.idle_minutes * 60_000_000
        await console.store.write(lambda c, before=before: end_idle(c, before))  # type: ignore[misc]
        await console.store.write(lambda c, now_us=now_us: forget_old(c, now_us))  # type: ignore[misc]


class Guard:
    """Headers on every answer, a limit on every body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, limited and with headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_headers(message, static=static)]
            await send(message)

        size = dict(scope["headers"]).get(b"content-length", b"0")
        if not size.isdigit() or int(size) > BODY_BYTES_MAX:
            await PlainTextResponse(f"at most {BODY_BYTES_MAX} bytes\n", 413)(scope, receive, answer)
            return
        await self._app(scope, _limited(receive), answer)


def _limited(receive: Receive) -> Receive:
    """A body without a length ends at the limit, too."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= BODY_BYTES_MAX else {"type": "http.disconnect"}

    return limited


def _headers(message: Message, *, static: bool) -> list[tuple[bytes, bytes]]:
    there: Any = {name.lower() for name, _ in message["headers"]}
    cache = f"public, max-age={STATIC_AGE_S}, immutable" if static else "no-store"
    wanted = HEADERS | {"cache-control": cache}
    return [(name.encode(), value.encode()) for name, value in wanted.items() if name.encode() not in there]
