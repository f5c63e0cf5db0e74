"""Where payments are made, and what goes wrong there together: terminals, merchants, incidents, a day's totals."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import DEBITS
from yuanlu.console.api import models, views
from yuanlu.console.api.caller import Caller, CanReadIncidents, CanReadReports, CanReadTerminals
from yuanlu.console.api.models import (
    LIMIT_DEFAULT,
    Given,
    IncidentId,
    Limit,
    Listed,
    MerchantId,
    TerminalId,
    when,
)
from yuanlu.console.api.problems import not_found
from yuanlu.console.api.transactions import paged
from yuanlu.incidents.records import Incident, IncidentState, ScopeKind
from yuanlu.incidents.store import IncidentError, get_incident, page_of_incidents
from yuanlu.journal.listing import totals
from yuanlu.kernel.clock import CHINA
from yuanlu.kernel.identifiers import first_of
from yuanlu.kernel.money import alphabetic
from yuanlu.returns.orders import returned_between
from yuanlu.returns.states import State

router = APIRouter()
DAY_US = 86_400_000_000
STANDS = frozenset({State.APPROVED, State.CAPTURED})
OVER = frozenset({State.DECLINED, State.NO_EFFECT, State.RETURNED})


def _a_day(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007 - a date alone
    return text


Date = Annotated[
    str,
    AfterValidator(_a_day),
    Field(json_schema_extra={"format": "date"}, examples=["2026-11-23"], min_length=10, max_length=10),
]


class TerminalFilters(Given):
    """Which terminals, by number."""

    merchant_id: MerchantId | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: TerminalId | None = None


class MerchantFilters(Given):
    """Which merchants, by number."""

    limit: Limit = LIMIT_DEFAULT
    cursor: MerchantId | None = None


class IncidentFilters(Given):
    """Which incidents; the newest come first. A merchant's key sees those of this merchant alone."""

    state: IncidentState | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: IncidentId | None = None


class DayFilters(Given):
    """Which day, Beijing time; by default today."""

    date: Date | None = None
    merchant_id: MerchantId | None = None


@router.get("/terminals", tags=["terminals"])
async def list_terminals(
    caller: CanReadTerminals, filters: Annotated[TerminalFilters, Query()]
) -> Listed[models.Terminal]:
    """The terminals that may speak to us, by number."""
    merchant_id = caller.merchant(filters.merchant_id)
    names = sorted(
        name
        for name, each in caller.console.terminals.items()
        if name > (filters.cursor or "") and merchant_id in ("", each.merchant_id)
    )[: filters.limit + 1]
    return paged([views.terminal(caller.console.terminals[name]) for name in names], filters.limit)


@router.get("/terminals/{terminal_id}", tags=["terminals"])
async def get_terminal(caller: CanReadTerminals, terminal_id: Annotated[TerminalId, Path()]) -> models.Terminal:
    """One terminal."""
    found = caller.console.terminals.get(terminal_id)
    if found is None or not caller.key.sees(found.merchant_id):
        raise not_found()
    return views.terminal(found)


@router.get("/merchants", tags=["merchants"])
async def list_merchants(
    caller: CanReadTerminals, filters: Annotated[MerchantFilters, Query()]
) -> Listed[models.Merchant]:
    """The merchants of our terminals, by number."""
    found = [each for each in _merchants(caller) if each.id > (filters.cursor or "")]
    return paged(found[: filters.limit + 1], filters.limit)


@router.get("/merchants/{merchant_id}", tags=["merchants"])
async def get_merchant(caller: CanReadTerminals, merchant_id: Annotated[MerchantId, Path()]) -> models.Merchant:
    """One merchant."""
    found = [each for each in _merchants(caller) if each.id == merchant_id]
    if not found:
        raise not_found()
    return found[0]


def _merchants(caller: Caller) -> list[models.Merchant]:
    acquirers: dict[str, list[str]] = {}
    for each in caller.console.terminals.values():
        if caller.key.sees(each.merchant_id):
            acquirers.setdefault(each.merchant_id, []).append(each.acquirer)
    return [
        models.Merchant(id=name, terminals=len(given), acquirers=sorted(set(given)))
        for name, given in sorted(acquirers.items())
    ]


@router.get("/incidents", tags=["incidents"])
async def list_incidents(
    caller: CanReadIncidents, filters: Annotated[IncidentFilters, Query()]
) -> Listed[models.Incident]:
    """Incidents, the newest first."""
    found = await caller.read(
        lambda c: page_of_incidents(
            c, merchant_id=caller.key.merchant_id, state=filters.state or "", before_id=filters.cursor or "",
            limit=filters.limit + 1,
        )
    )  # fmt: skip
    return paged([views.incident(each) for each in found], filters.limit)


@router.get("/incidents/{incident_id}", tags=["incidents"])
async def get_one_incident(caller: CanReadIncidents, incident_id: Annotated[IncidentId, Path()]) -> models.Incident:
    """One incident."""
    try:
        found = await caller.read(lambda c: get_incident(c, incident_id))
    except IncidentError:
        raise not_found() from None
    if not _sees(caller, found):
        raise not_found()
    return views.incident(found)


def _sees(caller: Caller, found: Incident) -> bool:
    own = found.scope.kind is ScopeKind.MERCHANT and caller.key.sees(found.scope.name)
    return own or caller.key.merchant_id == ""


@router.get("/reports/daily", tags=["reports"])
async def daily_report(caller: CanReadReports, filters: Annotated[DayFilters, Query()]) -> models.Day:
    """What a day's payments came to, by merchant and currency. It changes as money goes back."""
    merchant_id, now_us = caller.merchant(filters.merchant_id), caller.now_us
    date = filters.date or f"{when(now_us).astimezone(CHINA):%Y-%m-%d}"
    began = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=CHINA)
    from_us = max(0, int(began.timestamp() * 1_000_000))
    sums = await caller.read(lambda c: _sums(c, from_us, from_us + DAY_US, merchant_id))
    return models.Day(date=date, as_of=when(now_us), totals=sums)


def _sums(connection: Connection, from_us: int, to_us: int, merchant_id: str) -> list[models.Totals]:
    sums: dict[tuple[str, str], models.Totals] = {}
    for row in totals(connection, from_us, to_us, merchant_id):
        if row.kind in DEBITS:
            place = (row.merchant_id, row.currency)
            _count(sums.setdefault(place, _nothing(*place)), row.state, row.many, row.minor)
    for row in returned_between(connection, first_of(from_us), first_of(to_us), merchant_id):
        found = sums.get((row.merchant_id, row.currency))
        if found is not None:
            found.returned_minor += row.minor
            found.charged_minor -= row.minor if row.state in STANDS else 0
    return list(sums.values())


def _nothing(merchant_id: str, currency: str) -> models.Totals:
    return models.Totals(
        merchant_id=merchant_id, currency=alphabetic(currency), payments=0, charged_minor=0, returned_minor=0,
        open_minor=0, open=0,
    )  # fmt: skip


def _count(sums: models.Totals, state: str, many: int, minor: int) -> None:
    sums.payments += many
    if state in STANDS:
        sums.charged_minor += minor
    elif state not in OVER:
        sums.open_minor, sums.open = sums.open_minor + minor, sums.open + many
