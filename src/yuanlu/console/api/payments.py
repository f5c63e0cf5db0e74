"""Payments as JSON, for smart POS and tills: sale, confirm, cancel, refund, status.

The console speaks to the gateway as the terminal that the client names. What was told "unknown" comes back by itself;
what a client may have lost it asks for, or cancels, by its own Idempotency-Key.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.api_keys import Mode
from yuanlu.console.api.caller import Caller, CanPay, CanReadPayments
from yuanlu.console.api.idempotency import Done, RequiredKey, cancel_unknown, once
from yuanlu.console.api.models import LIMIT_DEFAULT, Given, Limit, Listed, MerchantId, Ulid
from yuanlu.console.api.paying import (
    AnySource,
    CancelById,
    CancelByKey,
    Cancelled,
    Payment,
    Refund,
    Sale,
    money_of,
    shown,
    source_of,
)
from yuanlu.console.api.problems import ApiProblem, not_found
from yuanlu.console.api.transactions import paged
from yuanlu.journal.transactions import find_by_key
from yuanlu.kernel.clock import local_time
from yuanlu.till.records import (
    Entry,
    Source,
    TillKind,
    TillPayment,
    TillRefused,
    TillState,
    TillUnavailable,
    Undo,
    Wish,
)
from yuanlu.till.store import about, find_by_request, find_payment, page

router = APIRouter(prefix="/payments", tags=["payments"])
PaymentId = Annotated[Ulid, Path()]


class Filters(Given):
    """Which payments; the newest come first."""

    merchant_id: MerchantId | None = None
    idempotency_key: Annotated[str | None, Query(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")] = None
    """The one that was sent under this key, if it came."""
    limit: Limit = LIMIT_DEFAULT
    cursor: Ulid | None = None


@router.post("", status_code=201, response_model=Payment)
async def take_payment(caller: CanPay, key: RequiredKey, given: Sale) -> Response:
    """Take a payment at a terminal. Answered when the host has answered, or when nobody can wait any longer: then
    the status is `unknown`, nothing may be charged again, and the money comes back by itself.
    """

    async def work() -> Done:
        _own_terminal(caller, given.terminal_id)
        source = _source(caller, given.source)
        seconds = given.confirm_within_seconds
        wish = Wish(
            tenant=caller.key.tenant, key=key, kind=TillKind.SALE, terminal_id=given.terminal_id,
            amount=money_of(given.amount), source=source, entry=source.entry, made_by=caller.key.key_id,
            reference=given.reference, confirm_within_us=None if seconds is None else seconds * 1_000_000,
        )  # fmt: skip
        return await _done(caller, wish, None)

    return await once(caller, key, given, work)


@router.get("")
async def list_payments(caller: CanReadPayments, filters: Annotated[Filters, Query()]) -> Listed[Payment]:
    """Payments that came as JSON, the newest first; or the one under an Idempotency-Key."""
    merchant_id = caller.merchant(filters.merchant_id)

    def query(connection: Connection) -> list[Payment]:
        if filters.idempotency_key:
            one = find_by_request(connection, caller.key.tenant, filters.idempotency_key)
            found = [one] if one is not None and merchant_id in ("", one.merchant_id) else []
        else:
            found = page(connection, merchant_id=merchant_id, before_id=filters.cursor or "", limit=filters.limit + 1)
        return [_shown(connection, each) for each in found]

    return paged(await caller.read(query), filters.limit)


@router.post("/cancel")
async def cancel_payment(caller: CanPay, given: CancelById | CancelByKey) -> Cancelled:
    """Take a sale back, as often as you like. By key also one that never came: it is refused when it still comes."""
    payment = await _meant(caller, given)
    if payment is None:
        return Cancelled(status="not_charged", payment=None)
    if payment.kind is not TillKind.SALE:
        raise ApiProblem("refused", "a void or refund cannot be taken back")
    if await caller.read(lambda c: _went_back(c, payment.payment_id)):
        raise ApiProblem("refused", "part of it went back, or is going; refund the rest")
    done = await caller.console.tills.cancel(payment)
    return await caller.read(lambda c: _cancelled(c, done))


async def _meant(caller: Caller, given: CancelById | CancelByKey) -> TillPayment | None:
    match given:
        case CancelById(payment_id=payment_id):
            return await caller.read(lambda c: _own(c, caller, payment_id))
        case CancelByKey(idempotency_key=key):
            return await _by_key(caller, key)


async def _by_key(caller: Caller, key: str) -> TillPayment | None:
    """The payment under the key; None when none came, and from now on none will."""
    tenant = caller.key.tenant
    found = await caller.read(lambda c: find_by_request(c, tenant, key))
    if found is not None:
        return found
    known = await caller.console.store.write(lambda c: cancel_unknown(c, tenant, key, caller.now_us))
    if known is None or known.state == "CANCELLED":
        return None
    found = await caller.read(lambda c: find_by_request(c, tenant, key))
    if found is None:
        raise ApiProblem("request_in_flight", "a request with this key has just begun; cancel it again in a moment")
    return found


@router.get("/{payment_id}")
async def get_payment(caller: CanReadPayments, payment_id: PaymentId) -> Payment:
    """What the till was told, and where the money is now."""
    return await caller.read(lambda c: _shown(c, _own(c, caller, payment_id)))


@router.post("/{payment_id}/confirm")
async def confirm_payment(caller: CanPay, payment_id: PaymentId) -> Payment:
    """Say that you have the answer. Needed only where the sale asked for it with `confirm_within_seconds`."""
    payment = await caller.read(lambda c: _own(c, caller, payment_id))
    if not await caller.console.tills.confirm(payment):
        raise ApiProblem("refused", "it was not approved, or it is reversed already", next_action="look_at_it_again")
    return await caller.read(lambda c: _shown(c, _own(c, caller, payment_id)))


@router.post("/{payment_id}/refunds", status_code=201, response_model=Payment)
async def refund_payment(caller: CanPay, payment_id: PaymentId, key: RequiredKey, given: Refund) -> Response:
    """Give it back at the till, with the card presented again. Without the card: POST /returns; a person approves."""

    async def work() -> Done:
        payment = await caller.read(lambda c: _own(c, caller, payment_id))
        if payment.kind is not TillKind.SALE or payment.state is not TillState.APPROVED or payment.undo is not Undo.NO:
            raise ApiProblem("refused", "only an approved sale that stands can be given back")
        if given.source is None and payment.entry is not Entry.QR:
            raise ApiProblem(
                "refused",
                "present the card again, or propose a return",
                next_action="present_the_card_or_propose_a_return",
            )
        amount = payment.amount if given.amount is None else money_of(given.amount)
        if amount.currency != payment.amount.currency:
            raise ApiProblem("refused", "the payment was made in another currency")
        source = None if given.source is None else _source(caller, given.source)
        kind = await _kind(caller, given, payment, whole=amount == payment.amount)
        wish = Wish(
            tenant=caller.key.tenant, key=key, kind=kind, terminal_id=payment.terminal_id, amount=amount,
            source=source, entry=payment.entry if source is None else source.entry, made_by=caller.key.key_id,
            reference=given.reason,
        )  # fmt: skip
        return await _done(caller, wish, payment)

    return await once(caller, key, given, work)


async def _kind(caller: Caller, given: Refund, payment: TillPayment, *, whole: bool) -> TillKind:
    if given.kind != "auto":
        return TillKind(given.kind)
    today = local_time(payment.made_at_us).date() == local_time(caller.now_us).date()
    before = await caller.read(lambda c: about(c, payment.payment_id))
    return TillKind.VOID if whole and today and not before else TillKind.REFUND


async def _done(caller: Caller, wish: Wish, original: TillPayment | None) -> Done:
    """Ask the gateway, unless an earlier process did under the same key."""
    tills = caller.console.tills
    before = await caller.read(lambda c: find_by_request(c, wish.tenant, wish.key))
    if before is not None and before.state is TillState.SENT:
        raise ApiProblem(
            "request_in_flight", "the first request with this key is not over", headers={"retry-after": "1"}
        )
    try:
        payment = before if before is not None else await tills.pay(wish, original)
    except TillRefused as error:
        raise ApiProblem("refused", str(error)) from None
    except TillUnavailable as error:
        raise ApiProblem("unavailable", f"{error}; nothing was sent", headers={"retry-after": "2"}) from None
    return Done(status=201, body=await caller.read(lambda c: _shown(c, payment)), subject_id=payment.payment_id)


def _own_terminal(caller: Caller, terminal_id: str) -> None:
    terminal = caller.console.terminals.get(terminal_id)
    if terminal is None or not caller.key.sees(terminal.merchant_id):
        raise ApiProblem("not_found", "there is no such terminal, or it is not this key's")


def _source(caller: Caller, given: AnySource) -> Source:
    return source_of(given, test=caller.key.mode is Mode.TEST and caller.console.settings.keys.mode == "sandbox")


def _own(connection: Connection, caller: Caller, payment_id: str) -> TillPayment:
    found = find_payment(connection, payment_id)
    if found is None or not caller.key.sees(found.merchant_id):
        raise not_found()
    return found


def _went_back(connection: Connection, payment_id: str) -> bool:
    return any(each.state not in (TillState.DECLINED, TillState.NOT_SENT) for each in about(connection, payment_id))


def _shown(connection: Connection, payment: TillPayment) -> Payment:
    return shown(payment, find_by_key(connection, payment.transaction_key))


def _cancelled(connection: Connection, payment: TillPayment) -> Cancelled:
    view = _shown(connection, payment)
    if payment.state in (TillState.DECLINED, TillState.NOT_SENT):
        return Cancelled(status="not_charged", payment=view)
    match payment.undo:
        case Undo.DONE:
            return Cancelled(status="taken_over", payment=view)
        case Undo.REFUSED:
            return Cancelled(status="refused", payment=view)
        case Undo.DUE | Undo.NO:
            return Cancelled(status="under_way", payment=view)
