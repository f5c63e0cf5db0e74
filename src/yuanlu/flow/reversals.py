"""A terminal's own reversal (0400): it joins the return that exists, or opens one (`docs/returns.md` §4.4).

It is answered 00 once it is durably ours. That means *taken over*, not returned, and nobody is told more than that.
"""

from functools import partial

from msgspec.structs import replace

from yuanlu.acquirers.kinds import is_reversed
from yuanlu.flow.codes import (
    AMOUNT_DIFFERS_CODE,
    CARD_DIFFERS_CODE,
    FORMAT_CODE,
    INVALID_CODE,
    RELATED_CODE,
    TAKEN_OVER_CODE,
)
from yuanlu.flow.payment import Desk, Payment, Reply
from yuanlu.flow.records import asked_frame, fact, received, reply_frame, to_state
from yuanlu.flow.refusing import refused
from yuanlu.flow.repeats import TOMBSTONE, refuse_twin
from yuanlu.iso8583.errors import DecodeError
from yuanlu.journal import transactions
from yuanlu.journal.transactions import INSERT_TRANSACTION, Transaction, as_row
from yuanlu.journal.unit import Change, Conflict
from yuanlu.returns.states import State
from yuanlu.returns.steps import NO_ANSWER_REASON, TERMINAL_REVERSED
from yuanlu.returns.ways import find_link


async def reverse(desk: Desk, payment: Payment) -> Reply:
    """Take over a reversal that a terminal asks for."""
    if not is_reversed(payment.kind):
        return await refused(desk, payment, INVALID_CODE, f"a {payment.kind} is never reversed")
    while True:
        found = await desk.journal.read(lambda c: transactions.find_by_key(c, payment.key))
        reply = await (_bury(desk, payment) if found is None else _join(desk, payment, found))
        if not isinstance(reply, Conflict):
            return reply


async def _join(desk: Desk, payment: Payment, found: Transaction) -> Reply | Conflict:
    """A return of a transaction that we know."""
    if payment.amount != found.amount:
        return await refuse_twin(desk, payment, found, AMOUNT_DIFFERS_CODE, "its amount is not the payment's")
    if payment.account and found.card_token and desk.token(payment) != found.card_token:
        return await refuse_twin(desk, payment, found, CARD_DIFFERS_CODE, "its card is not the payment's")
    if not is_reversed(found.kind):
        return await refused(desk, payment, INVALID_CODE, f"a {found.kind} is never reversed")
    match State(found.state):
        case State.SEND_INTENT | State.APPROVED:
            link = await desk.journal.read(partial(find_link, original_id=found.transaction_id))
            if link.live is not None:
                why = f"joins: a {link.live.kind} of it is under way"
                return await _take(desk, payment, found, State(found.state), why)
            if link.returned_minor or link.completion is not None:
                return await refused(desk, payment, RELATED_CODE, "part of it went back, or it was completed")
            return await _open(desk, payment, found)
        case State.CAPTURED:  # void or refund is the policy's to choose; until it exists, a person's
            return await _take(desk, payment, found, State.ESCALATED, "reversal of a payment whose batch is closed")
        case _:
            return await _take(desk, payment, found, State(found.state), f"joins: already {found.state}")


async def _open(desk: Desk, payment: Payment, found: Transaction) -> Reply | Conflict:
    approved = found.state == State.APPROVED
    if approved and payment.message.get(39) == NO_ANSWER_REASON:  # our answer got lost on its way down
        desk.incidents.undelivered(found)
    opening = desk.returns.opening(
        found,
        reason=payment.message.get(39) or NO_ANSWER_REASON,
        sent=desk.clock.now(),
        original_answer="approved" if approved else "",
    )
    reply = await _take(desk, payment, found, State.RETURNING, TERMINAL_REVERSED, kind="RETURN_INTENT", changes=opening)
    desk.returns.runner.nudge(found.acquirer)
    return reply


async def _take(
    desk: Desk, payment: Payment, found: Transaction, state: State, why: str, *,
    kind: str = "JOINED", changes: tuple[Change, ...] = (),
) -> Reply | Conflict:  # fmt: skip
    """Durable, then 00."""
    reply = payment.caller.refuse(TAKEN_OVER_CODE)
    frames = asked_frame(payment) + reply_frame(payment.message, reply)
    version = found.version + 1
    # A void that its own till takes back is not tried again for it.
    unwanted = TERMINAL_REVERSED if found.original_id else found.reason
    reason = unwanted if state == found.state else why
    committed = await desk.journal.commit(
        [fact(desk, found, kind, version=version, note=why, frames=frames)],
        [to_state(desk, found, state, version, reason), *changes],
    )
    return committed if isinstance(committed, Conflict) else reply


async def _bury(desk: Desk, payment: Payment) -> Reply | Conflict:
    """Its original never reached us: a tombstone, so that it is declined if it still comes, and a reversal."""
    try:
        tomb = received(desk, payment, payment.message)
    except DecodeError as error:
        return await refused(desk, payment, FORMAT_CODE, str(error))
    tomb = replace(tomb, state=State.RETURNING, reason="the terminal reversed a payment that never reached us")
    opening = desk.returns.opening(tomb, reason=payment.message.get(39) or NO_ANSWER_REASON, sent=desk.clock.now())
    reply = payment.caller.refuse(TAKEN_OVER_CODE)
    frames = asked_frame(payment) + reply_frame(payment.message, reply)
    committed = await desk.journal.commit(
        [fact(desk, tomb, TOMBSTONE, version=1, note=tomb.reason, frames=frames)],
        [Change(statement=INSERT_TRANSACTION, row=as_row(tomb)), *opening],
    )
    if isinstance(committed, Conflict):
        return committed
    desk.returns.runner.nudge(payment.acquirer)
    return reply
