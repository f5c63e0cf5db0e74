"""What this person may see. Whoever is of one merchant sees that merchant's alone: another's is as if it were not."""

from sqlalchemy import Connection

from yuanlu.cases.errors import CaseUnknown
from yuanlu.cases.records import Case
from yuanlu.cases.store import get_case
from yuanlu.console.asked import Asked, NotThere
from yuanlu.incidents.records import Incident, ScopeKind
from yuanlu.incidents.store import IncidentError, get_incident
from yuanlu.journal.transactions import Transaction, get
from yuanlu.returns.orders import Order, find_order
from yuanlu.terminals import Terminal


def own_case(asked: Asked, connection: Connection, case_id: str) -> Case:
    """The case of this number. Raises NotThere."""
    try:
        case = get_case(connection, case_id)
    except CaseUnknown:
        raise NotThere(asked.say("There is no such case.")) from None
    if not asked.who.sees(case.merchant_id):
        raise NotThere(asked.say("There is no such case."))
    return case


def own_order(asked: Asked, connection: Connection, order_id: str) -> tuple[Order, Transaction]:
    """The order and its payment. Raises NotThere."""
    order = find_order(connection, order_id)
    payment = None if order is None else get(connection, order.transaction_id)
    if order is None or payment is None or not asked.who.sees(payment.key.merchant_id):
        raise NotThere(asked.say("There is no such return."))
    return order, payment


def sees_incident(asked: Asked, incident: Incident) -> bool:
    """Whether an incident is this person's to see: a merchant's people see those of their merchant alone."""
    scope = incident.scope
    return not asked.who.merchant_id or (scope.kind is ScopeKind.MERCHANT and asked.who.sees(scope.name))


def own_incident(asked: Asked, connection: Connection, incident_id: str) -> Incident:
    """The incident of this number. Raises NotThere."""
    try:
        incident = get_incident(connection, incident_id)
    except IncidentError:
        raise NotThere(asked.say("There is no such incident.")) from None
    if not sees_incident(asked, incident):
        raise NotThere(asked.say("There is no such incident."))
    return incident


def own_terminals(asked: Asked) -> list[Terminal]:
    """The terminals of the list, by number."""
    found = (each for each in asked.console.terminals.values() if asked.who.sees(each.merchant_id))
    return sorted(found, key=lambda each: each.terminal_id)


def own_terminal(asked: Asked, terminal_id: str) -> Terminal:
    """The terminal of this number. Raises NotThere."""
    found = asked.console.terminals.get(terminal_id)
    if found is None or not asked.who.sees(found.merchant_id):
        raise NotThere(asked.say("There is no such terminal."))
    return found
