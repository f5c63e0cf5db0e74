"""Notifications: who was told what, and whether it arrived."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from yuanlu.console.api import models, views
from yuanlu.console.api.caller import Caller, CanReadNotifications
from yuanlu.console.api.filters import micros
from yuanlu.console.api.models import (
    LIMIT_DEFAULT,
    CaseId,
    Given,
    IncidentId,
    Limit,
    Listed,
    MerchantId,
    Time,
    Ulid,
    when,
)
from yuanlu.console.api.problems import not_found
from yuanlu.console.api.transactions import paged
from yuanlu.notices import Event
from yuanlu.notification.records import Attempt, Message
from yuanlu.notification.states import Sending
from yuanlu.notification.store import Wanted, attempts_of, find_message, page
from yuanlu.notification.templates import Audience
from yuanlu.people.message_words import SENDING_WORDS

router = APIRouter(prefix="/notifications", tags=["notifications"])
Expand = Literal["tries"]


class Filters(Given):
    """Which messages; the newest come first."""

    merchant_id: MerchantId | None = None
    transaction_id: Ulid | None = None
    case_id: CaseId | None = None
    incident_id: IncidentId | None = None
    state: Sending | None = None
    audience: Audience | None = None
    event: Event | None = None
    channel: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    from_: Annotated[Time | None, Field(alias="from")] = None
    to: Time | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Ulid | None = None

    def wanted(self, merchant_id: str) -> Wanted:
        """The same for the outbox."""
        return Wanted(
            since_us=micros(self.from_), until_us=None if self.to is None else micros(self.to),
            merchant_id=merchant_id, transaction_id=self.transaction_id or "", case_id=self.case_id or "",
            incident_id=self.incident_id or "", state=self.state or "", audience=self.audience or "",
            event=self.event or "", channel=self.channel or "",
        )  # fmt: skip


class Try(BaseModel):
    """One channel that was tried, and what it said."""

    at: datetime
    channel: str
    outcome: str
    """accepted, refused or unreachable."""
    provider_id: str | None
    note: str


class Notification(BaseModel):
    """A message to a person. Its address is masked."""

    object: Literal["notification"] = "notification"
    id: str
    event: str
    audience: str
    to: str
    language: str
    template: str
    title: str
    text: str
    state: str
    state_text: models.Words
    channel: str | None
    """Which took it."""
    note: str
    merchant_id: str | None
    transaction_id: str | None
    case_id: str | None
    incident_id: str | None
    created_at: datetime
    not_before: datetime
    expires_at: datetime
    changed_at: datetime
    tries: list[Try] | None = None
    """With expand=tries."""


@router.get("")
async def list_notifications(
    caller: CanReadNotifications, filters: Annotated[Filters, Query()]
) -> Listed[Notification]:
    """Messages to people, the newest first."""
    wanted = filters.wanted(caller.merchant(filters.merchant_id))
    found = await caller.read(lambda c: page(c, wanted, filters.cursor or "", filters.limit + 1))
    return paged([_shown(each) for each in found], filters.limit)


@router.get("/{notification_id}")
async def get_notification(
    caller: CanReadNotifications,
    notification_id: Annotated[Ulid, Path()],
    expand: Annotated[list[Expand], Query()] = [],  # noqa: B006
) -> Notification:
    """One message."""

    def query(connection: Connection) -> Notification:
        found = _seen(connection, caller, notification_id)
        return _shown(found, attempts_of(connection, notification_id) if "tries" in expand else None)

    return await caller.read(query)


def _seen(connection: Connection, caller: Caller, message_id: str) -> Message:
    found = find_message(connection, message_id)
    if found is None or not caller.key.sees(found.subject.merchant_id):
        raise not_found()
    return found


def _shown(found: Message, tries: list[Attempt] | None = None) -> Notification:
    about = found.subject
    return Notification(
        id=found.message_id,
        event=found.event.value,
        audience=found.audience.value,
        to=found.masked,
        language=found.language,
        template=found.template,
        title=found.title,
        text=found.text,
        state=found.state.value,
        state_text=views.words(SENDING_WORDS[found.state]),
        channel=found.channel or None,
        note=found.note,
        merchant_id=about.merchant_id or None,
        transaction_id=about.transaction_id or None,
        case_id=about.case_id or None,
        incident_id=about.incident_id or None,
        created_at=when(found.created_at_us),
        not_before=when(found.not_before_us),
        expires_at=when(found.expires_at_us),
        changed_at=when(found.changed_at_us),
        tries=None if tries is None else [_try(each) for each in tries],
    )


def _try(found: Attempt) -> Try:
    return Try(
        at=when(found.at_us), channel=found.channel, outcome=found.outcome, provider_id=found.provider_id or None,
        note=found.note,
    )  # fmt: skip
