"""What the commands of `yuanlu incident` show: read beside the gateway, or say what came of an action."""

from yuanlu.cases.store import find_case_of_incident
from yuanlu.cli.casework import actor
from yuanlu.flow.declaring import cause_of, scope_words
from yuanlu.incidents.records import Incident, IncidentState, Report
from yuanlu.incidents.store import active_incidents, counted, ended_incidents, get_incident
from yuanlu.incidents.writing import merchant_of
from yuanlu.journal.transactions import facts_of
from yuanlu.kernel.clock import local_time
from yuanlu.people import incidents
from yuanlu.people.database import on_database, reading
from yuanlu.people.notes.reading import REASON, in_words
from yuanlu.people.words import CHINESE, incident_word, language_of
from yuanlu.settings import Settings


def declared(
    settings: Settings, kind: str, scope: tuple[str, str], name: str, reason: str, lang: str, *, hold: bool,
    since_minutes: int,
) -> str:  # fmt: skip
    """A new incident, as a line."""
    done = incidents.declared(settings, kind, scope, actor(name), reason, hold=hold, since_minutes=since_minutes)
    return _line(done, language_of(lang))


def acted(settings: Settings, incident_id: str, name: str, reason: str, lang: str, build: incidents.Build) -> str:
    """Hold or release its sales; the incident as a line."""
    return _line(incidents.acted(settings, incident_id, actor(name), reason, build), language_of(lang))


def over(settings: Settings, incident_id: str, name: str, reason: str, lang: str) -> str:
    """End it; its line and its report."""
    done, language = incidents.over(settings, incident_id, actor(name), reason), language_of(lang)
    return "\n".join([_line(done, language), *_report(done.report, language)])


@on_database
def list_text(settings: Settings, lang: str, *, ended: bool, limit: int) -> str:
    """One line for each incident."""
    language = language_of(lang)
    with reading(settings) as connection:
        found = ended_incidents(connection, limit) if ended else active_incidents(connection)[:limit]
    return "\n".join(_line(each, language) for each in found) or _say("没有事件", "no incident", language)


@on_database
def show_text(settings: Settings, incident_id: str, lang: str) -> str:
    """All of one: for an active one the report counts its payments now."""
    language = language_of(lang)
    with reading(settings) as connection:
        incident = get_incident(connection, incident_id)
        case = find_case_of_incident(connection, incident_id)
        report = counted(connection, incident_id)
        rows = facts_of(connection, merchant_of(incident), incident_id)
    lines = [
        _line(incident, language),
        f"{_say('原因', 'reason', language)}: {in_words(incident.reason, language, REASON)}",
    ]
    lines += _report(report, language)
    if case is not None:
        lines.append(f"{_say('工单', 'case', language)}: {case.case_id}")
    lines.append(f"{_say('单笔工单', 'its payments’ cases', language)}: yuanlu case list --incident {incident_id}")
    lines += ["", _say("经过", "timeline", language)]
    lines += [
        f"  {_when(row.at_us)}  {incident_word(row.kind, language)}: {in_words(row.note, language, row.kind)}"
        for row in rows
    ]
    return "\n".join(lines)


def _line(incident: Incident, language: str) -> str:
    """One incident in a list."""
    title, scope = cause_of(incident.kind).title, scope_words(incident.scope)
    state = incident_word(incident.state, language)
    if incident.state is IncidentState.ENDED:
        state += f" {_when(incident.ended_at_us or 0)}"
    elif incident.holds_sales:
        state += "  " + _say("暂停新交易", "new sales held", language) + f" ({incident.held_by})"
    return (
        f"{incident.incident_id}  {_say(scope.zh, scope.en, language)}  {incident.kind.value}"
        f"  {_say(title.zh, title.en, language)}  {_say('开始于', 'since', language)} {_when(incident.began_at_us)}"
        f"  {incident.declared_by}  {state}"
    )


def _report(report: Report, language: str) -> list[str]:
    rows = (
        ("交易笔数", "transactions", report.transactions),
        ("终端数", "terminals", report.terminals),
        ("金额", "amount", report.amounts or "-"),
        ("已退回", "returned", report.returned),
        ("未了结", "open", report.open),
    )
    return [f"{_say(zh, en, language)}: {value}" for zh, en, value in rows]


def _when(at_us: int) -> str:
    return f"{local_time(at_us):%Y-%m-%d %H:%M:%S}"


def _say(zh: str, en: str, language: str) -> str:
    return zh if language == CHINESE else en
