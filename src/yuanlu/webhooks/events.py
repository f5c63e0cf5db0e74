"""Which facts are events for other systems, and what each is called: one table. Names are dotted, after Standard
Webhooks; what a name means never changes.
"""

from msgspec import Struct


class EventType(Struct, frozen=True, kw_only=True):
    """One kind of event: its name, and what kind of thing its subject is."""

    name: str
    about: str


def _types(about: str, names: dict[str, str]) -> dict[str, EventType]:
    return {fact: EventType(name=name, about=about) for fact, name in names.items()}


EVENT_OF: dict[str, EventType] = {
    **_types(
        "transaction",
        {
            "UNKNOWN": "transaction.outcome.unknown",
            "NO_EFFECT": "transaction.not_charged",
            "ESCALATED": "transaction.escalated",
            "CLEARED": "transaction.cleared",
            "RETURNED": "reversal.confirmed",
            "RETURN_PROPOSED": "return.proposed",
            "RETURN_DONE": "return.completed",
            "RETURN_PAID": "return.completed",
            "RETURN_FAILED": "return.failed",
        },
    ),
    **_types(
        "case",
        {
            "CASE_OPENED": "case.opened",
            "CASE_REOPENED": "case.opened",
            "CASE_ESCALATED": "case.escalated",
            "CASE_CLOSED": "case.closed",
        },
    ),
    **_types("incident", {"INCIDENT_DECLARED": "incident.declared", "INCIDENT_ENDED": "incident.ended"}),
}
"""Facts by kind. `reversal.confirmed` is the host's acceptance; `transaction.cleared` the clearing file's word."""

EVENT_NAMES = tuple(sorted({each.name for each in EVENT_OF.values()}))
