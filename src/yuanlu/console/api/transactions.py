"""Transactions: every payment, void and refund in the journal."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field
from sqlalchemy import Connection

from yuanlu.cases.store import find_case_of
from yuanlu.console.api import models, views
from yuanlu.console.api.caller import Caller, CanReadPayments
from yuanlu.console.api.filters import PaymentFilters, micros
from yuanlu.console.api.models import LIMIT_DEFAULT, Limit, Listed, Ulid
from yuanlu.console.api.problems import not_found
from yuanlu.journal.listing import FOREVER_US, Filter, page
from yuanlu.journal.transactions import Transaction, facts_of, find
from yuanlu.returns.orders import OrderState, orders_of

CLEARED = "CLEARED"
router = APIRouter(prefix="/transactions", tags=["transactions"])

Expand = Literal["returns", "case", "timeline"]
Expands = Annotated[list[Expand], Query(description="What to put in beside it.", max_length=3)]


class Filters(PaymentFilters):
    """Which transactions; the newest come first."""

    rrn: Annotated[str | None, Field(pattern=r"^[0-9A-Za-z]{12}$")] = None
    stan: Annotated[str | None, Field(pattern=r"^[0-9]{6}$")] = None
    last4: Annotated[str | None, Field(pattern=r"^[0-9]{4}$")] = None
    limit: Limit = LIMIT_DEFAULT
    cursor: Ulid | None = None
    expand: Annotated[list[Expand], Field(default_factory=list, max_length=3)]

    def wanted(self, merchant_id: str) -> Filter:
        """The same for the journal."""
        return Filter(
            merchant_id=merchant_id, terminal_ids=_one(self.terminal_id), acquirer=self.acquirer or "",
            states=self.states, kinds=_one(self.kind), causes=self.causes, abnormal=self.abnormal,
            response_code=self.response_code or "", rrn=self.rrn or "", stan=self.stan or "",
            card_last4=self.last4 or "", amount_from=self.amount_from, amount_to=self.amount_to,
            since_us=micros(self.from_), until_us=micros(self.to, FOREVER_US),
        )  # fmt: skip


def _one(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()


@router.get("")
async def list_transactions(
    caller: CanReadPayments, filters: Annotated[Filters, Query()]
) -> Listed[models.Transaction]:
    """Transactions, the newest first."""
    wanted = filters.wanted(caller.merchant(filters.merchant_id))

    def query(connection: Connection) -> list[models.Transaction]:
        found = page(connection, wanted, filters.cursor or "", filters.limit + 1)
        return [_shown(connection, each, filters.expand) for each in found]

    return paged(await caller.read(query), filters.limit)


@router.get("/{transaction_id}")
async def get_transaction(
    caller: CanReadPayments,
    transaction_id: Annotated[Ulid, Path()],
    expand: Expands = [],  # noqa: B006
) -> models.Transaction:
    """One transaction."""
    return await caller.read(lambda c: shown(c, caller, transaction_id, expand))


def shown(connection: Connection, caller: Caller, transaction_id: str, expand: list[Expand]) -> models.Transaction:
    """The transaction, if it is this caller's to see."""
    found = find(connection, transaction_id)
    if found is None or not caller.key.sees(found.key.merchant_id):
        raise not_found()
    return _shown(connection, found, expand)


def _shown(connection: Connection, found: Transaction, expand: list[Expand]) -> models.Transaction:
    orders = orders_of(connection, found.transaction_id)
    rows = facts_of(connection, found.key.merchant_id, found.transaction_id)
    view = views.transaction(
        found, confirmed=any(row.kind == CLEARED for row in rows),
        waits=any(each.state is OrderState.PROPOSED for each in orders),
    )  # fmt: skip
    if "returns" in expand:
        view.returns = [views.order(each) for each in orders]
    if "timeline" in expand:
        view.timeline = [views.fact(row) for row in rows]
    if "case" in expand:
        case = find_case_of(connection, found.transaction_id)
        view.case = None if case is None else views.case(case)
    return view


def paged(found: list[models.Item], limit: int) -> Listed[models.Item]:
    """A page of what was read with one row too many: that row says whether there is more."""
    data, more = found[:limit], len(found) > limit
    return Listed(data=data, has_more=more, next_cursor=str(getattr(data[-1], "id")) if more else None)  # noqa: B009
