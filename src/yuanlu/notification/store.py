"""Messages in the database: the statements, and the queries. Each query is by an index and has a limit."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, text

from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.unit import Change
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.identifiers import first_of
from yuanlu.notices import Event
from yuanlu.notification.records import Attempt, Contact, Message, Subject
from yuanlu.notification.states import Sending
from yuanlu.notification.tables import (
    NOT_SENT,
    OF_CASE,
    OF_INCIDENT,
    OF_TRANSACTION,
    RECEIVED,
    notification_attempts,
    notification_contacts,
    notification_optouts,
    notifications,
)
from yuanlu.notification.templates import Audience

READ_MAX = 500
CONTACTS_MAX = 5

INSERT_MESSAGE = Insert(table=notifications, rank=7)
UPDATE_MESSAGE = Update(
    table=notifications,
    sets=(
        "state", "attempts", "channel", "provider_id", "note", "not_before_us", "expires_at_us", "changed_at_us",
        "version",
    ),
    match=("message_id", "version"),
    rank=7,
)  # fmt: skip
INSERT_ATTEMPT = Insert(table=notification_attempts, rank=7)
INSERT_CONTACT = Insert(table=notification_contacts, rank=7)
PUT_OPTOUT = Insert(table=notification_optouts, replace=True, rank=7)


class NotificationUnknown(YuanluError):
    """What was named is no message."""


def insert_message(m: Message) -> Change:
    """A new message; the database refuses one that this person was told already."""
    s = m.subject
    return Change(
        statement=INSERT_MESSAGE,
        row=(
            m.message_id, m.once, s.merchant_id, s.terminal_id, s.transaction_id, s.case_id, s.incident_id,
            m.event.value, m.audience.value, m.template, m.language, m.person, m.contact_id, m.masked, m.round, m.title,
            m.text, msgspec.json.encode(m.values).decode(), int(m.urgent), "\n".join(m.ways), m.state.value, m.attempts,
            m.channel, m.provider_id, m.note, m.created_at_us, m.not_before_us, m.expires_at_us, m.changed_at_us,
            m.version,
        ),
    )  # fmt: skip


def update_message(m: Message, was: int) -> Change:
    """The message as it stands now, if nobody changed it since version `was`: the compare-and-set."""
    return Change(
        statement=UPDATE_MESSAGE,
        row=(
            m.state.value, m.attempts, m.channel, m.provider_id, m.note, m.not_before_us, m.expires_at_us,
            m.changed_at_us, m.version, m.message_id, was,
        ),
    )  # fmt: skip


def insert_attempt(a: Attempt) -> Change:
    """One channel that was tried."""
    return Change(
        statement=INSERT_ATTEMPT,
        row=(a.message_id, a.number, a.at_us, a.channel, a.outcome, a.provider_id, a.note),
    )


def insert_contact(c: Contact) -> Change:
    """A cardholder's number for a payment; the database refuses the same one twice."""
    return Change(
        statement=INSERT_CONTACT,
        row=(
            c.contact_id, c.transaction_id, c.merchant_id, c.masked, c.token, c.sealed, c.language, c.told_by, c.at_us,
        ),
    )  # fmt: skip


def put_optout(name: str, told_by: str, at_us: int) -> Change:
    """Whoever has this number (its token) is told nothing any more; by a contact's id, nothing of its payment."""
    return Change(statement=PUT_OPTOUT, row=(name, told_by, at_us))


def _message(row: Any) -> Message:
    values = dict(row._mapping)
    subject = Subject(
        **{
            name: values.pop(name)
            for name in ("merchant_id", "terminal_id", "transaction_id", "case_id", "incident_id")
        }
    )
    del values["once"]
    values |= {
        "subject": subject,
        "event": Event(row.event),
        "audience": Audience(row.audience),
        "state": Sending(row.state),
        "urgent": bool(row.urgent),
        "ways": tuple(row.ways.splitlines()),
        "values": msgspec.json.decode(values.pop("values_json"), type=dict[str, str]),
    }
    return Message(**values)


def _all(connection: Connection, query: Select[Any]) -> list[Message]:
    return [_message(row) for row in connection.execute(query.limit(READ_MAX))]


def find_message(connection: Connection, message_id: str) -> Message | None:
    """By its id."""
    return next(iter(_all(connection, select(notifications).where(notifications.c.message_id == message_id))), None)


def get_message(connection: Connection, message_id: str) -> Message:
    """By its id; NotificationUnknown when there is none."""
    found = find_message(connection, message_id)
    if found is None:
        raise NotificationUnknown(f'"{message_id}" is no message; see: yuanlu notification list')
    return found


def told_of_transaction(connection: Connection, transaction_id: str) -> list[Message]:
    """Who was told what of a payment, first to last; by the partial index."""
    return _all(connection, of_transaction(transaction_id))


def of_transaction(transaction_id: str) -> Select[Any]:
    """The query of it."""
    query = select(notifications).where(notifications.c.transaction_id == transaction_id, text(OF_TRANSACTION))
    return query.order_by(notifications.c.message_id)


def told_of_case(connection: Connection, case_id: str, transaction_id: str) -> list[Message]:
    """Who was told what of a case and of its payment ("" for none), first to last."""
    query = select(notifications).where(notifications.c.case_id == case_id, text(OF_CASE))
    found = _all(connection, query.order_by(notifications.c.message_id))
    if transaction_id:
        known = {each.message_id for each in found}
        found += [each for each in told_of_transaction(connection, transaction_id) if each.message_id not in known]
    return sorted(found, key=lambda each: each.message_id)


def told_of_incident(connection: Connection, incident_id: str) -> list[Message]:
    """Who was told what of an incident, first to last."""
    query = select(notifications).where(notifications.c.incident_id == incident_id, text(OF_INCIDENT))
    return _all(connection, query.order_by(notifications.c.message_id))


def latest(connection: Connection, *, limit: int, waiting: bool, before: str = "") -> list[Message]:
    """All messages, or those that wait, the latest first; `before` is the last id of the page above."""
    query = select(notifications).order_by(notifications.c.message_id.desc()).limit(limit)
    if waiting:
        query = query.where(text(NOT_SENT))
    if before:
        query = query.where(notifications.c.message_id < before)
    return [_message(row) for row in connection.execute(query)]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages, by when they were written; "" and None for any. Times are microseconds since 1970 UTC."""

    since_us: int = 0
    until_us: int | None = None
    merchant_id: str = ""
    transaction_id: str = ""
    case_id: str = ""
    incident_id: str = ""
    state: str = ""
    audience: str = ""
    channel: str = ""
    event: str = ""


def page(connection: Connection, wanted: Wanted, before: str, limit: int) -> list[Message]:
    """The latest of them first, from below the id `before` on; by the index of payment, case, incident or
    merchant, else by the primary key."""
    return [_message(row) for row in connection.execute(paged(wanted, before, limit))]


def paged(wanted: Wanted, before: str, limit: int) -> Select[Any]:
    """The query of it."""
    query = _of(select(notifications), wanted).order_by(notifications.c.message_id.desc())
    if before:
        query = query.where(notifications.c.message_id < before)
    return query.limit(limit)


def by_state(connection: Connection, wanted: Wanted) -> dict[Sending, int]:
    """How many of them stand where."""
    state = notifications.c.state
    query = _of(select(state, func.count()), wanted).group_by(state)
    return {Sending(name): number for name, number in connection.execute(query)}


def _of(query: Select[Any], wanted: Wanted) -> Select[Any]:
    """An id begins with the millisecond in which it was made, so that a time is a range of ids."""
    n = notifications.c
    if wanted.since_us:
        query = query.where(n.message_id >= first_of(wanted.since_us))
    if wanted.until_us is not None:
        query = query.where(n.message_id < first_of(wanted.until_us))
    subjects = ((n.transaction_id, OF_TRANSACTION), (n.case_id, OF_CASE), (n.incident_id, OF_INCIDENT))
    named = [(column == value, text(there)) for column, there in subjects if (value := getattr(wanted, column.name))]
    for conditions in named:
        query = query.where(*conditions)
    if wanted.merchant_id:  # beside a subject an expression, so that its index, which finds far less, is taken
        query = query.where((n.merchant_id.concat("") if named else n.merchant_id) == wanted.merchant_id)
    for column in (n.state, n.audience, n.channel, n.event):
        value = getattr(wanted, column.name)
        query = query.where(column == value) if value else query
    return query


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits to be sent: how many, and since when the oldest was due; None when nothing is."""

    waiting: int
    due_since_us: int | None


def queue(connection: Connection, merchant_id: str) -> Queue:
    """Of one merchant, or "" for all; by the partial index."""
    query = select(func.count(), func.min(notifications.c.not_before_us)).where(text(NOT_SENT))
    if merchant_id:
        query = query.where(notifications.c.merchant_id == merchant_id)
    waiting, since_us = connection.execute(query).one()
    return Queue(waiting=waiting, due_since_us=since_us)


def find_by_receipt(connection: Connection, channel: str, provider_id: str) -> Message | None:
    """The message that a provider's receipt is about; by the partial index."""
    query = select(notifications).where(
        notifications.c.channel == channel, notifications.c.provider_id == provider_id, text(RECEIVED)
    )
    return next(iter(_all(connection, query)), None)


def attempts_of(connection: Connection, message_id: str) -> list[Attempt]:
    """What was tried, first to last."""
    query = select(notification_attempts).where(notification_attempts.c.message_id == message_id)
    rows = connection.execute(query.order_by(notification_attempts.c.number).limit(READ_MAX))
    return [Attempt(**row._mapping) for row in rows]


def contacts_of(connection: Connection, transaction_id: str) -> list[Contact]:
    """Whom of the cardholders to tell about a payment; by the unique index."""
    table = notification_contacts
    query = select(table).where(table.c.transaction_id == transaction_id).order_by(table.c.token)
    return [Contact(**row._mapping) for row in connection.execute(query.limit(CONTACTS_MAX))]


def find_contact(connection: Connection, contact_id: str) -> Contact | None:
    """By its id."""
    table = notification_contacts
    row = connection.execute(select(table).where(table.c.contact_id == contact_id)).first()
    return None if row is None else Contact(**row._mapping)


def is_unwanted(connection: Connection, *names: str) -> bool:
    """Whether somebody does not want to be told, by a number's token, or by a contact's id for its payment alone."""
    query = select(notification_optouts.c.token).where(notification_optouts.c.token.in_(names))
    return connection.execute(query).first() is not None
