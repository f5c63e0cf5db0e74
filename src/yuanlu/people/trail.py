"""The audit trail of people's actions: what people did to cases, returns, incidents, accounts and the words of
messages, newest first.

Orders and incidents have no list of their own by time. But each visit of a person is a writer of its own, and a
writer's facts have an index: so what people changed in a time is found by the visits of that time.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, case, or_, select

from yuanlu.access.key_tables import api_keys
from yuanlu.access.tables import staff
from yuanlu.cases.people import GATEWAY
from yuanlu.cases.records import EventKind
from yuanlu.cases.tables import case_events, cases
from yuanlu.flow.clearing import FILE
from yuanlu.flow.contacting import GIVEN, TAKEN_BACK
from yuanlu.incidents.records import ScopeKind
from yuanlu.incidents.tables import incidents
from yuanlu.incidents.writing import DECLARED, ENDED, HELD, RELEASED
from yuanlu.journal.opening import VISITOR
from yuanlu.journal.tables import facts, transactions, writers
from yuanlu.kernel.money import Money
from yuanlu.notification.tables import notifications
from yuanlu.notification.wordings import WORDING_FACTS
from yuanlu.notification.writing import AGAIN
from yuanlu.returns.orders import POLICY, OrderState
from yuanlu.returns.tables import orders

SHOWN_MAX = 500
ACCOUNT = "U"
"""How the ids of accounts begin."""
BY_ANOTHER = frozenset({"STAFF_CREATED", "STAFF_CHANGED", "STAFF_PASSWORD", "STAFF_CODE"})
"""What an administrator may do to an account: the note begins with who it was."""
VISIT_US_MAX = 3_600_000_000
"""A visit takes a moment. One that began longer before has written nothing that is looked for."""
PROPOSED, APPROVED, REFUSED = "RETURN_PROPOSED", "RETURN_APPROVED", "RETURN_REFUSED"
PAID, FAILED = "RETURN_PAID", "RETURN_FAILED"
KEY = "K"
"""How the ids of API keys begin."""
BY_THEMSELVES = "cardholder page"
"""How the note of a number begins that a cardholder gave or took back: no deed of the staff's."""


class Deed(Struct, frozen=True, kw_only=True):
    """Somebody did something to something. `place` is where its page is, "" without one."""

    at_us: int
    who: str
    via: str
    kind: str
    place: str
    subject: str
    text: str


class Wanted(Struct, frozen=True, kw_only=True):
    """Whose deeds, "" for anybody's, of which merchant, "" for all, and of which time: microseconds since 1970 UTC, the
    last not included.
    """

    since_us: int
    until_us: int
    who: str = ""
    merchant_id: str = ""

    def holds(self, at: Any) -> ColumnElement[bool]:
        """Whether this instant is of the time."""
        within: ColumnElement[bool] = (at >= self.since_us) & (at < self.until_us)
        return within


def deeds(connection: Connection, wanted: Wanted, limit: int = SHOWN_MAX) -> list[Deed]:
    """People's actions; the machine's own are left out."""
    found = [
        *_of_cases(connection, wanted, limit), *_of_orders(connection, wanted), *_of_incidents(connection, wanted),
        *_of_accounts(connection, wanted), *_of_keys(connection, wanted), *_of_messages(connection, wanted),
        *_of_numbers(connection, wanted), *_of_closed_orders(connection, wanted), *_of_wordings(connection, wanted),
    ]  # fmt: skip
    return sorted(found, key=lambda each: -each.at_us)[:limit]


def _of_cases(connection: Connection, wanted: Wanted, limit: int) -> list[Deed]:
    """By ix_case_events_at. Who had a message sent once more is found by the message."""
    e = case_events.c
    query = (
        select(e.at_us, e.who, e.via, e.kind, e.case_id, e.text)
        .where(wanted.holds(e.at_us), e.who != GATEWAY.name, e.kind != EventKind.TOLD)
        .order_by(e.at_us.desc())
        .limit(limit)
    )
    query = query.where(e.who == wanted.who) if wanted.who else query
    if wanted.merchant_id:
        query = query.join(cases, cases.c.case_id == e.case_id).where(cases.c.merchant_id == wanted.merchant_id)
    return [
        Deed(
            at_us=row.at_us, who=row.who, via=row.via, kind=EventKind(row.kind).fact, place="cases",
            subject=row.case_id, text=row.text,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _by_people(wanted: Wanted) -> ColumnElement[bool]:
    """The facts that people wrote in that time; by `uq_facts_writer`."""
    visits = select(writers.c.writer_id).where(
        writers.c.role == VISITOR,
        writers.c.started_at_us >= wanted.since_us - VISIT_US_MAX,
        writers.c.started_at_us < wanted.until_us,
    )
    return facts.c.writer_id.in_(visits) & wanted.holds(facts.c.at_us)


def _own(connection: Connection, query: Select[Any], wanted: Wanted) -> Iterator[Any]:
    """Of facts those of the merchant. The query itself must not ask for it, or all the merchant's facts are read."""
    return (row for row in connection.execute(query) if wanted.merchant_id in ("", row.merchant_id))


def touched_orders(wanted: Wanted) -> Select[Any]:
    """The orders of payments whose return somebody proposed, approved or refused then; by `ix_orders_transaction`."""
    o = orders.c
    touched = select(facts.c.subject_id).where(_by_people(wanted), facts.c.kind.in_((PROPOSED, APPROVED, REFUSED)))
    query = select(orders).where(o.transaction_id.in_(touched))
    if wanted.who:
        query = query.where(or_(o.maker == wanted.who, o.checker == wanted.who))
    if wanted.merchant_id:
        query = query.join(transactions, transactions.c.transaction_id == o.transaction_id)
        query = query.where(transactions.c.merchant_id == wanted.merchant_id)
    return query


def _of_orders(connection: Connection, wanted: Wanted) -> list[Deed]:
    """Facts say which orders to look at, and the order's row who it was."""
    found = (deed for row in connection.execute(touched_orders(wanted)) for deed in _said_of(row))
    in_time = (deed for deed in found if wanted.since_us <= deed.at_us < wanted.until_us)
    return [deed for deed in in_time if wanted.who in ("", deed.who)]


def _said_of(row: Any) -> Iterator[Deed]:
    """What people said of an order, in its order. What goes by itself nobody proposed."""
    money = f"{row.kind} {Money(minor=row.amount_minor, currency=row.currency)}"
    refused = row.state == OrderState.REFUSED
    said = [(PROPOSED, row.proposed_at_us, "" if row.automatic else row.maker, row.reason)]
    if refused:
        said.append((REFUSED, row.closed_at_us, row.checker or row.maker, row.explanation))
    else:
        said.append((APPROVED, row.decided_at_us, row.checker, row.reason))
    for kind, at_us, who, why in said:
        if who not in ("", POLICY) and at_us is not None:
            yield Deed(
                at_us=at_us, who=who, via="", kind=kind, place="returns", subject=row.order_id, text=f"{money}: {why}"
            )


def closed_orders(wanted: Wanted) -> Select[Any]:
    """The orders that somebody closed by hand then, with the fact that says who: order and fact are of one instant. By
    `ix_orders_transaction`.
    """
    o = orders.c
    return (
        select(facts.c.at_us, facts.c.kind.label("fact"), facts.c.note, facts.c.merchant_id, orders)
        .join(orders, (o.transaction_id == facts.c.subject_id) & (o.closed_at_us == facts.c.at_us))
        .where(_by_people(wanted), facts.c.kind.in_((PAID, FAILED)))
    )


def _of_closed_orders(connection: Connection, wanted: Wanted) -> list[Deed]:
    """The order's row has the amount and the reference, so that what is left of the note is who it was."""
    found = []
    for row in _own(connection, closed_orders(wanted), wanted):
        money = f"{Money(minor=row.amount_minor, currency=row.currency)}"
        paid = row.fact == PAID
        before, behind = (
            (f"{money} by ", f", reference {row.reference}") if paid
            else (f"{row.kind} of {money} by ", f": {row.explanation}")
        )  # fmt: skip
        who = row.note.removeprefix(before).removesuffix(behind)
        if row.note == f"{before}{who}{behind}" and who != FILE:
            text = f"{row.kind} {money}{behind}"
            found.append(
                Deed(at_us=row.at_us, who=who, via="", kind=row.fact, place="returns", subject=row.order_id, text=text)
            )
    return [deed for deed in found if wanted.who in ("", deed.who)]


def told_of_incidents(wanted: Wanted) -> Select[Any]:
    """The facts by which people declared, held, released and ended then."""
    i = incidents.c
    named = case({DECLARED: i.declared_by, ENDED: i.ended_by}, value=facts.c.kind, else_="").label("who")
    query = (
        select(facts.c.at_us, facts.c.kind, facts.c.note, i.incident_id, named)
        .join(incidents, i.incident_id == facts.c.subject_id)
        .where(_by_people(wanted), facts.c.kind.in_((DECLARED, HELD, RELEASED, ENDED)))
    )
    if wanted.merchant_id:
        query = query.where(i.scope_kind == ScopeKind.MERCHANT.value, i.scope_name == wanted.merchant_id)
    return query


def _of_incidents(connection: Connection, wanted: Wanted) -> list[Deed]:
    """Each note begins with who it was."""
    found = []
    for row in connection.execute(told_of_incidents(wanted)):
        who = row.who or row.note.partition(": ")[0]
        text = row.note.removeprefix(f"{who}: ")
        found.append(
            Deed(at_us=row.at_us, who=who, via="", kind=row.kind, place="incidents", subject=row.incident_id, text=text)
        )
    return [deed for deed in found if wanted.who in ("", deed.who)]


def sent_again(wanted: Wanted) -> Select[Any]:
    """The messages that people had sent once more then; by their primary key."""
    return (
        select(facts.c.at_us, facts.c.kind, facts.c.note, facts.c.merchant_id, notifications.c.message_id)
        .join(notifications, notifications.c.message_id == facts.c.subject_id)
        .where(_by_people(wanted), facts.c.kind == AGAIN)
    )


def _of_messages(connection: Connection, wanted: Wanted) -> list[Deed]:
    """Each note begins with who it was."""
    found = [_noted(row, "notifications", row.message_id) for row in _own(connection, sent_again(wanted), wanted)]
    return [deed for deed in found if wanted.who in ("", deed.who)]


def numbers(wanted: Wanted) -> Select[Any]:
    """What people gave and took back of cardholders' numbers then."""
    return select(facts.c.at_us, facts.c.kind, facts.c.note, facts.c.merchant_id, facts.c.subject_id).where(
        _by_people(wanted), facts.c.kind.in_((GIVEN, TAKEN_BACK))
    )


def _of_numbers(connection: Connection, wanted: Wanted) -> list[Deed]:
    """Those by the staff: what cardholders do for themselves stands in the payment's timeline alone."""
    found = [_noted(row, "transactions", row.subject_id) for row in _own(connection, numbers(wanted), wanted)]
    return [deed for deed in found if not deed.who.startswith(BY_THEMSELVES) and wanted.who in ("", deed.who)]


def _noted(row: Any, place: str, subject: str) -> Deed:
    who, _, text = row.note.partition(": ")
    return Deed(at_us=row.at_us, who=who, via="", kind=row.kind, place=place, subject=subject, text=text)


def _of_keys(connection: Connection, wanted: Wanted) -> list[Deed]:
    """By the primary key of facts, as of accounts. Each note begins with who it was."""
    query = (
        select(facts.c.at_us, facts.c.kind, facts.c.note, facts.c.subject_id)
        .join(api_keys, api_keys.c.key_id == facts.c.subject_id)
        .where(_of_nobodys(KEY), wanted.holds(facts.c.at_us))
    )
    query = query.where(api_keys.c.merchant_id == wanted.merchant_id) if wanted.merchant_id else query
    found = [_noted(row, "", row.subject_id) for row in connection.execute(query)]
    return [deed for deed in found if wanted.who in ("", deed.who)]


def _of_nobodys(letter: str) -> ColumnElement[bool]:
    """Facts that are no merchant's, of what has ids that begin so."""
    within: ColumnElement[bool] = (
        (facts.c.merchant_id == "") & (facts.c.subject_id >= letter) & (facts.c.subject_id < chr(ord(letter) + 1))
    )  # fmt: skip
    return within


def _of_accounts(connection: Connection, wanted: Wanted) -> list[Deed]:
    """By the primary key of facts: an account's facts belong to no merchant, and its id begins with U."""
    query = (
        select(facts.c.at_us, facts.c.kind, facts.c.note, facts.c.subject_id, staff.c.name)
        .join(staff, staff.c.staff_id == facts.c.subject_id)
        .where(_of_nobodys(ACCOUNT), wanted.holds(facts.c.at_us))
    )
    query = query.where(staff.c.merchant_id == wanted.merchant_id) if wanted.merchant_id else query
    found = []
    for row in connection.execute(query):
        who, text = row.name, row.note
        if row.kind in BY_ANOTHER:
            who, _, text = row.note.partition(": ")
        via = "" if row.kind == "STAFF_CREATED" else "console"  # or made at the command line
        found.append(
            Deed(at_us=row.at_us, who=who, via=via, kind=row.kind, place="", subject=row.subject_id, text=text)
        )
    return [deed for deed in found if wanted.who in ("", deed.who)]


def told_of_wordings(wanted: Wanted) -> Select[Any]:
    """The facts by which people proposed, approved, refused and withdrew words for messages then."""
    query = select(facts.c.at_us, facts.c.kind, facts.c.note, facts.c.subject_id)
    return query.where(_by_people(wanted), facts.c.kind.in_(tuple(WORDING_FACTS.values())))


def _of_wordings(connection: Connection, wanted: Wanted) -> list[Deed]:
    """Words are for the people of all merchants. Each note begins with who it was."""
    found = []
    for row in [] if wanted.merchant_id else connection.execute(told_of_wordings(wanted)):
        who, _, why = row.note.partition(": ")
        name = row.subject_id.partition("@")[0]
        found.append(
            Deed(
                at_us=row.at_us, who=who, via="console", kind=row.kind, place="notifications/templates", subject=name,
                text=f"{row.subject_id}: {why}" if why else row.subject_id,
            )
        )  # fmt: skip
    return [deed for deed in found if wanted.who in ("", deed.who)]
