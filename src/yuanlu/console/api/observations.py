"""Observations: what a till or gateway saw of a payment, whether it passed through us or not."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.api_keys import Scope
from yuanlu.cases.errors import CaseError
from yuanlu.cases.texts import text_of
from yuanlu.causes.evidence import CHARGED_STATES
from yuanlu.causes.guidance import LOOKED_INTO
from yuanlu.console.api import models, views
from yuanlu.console.api.caller import Caller, CanObserve
from yuanlu.console.api.filters import micros
from yuanlu.console.api.idempotency import Done, OptionalKey, once
from yuanlu.console.api.models import Given, MerchantId, Time, Ulid, when
from yuanlu.console.api.paying import money_of
from yuanlu.console.api.problems import ApiProblem, Wrong, not_found
from yuanlu.console.api.returns import Proposal, proposed
from yuanlu.flow.outside import KINDS, Seen, Sighting
from yuanlu.journal.transactions import Transaction, find, search
from yuanlu.kernel.card_numbers import has_card_number
from yuanlu.people.outside import sighted

router = APIRouter(prefix="/observations", tags=["observations"])


class Observation(Given):
    """What was seen. Name the payment by your own reference, and if it may be ours by any number of it you have."""

    seen: Seen
    reference: Annotated[str, Field(pattern=r"^[!-~]{1,64}$", examples=["order-1842"])]
    """Your own. The same reference again joins the case that is open for it."""
    amount: models.Amount
    occurred_at: Time
    merchant_id: MerchantId | None = None
    """Needed when the key is for all merchants."""
    terminal_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{0,32}$", examples=["T0000001"])] = ""
    stan: Annotated[str | None, Field(pattern=r"^[0-9]{6}$")] = None
    rrn: Annotated[str | None, Field(pattern=r"^[0-9A-Za-z]{12}$")] = None
    transaction_id: Ulid | None = None
    remark: Annotated[str, Field(max_length=1_000)] = ""
    """In your own words. Card numbers in it are shortened."""
    propose_return: bool = False
    """Propose that the money goes back, where the payment is ours and was charged. Needs returns:propose."""


class Observed(BaseModel):
    """What was made of it."""

    object: Literal["observation"] = "observation"
    id: str
    seen: str
    reference: str
    ours: bool
    """Whether the payment passed through us. What did not, we cannot return: the acquirer is asked."""
    case: models.Case
    cashier: models.Words
    cardholder: models.Words
    transaction: models.Transaction | None
    return_: Annotated[models.Return | None, Field(serialization_alias="return")]
    return_refused: str | None
    """Why no return was proposed, where one was asked for."""
    observed_at: datetime


@router.post("", status_code=201, response_model=Observed)
async def observe(caller: CanObserve, given: Observation, key: OptionalKey = None) -> Response:
    """Report what went wrong with a payment. It gets a case, and you get what to tell the cashier and the customer."""

    async def work() -> Done:
        sighting, found = await caller.read(lambda c: _read(c, caller, given))
        done = await caller.act(sighted, sighting, found, caller.key.actor)
        order, refused = await _return(caller, given, found)
        guidance = (views.guidance_of(found.cause) or LOOKED_INTO) if found is not None else KINDS[given.seen].guidance
        observed = Observed(
            id=done.observation_id,
            seen=given.seen.value,
            reference=given.reference,
            ours=found is not None,
            case=views.case(done.case),
            cashier=views.words(guidance.cashier),
            cardholder=views.words(guidance.cardholder),
            transaction=None if found is None else views.transaction(found, waits=order is not None),
            return_=order,
            return_refused=refused,
            observed_at=when(done.case.changed_at_us),
        )
        return Done(status=201, body=observed, subject_id=done.observation_id)

    return await once(caller, key, given, work)


async def _return(
    caller: Caller, given: Observation, found: Transaction | None
) -> tuple[models.Return | None, str | None]:
    """The proposal, or why there is none. It is asked for after the case is durable: a case without it is no harm."""
    if not given.propose_return:
        return None, None
    if found is None:
        return None, "the payment did not pass through us; its acquirer has to give it back"
    if found.state not in CHARGED_STATES:
        return None, "nothing stands of it that could go back, or it is going back already"
    wanted = Proposal(transaction_id=found.transaction_id, amount=given.amount, reason=_reason(given))
    try:
        return views.order(await proposed(caller, wanted)), None
    except ApiProblem as problem:
        return None, str(problem)


def _reason(given: Observation) -> str:
    return f"{given.seen.value}, reference {given.reference}"


def _read(connection: Connection, caller: Caller, given: Observation) -> tuple[Sighting, Transaction | None]:
    """The report as it is kept, and the payment if it is ours."""
    if given.propose_return:
        caller.need(Scope.RETURNS_PROPOSE)
    merchant_id = caller.merchant(given.merchant_id)
    if not merchant_id:
        raise ApiProblem("invalid", "say whose payment it is", errors=[Wrong(field="merchant_id", message="needed")])
    if has_card_number(given.reference):
        raise ApiProblem("invalid", "a card number is no reference", errors=[Wrong(field="reference", message="no")])
    found = _find(connection, given, merchant_id)
    if given.transaction_id and found is None:
        raise not_found()
    terminal = caller.console.terminals.get(given.terminal_id)
    known = terminal is not None and terminal.merchant_id == merchant_id
    try:
        remark = text_of(given.remark, "the remark") if given.remark.strip() else ""
    except CaseError as error:
        raise ApiProblem("invalid", str(error)) from None
    sighting = Sighting(
        seen=given.seen, merchant_id=merchant_id, reference=given.reference, amount=money_of(given.amount),
        terminal_id=found.key.terminal_id if found is not None else given.terminal_id,
        acquirer=found.acquirer if found is not None else terminal.acquirer if terminal is not None and known else "",
        at_us=micros(given.occurred_at), remark=remark,
    )  # fmt: skip
    return sighting, found


def _find(connection: Connection, given: Observation, merchant_id: str) -> Transaction | None:
    """The one payment of this merchant that goes by the numbers given; two that do are none."""
    if given.transaction_id:
        one = find(connection, given.transaction_id)
        found = [one] if one is not None else []
    elif given.rrn:
        found = search(connection, given.rrn)
    elif given.terminal_id and given.stan:
        found = search(connection, f"{given.terminal_id}+{given.stan}")
    else:
        return None
    own = [each for each in found if each.key.merchant_id == merchant_id and not each.original_id]
    same = [each for each in own if each.amount == money_of(given.amount)] if not given.transaction_id else own
    return same[0] if len(same) == 1 else None
