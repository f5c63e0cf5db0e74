"""What stands before every request: its address's limit, its key, its key's limit, the size of its body.

A request without a valid key learns nothing but that: its body is not even read.
"""

import asyncio
import math

from sqlalchemy.exc import DatabaseError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from yuanlu.access.api_keys import SECRET_CHARACTERS_MAX, ApiKey, Mode, find_key
from yuanlu.console.api.problems import ApiProblem, answer
from yuanlu.console.asked import Console
from yuanlu.console.limits import Limiter

BODY_BYTES_MAX = 64 * 1024
CHALLENGE = {"www-authenticate": 'Bearer realm="yuanlu"'}
BEARER = "bearer "
BURST_SECONDS = 10
"""So many seconds' worth may come at once."""


class Gate:
    """The API behind its checks. `scope["state"]["key"]` is the key from here on."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console
        self._keys = _per_second(console.settings.console.api_requests_per_second)
        self._addresses = _per_second(console.settings.console.api_address_requests_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            key = await self._checked(scope)
        except ApiProblem as problem:
            await answer(problem, scope["path"])(scope, receive, send)
            return
        scope.setdefault("state", {})["key"] = key
        await self._app(scope, receive, send)

    async def _checked(self, scope: Scope) -> ApiKey:
        headers, now_s = Headers(scope=scope), asyncio.get_running_loop().time()
        client = scope.get("client")
        _limit(self._addresses, client[0] if client else "", now_s)
        size = headers.get("content-length", "0")
        if not size.isdigit() or int(size) > BODY_BYTES_MAX:
            raise ApiProblem("too_large", f"a body has at most {BODY_BYTES_MAX:,} bytes")
        key = await self._key(headers.get("authorization", ""))
        _limit(self._keys, key.key_id, now_s)
        return key

    async def _key(self, authorization: str) -> ApiKey:
        secret = authorization[len(BEARER) :].strip()
        known = authorization[: len(BEARER)].lower() == BEARER and 0 < len(secret) <= SECRET_CHARACTERS_MAX
        try:
            key = await self._console.store.read(lambda c: find_key(c, secret)) if known else None
        except DatabaseError:
            raise ApiProblem("unavailable", "the journal cannot be read now", headers={"retry-after": "5"}) from None
        if key is None or key.revoked_at_us is not None:
            raise ApiProblem("unauthorized", "send Authorization: Bearer yl_… with a key in force", headers=CHALLENGE)
        if key.mode is Mode.TEST and self._console.settings.keys.mode != "sandbox":
            raise ApiProblem("unauthorized", "test keys work in a sandbox only", headers=CHALLENGE)
        return key


def _per_second(number: int) -> Limiter:
    return Limiter(burst=number * BURST_SECONDS, per_minute=number * 60)


def _limit(limiter: Limiter, name: str, now_s: float) -> None:
    wait_s = limiter.wait_s(name, now_s)
    if wait_s:
        raise ApiProblem(
            "rate_limited", "too many requests for the moment", headers={"retry-after": str(math.ceil(wait_s))}
        )
