"""What happens to an incident, as facts and rows: pure builders; the caller commits them with its own.

An incident's facts have the incident as subject, and its version counts them: the same compare-and-set as for a case.
"""

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.incidents.records import Incident, IncidentState, Report, ScopeKind
from yuanlu.incidents.store import IncidentError, insert_incident, update_incident
from yuanlu.journal import tasks
from yuanlu.journal.unit import Change, Fact

DECLARED, HELD, RELEASED = "INCIDENT_DECLARED", "INCIDENT_HELD", "INCIDENT_RELEASED"
ENDED, SETTLED = "INCIDENT_ENDED", "INCIDENT_SETTLED"


class Written(Struct, frozen=True, kw_only=True):
    """What to commit, all or nothing, and the incident as it then stands."""

    incident: Incident
    facts: tuple[Fact, ...]
    changes: tuple[Change, ...]


def declared(incident: Incident) -> Written:
    """A new incident and its first fact."""
    held = "; new sales are held" if incident.holds_sales else ""
    text = f"{incident.declared_by}: {incident.kind.value}, {incident.scope}: {incident.reason}{held}"
    return Written(
        incident=incident,
        facts=(_fact(incident, DECLARED, text, incident.declared_at_us),),
        changes=(insert_incident(incident), tasks.tell("incident", incident.incident_id, incident.declared_at_us)),
    )


def held(incident: Incident, who: str, reason: str, now_us: int) -> Written:
    """New sales of its scope are declined from now on."""
    _refuse_ended(incident)
    if incident.holds_sales:
        raise IncidentError(f"{incident.incident_id}: its sales are held already, by {incident.held_by}")
    return _written(incident, replace(incident, held_by=who), HELD, f"{who}: {reason}", now_us)


def released(incident: Incident, who: str, reason: str, now_us: int) -> Written:
    """New sales are taken again."""
    _refuse_ended(incident)
    if not incident.holds_sales:
        raise IncidentError(f"{incident.incident_id}: no sales are held")
    return _written(incident, replace(incident, held_by=""), RELEASED, f"{who}: {reason}", now_us)


def ended(incident: Incident, who: str, reason: str, report: Report, now_us: int) -> Written:
    """It is over; what it did stands in its report, and nothing is held any more."""
    _refuse_ended(incident)
    after = replace(
        incident, state=IncidentState.ENDED, held_by="", ended_by=who, ended_at_us=now_us, report=report
    )  # fmt: skip
    said = _written(incident, after, ENDED, f"{who}: {reason}; {in_words(report)}", now_us)
    return replace(said, changes=(*said.changes, tasks.tell("incident", incident.incident_id, now_us)))


def settled(incident: Incident, report: Report, now_us: int) -> Written:
    """Over, and by now nothing of it is open: the report is final."""
    assert incident.state is IncidentState.ENDED, "only what is over is settled"
    assert not report.open, "settled means that nothing is open"
    return _written(incident, replace(incident, report=report), SETTLED, in_words(report), now_us)


def in_words(report: Report) -> str:
    """The report in a line."""
    about = f" about {report.amounts}" if report.amounts else ""
    return (
        f"{report.transactions} transactions of {report.terminals} terminals{about}, "
        f"{report.returned} returned, {report.open} open"
    )


def _refuse_ended(incident: Incident) -> None:
    if incident.state is IncidentState.ENDED:
        raise IncidentError(f"{incident.incident_id} is over already, by {incident.ended_by}")


def _written(before: Incident, after: Incident, kind: str, text: str, now_us: int) -> Written:
    after = replace(after, version=before.version + 1)
    return Written(
        incident=after, facts=(_fact(after, kind, text, now_us),), changes=(update_incident(after, before.version),)
    )


def _fact(incident: Incident, kind: str, text: str, at_us: int) -> Fact:
    return Fact(
        merchant_id=merchant_of(incident),
        subject_id=incident.incident_id,
        version=incident.version,
        kind=kind,
        at_us=at_us,
        terminal_id="",
        note=text,
    )


def merchant_of(incident: Incident) -> str:
    """The merchant that its facts belong to; "" unless it is one merchant's."""
    return incident.scope.name if incident.scope.kind is ScopeKind.MERCHANT else ""
