"""Cases: what people work on."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.cases.errors import CaseError, CaseUnknown
from yuanlu.cases.lists import listed
from yuanlu.cases.pages import View
from yuanlu.cases.records import Case
from yuanlu.cases.store import events_of, get_case
from yuanlu.cases.work import note
from yuanlu.causes.cause import Family
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console.api import models, views
from yuanlu.console.api.caller import Caller, CanReadCases, CanWriteCases
from yuanlu.console.api.idempotency import Done, OptionalKey, once
from yuanlu.console.api.models import LIMIT_DEFAULT, CaseId, Given, IncidentId, Limit, Listed, MerchantId, TerminalId
from yuanlu.console.api.problems import ApiProblem, not_found
from yuanlu.console.api.transactions import paged
from yuanlu.people.casework import perform

router = APIRouter(prefix="/cases", tags=["cases"])
Expand = Literal["timeline"]


class Filters(Given):
    """Which cases: the most urgent first, closed ones by when they were closed."""

    state: Literal["open", "snoozed", "closed"] = "open"
    merchant_id: MerchantId | None = None
    terminal_id: TerminalId | None = None
    priority: Annotated[int | None, Field(ge=1, le=4)] = None
    """1 is the most urgent."""
    family: Family | None = None
    """Where the cause lies."""
    queue: Annotated[str | None, Field(min_length=1, max_length=40)] = None
    incident_id: IncidentId | None = None
    cause: Annotated[str | None, Field(pattern=r"^[A-Z0-9_]{1,60}$")] = None
    limit: Limit = LIMIT_DEFAULT
    cursor: CaseId | None = None

    @property
    def causes(self) -> list[str] | None:
        """Those of the family; None for any."""
        return None if self.family is None else [each.code for each in CAUSES if each.family is self.family]

    @property
    def view(self) -> tuple[View, str]:
        """The list with an index that fits, and its key."""
        match self.state:
            case "snoozed":
                return View.SNOOZED, ""
            case "closed":
                return View.CLOSED, ""
            case "open":
                if self.incident_id:
                    return View.INCIDENT, self.incident_id
                return (View.QUEUE, self.queue) if self.queue else (View.BOARD, "")


class Note(Given):
    """A remark for the case's timeline. Card numbers in it are shortened."""

    text: Annotated[
        str, Field(min_length=1, max_length=2_000, pattern=r"\S", examples=["The bank confirmed by phone."])
    ]


@router.get("")
async def list_cases(caller: CanReadCases, filters: Annotated[Filters, Query()]) -> Listed[models.Case]:
    """Cases on the list, asleep, or closed."""
    merchant_id, (view, key) = caller.merchant(filters.merchant_id), filters.view

    def query(connection: Connection) -> list[Case]:
        if filters.cursor:
            _seen(connection, caller, filters.cursor)
        return listed(
            connection, view, key, merchant_id=merchant_id, queue=filters.queue or "",
            incident=filters.incident_id or "", cause=filters.cause or "", causes=filters.causes,
            terminal_id=filters.terminal_id or "", priority=filters.priority or 0, after_id=filters.cursor or "",
            limit=filters.limit + 1,
        )  # fmt: skip

    return paged([views.case(each) for each in await caller.read(query)], filters.limit)


@router.get("/{case_id}")
async def get_one(
    caller: CanReadCases,
    case_id: Annotated[CaseId, Path()],
    expand: Annotated[list[Expand], Query()] = [],  # noqa: B006
) -> models.Case:
    """One case."""

    def query(connection: Connection) -> models.Case:
        found = _seen(connection, caller, case_id)
        return views.case(found, events_of(connection, case_id) if "timeline" in expand else None)

    return await caller.read(query)


@router.post("/{case_id}/notes", status_code=201, response_model=models.Case)
async def add_note(
    caller: CanWriteCases, case_id: Annotated[CaseId, Path()], given: Note, key: OptionalKey = None
) -> Response:
    """Add a note, in the name of the person who answers for the key."""

    async def work() -> Done:
        await caller.read(lambda c: _seen(c, caller, case_id))
        who = caller.key.actor
        try:
            done = await caller.act(perform, who, case_id, "note", lambda at: note(at.case, who, given.text, at.now_us))
        except CaseError as error:
            raise ApiProblem("refused", str(error), case_id=case_id) from None
        events = await caller.read(lambda c: events_of(c, case_id))
        return Done(status=201, body=views.case(done, events))

    return await once(caller, key, given, work)


def _seen(connection: Connection, caller: Caller, case_id: str) -> Case:
    try:
        found = get_case(connection, case_id)
    except CaseUnknown:
        raise not_found() from None
    if not caller.key.sees(found.merchant_id):
        raise not_found()
    return found
