"""Incidents: one cause for many payments. What goes on, what is over, and what people do about it."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases.errors import CaseError
from yuanlu.cases.pages import View, page
from yuanlu.cases.records import Case, Words
from yuanlu.cases.store import find_case_of_incident
from yuanlu.cases.texts import text_of
from yuanlu.causes.evidence import IncidentKind
from yuanlu.console.asked import Asked, NotYours
from yuanlu.console.pages.cases import CAUSE_OF
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_incident, own_terminals, sees_incident
from yuanlu.console.typed import Wrong, number, words
from yuanlu.db.errors import StoreError
from yuanlu.flow.declaring import cause_of, scope_words
from yuanlu.incidents import writing
from yuanlu.incidents.records import DETECTION, WALLETS, Incident, IncidentState, Report, ScopeKind
from yuanlu.incidents.store import IncidentError, active_incidents, counted, ended_incidents
from yuanlu.incidents.writing import merchant_of
from yuanlu.journal.transactions import facts_of
from yuanlu.people import incidents
from yuanlu.people.refusals import refusal

ENDED_ROWS = 50
CASE_ROWS = 20
SINCE_MINUTES_MAX = 120
VERSION_MAX = 10**9
WALLET_WORDS = {
    "wechat": Words(zh="微信支付", en="WeChat Pay"),
    "alipay": Words(zh="支付宝", en="Alipay"),
    "unionpay": Words(zh="银联二维码", en="UnionPay QR"),
}
DETECTED = Words(zh="自动检测", en="detection")

assert set(WALLET_WORDS) == set(WALLETS), "each wallet has its words"


class Choice(Struct, frozen=True, kw_only=True):
    """One scope that an incident can be declared for."""

    value: str
    text: str


async def show(asked: Asked) -> Response:
    """What goes on now, and what is over."""

    def read(connection: Connection) -> tuple[list[tuple[Incident, Report]], list[Incident]]:
        active = [each for each in active_incidents(connection) if sees_incident(asked, each)]
        over = [each for each in ended_incidents(connection, ENDED_ROWS) if sees_incident(asked, each)]
        return [(each, counted(connection, each.incident_id)) for each in active], over

    active, over = await asked.read(read)
    part = bool(asked.request.headers.get("x-fragment"))
    return asked.page("incidents_rows.html" if part else "incidents.html", active=active, over=over, **_words())


def _words() -> dict[str, Any]:
    return {"title_of": lambda each: cause_of(each.kind).title, "scope_words": scope_words, "detection": DETECTION,
            "detected": DETECTED}  # fmt: skip


async def one(asked: Asked) -> Response:
    """One incident."""
    return await _one(asked)


async def _one(asked: Asked, *, status: int = 200, tried: str = "", wrong: str = "") -> Response:
    incident_id = asked.request.path_params["incident_id"]

    def read(connection: Connection) -> tuple[Incident, Report, Case | None, list[Case], list[Any]]:
        incident = own_incident(asked, connection, incident_id)
        below = page(connection, View.INCIDENT, incident_id, limit=CASE_ROWS + 1)
        return (
            incident,
            counted(connection, incident_id),
            find_case_of_incident(connection, incident_id),
            [each for each in below if each.transaction_id],
            facts_of(connection, merchant_of(incident), incident_id),
        )

    incident, report, case, below, facts = await asked.read(read)
    part = bool(asked.request.headers.get("x-fragment"))
    return asked.page(
        "incident_story.html" if part else "incident.html", status, incident=incident, report=report, case=case,
        below=below[:CASE_ROWS], more=len(below) > CASE_ROWS, facts=facts, cause_of=CAUSE_OF, tried=tried, wrong=wrong,
        kept=asked.form, done=asked.given("done"), is_active=incident.state is IncidentState.ACTIVE, **_words(),
    )  # fmt: skip


async def new(asked: Asked) -> Response:
    """The form by which a person declares one."""
    return _form(asked, "", 200)


def _form(asked: Asked, wrong: str, status: int) -> Response:
    kinds = [(kind.value, cause_of(kind).title) for kind in IncidentKind]
    return asked.page(
        "incident_new.html", status, wrong=wrong, kept=asked.form, kinds=kinds, groups=_choices(asked),
        issuers=not asked.who.merchant_id, minutes_max=SINCE_MINUTES_MAX,
    )  # fmt: skip


def _choices(asked: Asked) -> list[tuple[str, list[Choice]]]:
    """The scopes that this person may choose, by kind: a merchant's people have their merchant alone."""
    terminals = own_terminals(asked)
    merchants = sorted({each.merchant_id for each in terminals})
    found = [(asked.say("One merchant"), [Choice(value=f"merchant|{name}", text=name) for name in merchants])]
    if asked.who.merchant_id:
        return found
    hosts, regions = (
        sorted(asked.console.settings.acquirers),
        sorted({each.region for each in terminals if each.region}),
    )
    wallets = [
        Choice(value=f"wallet|{name}", text=said.zh if asked.language == "zh" else said.en)
        for name, said in WALLET_WORDS.items()
    ]
    return [
        (asked.say("Everything"), [Choice(value="all|", text=asked.say("All terminals and hosts"))]),
        (asked.say("One host"), [Choice(value=f"host|{name}", text=name) for name in hosts]),
        (asked.say("One region"), [Choice(value=f"region|{name}", text=name) for name in regions]),
        *found,
        (asked.say("One wallet"), wallets),
        (
            asked.say("One issuer"),
            [Choice(value="issuer|", text=asked.say("Cards that begin with the six digits below"))],
        ),
    ]


async def declare(asked: Asked) -> Response:
    """A new incident, with its case; sales are held at once if that is wanted."""
    scope_kind, _, name = asked.given("scope").partition("|")
    try:
        if scope_kind not in set(ScopeKind):
            raise Wrong(asked.say("Choose whom it concerns."))
        if asked.given("kind") not in set(IncidentKind):
            raise Wrong(asked.say("Choose what it is."))
        if asked.who.merchant_id and (scope_kind, name) != ("merchant", asked.who.merchant_id):
            raise NotYours(asked.say("You can declare an incident of your own merchant only."))
        name = asked.given("bin") if scope_kind == ScopeKind.ISSUER else name
        since = number(asked, "since", 0, SINCE_MINUTES_MAX) if asked.given("since") else 0
        made = await asked.act(
            incidents.declared, asked.given("kind"), (scope_kind, name), asked.actor, _reason(asked),
            hold=asked.given("hold") == "1", since_minutes=since,
        )  # fmt: skip
    except Wrong as error:
        return _form(asked, str(error), 422)
    except (IncidentError, CaseError, StoreError) as error:
        return _form(asked, refusal(str(error), asked.language), 422)
    return asked.go(f"/incidents/{made.incident_id}?done=declare")


def _reason(asked: Asked) -> str:
    return text_of(words(asked, "reason", asked.say("Say why in a few words; it is kept.")), "the reason")


def _acted(name: str, act: incidents.Build | None) -> Callable[[Asked], Any]:
    """The handler that holds or releases its sales, or ends it; refused if it changed since the page was made."""

    async def handle(asked: Asked) -> Response:
        incident_id = asked.request.path_params["incident_id"]
        incident = await asked.read(lambda c: own_incident(asked, c, incident_id))
        try:
            if number(asked, "seen", 1, VERSION_MAX) != incident.version:
                raise Wrong(asked.say("The incident changed meanwhile; nothing was done. Look at it again."))
            reason = _reason(asked)
            if act is None:
                await asked.act(incidents.over, incident_id, asked.actor, reason)
            else:
                await asked.act(incidents.acted, incident_id, asked.actor, reason, act)
        except Wrong as error:
            return await _one(asked, status=422, tried=name, wrong=str(error))
        except (IncidentError, CaseError, StoreError) as error:
            return await _one(asked, status=409, tried=name, wrong=refusal(str(error), asked.language))
        return asked.go(f"/incidents/{incident_id}?done={name}")

    return handle


PAGES = (
    Page(path="/incidents", right=Right.SEE_CASES, show=show),
    Page(path="/incidents/new", right=Right.HOLD_SALES, show=new),
    Page(path="/incidents/new", right=Right.HOLD_SALES, show=declare, method="POST"),
    Page(path="/incidents/{incident_id}", right=Right.SEE_CASES, show=one),
    Page(
        path="/incidents/{incident_id}/hold", right=Right.HOLD_SALES, show=_acted("hold", writing.held), method="POST"
    ),
    Page(
        path="/incidents/{incident_id}/release", right=Right.HOLD_SALES, show=_acted("release", writing.released),
        method="POST",
    ),
    Page(path="/incidents/{incident_id}/end", right=Right.HOLD_SALES, show=_acted("end", None), method="POST"),
)  # fmt: skip
