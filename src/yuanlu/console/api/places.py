"""Where payments are made, and what goes wrong there together: terminals, merchants, incidents."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from yuanlu.console.api import models, views
from yuanlu.console.api.caller import Caller, CanReadIncidents, CanReadTerminals
from yuanlu.console.api.models import (
    LIMIT_DEFAULT,
    Given,
    IncidentId,
    Limit,
    Listed,
    MerchantId,
    TerminalId,
)
from yuanlu.console.api.problems import not_found
from yuanlu.console.api.transactions import paged
from yuanlu.incidents.records import Incident, IncidentState, ScopeKind
from yuanlu.incidents.store import IncidentError, get_incident, page_of_incidents
from yuanlu.terminals import Terminal

router = APIRouter()
Acquirer = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.-]{1,60}$", examples=["bank-a"])]
Expand = Literal["terminals"]
Expands = Annotated[list[Expand], Query(description="What to put in beside it.", max_length=1)]


class TerminalFilters(Given):
    """Which terminals, by number."""

    merchant_id: MerchantId | None = None
    acquirer: Acquirer | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: TerminalId | None = None


class MerchantFilters(Given):
    """Which merchants, by number."""

    acquirer: Acquirer | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: MerchantId | None = None
    expand: Annotated[list[Expand], Field(default_factory=list, max_length=1)]


class IncidentFilters(Given):
    """Which incidents; the newest come first. A merchant's key sees those of this merchant alone."""

    state: IncidentState | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: IncidentId | None = None


@router.get("/terminals", tags=["terminals"])
async def list_terminals(
    caller: CanReadTerminals, filters: Annotated[TerminalFilters, Query()]
) -> Listed[models.Terminal]:
    """The terminals that may speak to us, by number."""
    merchant_id = caller.merchant(filters.merchant_id)
    names = sorted(
        name
        for name, each in caller.console.terminals.items()
        if name > (filters.cursor or "")
        and merchant_id in ("", each.merchant_id)
        and filters.acquirer in (None, each.acquirer)
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
    found = _merchants(caller, expand=filters.expand, acquirer=filters.acquirer)
    found = [each for each in found if each.id > (filters.cursor or "")]
    return paged(found[: filters.limit + 1], filters.limit)


@router.get("/merchants/{merchant_id}", tags=["merchants"])
async def get_merchant(
    caller: CanReadTerminals,
    merchant_id: Annotated[MerchantId, Path()],
    expand: Expands = [],  # noqa: B006
) -> models.Merchant:
    """One merchant."""
    found = [each for each in _merchants(caller, expand=expand) if each.id == merchant_id]
    if not found:
        raise not_found()
    return found[0]


def _merchants(caller: Caller, *, expand: list[Expand], acquirer: str | None = None) -> list[models.Merchant]:
    """Those with a terminal at the acquirer, by number; each with all its terminals."""
    of_merchant: dict[str, list[Terminal]] = {}
    for _, each in sorted(caller.console.terminals.items()):
        if caller.key.sees(each.merchant_id):
            of_merchant.setdefault(each.merchant_id, []).append(each)
    return [
        models.Merchant(
            id=name, terminals=len(given), acquirers=sorted({each.acquirer for each in given}),
            terminal_list=[views.terminal(each) for each in given] if "terminals" in expand else None,
        )
        for name, given in sorted(of_merchant.items())
        if acquirer is None or any(each.acquirer == acquirer for each in given)
    ]  # fmt: skip


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
