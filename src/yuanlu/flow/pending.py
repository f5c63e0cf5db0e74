"""A QR sale that the host answers with 09: the customer is typing the password (`docs/returns.md` §2).

Wait for the answer that follows, and where the dialect has a status inquiry, ask every five seconds; until the
payment's deadline. After that it is unknown, and reversed like any other.
"""

import asyncio
from functools import partial

from yuanlu.acquirers.iso8583_host import Iso8583Host, Upstream, inquiry_state
from yuanlu.acquirers.material import material_of
from yuanlu.acquirers.outcome import Answered, Doubt, NoAnswer, NotSent, Outcome
from yuanlu.acquirers.terms import PENDING_QR
from yuanlu.flow.codes import NOT_HONOURED_CODE
from yuanlu.flow.payment import Desk, Payment
from yuanlu.flow.records import fact, frame, note
from yuanlu.journal import transactions
from yuanlu.journal.frames import Direction
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Conflict
from yuanlu.returns.steps import next_version

INQUIRE_EVERY_S = 5.0
RELINK_PAUSE_S = 0.5
"""While the link is down nothing can be asked; look again so soon."""


async def wait_for_customer(
    desk: Desk, payment: Payment, host: Iso8583Host, upstream: Upstream, transaction: Transaction, first: Answered
) -> Outcome:
    """What became of a QR sale that is being confirmed; NoAnswer when the deadline passes first."""
    # Noted beside the waiting: the answer may follow at once.
    noted = asyncio.get_running_loop().create_task(_noted(desk, transaction, first))
    try:
        return await _wait(desk, payment, host, upstream, transaction)
    finally:
        await noted


async def _wait(
    desk: Desk, payment: Payment, host: Iso8583Host, upstream: Upstream, transaction: Transaction
) -> Outcome:
    outcome: Outcome = NoAnswer(doubt=Doubt.TIMEOUT)
    while (left_s := payment.deadline_s - asyncio.get_running_loop().time()) > 0:
        pause_s = min(INQUIRE_EVERY_S, left_s) if host.codec.dialect.has_inquiry else left_s
        outcome = await host.wait_again(upstream, pause_s)
        if isinstance(outcome, Answered) and outcome.code != PENDING_QR:
            return outcome
        if isinstance(outcome, Answered):
            await _noted(desk, transaction, outcome)
        elif not host.codec.dialect.has_inquiry:
            return outcome
        elif outcome.doubt is Doubt.TIMEOUT:
            outcome = await _inquire(desk, payment, host, upstream, transaction)
            if isinstance(outcome, Answered):
                return outcome
        else:
            await asyncio.sleep(min(RELINK_PAUSE_S, left_s))
    return NoAnswer(doubt=Doubt.TIMEOUT)


async def _noted(desk: Desk, transaction: Transaction, answer: Answered) -> None:
    current = await desk.journal.read(partial(transactions.get, transaction_id=transaction.transaction_id))
    await note(desk, current, "PENDING", "the customer is confirming", frame(Direction.FROM_HOST, answer.message))


async def _inquire(
    desk: Desk, payment: Payment, host: Iso8583Host, upstream: Upstream, transaction: Transaction
) -> Answered | NoAnswer:
    """One status inquiry, durable before it leaves; an outcome only when the host names one."""
    current = await desk.journal.read(partial(transactions.get, transaction_id=transaction.transaction_id))
    question = host.inquiry(material_of(host.codec.decode(upstream.frame), {}))
    frames = frame(Direction.TO_HOST, host.codec.decode(question.frame))
    asked = fact(desk, current, "RETURN_INQUIRY", version=current.version + 1, note="is it paid?", frames=frames)
    committed = await desk.journal.commit([asked], [next_version(current)])
    if isinstance(committed, Conflict):
        return NoAnswer(doubt=Doubt.TIMEOUT)
    outcome = await host.send(committed.permit, transaction.transaction_id, question, INQUIRE_EVERY_S)
    if isinstance(outcome, NoAnswer | NotSent):
        return NoAnswer(doubt=Doubt.TIMEOUT)
    state = inquiry_state(outcome.message)
    if state not in ("APPROVED", "DECLINED", "REVERSED"):
        return NoAnswer(doubt=Doubt.TIMEOUT)
    return _as_answer(payment, outcome, "00" if state == "APPROVED" else NOT_HONOURED_CODE)


def _as_answer(payment: Payment, outcome: Answered, code: str) -> Answered:
    """The payment's answer in the inquiry's words: its reference and authorisation, the payment's own fields."""
    request = payment.message
    own = {number: request.value_bytes(number) for number in (3, 4, 49) if request.has(number)}
    unwanted = dict.fromkeys((48, 90, *request.codec.dialect.mac_fields))
    spliced = outcome.message.splice({**unwanted, **own, 39: code}, mti="0210")
    return Answered(message=outcome.message.codec.decode(spliced), code=code, authenticated=outcome.authenticated)
