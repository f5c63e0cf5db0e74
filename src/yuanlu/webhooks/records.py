"""Endpoints, events, deliveries, and when a delivery is tried again."""

from enum import StrEnum

from msgspec import Struct

from yuanlu.kernel.errors import YuanluError

RETRIES_S = (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After each failure so long until the next try: three days in all."""
JITTER_PERCENT = 20


class WebhookRefused(YuanluError):
    """An endpoint that cannot be; the text says why."""


class EndpointState(StrEnum):
    """Whether it hears of anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DELETED = "deleted"


class DeliveryState(StrEnum):
    """Where one event's way to one endpoint stands."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    """Not taken in all its tries; it can be sent again by hand."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """Who wants to hear, of what. `sealed` are its secrets."""

    endpoint_id: str
    merchant_id: str
    mode: str
    url: str
    events: tuple[str, ...]
    description: str
    sealed: bytes
    state: EndpointState
    why: str
    made_by: str
    created_at_us: int
    version: int = 1

    def wants(self, merchant_id: str, name: str) -> bool:
        """Whether it hears of this."""
        return self.merchant_id in ("", merchant_id) and name in self.events


class WebhookEvent(Struct, frozen=True, kw_only=True):
    """What happened, in the very text that is signed."""

    event_id: str
    merchant_id: str
    type: str
    at_us: int
    body: str


class Delivery(Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    endpoint_id: str
    event_id: str
    state: DeliveryState
    attempts: int
    due_at_us: int
    changed_at_us: int


class Attempt(Struct, frozen=True, kw_only=True):
    """One try. `status` is HTTP's, 0 where there was no answer."""

    number: int
    at_us: int
    status: int
    note: str
    took_ms: int


def context_of(endpoint_id: str) -> str:
    """To which row the sealed secrets belong."""
    return f"webhook_endpoints/{endpoint_id}/sealed"


def next_try_us(attempts: int, now_us: int, chance: float) -> int | None:
    """When it is tried again after so many failures; None when enough was tried. `chance` is from 0 to 1."""
    if attempts > len(RETRIES_S):
        return None
    wait_us = RETRIES_S[attempts - 1] * 1_000_000
    return now_us + wait_us + int(wait_us * JITTER_PERCENT / 100 * (2 * chance - 1))
