"""The life of one payment, on one page.

Read `purchase` from top to bottom: everything that can say no says it before the intent; the intent is durable; the
request is sent once, ever; the answer is durable; then the terminal is told. Every doubt ends in `_give_back`, which
makes "unknown" and the duty to return the money durable in one commit. Source: `docs/returns.md` §4, steps 1 to 3.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.acquirers.iso8583_host import Iso8583Host, StaleSession, Upstream
from yuanlu.acquirers.kinds import QR_SALE, is_reversed
from yuanlu.acquirers.outcome import Answered, Doubt, NoAnswer, NotSent
from yuanlu.acquirers.sessions import Identity
from yuanlu.acquirers.terms import APPROVALS, PARTIAL_APPROVAL, PENDING_QR, Meaning
from yuanlu.causes.evidence import Evidence, Unsent
from yuanlu.flow.asking import left_unknown
from yuanlu.flow.codes import (
    BATCH_CLOSED_CODE,
    BUSY_CODE,
    FORMAT_CODE,
    HOST_DOWN_CODE,
    OTHER_DIALECT_CODE,
    PIN_KEY_CODE,
    UNKNOWN_CODE,
)
from yuanlu.flow.late import record_late
from yuanlu.flow.linked import Errand, Refused, as_refund, examine
from yuanlu.flow.payment import Desk, InFlight, Payment, Reply
from yuanlu.flow.pending import wait_for_customer
from yuanlu.flow.records import (
    Unit,
    asked_frame,
    fact,
    frame,
    host_words,
    note,
    outcome,
    received,
    reply_frame,
    to_outcome,
    with_host_words,
)
from yuanlu.flow.refusing import NOTHING_MORE, refused
from yuanlu.flow.repeats import answer_repeat
from yuanlu.incidents.records import Incident
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.journal import tasks, transactions
from yuanlu.journal.frames import Direction
from yuanlu.journal.transactions import INSERT_TRANSACTION, Transaction, as_row
from yuanlu.journal.unit import Change, Committed, Conflict
from yuanlu.kernel.clock import Moment
from yuanlu.keys.errors import KeyStoreError
from yuanlu.reconciliation.store import BatchKey
from yuanlu.returns import store
from yuanlu.returns.states import State
from yuanlu.returns.steps import OTHER_REASON, TERMINAL_GONE, reason_for
from yuanlu.returns.ways import Link, begun, find_link, followed

TOO_LATE = "approved, but the terminal's time was over"
"""Why a payment is in return whose approval came when its terminal had given up."""

HELD = "an incident holds new sales"


async def purchase(desk: Desk, payment: Payment) -> Reply:
    """A payment, a void, a refund or a balance inquiry: sent once, ever, and answered truthfully."""
    if payment.key in desk.in_flight:
        return await answer_repeat(desk, payment)
    in_flight = InFlight(callers=[payment.caller], content=payment.content)
    desk.in_flight[payment.key] = in_flight
    try:
        return await _begin(desk, payment)
    finally:
        del desk.in_flight[payment.key]
        in_flight.decide()


async def _begin(desk: Desk, payment: Payment) -> Reply:
    """Say no now, or make the intent durable."""
    if payment.moves_money and not payment.order_id and await _batch_closed(desk, payment):
        return await decline_new(desk, payment, BATCH_CLOSED_CODE, f"batch {payment.key.batch_no} is settled")
    errand: Errand | None = None
    while True:
        if payment.refers_to is not None:
            examined = await examine(desk, payment)
            if isinstance(examined, Refused):
                return await decline_new(desk, payment, examined.code, examined.why, examined.about)
            errand = examined
        host = desk.hosts[errand.link.original.acquirer if errand else payment.acquirer]
        refusal = await _refusal(desk, payment, host)
        if refusal is not None:
            return await decline_new(desk, payment, refusal.code, refusal.why, refusal.about)
        prepared = _prepared(desk, payment, host, errand)
        if isinstance(prepared, Refused):
            return await decline_new(desk, payment, prepared.code, prepared.why)
        committed = await desk.journal.commit(*_intent(desk, payment, prepared, errand))
        if isinstance(committed, Committed):
            return await _send_once(desk, payment, host, prepared.upstream, prepared.transaction, committed)
        if errand is None or await desk.journal.read(lambda c: transactions.find_by_key(c, payment.key)) is not None:
            return await answer_repeat(desk, payment)
        # The original has changed since it was examined: look again.


def _batch_closed(desk: Desk, payment: Payment) -> Awaitable[bool]:
    key = payment.key
    batch = BatchKey(terminal_id=key.terminal_id, merchant_id=key.merchant_id, batch_no=key.batch_no)
    return desk.batches.is_closed(desk.journal, batch)


class Prepared(Struct, frozen=True, kw_only=True):
    """A request ready to leave, and its transaction."""

    upstream: Upstream
    outgoing: Message
    transaction: Transaction


def _prepared(desk: Desk, payment: Payment, host: Iso8583Host, errand: Errand | None) -> Prepared | Refused:
    """The request as it goes to the host."""
    message, kind, original_id = payment.message, payment.kind, ""
    try:
        if errand is not None:
            kind, original_id = errand.kind, errand.link.original.transaction_id
            if kind != payment.kind:
                message = as_refund(message, errand.link.original)
        upstream = host.forward(message, payment.caller.keys, errand.original_batch_no if errand else "")
        outgoing = payment.message if upstream.frame is payment.message.raw else host.codec.decode(upstream.frame)
        transaction = received(desk, payment, outgoing, host=host.terms.name, kind=kind, original_id=original_id)
    except DecodeError as error:
        return Refused(code=FORMAT_CODE, why=str(error))
    except StaleSession as error:
        return Refused(code=HOST_DOWN_CODE, why=str(error))
    except KeyStoreError as error:
        return Refused(code=PIN_KEY_CODE, why=str(error))
    return Prepared(upstream=upstream, outgoing=outgoing, transaction=transaction)


def _intent(desk: Desk, payment: Payment, prepared: Prepared, errand: Errand | None) -> Unit:
    """The transaction's first fact, with both frames; last in its unit, since its commit permits the send."""
    transaction = prepared.transaction
    taken = asked_frame(payment)
    same = taken and prepared.outgoing is payment.message
    frames = taken + (Direction.TO_HOST.value + taken[1:] if same else frame(Direction.TO_HOST, prepared.outgoing))
    intent = fact(desk, transaction, State.SEND_INTENT, version=1, frames=frames)
    insert = Change(statement=INSERT_TRANSACTION, row=as_row(transaction))
    if errand is None:
        return [intent], [insert]
    facts, changes = begun(errand.link, transaction, desk.clock.now(), payment.order_id)
    return [*facts, intent], [insert, *changes]


async def _refusal(desk: Desk, payment: Payment, host: Iso8583Host) -> Refused | None:
    """Why this payment may not begin; overload never makes an unknown outcome."""
    if desk.journal.room.low and payment.charges:
        return Refused(code=BUSY_CODE, why="the disk is nearly full; new sales wait, reversals go on")
    if payment.message.codec is not host.codec:
        return Refused(code=OTHER_DIALECT_CODE, why=f"this terminal's acquirer speaks {host.codec.dialect.name}")
    if payment.is_new_sale:
        incident = desk.incidents.holding(payment.key, host.terms.name, payment.card_bin)
        if incident is not None:
            return _held(incident)
    identity = Identity(terminal_id=payment.key.terminal_id, merchant_id=payment.key.merchant_id)
    refusal = await host.refusal(identity)
    if refusal is None:
        return None
    if refusal[0] == HOST_DOWN_CODE:
        desk.incidents.refused(payment.key, host.terms.name)
    return Refused(code=refusal[0], why=refusal[1])


def _held(incident: Incident) -> Refused:
    why = f"incident {incident.incident_id} ({incident.kind.value}, {incident.scope}) holds new sales"
    about = Evidence(unsent=Unsent(HELD), incident=incident.kind)
    return Refused(code=HOST_DOWN_CODE, why=why, about=about)


async def decline_new(desk: Desk, payment: Payment, code: str, why: str, about: Evidence = NOTHING_MORE) -> Reply:
    """No before any intent: nothing was sent. A repeat is still answered with what the first was told."""
    if await desk.journal.read(lambda c: transactions.find_by_key(c, payment.key)) is not None:
        return await answer_repeat(desk, payment)
    return await refused(desk, payment, code, why, about)


async def _send_once(
    desk: Desk,
    payment: Payment,
    host: Iso8583Host,
    upstream: Upstream,
    transaction: Transaction,
    intent: Committed,
) -> Reply:
    """The only place where an original leaves; then what its answer means."""
    sent = desk.clock.now()
    outcome = await host.send(intent.permit, transaction.transaction_id, upstream, _time_left_s(payment, host))
    desk.incidents.heard(transaction, outcome)
    if payment.kind == QR_SALE and isinstance(outcome, Answered) and outcome.code == PENDING_QR:
        outcome = await wait_for_customer(desk, payment, host, upstream, transaction, outcome)
    match outcome:
        case NotSent(reason=reason):
            return await _settle(desk, payment, transaction, State.DECLINED, HOST_DOWN_CODE, None, reason)
        case NoAnswer(doubt=doubt):
            if doubt is Doubt.BAD_MAC:
                host.stale_keys(payment.key.terminal_id)
            return await _give_back(desk, payment, transaction, sent, doubt.value, reason_for(doubt), None)
        case Answered(code=code, message=answer, authenticated=authenticated):
            if host.signs_in and host.terms.reversal_meaning(code) is Meaning.KEYS:
                host.stale_keys(payment.key.terminal_id)
                why = f"the host's {code}: our keys upstream were stale; the next payment signs in first"
                return await _settle(
                    desk, payment, transaction, State.DECLINED, HOST_DOWN_CODE, answer, why, relay=False
                )
            if host.terms.is_doubtful(code) and payment.moves_money:
                why = f"the host's {code} leaves the outcome open"
                return await _give_back(desk, payment, transaction, sent, why, OTHER_REASON, answer)
            if code in APPROVALS and not _can_be_told(desk, payment):
                desk.incidents.undelivered(transaction)
                return await _give_back(desk, payment, transaction, sent, _untold(desk, payment), OTHER_REASON, answer)
            state = State.APPROVED if code in APPROVALS else State.DECLINED
            watch = "" if authenticated else "declined without a MAC"
            if host.terms.is_watched(code):
                watch = f"the host's {code} is taken as said"
            return await _settle(desk, payment, transaction, state, code, answer, watch=watch)


def _time_left_s(payment: Payment, host: Iso8583Host) -> float:
    """What the host gets: its own time-out, or what is left of the terminal's patience."""
    left_s = payment.deadline_s - asyncio.get_running_loop().time()
    return max(0.001, min(host.terms.settings.answer_timeout_ms / 1000, left_s))


def _can_be_told(desk: Desk, payment: Payment) -> bool:
    """Whether an approval still reaches anyone in time; a balance needs none, a refund stands."""
    in_time = asyncio.get_running_loop().time() <= payment.deadline_s
    return not payment.charges or (in_time and desk.in_flight[payment.key].connected())


def _untold(desk: Desk, payment: Payment) -> str:
    """Why nobody can be told of an approval."""
    return TOO_LATE if desk.in_flight[payment.key].connected() else TERMINAL_GONE


async def _settle(
    desk: Desk, payment: Payment, transaction: Transaction, state: State, code: str, answer: Message | None,
    why: str = "", *, watch: str = "", relay: bool = True,
) -> Reply:  # fmt: skip
    """A definite outcome: durable, then told, in the host's own words where it has any for the terminal."""
    reply = payment.caller.relay(answer) if answer is not None and relay else payment.caller.refuse(code)
    frames = frame(Direction.FROM_HOST, answer) if answer is not None else b""
    frames += reply_frame(payment.message, reply)

    odd = state is State.DECLINED or bool(watch) or code == PARTIAL_APPROVAL
    odd = odd or (payment.charges and desk.charged_again(transaction))
    odd_now = desk.shown_by(transaction) if state is State.APPROVED else ()

    def unit(current: Transaction, link: Link | None) -> Unit:
        version = current.version + 1
        changes = [outcome(desk, current, state, version, why or watch, host_words(answer, code))]
        if watch:
            changes.append(store.put_watch(current.transaction_id, desk.clock.now().wall_us, watch))
        if odd:
            changes.append(tasks.examine(current.transaction_id, desk.clock.wall_us()))
        changes += [tasks.examine(transaction_id, desk.clock.wall_us()) for transaction_id in odd_now]
        facts = [fact(desk, current, state, version=version, note=why or watch, frames=frames)]
        return _with_original(desk, (facts, changes), current, link, state, f"answered {code}")

    if not await _conclude(desk, transaction, unit):
        return await _overtaken(desk, payment, transaction, answer)
    if state is State.APPROVED and not _can_be_told(desk, payment):
        return await _undelivered(desk, payment, transaction)
    return reply


async def _give_back(
    desk: Desk, payment: Payment, transaction: Transaction, sent: Moment, why: str, reason: str,
    answer: Message | None,
) -> Reply:  # fmt: skip
    """Unknown, or approved too late: the doubt and the duty to return become durable together, then 98."""
    if not payment.moves_money:
        return await _settle(desk, payment, transaction, State.DECLINED, UNKNOWN_CODE, None, why)
    if payment.charges:
        desk.charged_again(transaction)  # remembered: charging once more now would be a mistake
    silent = desk.hosts[transaction.acquirer].terms.settings.silent_on_unknown
    reply = None if silent else payment.caller.refuse(UNKNOWN_CODE)
    frames = frame(Direction.FROM_HOST, answer) if answer is not None else b""
    frames += reply_frame(payment.message, reply)

    def unit(current: Transaction, link: Link | None) -> Unit:
        if not is_reversed(current.kind):
            return left_unknown(desk, current, link, why, frames)
        returning = replace(current, state=State.RETURNING, version=current.version + 2, reason=why)
        returning = with_host_words(returning, answer, "")
        approved = "approved" if returning.response_code in APPROVALS else ""
        changes = desk.returns.opening(returning, reason=reason, sent=sent, original_answer=approved)
        doubt = fact(desk, current, State.UNKNOWN, version=current.version + 1, note=why, frames=frames)
        duty = fact(desk, current, "RETURN_INTENT", version=returning.version, note=f"reversal, reason {reason}")
        return [doubt, duty], [to_outcome(desk, returning, was=current), *changes]

    if not await _conclude(desk, transaction, unit):
        return await _overtaken(desk, payment, transaction, answer)
    desk.returns.runner.nudge(transaction.acquirer)
    return reply


def _with_original(desk: Desk, unit: Unit, message: Transaction, link: Link | None, state: State, note: str) -> Unit:
    """The same commit says what it means for the transaction that it is about."""
    if link is None:
        return unit
    facts, changes = followed(link, message, state, note, desk.clock.now())
    examined = tasks.examine(link.original.transaction_id, desk.clock.wall_us())
    return [*unit[0], *facts], [*unit[1], *changes, examined]


async def _undelivered(desk: Desk, payment: Payment, transaction: Transaction) -> Reply:
    """The approval became durable and the connection closed meanwhile: the money goes back."""
    reply: Reply = None
    committed: Committed | Conflict | None = None
    while not isinstance(committed, Committed):
        current = await desk.journal.read(partial(transactions.get, transaction_id=transaction.transaction_id))
        if current.state != State.APPROVED:
            return None
        why = _untold(desk, payment)
        returning = replace(current, state=State.RETURNING, version=current.version + 1, reason=why)
        changes = desk.returns.opening(
            returning, reason=OTHER_REASON, sent=desk.clock.now(), original_answer="approved"
        )
        reply = payment.caller.refuse(UNKNOWN_CODE)
        frames = reply_frame(payment.message, reply)
        duty = fact(desk, current, "RETURN_INTENT", version=returning.version, note=why, frames=frames)
        committed = await desk.journal.commit([duty], [to_outcome(desk, returning, was=current), *changes])
    desk.incidents.undelivered(transaction)
    desk.returns.runner.nudge(transaction.acquirer)
    return reply


async def _conclude(desk: Desk, transaction: Transaction, unit: Callable[[Transaction, Link | None], Unit]) -> bool:
    """Commit an outcome for a payment in flight; False when the terminal's own reversal came first."""
    current, original_id = transaction, transaction.original_id
    while True:
        link = await desk.journal.read(partial(find_link, original_id=original_id)) if original_id else None
        if isinstance(await desk.journal.commit(*unit(current, link)), Committed):
            return True
        current = await desk.journal.read(lambda c: transactions.get(c, transaction.transaction_id))
        if current.state != State.SEND_INTENT:
            return False


async def _overtaken(desk: Desk, payment: Payment, transaction: Transaction, answer: Message | None) -> Reply:
    """The terminal reversed while we waited: a host answer after that is a late one."""
    if answer is not None:
        await record_late(desk, transaction.transaction_id, answer)
    reply = payment.caller.refuse(UNKNOWN_CODE)
    frames = reply_frame(payment.message, reply)
    while True:
        current = await desk.journal.read(partial(transactions.get, transaction_id=transaction.transaction_id))
        if await note(desk, current, "ANSWERED", f"answered {UNKNOWN_CODE}: its reversal came first", frames):
            return reply
