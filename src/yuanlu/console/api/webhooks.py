"""Webhooks: who hears of what, with which secret, and what became of each delivery."""

import secrets
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from msgspec.structs import replace
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.api_keys import Mode
from yuanlu.console.api.caller import Caller, CanReadWebhooks, CanWriteWebhooks
from yuanlu.console.api.idempotency import Done, OptionalKey, once
from yuanlu.console.api.models import LIMIT_DEFAULT, Given, Limit, Listed, MerchantId, Ulid, when
from yuanlu.console.api.problems import ApiProblem, Wrong, not_found
from yuanlu.console.api.transactions import paged
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.webhooks import reading, store
from yuanlu.webhooks.addresses import URL_CHARACTERS_MAX, parsed
from yuanlu.webhooks.events import EVENT_NAMES
from yuanlu.webhooks.records import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    WebhookEvent,
    WebhookRefused,
    context_of,
)
from yuanlu.webhooks.signing import SECRET_BYTES, SECRETS_MAX, Secret, in_force, packed, secret_text, unpacked

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
OVERLAP_US = 24 * 3_600_000_000
"""A secret that was replaced signs for so long beside the new one."""
WebhookId = Annotated[Ulid, Path()]
EventName = Literal[
    "case.closed", "case.escalated", "case.opened", "incident.declared", "incident.ended", "return.completed",
    "return.failed", "return.proposed", "reversal.confirmed", "transaction.cleared", "transaction.escalated",
    "transaction.not_charged", "transaction.outcome.unknown",
]  # fmt: skip
Url = Annotated[
    str,
    Field(
        min_length=10,
        max_length=URL_CHARACTERS_MAX,
        pattern=r"^https?://[!-~]+$",
        examples=["https://example.com/hook"],
    ),
]
Description = Annotated[str, Field(max_length=200)]


class NewWebhook(Given):
    """Where to send what. In live mode by https to a public address alone."""

    url: Url
    events: Annotated[list[EventName], Field(min_length=1, max_length=len(EVENT_NAMES))]
    description: Description = ""
    merchant_id: MerchantId | None = None
    """Hear of this merchant alone; a merchant's key always does."""


class Changed(Given):
    """What is to be different."""

    url: Url | None = None
    events: Annotated[list[EventName] | None, Field(min_length=1, max_length=len(EVENT_NAMES))] = None
    description: Description | None = None
    state: Literal["enabled", "disabled"] | None = None


class Filters(Given):
    """Which webhooks; the newest come first."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Ulid | None = None


class LogFilters(Given):
    """Which deliveries; the newest event comes first."""

    state: DeliveryState | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Ulid | None = None


class Webhook(BaseModel):
    """An endpoint that hears of events."""

    object: Literal["webhook"] = "webhook"
    id: str
    url: str
    events: list[str]
    description: str
    merchant_id: str | None
    state: str
    why: str | None
    """Why it is disabled, where we did it."""
    created_at: datetime
    secret: str | None = None
    """Told when it is made, and never again."""


class DeliveryTry(BaseModel):
    """One try. `status` is HTTP's, 0 where there was no answer."""

    number: int
    at: datetime
    status: int
    note: str
    took_ms: int


class WebhookDelivery(BaseModel):
    """One event on its way."""

    object: Literal["webhook.delivery"] = "webhook.delivery"
    id: str
    """The event's: the header webhook-id."""
    type: str
    state: str
    attempts: int
    next_try_at: datetime | None
    occurred_at: datetime
    body: str
    tries: list[DeliveryTry]


@router.get("")
async def list_webhooks(caller: CanReadWebhooks, filters: Annotated[Filters, Query()]) -> Listed[Webhook]:
    """The webhooks that this key may see, the newest first."""
    merchant_id, before_id = caller.key.merchant_id, filters.cursor or ""
    found = await caller.read(lambda c: store.endpoints(c, merchant_id, before_id=before_id, limit=filters.limit + 1))
    return paged([_shown(each) for each in found], filters.limit)


@router.post("", status_code=201, response_model=Webhook)
async def create_webhook(caller: CanWriteWebhooks, given: NewWebhook, key: OptionalKey = None) -> Response:
    """Hear of events from now on. The secret is told this once."""

    async def work() -> Done:
        _refuse_url(caller, given.url)
        merchant_id = caller.merchant(given.merchant_id)
        endpoint_id = IdentifierSource(caller.console.clock, secrets.randbits).new()
        secret = Secret(text=secret_text(secrets.token_bytes(SECRET_BYTES)))
        made = Endpoint(
            endpoint_id=endpoint_id, merchant_id=merchant_id, mode=caller.key.mode.value, url=given.url,
            events=tuple(sorted(set(given.events))), description=given.description,
            sealed=caller.console.keys.seal(packed([secret]), context_of(endpoint_id)), state=EndpointState.ENABLED,
            why="", made_by=caller.key.key_id, created_at_us=caller.now_us,
        )  # fmt: skip

        def keep(connection: Connection) -> None:
            if len(store.endpoints(connection)) >= store.ENDPOINTS_MAX:
                raise ApiProblem("refused", f"there are {store.ENDPOINTS_MAX} webhooks already")
            reading.start(connection)
            store.insert_endpoint(connection, made)

        await caller.console.store.write(keep)
        return Done(status=201, body=_shown(made, secret.text), kept=_shown(made), subject_id=endpoint_id)

    return await once(caller, key, given, work)


@router.get("/{webhook_id}")
async def get_webhook(caller: CanReadWebhooks, webhook_id: WebhookId) -> Webhook:
    """One webhook, without its secret."""
    return _shown(await caller.read(lambda c: _own(c, caller, webhook_id)))


@router.patch("/{webhook_id}")
async def change_webhook(caller: CanWriteWebhooks, webhook_id: WebhookId, given: Changed) -> Webhook:
    """Change its address or events, or switch it off and on. What happened while it was off is not sent by itself."""
    if given.url is not None:
        _refuse_url(caller, given.url)
    before = await caller.read(lambda c: _own(c, caller, webhook_id))
    after = replace(
        before,
        url=given.url or before.url,
        events=tuple(sorted(set(given.events))) if given.events else before.events,
        description=before.description if given.description is None else given.description,
        state=EndpointState(given.state) if given.state else before.state,
        why="" if given.state else before.why,
    )
    return _shown(await _kept(caller, after))


@router.delete("/{webhook_id}", status_code=204)
async def delete_webhook(caller: CanWriteWebhooks, webhook_id: WebhookId) -> None:
    """It hears of nothing any more, and is gone."""
    before = await caller.read(lambda c: _own(c, caller, webhook_id))
    await _kept(caller, replace(before, state=EndpointState.DELETED, why="deleted by its owner"))


@router.post("/{webhook_id}/secrets", status_code=201)
async def rotate_secret(caller: CanWriteWebhooks, webhook_id: WebhookId) -> Webhook:
    """A new secret. The one before signs beside it for 24 hours, so that nothing is refused meanwhile."""
    before, keys = await caller.read(lambda c: _own(c, caller, webhook_id)), caller.console.keys
    place, now_us = context_of(webhook_id), caller.now_us
    old = in_force(unpacked(keys.unseal(before.sealed, place)), now_us)[: SECRETS_MAX - 1]
    new = Secret(text=secret_text(secrets.token_bytes(SECRET_BYTES)))
    until_us = now_us + OVERLAP_US
    all_ = [new, *(replace(each, until_us=each.until_us or until_us) for each in old)]
    return _shown(await _kept(caller, replace(before, sealed=keys.seal(packed(all_), place))), new.text)


@router.get("/{webhook_id}/deliveries")
async def list_deliveries(
    caller: CanReadWebhooks, webhook_id: WebhookId, filters: Annotated[LogFilters, Query()]
) -> Listed[WebhookDelivery]:
    """The log: every event that was to be sent there, and every try."""

    def query(connection: Connection) -> list[WebhookDelivery]:
        _own(connection, caller, webhook_id)
        found = store.deliveries(
            connection, webhook_id, state=filters.state or "", before_id=filters.cursor or "", limit=filters.limit + 1
        )
        return [_delivery(connection, *each) for each in found]

    return paged(await caller.read(query), filters.limit)


@router.post("/{webhook_id}/deliveries/{event_id}/resend", status_code=202)
async def resend_event(
    caller: CanWriteWebhooks, webhook_id: WebhookId, event_id: Annotated[Ulid, Path()]
) -> WebhookDelivery:
    """Send it again now, whatever became of it. Its id stays, so that a receiver knows it for the same."""
    await caller.read(lambda c: _own(c, caller, webhook_id))
    event = await caller.read(lambda c: store.find_event(c, event_id))
    if event is None or not caller.key.sees(event.merchant_id):
        raise not_found()
    await caller.console.store.write(lambda c: store.resend(c, webhook_id, event_id, caller.now_us))

    def query(connection: Connection) -> WebhookDelivery:
        found = store.find_delivery(connection, webhook_id, event_id)
        assert found is not None, "it was just made due"
        return _delivery(connection, found, event)

    return await caller.read(query)


def _refuse_url(caller: Caller, url: str) -> None:
    sandbox = caller.key.mode is Mode.TEST and caller.console.settings.keys.mode == "sandbox"
    try:
        parsed(url, sandbox=sandbox)
    except WebhookRefused as error:
        raise ApiProblem("refused", str(error), errors=[Wrong(field="body.url", message=str(error))]) from None


async def _kept(caller: Caller, after: Endpoint) -> Endpoint:
    if not await caller.console.store.write(lambda c: store.update_endpoint(c, after)):
        raise ApiProblem("refused", "somebody else has just changed it; look at it again")
    return after


def _own(connection: Connection, caller: Caller, webhook_id: str) -> Endpoint:
    found = store.find_endpoint(connection, webhook_id)
    if found is None or not caller.key.sees(found.merchant_id):
        raise not_found()
    return found


def _shown(found: Endpoint, secret: str | None = None) -> Webhook:
    return Webhook(
        id=found.endpoint_id, url=found.url, events=list(found.events), description=found.description,
        merchant_id=found.merchant_id or None, state=found.state.value, why=found.why or None,
        created_at=when(found.created_at_us), secret=secret,
    )  # fmt: skip


def _delivery(connection: Connection, found: Delivery, event: WebhookEvent) -> WebhookDelivery:
    tries = store.attempts_of(connection, found.endpoint_id, found.event_id)
    waits = found.state is DeliveryState.WAITING
    return WebhookDelivery(
        id=found.event_id, type=event.type, state=found.state.value, attempts=found.attempts,
        next_try_at=when(found.due_at_us) if waits else None, occurred_at=when(event.at_us), body=event.body,
        tries=[_try(each) for each in tries],
    )  # fmt: skip


def _try(found: Attempt) -> DeliveryTry:
    return DeliveryTry(
        number=found.number, at=when(found.at_us), status=found.status, note=found.note, took_ms=found.took_ms
    )
