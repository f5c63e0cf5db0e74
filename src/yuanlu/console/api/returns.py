"""Returns: orders to give money back. A key may propose; only a person in the console approves."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from yuanlu.console.api import models, views
from yuanlu.console.api.caller import CanPropose, CanReadReturns
from yuanlu.console.api.idempotency import Done, RequiredKey, once
from yuanlu.console.api.models import LIMIT_DEFAULT, Given, Limit, Listed, MerchantId, Ulid
from yuanlu.console.api.problems import ApiProblem, not_found
from yuanlu.console.api.transactions import paged
from yuanlu.journal.transactions import find
from yuanlu.kernel.money import numeric
from yuanlu.people import ordering
from yuanlu.returns.orders import Order, OrderState, find_order, page_of_orders
from yuanlu.returns.proposing import OrderError

router = APIRouter(prefix="/returns", tags=["returns"])
OrderId = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{26,36}$", examples=["01JDBA3W8N0000000000000000"])]


class Filters(Given):
    """Which returns; the newest come first."""

    merchant_id: MerchantId | None = None
    transaction_id: Ulid | None = None
    state: OrderState | None = None
    limit: Limit = LIMIT_DEFAULT
    cursor: OrderId | None = None


class Proposal(Given):
    """Give money back. Nothing moves before a person approves."""

    transaction_id: Ulid
    amount: models.Amount | None = None
    """All that is left, if it is not said."""
    kind: Annotated[str | None, Field(pattern=r"^(void|refund|adjustment|repayment|compensation)$")] = None
    """The policy chooses, if it is not said."""
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S", examples=["charged twice"])]


@router.get("")
async def list_returns(caller: CanReadReturns, filters: Annotated[Filters, Query()]) -> Listed[models.Return]:
    """Returns, the newest first."""
    merchant_id = caller.merchant(filters.merchant_id)
    found = await caller.read(
        lambda c: page_of_orders(
            c, merchant_id=merchant_id, transaction_id=filters.transaction_id or "", state=filters.state or "",
            before_id=filters.cursor or "", limit=filters.limit + 1,
        )
    )  # fmt: skip
    return paged([views.order(each) for each in found], filters.limit)


@router.get("/{return_id}")
async def get_return(caller: CanReadReturns, return_id: Annotated[OrderId, Path()]) -> models.Return:
    """One return."""
    order = await caller.read(lambda c: find_order(c, return_id))
    about = None if order is None else order.transaction_id
    found = None if about is None else await caller.read(lambda c: find(c, about))
    if order is None or found is None or not caller.key.sees(found.key.merchant_id):
        raise not_found()
    return views.order(order)


@router.post("", status_code=201, response_model=models.Return)
async def propose_return(caller: CanPropose, key: RequiredKey, given: Proposal) -> Response:
    """Propose that money goes back to the account it came from. A person approves in the console, and it is not the
    person who made the API key.
    """

    async def work() -> Done:
        found = await caller.read(lambda c: find(c, given.transaction_id))
        if found is None or not caller.key.sees(found.key.merchant_id):
            raise not_found()
        if given.amount is not None and numeric(given.amount.currency) != found.paid.currency:
            raise ApiProblem("refused", "the payment was made in another currency")
        return Done(status=201, body=views.order(await proposed(caller, given)))

    return await once(caller, key, given, work)


async def proposed(caller: CanPropose, given: Proposal) -> Order:
    """The order, which waits for its second person. ApiProblem when something stands in the way."""
    minor = None if given.amount is None else given.amount.minor
    try:
        return await caller.act(
            ordering.propose, given.transaction_id, reason=given.reason, by=caller.key.actor.name,
            amount="" if minor is None else f"{minor // 100}.{minor % 100:02}", kind=given.kind or "",
        )  # fmt: skip
    except OrderError as error:
        raise ApiProblem("refused", str(error)) from None
