"""The outbox: facts become events, and events reach the endpoints that want them. In the console's process alone.

Each round reads what happened since the last, writes events with their deliveries, and lets every endpoint that has
something due be tried. Endpoints do not wait for each other: one that hangs holds up nobody else.
"""

import asyncio
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import structlog
from msgspec import Struct
from pydantic import BaseModel
from sqlalchemy import Connection

from yuanlu.cases.errors import CaseUnknown
from yuanlu.cases.store import get_case
from yuanlu.console.api import views
from yuanlu.console.asked import Console
from yuanlu.incidents.store import IncidentError, get_incident
from yuanlu.journal.following import FACTS_MAX, News
from yuanlu.journal.transactions import find
from yuanlu.kernel.identifiers import IdentifierSource, first_of
from yuanlu.keys.errors import KeyStoreError
from yuanlu.webhooks import reading, store
from yuanlu.webhooks.events import EVENT_OF
from yuanlu.webhooks.records import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    WebhookEvent,
    context_of,
    next_try_us,
)
from yuanlu.webhooks.sending import GONE, Outcome, deliver, open_client
from yuanlu.webhooks.signing import Secret, in_force, unpacked

ROUND_EVERY_S = 1.0
AT_ONCE_PER_ENDPOINT = 5
TIDY_EVERY_ROUNDS = 300
DAY_US = 86_400_000_000
DISABLED_BY_410 = "it answered 410: never again"

_log = structlog.get_logger("yuanlu.webhooks")


class _Found(Struct, frozen=True, kw_only=True):
    """A fact that is an event, and its subject as the API shows it."""

    row: Any
    about: dict[str, Any]


class Outbox:
    """One per console process; several share the work by the rows they claim."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._client = open_client()
        self._identifiers = IdentifierSource(console.clock, secrets.randbits)
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._chance = secrets.SystemRandom()

    async def run(self) -> None:
        """Round after round, for ever."""
        rounds = 0
        while True:
            try:
                while await self.collect():
                    pass
                await self.send()
                rounds += 1
                if rounds % TIDY_EVERY_ROUNDS == 0:
                    before_us = self._console.clock.wall_us() - store.KEPT_DAYS * DAY_US
                    await self._console.store.write(lambda c: store.forget_old(c, first_of(before_us)))  # noqa: B023
            except _Overtaken:
                continue
            except Exception as error:
                _log.error("a round of the webhooks failed; the next one goes on", reason=type(error).__name__)
            await asyncio.sleep(ROUND_EVERY_S)

    async def close(self) -> None:
        """Leave what is under way to its lease."""
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        await self._client.aclose()

    async def collect(self) -> bool:
        """Make events of what happened since; whether there may be more."""
        news, found = await self._console.store.read(_read_news)
        if news.moved:
            await self._console.store.write(lambda c: self._keep(c, news, found))
        return len(news.rows) >= FACTS_MAX

    def _keep(self, connection: Connection, news: News, found: list[_Found]) -> None:
        if not reading.advance(connection, news.steps):
            raise _Overtaken
        enabled = [each for each in store.endpoints(connection) if each.state is EndpointState.ENABLED]
        for each in found:
            event = self._event(each)
            wanted_by = [one for one in enabled if one.wants(event.merchant_id, event.type)]
            if wanted_by:
                store.insert_event(connection, event, wanted_by)

    def _event(self, found: _Found) -> WebhookEvent:
        row, kind = found.row, EVENT_OF[found.row.kind]
        at = datetime.fromtimestamp(row.at_us / 1_000_000, tz=UTC).isoformat().replace("+00:00", "Z")
        body = {"type": kind.name, "timestamp": at, "data": found.about}
        return WebhookEvent(
            event_id=self._identifiers.new(), merchant_id=row.merchant_id, type=kind.name,
            at_us=self._console.clock.wall_us(), body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        )  # fmt: skip

    async def send(self) -> None:
        """Let every endpoint that has something due be tried, unless it is being tried already."""
        now_us = self._console.clock.wall_us()
        for each in await self._console.store.read(lambda c: _waiting(c, now_us)):
            running = self._sending.get(each.endpoint_id)
            if running is None or running.done():
                self._sending[each.endpoint_id] = asyncio.get_running_loop().create_task(self._serve(each))

    async def idle(self) -> None:
        """Until nothing that was begun is under way."""
        await asyncio.gather(*self._sending.values())

    async def _serve(self, endpoint: Endpoint) -> None:
        """All that is due there now, a few at a time; the first failure leaves the rest to the next round."""
        now_us = self._console.clock.wall_us()
        try:
            content = self._console.keys.unseal(endpoint.sealed, context_of(endpoint.endpoint_id))
        except KeyStoreError as error:
            _log.error("a webhook's secrets cannot be opened", endpoint=endpoint.endpoint_id, reason=str(error))
            return
        signing = in_force(unpacked(content), now_us)
        due = await self._console.store.write(
            lambda c: store.claim(c, endpoint.endpoint_id, now_us, AT_ONCE_PER_ENDPOINT)
        )
        await asyncio.gather(*(self._try(endpoint, signing, delivery, event) for delivery, event in due))

    async def _try(self, endpoint: Endpoint, signing: list[Secret], delivery: Delivery, event: WebhookEvent) -> None:
        clock, loop = self._console.clock, asyncio.get_running_loop()
        at_us, began_s = clock.wall_us(), loop.time()
        sandbox = endpoint.mode == "test" and self._console.settings.keys.mode == "sandbox"
        outcome = await deliver(self._client, endpoint.url, event, signing, at_us // 1_000_000, sandbox=sandbox)
        attempt = Attempt(
            number=delivery.attempts + 1, at_us=at_us, status=outcome.status, note=outcome.note,
            took_ms=int((loop.time() - began_s) * 1000),
        )  # fmt: skip
        state, due_us = self._next(outcome, attempt)
        await self._console.store.write(lambda c: _tried(c, endpoint, delivery, attempt, state, due_us))

    def _next(self, outcome: Outcome, attempt: Attempt) -> tuple[DeliveryState, int]:
        if outcome.taken:
            return DeliveryState.DELIVERED, attempt.at_us
        again_us = next_try_us(attempt.number, attempt.at_us, self._chance.random())
        if again_us is None or outcome.status == GONE:
            return DeliveryState.FAILED, attempt.at_us
        return DeliveryState.WAITING, again_us


class _Overtaken(Exception):
    """Another console has read these facts already; nothing is kept, and the next round reads on."""


def _tried(
    connection: Connection, endpoint: Endpoint, delivery: Delivery, attempt: Attempt, state: DeliveryState, due_us: int
) -> None:
    store.tried(connection, delivery, attempt, state, due_us)
    if attempt.status == GONE:
        store.disable(connection, endpoint.endpoint_id, DISABLED_BY_410)


def _waiting(connection: Connection, now_us: int) -> list[Endpoint]:
    return [
        each
        for each in store.endpoints(connection)
        if each.state is EndpointState.ENABLED and store.any_due(connection, each.endpoint_id, now_us)
    ]


def _read_news(connection: Connection) -> tuple[News, list[_Found]]:
    """What happened, each with its subject as it stands now."""
    news = reading.news(connection)
    seen = [_Found(row=row, about=about) for row in news.rows if (about := _about(connection, row)) is not None]
    return news, seen


def _about(connection: Connection, row: Any) -> dict[str, Any] | None:
    view: BaseModel
    match EVENT_OF[row.kind].about:
        case "transaction":
            found = find(connection, row.subject_id)
            if found is None:
                return None
            view = views.transaction(found, confirmed=row.kind == "CLEARED", waits=row.kind == "RETURN_PROPOSED")
        case "case":
            try:
                view = views.case(get_case(connection, row.subject_id))
            except CaseUnknown:
                return None
        case _:
            try:
                view = views.incident(get_incident(connection, row.subject_id))
            except IncidentError:
                return None
    return view.model_dump(mode="json", exclude_none=True)
