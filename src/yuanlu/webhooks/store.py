"""Endpoints, events and deliveries in the database. Nothing here is a fact: it can be read from the facts again."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update

from yuanlu.webhooks.records import Attempt, Delivery, DeliveryState, Endpoint, EndpointState, WebhookEvent
from yuanlu.webhooks.tables import WAITING, webhook_attempts, webhook_deliveries, webhook_endpoints, webhook_events

LEASE_US = 120_000_000
"""A delivery that somebody tries is nobody else's for so long."""
ENDPOINTS_MAX = 100
KEPT_DAYS = 30
_E, _D = webhook_endpoints.c, webhook_deliveries.c


def insert_endpoint(connection: Connection, one: Endpoint) -> None:
    """A new one."""
    values = {name: getattr(one, name) for name in one.__struct_fields__}
    connection.execute(
        insert(webhook_endpoints).values(values | {"events": " ".join(one.events), "state": str(one.state)})
    )


def update_endpoint(connection: Connection, one: Endpoint) -> bool:
    """As it is from now on, if nobody changed it meanwhile; `one` has the version that was read."""
    mine = update(webhook_endpoints).where(_E.endpoint_id == one.endpoint_id, _E.version == one.version)
    values = {
        "url": one.url, "events": " ".join(one.events), "description": one.description, "sealed": one.sealed,
        "state": str(one.state), "why": one.why, "version": one.version + 1,
    }  # fmt: skip
    return connection.execute(mine.values(values)).rowcount == 1


def disable(connection: Connection, endpoint_id: str, why: str) -> None:
    """It hears of nothing any more."""
    mine = update(webhook_endpoints).where(_E.endpoint_id == endpoint_id, _E.state == str(EndpointState.ENABLED))
    connection.execute(mine.values(state=str(EndpointState.DISABLED), why=why, version=_E.version + 1))


def endpoints(
    connection: Connection, merchant_id: str = "", *, before_id: str = "", limit: int = ENDPOINTS_MAX
) -> list[Endpoint]:
    """Those that are not deleted, of a merchant or all, the newest first."""
    query = select(webhook_endpoints).where(_E.state != str(EndpointState.DELETED)).order_by(_E.endpoint_id.desc())
    query = query.where(_E.merchant_id == merchant_id) if merchant_id else query
    query = query.where(_E.endpoint_id < before_id) if before_id else query
    return [_endpoint(row) for row in connection.execute(query.limit(limit))]


def find_endpoint(connection: Connection, endpoint_id: str) -> Endpoint | None:
    """By its id, unless it is deleted."""
    row = connection.execute(select(webhook_endpoints).where(_E.endpoint_id == endpoint_id)).first()
    return None if row is None or row.state == str(EndpointState.DELETED) else _endpoint(row)


def _endpoint(row: Any) -> Endpoint:
    values = dict(row._mapping) | {"events": tuple(row.events.split()), "state": EndpointState(row.state)}
    return Endpoint(**values | {"sealed": bytes(row.sealed)})


def insert_event(connection: Connection, event: WebhookEvent, wanted_by: Sequence[Endpoint]) -> None:
    """An event, and a delivery to each that wants it."""
    connection.execute(insert(webhook_events).values({name: getattr(event, name) for name in event.__struct_fields__}))
    for each in wanted_by:
        connection.execute(insert(webhook_deliveries).values(_waiting(each.endpoint_id, event.event_id, event.at_us)))


def _waiting(endpoint_id: str, event_id: str, at_us: int) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint_id, "event_id": event_id, "state": str(DeliveryState.WAITING), "attempts": 0,
        "due_at_us": at_us, "changed_at_us": at_us,
    }  # fmt: skip


def find_event(connection: Connection, event_id: str) -> WebhookEvent | None:
    """By its id."""
    row = connection.execute(select(webhook_events).where(webhook_events.c.event_id == event_id)).first()
    return None if row is None else WebhookEvent(**row._mapping)


def resend(connection: Connection, endpoint_id: str, event_id: str, now_us: int) -> None:
    """Due now, whatever became of it before, with all its tries."""
    mine = (_D.endpoint_id == endpoint_id, _D.event_id == event_id)
    values = _waiting(endpoint_id, event_id, now_us)
    again = update(webhook_deliveries).where(*mine).values(state=values["state"], due_at_us=now_us)
    if not connection.execute(again).rowcount:
        connection.execute(insert(webhook_deliveries).values(values))


def claim(connection: Connection, endpoint_id: str, now_us: int, limit: int) -> list[tuple[Delivery, WebhookEvent]]:
    """What is due at this endpoint, ours for a while; by the partial index."""
    query = (
        select(webhook_deliveries)
        .where(_D.endpoint_id == endpoint_id, text(WAITING), _D.due_at_us <= now_us)
        .order_by(_D.due_at_us)
        .limit(limit)
    )
    taken = []
    for row in connection.execute(query).all():
        mine = update(webhook_deliveries).where(
            _D.endpoint_id == endpoint_id, _D.event_id == row.event_id, _D.due_at_us == row.due_at_us
        )
        if connection.execute(mine.values(due_at_us=now_us + LEASE_US)).rowcount:
            event = find_event(connection, row.event_id)
            assert event is not None, "a foreign key holds it"
            taken.append((_delivery(row), event))
    return taken


def any_due(connection: Connection, endpoint_id: str, now_us: int) -> bool:
    """Whether something is due there."""
    query = select(_D.event_id).where(_D.endpoint_id == endpoint_id, text(WAITING), _D.due_at_us <= now_us).limit(1)
    return connection.execute(query).first() is not None


def tried(connection: Connection, delivery: Delivery, attempt: Attempt, state: DeliveryState, due_at_us: int) -> None:
    """One more try is in the log, and the delivery stands as it then does."""
    connection.execute(
        insert(webhook_attempts).values(
            endpoint_id=delivery.endpoint_id, event_id=delivery.event_id,
            **{name: getattr(attempt, name) for name in attempt.__struct_fields__},
        )
    )  # fmt: skip
    mine = update(webhook_deliveries).where(_D.endpoint_id == delivery.endpoint_id, _D.event_id == delivery.event_id)
    connection.execute(
        mine.values(state=str(state), attempts=attempt.number, due_at_us=due_at_us, changed_at_us=attempt.at_us)
    )


def deliveries(
    connection: Connection, endpoint_id: str, *, state: str = "", before_id: str = "", limit: int = 50
) -> list[tuple[Delivery, WebhookEvent]]:
    """The log of an endpoint, the newest event first."""
    event = webhook_events.c
    query = (
        select(webhook_deliveries, event.merchant_id, event.type, event.at_us, event.body)
        .join(webhook_events, webhook_events.c.event_id == _D.event_id)
        .where(_D.endpoint_id == endpoint_id)
        .order_by(_D.event_id.desc())
        .limit(limit)
    )
    query = query.where(_D.state == state) if state else query
    query = query.where(_D.event_id < before_id) if before_id else query
    return [
        (
            _delivery(row),
            WebhookEvent(
                event_id=row.event_id, merchant_id=row.merchant_id, type=row.type, at_us=row.at_us, body=row.body
            ),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def find_delivery(connection: Connection, endpoint_id: str, event_id: str) -> Delivery | None:
    """One event's way to one endpoint."""
    query = select(webhook_deliveries).where(_D.endpoint_id == endpoint_id, _D.event_id == event_id)
    row = connection.execute(query).first()
    return None if row is None else _delivery(row)


def attempts_of(connection: Connection, endpoint_id: str, event_id: str) -> list[Attempt]:
    """Every try of a delivery, first to last."""
    table = webhook_attempts.c
    query = select(table.number, table.at_us, table.status, table.note, table.took_ms)
    query = query.where(table.endpoint_id == endpoint_id, table.event_id == event_id).order_by(table.number)
    return [Attempt(**row._mapping) for row in connection.execute(query)]


def _delivery(row: Any) -> Delivery:
    return Delivery(
        endpoint_id=row.endpoint_id, event_id=row.event_id, state=DeliveryState(row.state), attempts=row.attempts,
        due_at_us=row.due_at_us, changed_at_us=row.changed_at_us,
    )  # fmt: skip


def forget_old(connection: Connection, before_id: str) -> None:
    """Events before this id, with all that is about them."""
    for table in (webhook_attempts, webhook_deliveries, webhook_events):
        connection.execute(delete(table).where(table.c.event_id < before_id))
