"""A request that came before: answered from the journal, never sent twice (`docs/returns.md` §1).

A repeat has the same key and the same content, comes within the repeat window, and no newer request came from
that terminal. A later twin, or the same key with other content, is refused and alarmed: answering it with the old
approval would give goods away for nothing.
"""

import asyncio
from functools import partial

import structlog
from sqlalchemy import Connection

from yuanlu.acquirers.terms import APPROVALS
from yuanlu.flow.codes import BUSY_CODE, DUPLICATE_CODE, UNKNOWN_CODE
from yuanlu.flow.payment import Desk, Payment, Reply
from yuanlu.flow.records import asked_frame, note, reply_frame
from yuanlu.flow.refusing import refused
from yuanlu.iso8583.errors import DecodeError
from yuanlu.journal import transactions
from yuanlu.journal.frames import Direction, StoredFrame, unpack
from yuanlu.journal.transactions import Transaction
from yuanlu.returns.states import State

TOMBSTONE = "TOMBSTONE"
LOOK_EVERY_S = 0.1

_log = structlog.get_logger("flow")


async def answer_repeat(desk: Desk, payment: Payment) -> Reply:
    """Answer a repeat with what the first one was told; wait for it if it is still being decided."""
    in_flight = desk.in_flight.get(payment.key)
    if in_flight is not None and payment.caller not in in_flight.callers:
        if payment.content == in_flight.content:  # a twin with other content cannot be told the answer
            in_flight.callers.append(payment.caller)
        await asyncio.shield(in_flight.decided)
    found = await desk.journal.read(lambda c: transactions.find_by_key(c, payment.key))
    if found is None:
        return await _refused_unknown(desk, payment)
    if not desk.repeats(payment, found):
        return await refuse_twin(desk, payment, found, DUPLICATE_CODE, "same trace number, other content")
    late = desk.clock.now().wall_us - found.received_at_us > desk.repeat_window_us
    if late or await desk.journal.read(partial(transactions.newer_from_terminal, transaction=found)):
        return await refuse_twin(desk, payment, found, DUPLICATE_CODE, "a repeat that comes too late")
    found = await _decided_elsewhere(desk, payment, found)
    kind, stored = await desk.journal.read(lambda c: _first_kind_and_answer(c, found))
    if kind == TOMBSTONE:
        return await refuse_twin(desk, payment, found, DUPLICATE_CODE, "its reversal came before it")
    reply = _as_before(payment, found, stored)
    await _note_again(desk, found, "REPEAT", "answered from the journal", payment, reply)
    return reply


async def _decided_elsewhere(desk: Desk, payment: Payment, found: Transaction) -> Transaction:
    """The first one is in flight at another gateway: wait for what the journal says of it, until our own deadline."""
    loop = asyncio.get_running_loop()
    while found.state == State.SEND_INTENT and loop.time() < payment.deadline_s:
        await asyncio.sleep(LOOK_EVERY_S)
        found = await desk.journal.read(partial(transactions.get, transaction_id=found.transaction_id))
    return found


async def refuse_twin(desk: Desk, payment: Payment, found: Transaction, code: str, why: str) -> Reply:
    """A request whose key is taken and whose content or time contradicts the journal: refused, recorded, alarmed."""
    desk.alarms += 1
    _log.warning("request refused", transaction=found.transaction_id, key=str(found.key), reason=why)
    reply = payment.caller.refuse(code)
    await _note_again(desk, found, "TWIN_REFUSED", why, payment, reply)
    return reply


async def _refused_unknown(desk: Desk, payment: Payment) -> Reply:
    """The first one was refused before its intent; nothing was sent, and this one gets the same kind of answer."""
    return await refused(desk, payment, BUSY_CODE, "repeated while the first was being refused")


async def _note_again(desk: Desk, found: Transaction, kind: str, text: str, payment: Payment, reply: Reply) -> None:
    frames = asked_frame(payment) + reply_frame(payment.message, reply)
    while not await note(desk, found, kind, text, frames):
        found = await desk.journal.read(partial(transactions.get, transaction_id=found.transaction_id))


def _first_kind_and_answer(connection: Connection, found: Transaction) -> tuple[str, StoredFrame | None]:
    """How the transaction began, and the first answer that its terminal got."""
    rows = transactions.facts_of(connection, found.key.merchant_id, found.transaction_id)
    answers = (
        stored
        for row in rows
        for stored in unpack(row.frames)
        if stored.direction is Direction.TO_TERMINAL and row.kind in ("APPROVED", "DECLINED")
    )
    return rows[0].kind, next(answers, None)


def _as_before(payment: Payment, found: Transaction, stored: StoredFrame | None) -> Reply:
    """The stored answer with the card number put back from the repeat; the gateway's envelope and MAC are fresh.

    An approval whose money is on its way back is never shown again: that is 98.
    """
    approval_gone = found.response_code in APPROVALS and found.state not in ("APPROVED", "CAPTURED")
    if stored is None or approval_gone:
        return payment.caller.refuse(UNKNOWN_CODE)
    try:
        answer = payment.message.codec.decode(stored.masked)
        if answer.has(2) and payment.message.has(2):
            whole = answer.splice({2: payment.message[2]})
            answer = payment.message.codec.decode(whole)
    except DecodeError:
        return payment.caller.refuse(found.response_code or UNKNOWN_CODE)
    return payment.caller.relay(answer)
