"""The API as one application below /v1, and its description, OpenAPI 3.1, at /openapi.json."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from sqlalchemy.exc import DatabaseError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from yuanlu.console.api import (
    cases,
    notifications,
    observations,
    payments,
    places,
    reports,
    returns,
    transactions,
    webhooks,
)
from yuanlu.console.api.gate import Gate
from yuanlu.console.api.problems import KINDS, MEDIA_TYPE, OF_STATUS, ApiProblem, Wrong, answer
from yuanlu.console.asked import Console
from yuanlu.db.errors import StoreError
from yuanlu.kernel.errors import YuanluError

PREFIX = "/v1"
ROUTERS: tuple[APIRouter, ...] = (
    payments.router, observations.router, transactions.router, returns.router, cases.router, places.router,
    reports.router, notifications.router, webhooks.router,
)  # fmt: skip
DESCRIPTION = """Payments at the till, and what becomes of those that go wrong.

Amounts are whole minor units of an ISO 4217 currency. Times are RFC 3339. Lists come in pages: `limit`, `cursor`,
`next_cursor`, `has_more`. What moves money needs an `Idempotency-Key`. Errors are problem details (RFC 9457). How to
begin: docs/how-to/api.md."""
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "Problem details (RFC 9457).",
    "required": [
        "type", "title", "status", "detail", "instance", "code", "errors", "retryable", "next_action", "case_id",
    ],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:yuanlu:problem:not_found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "enum": sorted(KINDS)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "retryable": {"type": "boolean", "description": "Whether the very same request may be sent again."},
        "next_action": {"type": "string"},
        "case_id": {"type": ["string", "null"]},
    },
}  # fmt: skip
ALWAYS = (401, 403, 413, 422, 429, 500, 503)
WITH_BODY = (400, 409, 415)
WITH_PATH = (404,)


class Api:
    """The application and its description."""

    def __init__(self, console: Console) -> None:
        self.app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
        self.app.state.console = console
        for router in ROUTERS:
            self.app.include_router(router)
        for kind, handle in _HANDLERS.items():
            self.app.add_exception_handler(kind, handle)
        self._gate = Gate(self.app, console)
        self._document: dict[str, Any] | None = None

    def before(self, app: ASGIApp) -> ASGIApp:
        """The console's `app`, with everything below /v1 taken over: also paths that no route of pages could match."""

        async def divided(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if scope["type"] == "http" and (path == PREFIX or path.startswith(PREFIX + "/")):
                await self._gate({**scope, "root_path": scope.get("root_path", "") + PREFIX}, receive, send)
            else:
                await app(scope, receive, send)

        return divided

    async def describe(self, _request: Request) -> Response:
        """GET /openapi.json, for everybody."""
        if self._document is None:
            self._document = description(self.app)
        return JSONResponse(self._document)


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: what FastAPI says, with our own errors in place of its."""
    document = get_openapi(
        title="Yuanlu", version="1", description=DESCRIPTION, routes=app.routes, servers=[{"url": PREFIX}]
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key: yl_test_… or yl_live_…"}
    }
    document["security"] = [{"key": []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _with_problems(operation, path)
    return document


def _with_problems(operation: dict[str, Any], path: str) -> None:
    statuses = [
        *ALWAYS,
        *(WITH_BODY if "requestBody" in operation else ()),
        *(WITH_PATH if _may_miss(operation, path) else ()),
    ]
    for status in statuses:
        titles = [kind.title for kind in KINDS.values() if kind.status == status]
        operation["responses"][str(status)] = {
            "description": "; ".join(titles),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    operation["responses"]["429"]["headers"] = {
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}
    }


def _may_miss(operation: dict[str, Any], path: str) -> bool:
    named = {each["name"] for each in operation.get("parameters", ())}
    return "{" in path or bool(named & {"merchant_id", "cursor"}) or "requestBody" in operation


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem), "registered for it alone"
    return answer(error, request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    """What pydantic found, without what was sent."""
    assert isinstance(error, RequestValidationError), "registered for it alone"
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return answer(ApiProblem("malformed", "the body is no JSON"), request.url.path)
    wrong = [Wrong(field=".".join(str(part) for part in each["loc"]), message=each["msg"]) for each in found]
    return answer(ApiProblem("invalid", "some fields are not right", errors=wrong), request.url.path)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "registered for it alone"
    code = OF_STATUS.get(error.status_code, "malformed")
    return answer(ApiProblem(code, KINDS[code].title.lower(), headers=error.headers), request.url.path)


async def _refused(request: Request, error: Exception) -> Response:
    return answer(ApiProblem("refused", str(error)), request.url.path)


async def _no_store(request: Request, error: Exception) -> Response:
    problem = ApiProblem("unavailable", "the journal cannot be reached now", headers={"retry-after": "5"})
    return answer(problem, request.url.path)


async def _failed(request: Request, error: Exception) -> Response:
    return answer(ApiProblem("failed", "it failed here, and is in the log"), request.url.path)


_HANDLERS: dict[Any, Any] = {
    ApiProblem: _problem, RequestValidationError: _invalid, HTTPException: _http, YuanluError: _refused,
    StoreError: _no_store, DatabaseError: _no_store, Exception: _failed,
}  # fmt: skip
