"""Idempotency-Key: the same request twice is done once, whatever is lost in between.

A key is taken, durably, before anything is done. It belongs to the merchant and mode of the API key that sent it. The
same key with another body is refused (422), while the first is under way it is refused (409), and afterwards it gives
the first answer again, marked `Idempotency-Replayed: true`. A request that was refused before anything was done does
not use its key up. Keys are kept for KEPT_DAYS.
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Header
from msgspec import Struct
from pydantic import BaseModel
from sqlalchemy import Connection, delete, insert, select, update
from starlette.responses import JSONResponse, Response

from yuanlu.console.api.caller import Caller
from yuanlu.console.api.problems import ApiProblem
from yuanlu.console.api.tables import api_requests

KEPT_DAYS = 40
LEASE_US = 60_000_000
"""A request that another process began is taken over after so long: that process is gone."""
PROCESS = secrets.token_hex(8)
"""This process; a request of another one may have died with it."""
REPLAYED = {"Idempotency-Replayed": "true"}

RequiredKey = Annotated[
    str,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$", examples=["order-1842-1"]),
]
OptionalKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$", examples=["report-77"]),
]


class Done(Struct, frozen=True, kw_only=True):
    """What a request came to."""

    status: int
    body: BaseModel
    subject_id: str = ""
    kept: BaseModel | None = None
    """What is kept and said again, where that is less than the first answer: a secret is told once."""


class Known(Struct, frozen=True, kw_only=True):
    """A request by its key, as the table has it."""

    digest: str
    state: str
    status: int
    answer: str
    subject_id: str
    process: str
    at_us: int


def find_request(connection: Connection, tenant: str, key: str) -> Known | None:
    """The request of this key."""
    columns = [api_requests.c[name] for name in Known.__struct_fields__]
    query = select(*columns).where(api_requests.c.tenant == tenant, api_requests.c.key == key)
    row = connection.execute(query).first()
    return None if row is None else Known(**row._mapping)


async def once(caller: Caller, key: str | None, given: BaseModel, work: Callable[[], Awaitable[Done]]) -> Response:
    """Do `work` under this key, or say again what it came to. Without a key, just do it."""
    if key is None:
        return _answer(await work())
    digest = _digest(caller, given)
    before = await caller.console.store.write(lambda c: _take(c, caller.key.tenant, key, digest, caller.now_us))
    if before is not None:
        return _again(before, digest)
    try:
        done = await work()
    except ApiProblem:
        await caller.console.store.write(lambda c: _give_up(c, caller.key.tenant, key))
        raise
    except BaseException:
        await caller.console.store.write(lambda c: _release(c, caller.key.tenant, key))
        raise
    await caller.console.store.write(lambda c: _finish(c, caller.key.tenant, key, done))
    return _answer(done)


def cancel_unknown(connection: Connection, tenant: str, key: str, now_us: int) -> Known | None:
    """Nobody has used this key, and nobody ever will: None. Or the request that did."""
    found = find_request(connection, tenant, key)
    if found is None:
        connection.execute(insert(api_requests).values(_row(tenant, key, "", "CANCELLED", now_us)))
    return found


def forget_old(connection: Connection, now_us: int) -> None:
    """Drop the keys that are older than they are promised to be kept."""
    connection.execute(delete(api_requests).where(api_requests.c.at_us < now_us - KEPT_DAYS * 86_400_000_000))


def _take(connection: Connection, tenant: str, key: str, digest: str, now_us: int) -> Known | None:
    """None when the key is this request's now."""
    found = find_request(connection, tenant, key)
    if found is None:
        connection.execute(insert(api_requests).values(_row(tenant, key, digest, "BEGUN", now_us)))
        return None
    dead = found.state == "BEGUN" and found.process != PROCESS and found.at_us + LEASE_US < now_us
    if (dead or (found.state == "BEGUN" and not found.process)) and found.digest == digest:
        mine = update(api_requests).where(api_requests.c.tenant == tenant, api_requests.c.key == key)
        connection.execute(mine.values(process=PROCESS, at_us=now_us))
        return None
    return found


def _row(tenant: str, key: str, digest: str, state: str, now_us: int) -> dict[str, Any]:
    return {
        "tenant": tenant, "key": key, "digest": digest, "state": state, "status": 0, "answer": "", "subject_id": "",
        "process": PROCESS, "at_us": now_us,
    }  # fmt: skip


def _finish(connection: Connection, tenant: str, key: str, done: Done) -> None:
    mine = update(api_requests).where(api_requests.c.tenant == tenant, api_requests.c.key == key)
    values = {
        "status": done.status,
        "answer": (done.kept or done.body).model_dump_json(by_alias=True),
        "subject_id": done.subject_id,
    }
    connection.execute(mine.where(api_requests.c.state == "BEGUN").values(state="DONE", **values))


def _give_up(connection: Connection, tenant: str, key: str) -> None:
    """Refused, and nothing was done: the key is free again."""
    own = (api_requests.c.tenant == tenant, api_requests.c.key == key, api_requests.c.state == "BEGUN")
    connection.execute(delete(api_requests).where(*own))


def _release(connection: Connection, tenant: str, key: str) -> None:
    """It failed on the way: the next one with this key finds out what became of it."""
    own = (api_requests.c.tenant == tenant, api_requests.c.key == key, api_requests.c.state == "BEGUN")
    connection.execute(update(api_requests).where(*own).values(process=""))


def _again(before: Known, digest: str) -> Response:
    if before.state == "CANCELLED":
        raise ApiProblem("key_cancelled", "it was cancelled before any request came; nothing was done")
    if before.digest != digest:
        raise ApiProblem("idempotency_key_reused", "the key was used with another body, or for something else")
    if before.state == "BEGUN":
        raise ApiProblem(
            "request_in_flight", "the first request with this key is not over", headers={"retry-after": "1"}
        )
    return Response(before.answer, before.status, media_type="application/json", headers=REPLAYED)


def _answer(done: Done) -> Response:
    return JSONResponse(json.loads(done.body.model_dump_json(by_alias=True)), done.status)


def _digest(caller: Caller, given: BaseModel) -> str:
    """Keyed: a body may name a card, and its plain hash could be guessed back (PCI DSS 3.5.1.1)."""
    asked = f"{caller.request.method} {caller.request.url.path}\n{given.model_dump_json()}"
    return caller.console.keys.card_token(asked)
