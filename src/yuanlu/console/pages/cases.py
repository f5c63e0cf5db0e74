"""The work list: what must be done next."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct, structs
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases import work
from yuanlu.cases.errors import CaseChanged, CaseError, CaseUnknown
from yuanlu.cases.pages import Counts, Group, Narrowing, View, counts, groups, page, waiting
from yuanlu.cases.records import Case, Decision, Words
from yuanlu.causes.cause import FAMILY_WORDS, Cause, Family
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console import exporting
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.routing import Page
from yuanlu.console.saved_views import CASES, reader
from yuanlu.console.seeing import own_terminals, sees_incident
from yuanlu.console.texts import noted
from yuanlu.incidents.store import IncidentError, get_incident
from yuanlu.journal.glances import Standing, standing_of
from yuanlu.people.casework import perform
from yuanlu.people.figures import when_text
from yuanlu.people.positions import position_of
from yuanlu.people.words import CHINESE, case_word

ROWS = 50
TRIES = 5
QUEUES = {
    "returns": Words(zh="退回", en="Returns"),
    "settlement": Words(zh="批结算", en="Batches"),
    "incidents": Words(zh="事件", en="Incidents"),
    "clearing": Words(zh="清算核对", en="Clearing"),
    "support": Words(zh="技术支持", en="Technical support"),
}
"""The queues that the machine fills; people may name others."""
TABS = {
    "mine": View.OWNER, "unassigned": View.OWNER, "review": View.BOARD, "all": View.BOARD, "snoozed": View.SNOOZED,
    "closed": View.CLOSED,
}  # fmt: skip
CAUSE_OF: dict[str, Cause] = {cause.code: cause for cause in CAUSES}
HEADINGS = (
    noted("Case"), noted("Priority"), noted("State"), noted("Deadline"), noted("Opened at"), noted("Closed at"),
    noted("Outcome"), noted("Cause"), noted("Amount"), noted("Currency"), noted("Money"), noted("Merchant"),
    noted("Terminal"), noted("Payment"), noted("Incident"), noted("Queue"), noted("Owner"),
)  # fmt: skip
"""What each row says, in this order."""


class Filter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the list is narrowed to: the fields are the names in its address."""

    tab: str = "all"
    q: str = ""
    """The queue."""
    f: str = ""
    """The family of causes."""
    m: str = ""
    t: str = ""
    p: str = ""
    incident: str = ""
    group: str = ""

    def query(self, **changes: str) -> str:
        """As the end of an address, with these changes."""
        wanted = structs.asdict(self) | changes
        named = {name: value for name, value in wanted.items() if value and (name, value) != ("tab", "all")}
        return f"?{urlencode(named)}" if named else ""

    @property
    def narrow(self) -> bool:
        """Whether more than a tab is chosen."""
        return any((self.q, self.f, self.m, self.t, self.p, self.incident))

    def within(self, merchant_id: str) -> Narrowing:
        """As limits of the query. A person's own merchant goes before what he asks for."""
        causes = tuple(code for code, cause in CAUSE_OF.items() if cause.family == self.f) if self.f else None
        return Narrowing(
            merchant_id=merchant_id or self.m, terminal_id=self.t, queue=self.q, incident=self.incident, causes=causes,
            priority=int(self.p) if self.p else 0,
        )  # fmt: skip


class Row(Struct, frozen=True, kw_only=True):
    """One case in the list."""

    case: Case
    standing: Standing | None
    decision: Decision | None


class Found(Struct, frozen=True, kw_only=True):
    """One page of the list."""

    rows: tuple[Row, ...]
    groups: tuple[Group, ...]
    counts: Counts
    after: str
    """Where the next page begins; "" at the end."""


def asked_filter(asked: Asked) -> Filter:
    """The filter of the address; what makes no sense is left out."""
    tab, family, priority = asked.given("tab", "all"), asked.given("f"), asked.given("p")
    return Filter(
        tab=tab if tab in TABS else "all",
        q=asked.given("q")[:40],
        f=family if family in set(Family) else "",
        m=asked.given("m")[:15],
        t=asked.given("t")[:8],
        p=priority if priority in ("1", "2", "3", "4") else "",
        incident=asked.given("incident")[:120],
        group="incident" if asked.given("group") == "incident" else "",
    )


async def show(asked: Asked) -> Response:
    """The list, or its rows alone for a page that refreshes itself."""
    chosen, after = asked_filter(asked), asked.given("after")[:64]
    if asked.given("format") in ("csv", "xlsx"):
        return await _export(asked, chosen)
    above = reader(asked, CASES, chosen.query().removeprefix("?"))
    try:
        found, views = await asked.read(lambda c: (_found(asked, c, chosen, after), above(c)))
    except CaseUnknown:
        raise NotThere(asked.say("There is no such page of this list. Start again from the first.")) from None
    part = bool(asked.request.headers.get("x-fragment"))
    return asked.page(
        "cases_rows.html" if part else "cases.html", chosen=chosen, found=found, families=FAMILY_WORDS,
        cause_of=CAUSE_OF, queues=QUEUES, merchants=sorted({each.merchant_id for each in own_terminals(asked)}),
        here=f"{chosen.query(after=after)}", done=asked.given("done"), views=views,
    )  # fmt: skip


def _found(asked: Asked, connection: Connection, chosen: Filter, after: str) -> Found:
    who = asked.who
    within = chosen.within(who.merchant_id)
    counted = counts(connection, who.name, who.merchant_id, asked.now_us)
    if chosen.group:
        return Found(rows=(), groups=tuple(groups(connection, within)), counts=counted, after="")
    if chosen.tab == "review":
        pairs = waiting(connection, ROWS, after, within)
        rows = _rows(connection, [case for case, _ in pairs], {case.case_id: each for case, each in pairs})
        last = pairs[-1][1].decision_id if len(pairs) == ROWS else ""
    else:
        key = who.name if chosen.tab == "mine" else ""
        cases = page(connection, TABS[chosen.tab], key, after, ROWS, within)
        rows, last = _rows(connection, cases, {}), cases[-1].case_id if len(cases) == ROWS else ""
    return Found(rows=rows, groups=(), counts=counted, after=last)


async def _export(asked: Asked, chosen: Filter) -> Response:
    """All rows of the list as a file."""
    if not asked.may(Right.EXPORT):
        raise NotThere(asked.say("Exports are not part of your work. Ask an administrator for the role."))
    rows = await asked.read(lambda c: _all_rows(asked, c, chosen))
    if len(rows) > exporting.ROWS_MAX:
        raise NotThere(asked.say("More than {most} cases: narrow the list first.", most=f"{exporting.ROWS_MAX:,}"))
    name = f"cases-{when_text(asked.now_us).replace(':', '').replace(' ', '-')}+0800"
    make = exporting.xlsx_file if asked.given("format") == "xlsx" else exporting.csv_file
    headings, about = [asked.say(each) for each in HEADINGS], chosen.query().removeprefix("?")
    return make(asked, name, headings, (_cells(asked, row) for row in rows), about)


def _all_rows(asked: Asked, connection: Connection, chosen: Filter) -> list[Row]:
    """All pages behind one another; more than a file may hold are enough to know it."""
    found = _found(asked, connection, structs.replace(chosen, group=""), "")
    rows = [*found.rows]
    while found.after and len(rows) <= exporting.ROWS_MAX:
        found = _found(asked, connection, structs.replace(chosen, group=""), found.after)
        rows += found.rows
    return rows


def _cells(asked: Asked, row: Row) -> tuple[str, ...]:
    case, standing, zh = row.case, row.standing, asked.language == CHINESE
    money = standing and position_of(standing.state, standing.kind, waits=row.decision is not None)
    amount = row.decision.amount if row.decision else case.amount if case.transaction_id else None
    return (
        case.case_id, f"P{case.priority}", case_word(case.state.value, asked.language), when_text(case.deadline_at_us),
        when_text(case.opened_at_us), when_text(case.closed_at_us) if case.closed_at_us else "",
        case_word(case.outcome, asked.language) if case.outcome else "", case.title.zh if zh else case.title.en,
        exporting.amount(amount.minor) if amount else "", amount.currency if amount else "",
        (money.zh if zh else money.en) if money else "", case.merchant_id, case.terminal_id, case.transaction_id or "",
        case.incident, case.queue, case.owner,
    )  # fmt: skip


def _rows(connection: Connection, cases: list[Case], decisions: dict[str, Decision]) -> tuple[Row, ...]:
    standing = standing_of(connection, [case.transaction_id for case in cases if case.transaction_id])
    return tuple(
        Row(case=case, standing=standing.get(case.transaction_id or ""), decision=decisions.get(case.case_id))
        for case in cases
    )


def incident_link(asked: Asked, connection: Connection, name: str) -> str:
    """The path of an incident's page, "" for what is none or not this person's to see."""
    try:
        incident = get_incident(connection, name)
    except IncidentError:
        return ""
    return f"/incidents/{name}" if sees_incident(asked, incident) else ""


async def take_next(asked: Asked) -> Response:
    """Give this person the most urgent case that nobody has; the next one if somebody was faster."""
    within = Narrowing(merchant_id=asked.who.merchant_id)
    for _ in range(TRIES):
        first: list[Case] = await asked.read(lambda c: page(c, View.OWNER, "", limit=1, within=within))
        if not first:
            return asked.go("/cases?done=none")
        try:
            await asked.act(perform, asked.actor, first[0].case_id, "assign", _to_me(asked), first[0].version)
        except CaseChanged:
            continue
        except CaseError:
            break
        return asked.go(f"/cases/{first[0].case_id}?tab=mine&done=assign")
    return asked.go("/cases?done=busy")


def _to_me(asked: Asked) -> Callable[[Any], Any]:
    return lambda at: work.assign(at.case, at.who, asked.who.name, at.now_us)


PAGES = (
    Page(path="/cases", right=Right.SEE_CASES, show=show),
    Page(path="/cases/next", right=Right.WORK_CASES, show=take_next, method="POST"),
)
