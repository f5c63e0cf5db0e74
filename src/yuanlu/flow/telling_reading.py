"""What the journal shows of a payment, a case or an incident, as `notification` has to know it. Reads only."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import BALANCE, KINDS
from yuanlu.cases.records import Case, DecisionKind
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import find_case_of, get_case
from yuanlu.causes import operator
from yuanlu.causes.cause import Words
from yuanlu.causes.explanation import UNCLASSIFIED
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.contracts import Agreements
from yuanlu.flow.declaring import cause_of, scope_words
from yuanlu.incidents.records import Incident, IncidentState, ScopeKind
from yuanlu.incidents.store import find_incident_of, get_incident
from yuanlu.journal.transactions import Transaction, facts_of, get
from yuanlu.notices import Event, Notification
from yuanlu.notification.deciding import EVERYBODY, Happening, Paid, Payment, Standing, amount_words, both, time_words
from yuanlu.notification.records import Contact, Message, Subject
from yuanlu.notification.store import contacts_of, told_of_case, told_of_incident, told_of_transaction
from yuanlu.notification.templates import Audience
from yuanlu.reconciliation.clearing import FILE_SAYS
from yuanlu.returns.decision import COMPENSATION
from yuanlu.returns.orders import Order, OrderState, orders_of
from yuanlu.returns.states import State
from yuanlu.returns.store import legs_of
from yuanlu.returns.ways import ADJUSTMENT

OPEN = frozenset({State.UNKNOWN, State.RETURNING, State.ESCALATED, State.REOPENED})
DUPLICATES = frozenset({operator.charged_twice.code, operator.charged_while_unknown.code})
EVIDENCE = frozenset({"CLEARED", "DECIDED"})
BY_THE_BANK = DecisionKind.DECLARE_RETURNED.value
SUPPORT_ONLY = frozenset({Audience.SUPPORT})

_CAUSES = {cause.code: cause for cause in CAUSES}

LEVELS = {
    Level.L1: Words(zh="一线", en="the first line"),
    Level.L2: Words(zh="二线", en="the second line"),
    Level.MERCHANT: Words(zh="商户运营", en="the merchant's operations"),
    Level.MANAGER: Words(zh="主管", en="the manager"),
}
SUPPORT_DESK = Words(zh="技术支持", en="technical support")


class Read(Struct, frozen=True, kw_only=True):
    """What the teller looks at, read together: a payment as it stands, or what is to be said of anything else.

    `merchants` are those whose people hear of it; none: everybody's.
    """

    payment: Payment | None
    happening: Happening | None
    merchants: tuple[str, ...]
    contacts: Sequence[Contact]
    told: Sequence[Message]


def read_what(connection: Connection, key: str, agreements: Agreements, notification: Notification) -> Read:
    """By the key of the task: `payment ID`, `case ID` or `incident ID`."""
    what, _, name = key.partition(" ")
    match what:
        case "payment":
            return _of_payment(connection, name, agreements)
        case "case":
            return _of_case(connection, name)
        case _:
            return _of_incident(connection, name, notification)


def _of_payment(connection: Connection, transaction_id: str, agreements: Agreements) -> Read:
    found = get(connection, transaction_id)
    case = find_case_of(connection, transaction_id)
    orders = orders_of(connection, transaction_id)
    late_ms = agreements.of(found.key.merchant_id).service_levels.l1_after_ms
    cause = _CAUSES.get(found.cause, UNCLASSIFIED)
    open_case = case is not None and case.state is not CaseState.CLOSED
    payment = Payment(
        subject=_subject(found),
        money=_standing(connection, found, orders),
        amount=found.paid,
        last4=found.card_last4,
        stan=found.key.stan,
        at_us=found.received_at_us,
        changed_at_us=found.changed_at_us,
        late_at_us=found.received_at_us + late_ms * 1000,
        cause=cause.title,
        todo=cause.guidance.cashier,
        explained=found.cause != "",
        duplicate=found.cause in DUPLICATES,
        incident=find_incident_of(connection, transaction_id) is not None,
        case_id=case.case_id if case is not None and open_case else "",
        paid=tuple(_paid(order) for order in orders if order.state is OrderState.DONE),
    )
    return Read(
        payment=payment, happening=None, merchants=(found.key.merchant_id,),
        contacts=contacts_of(connection, transaction_id), told=told_of_transaction(connection, transaction_id),
    )  # fmt: skip


def _subject(found: Transaction) -> Subject:
    return Subject(
        merchant_id=found.key.merchant_id, terminal_id=found.key.terminal_id, transaction_id=found.transaction_id
    )


def _standing(connection: Connection, found: Transaction, orders: Sequence[Order]) -> Standing:
    """Where its money is, as far as it may be said. A void or refund is no payment: its original says it."""
    if found.kind == BALANCE or KINDS[found.kind].gives_back:
        return Standing.STANDS
    state = State(found.state)
    if state in OPEN:
        return Standing.OPEN
    if state is State.NO_EFFECT:
        return Standing.NOT_CHARGED
    if state is not State.RETURNED:
        return Standing.STANDS
    legs = [leg for leg in legs_of(connection, found.transaction_id) if leg.state is State.RETURNED]
    if any(leg.message_id for leg in legs) or any(_gave_back(order) for order in orders):
        return Standing.STANDS  # a void at the till, or an order, which is told by itself
    facts = facts_of(connection, found.key.merchant_id, found.transaction_id)
    sure = any(_is_evidence(row) for row in facts) or any(leg.kind == ADJUSTMENT for leg in legs)
    return Standing.CONFIRMED if sure else Standing.ACCEPTED


def _gave_back(order: Order) -> bool:
    return order.state is OrderState.DONE and order.kind != COMPENSATION


def _is_evidence(fact: Any) -> bool:
    """A clearing file, or the bank's own word under its reference, by two people."""
    return fact.kind in EVIDENCE and fact.note.startswith((FILE_SAYS, BY_THE_BANK))


def _paid(order: Order) -> Paid:
    return Paid(
        order_id=order.order_id, amount=order.amount, compensation=order.kind == COMPENSATION,
        confirmed=bool(order.reference), at_us=order.closed_at_us or order.proposed_at_us,
    )  # fmt: skip


def _of_case(connection: Connection, case_id: str) -> Read:
    case = get_case(connection, case_id)
    subject = Subject(
        merchant_id=case.merchant_id, terminal_id=case.terminal_id, transaction_id=case.transaction_id or "",
        case_id=case_id,
    )  # fmt: skip
    happening = None if case.state is CaseState.CLOSED or not _is_up(case) else _escalated(case, subject)
    return Read(
        payment=None, happening=happening, merchants=(case.merchant_id,) if case.merchant_id else (), contacts=(),
        told=told_of_case(connection, case_id, ""),
    )  # fmt: skip


def _is_up(case: Case) -> bool:
    return case.level > Level.L1 or case.state is CaseState.SUPPORT


def _escalated(case: Case, subject: Subject) -> Happening:
    with_support = case.state is CaseState.SUPPORT
    level = SUPPORT_DESK if with_support else LEVELS[case.level]
    inside = with_support or case.level is Level.L2
    values = {
        "case": both(case.case_id),
        "title": Words(zh=case.title.zh, en=case.title.en),
        "level": level,
        "why": Words(zh=case.explanation.zh, en=case.explanation.en),
        "by": time_words(case.deadline_at_us),
        "amount": amount_words(case.amount) if case.amount.minor else both("-"),
        "merchant": both(case.merchant_id or "-"),
        "terminal": both(case.terminal_id or "-"),
    }
    return Happening(
        event=Event.CASE_ESCALATED, subject=subject, values=values,
        round=case.ticket if with_support else f"level {case.level.value}",
        audiences=SUPPORT_ONLY if inside else EVERYBODY,
    )  # fmt: skip


def _of_incident(connection: Connection, incident_id: str, notification: Notification) -> Read:
    incident = get_incident(connection, incident_id)
    over = incident.state is IncidentState.ENDED
    merchant_id = incident.scope.name if incident.scope.kind is ScopeKind.MERCHANT else ""
    happening = Happening(
        event=Event.INCIDENT_ENDED if over else Event.INCIDENT_BEGAN,
        subject=Subject(merchant_id=merchant_id, incident_id=incident_id),
        values=_incident_values(incident, notification),
    )
    return Read(
        payment=None, happening=happening, merchants=(merchant_id,) if merchant_id else (), contacts=(),
        told=told_of_incident(connection, incident_id),
    )  # fmt: skip


def _incident_values(incident: Incident, notification: Notification) -> dict[str, Words]:
    report, shop = incident.report, notification.shops.get(incident.scope.name)
    reason = incident.reason.partition(" / ")
    return {
        "incident": both(incident.incident_id),
        "title": cause_of(incident.kind).title,
        "place": both(shop.name) if shop is not None else scope_words_of(incident),
        "why": Words(zh=reason[0], en=reason[2] or reason[0]),
        "time": time_words(incident.ended_at_us or incident.began_at_us),
        "count": both(str(report.transactions)),
        "terminals": both(str(report.terminals)),
        "money": both(report.amounts or "-"),
        "open": both(str(report.open)),
    }


def scope_words_of(incident: Incident) -> Words:
    """Where it is, for people who know no shop's name."""
    words = scope_words(incident.scope)
    return Words(zh=words.zh, en=words.en)
