"""One case: what happened, where the money is, what we do, what you do; and its files."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases.errors import CaseUnknown
from yuanlu.cases.records import Case, Event, Outcome
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import attachments_of, content_of
from yuanlu.cases.work import AWAKE_STATES, MONEY_IN_THE_OPEN
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.case_steps import doing, to_do
from yuanlu.console.pages.cases import CAUSE_OF, QUEUES, TABS, incident_link
from yuanlu.console.proving import is_fresh
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_case
from yuanlu.people.case_reading import Whole, guidance_for, read_whole
from yuanlu.people.message_words import WORDS
from yuanlu.people.order_words import ORDER_WORDS, WAY_WORDS
from yuanlu.people.positions import NOT_CHARGED, REVERSING, SENT

NUMBER_DIGITS_MAX = 6
DOWNLOAD_CSP = "sandbox; default-src 'none'"
AFTER = {
    "declare_returned": SENT, "declare_no_effect": NOT_CHARGED, "send_once_more": REVERSING, "manual_credit": SENT,
}  # fmt: skip
"""Where the money will be once a decision is carried out. A manual credit is under way until the bank posts it."""


async def show(asked: Asked) -> Response:
    """The case's page, or the part of it that refreshes itself."""
    return await case_page(asked)


async def case_page(
    asked: Asked, *, status: int = 200, tried: str = "", wrong: str = "", seen: int | None = None,
    kept: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """The page; after an action that was refused with what was tried, why not, and what was typed."""
    case_id, tab = asked.request.path_params["case_id"], asked.given("tab")
    in_list = TABS.get(tab if tab in ("mine", "unassigned", "all") else "all")
    key = asked.who.name if tab == "mine" else ""

    def read(connection: Any) -> tuple[Whole, str]:
        case = own_case(asked, connection, case_id)
        awake = case.state in AWAKE_STATES
        whole = read_whole(connection, case, in_list if awake else None, key, asked.who.merchant_id)
        return whole, incident_link(asked, connection, case.incident) if case.incident else ""

    whole, incident_path = await asked.read(read)
    changed: list[Event] = [] if seen is None else whole.since(seen)
    part = bool(asked.request.headers.get("x-fragment"))
    cause = CAUSE_OF.get(whole.case.cause)
    return asked.page(
        "case_story.html" if part else "case.html", status, whole=whole, case=whole.case, incident_path=incident_path,
        cause=cause, guidance=guidance_for(cause, whole.payment), doing=doing(asked, whole), to_do=to_do(asked, whole),
        after=AFTER, queues=QUEUES, ways=WAY_WORDS, order_states=ORDER_WORDS, can=what_may_be_done(whole.case, whole),
        outcomes=_outcomes(whole), tab=tab if tab in TABS else "",
        tried=tried, wrong=wrong, changed=changed, kept=kept or {}, done=asked.given("done"), stale=not is_fresh(asked),
        messages=whole.told, **WORDS,
    )  # fmt: skip


def what_may_be_done(case: Case, whole: Whole) -> set[str]:
    """The actions that the case's state admits; what a person may is looked at besides."""
    can = {"note", "attach"}
    undecided = whole.decision is None
    if case.state in AWAKE_STATES:
        can |= {"assign", "escalate"} if case.level < max(type(case.level)) else {"assign"}
    if case.state in (CaseState.OPEN, CaseState.IN_HAND) and undecided:
        can |= {"snooze", "handover"}
    if case.state is CaseState.SNOOZED:
        can.add("wake")
    if case.state is CaseState.CLOSED:
        can.add("reopen")
    elif undecided and not (whole.payment is not None and whole.payment.state in MONEY_IN_THE_OPEN):
        can.add("close")
    if undecided and whole.allowed:
        can.add("propose")
    return can


def _outcomes(whole: Whole) -> tuple[Outcome, ...]:
    """The ends that fit what the case is about."""
    if whole.payment is None:
        return (Outcome.REPAIRED, Outcome.FALSE_ALARM, Outcome.PAYMENT_STANDS)
    return tuple(Outcome)


async def download(asked: Asked) -> Response:
    """A file of the case, to be saved and never to be shown: a browser runs nothing of it."""
    case_id, number = asked.request.path_params["case_id"], asked.request.path_params["number"]
    if not (number.isascii() and number.isdecimal() and len(number) <= NUMBER_DIGITS_MAX):
        raise NotThere(asked.say("There is no such file."))

    def read(connection: Any) -> tuple[str, bytes]:
        files = attachments_of(connection, own_case(asked, connection, case_id).case_id)
        name = next((each.name for each in files if each.number == int(number)), "")
        return name, content_of(connection, case_id, int(number))

    try:
        name, content = await asked.read(read)
    except CaseUnknown:
        raise NotThere(asked.say("There is no such file.")) from None
    return Response(
        content,
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "content-security-policy": DOWNLOAD_CSP,
        },
    )


PAGES = (
    Page(path="/cases/{case_id}", right=Right.SEE_CASES, show=show),
    Page(path="/cases/{case_id}/files/{number}", right=Right.SEE_CASES, show=download),
)
