"""An answer that nobody waits for any more: recorded always, shown as success never (`docs/returns.md` §4.6, §4.7).

It may be late (its request timed out), double, or foreign (it matches no request). A late approval of a payment that
we closed as "no effect" re-opens it; a definite late answer to a reversal closes what waits for a person.
"""

from functools import partial

import structlog
from msgspec.structs import replace

from yuanlu.acquirers.kinds import is_reversed
from yuanlu.acquirers.terms import APPROVALS, PARTIAL_APPROVAL, PENDING_QR, HostTerms
from yuanlu.flow.payment import Desk
from yuanlu.flow.records import fact, frame, host_words, note, outcome, to_state
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.journal import tasks, transactions
from yuanlu.journal.frames import Direction
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.returns import store
from yuanlu.returns.engine import TASK_KIND
from yuanlu.returns.states import OPEN_RETURN, State
from yuanlu.returns.steps import OTHER_REASON
from yuanlu.returns.ways import find_link, followed

ORIGINAL_ANSWERS = {"0210": "0200", "0110": "0100", "0230": ""}
"""The request's message type; a refund's may have come as a void (`flow.linked`), so any."""

REVERSAL_ANSWERS = frozenset({"0410", "0430"})

_log = structlog.get_logger("flow")


async def unmatched_answer(desk: Desk, acquirer: str, message: Message) -> None:
    """Find out what it is, and record it where it belongs."""
    try:
        terminal_id, merchant_id, stan = message[41], message.get(42) or "", message[11]
        batch_no = _batch_no(desk, acquirer, message)
        is_original, mti_class = message.mti in ORIGINAL_ANSWERS, ORIGINAL_ANSWERS.get(message.mti, "")
    except DecodeError as error:
        _log.warning("foreign answer", acquirer=acquirer, field=error.field, reason=error.reason)
        return
    found = await desk.journal.read(
        lambda c: transactions.find_latest(c, terminal_id, merchant_id, batch_no, stan, mti_class)
    )
    if found is None or found.acquirer != acquirer or not _fits(found, message):
        desk.incidents.foreign(terminal_id)
        _log.warning("foreign answer", acquirer=acquirer, mti=message.mti, terminal=terminal_id, stan=stan)
        return
    if not desk.hosts[acquirer].authentic(message):
        _log.warning("answer without a right MAC", acquirer=acquirer, mti=message.mti, terminal=terminal_id, stan=stan)
        if is_original and message.get(39) in APPROVALS:
            await _doubted_approval(desk, found)
    elif is_original:
        await record_late(desk, found.transaction_id, message)
    elif message.mti in REVERSAL_ANSWERS:
        await _reversal_answer(desk, found, message)


def _batch_no(desk: Desk, acquirer: str, message: Message) -> str:
    """The batch in our own counting, "" where the answer does not tell: trace numbers begin anew with each batch."""
    ours = desk.hosts[acquirer].terms.settings.batch == "terminal" and not message.codec.dialect.extended
    return F60.parse(message[60]).batch_no if ours and message.has(60) else ""


async def _doubted_approval(desk: Desk, found: Transaction) -> None:
    """Its keys are gone, or it is forged. It proves nothing, but "not found" is not believed without a person now."""
    while True:
        legs = await desk.journal.read(partial(store.legs_of, transaction_id=found.transaction_id))
        live = next((leg for leg in legs if leg.state in OPEN_RETURN), None)
        at_us = desk.clock.now().wall_us
        changes: list[Change] = [store.put_watch(found.transaction_id, at_us, "an approval with a wrong MAC came late")]
        if live is not None and not live.original_answer:
            changes.append(store.update_leg(replace(live, original_answer="unverified")))
        text = "approval with a wrong MAC"
        if await note(desk, found, "UNVERIFIED_ANSWER", text, b"", changes=tuple(changes)):
            return
        found = await desk.journal.read(partial(transactions.get, transaction_id=found.transaction_id))


def _fits(found: Transaction, message: Message) -> bool:
    """Whether the amount is this payment's: trace numbers come again, and a foreign decline must close nothing."""
    try:
        amount = message.get(4)
    except DecodeError:
        return False
    return amount is None or int(amount) == found.amount.minor or message.get(39) == PARTIAL_APPROVAL


async def record_late(desk: Desk, transaction_id: str, message: Message) -> None:
    """The original's answer came late. What it changes depends on where the money is by now."""
    while True:
        found = await desk.journal.read(lambda c: transactions.get(c, transaction_id))
        if await _recorded(desk, found, message):
            return


async def _recorded(desk: Desk, found: Transaction, message: Message) -> bool:
    """One try; False when the transaction changed meanwhile."""
    code = message.get(39) or ""
    said = _what_it_says(code, desk.hosts[found.acquirer].terms)
    approved = said == "approved"
    frames = frame(Direction.FROM_HOST, message)
    text = f"late answer {code}"
    match State(found.state):
        case State.RETURNING | State.ESCALATED if said:
            return await _tell_leg(desk, found, text, frames, said)
        case State.UNKNOWN if said:
            return await _settle_refund(desk, found, message, text, frames)
        case State.NO_EFFECT | State.DECLINED if approved and is_reversed(found.kind):
            return await _reopen(desk, found, text, frames)
        case State.DECLINED if approved and found.original_id:
            why = "approved after it was declined; it is not reversed"
            watch = store.put_watch(found.transaction_id, desk.clock.wall_us(), why)
            return await note(desk, found, "LATE_ANSWER", f"{text}: {why}", frames, changes=(watch,))
        case State.RETURNED if approved and not desk.hosts[found.acquirer].terms.profile.repeats:
            why = "approved after its reversal was accepted"
            watch = store.put_watch(found.transaction_id, desk.clock.now().wall_us, why)
            return await note(desk, found, "LATE_ANSWER", text, frames, changes=(watch,))
        case State.RETURNED | State.NO_EFFECT:  # it was explained without this answer
            looked = tasks.examine(found.transaction_id, desk.clock.wall_us())
            return await note(desk, found, "LATE_ANSWER", text, frames, changes=(looked,))
        case _:
            return await note(desk, found, "LATE_ANSWER", text, frames)


def _what_it_says(code: str, terms: HostTerms) -> str:
    """Approved, declined, or "": a code that leaves the outcome open proves as little late as in time."""
    if code in APPROVALS:
        return "approved"
    return "" if terms.is_doubtful(code) or code in ("", PENDING_QR) else "declined"


async def _settle_refund(desk: Desk, found: Transaction, message: Message, text: str, frames: bytes) -> bool:
    """A refund in doubt was never sent again, so its late answer is the answer: told to nobody, but true."""
    state = State.APPROVED if message.get(39) in APPROVALS else State.DECLINED
    link = await desk.journal.read(partial(find_link, original_id=found.original_id))
    version = found.version + 1
    facts, changes = followed(link, found, state, text, desk.clock.now())
    words = host_words(message, "")
    committed = await desk.journal.commit(
        [fact(desk, found, state, version=version, note=text, frames=frames), *facts],
        [outcome(desk, found, state, version, text, words), *changes],
    )
    return not isinstance(committed, Conflict)


async def _tell_leg(desk: Desk, found: Transaction, text: str, frames: bytes, answer: str) -> bool:
    """The driver's decisions depend on what the host once said about the original; it looks again at once."""
    legs = await desk.journal.read(lambda c: store.legs_of(c, found.transaction_id))
    live = next((leg for leg in legs if leg.state in OPEN_RETURN), None)
    if live is None or live.original_answer == "approved":  # an approval is never taken back by a late decline
        return await note(desk, found, "LATE_ANSWER", text, frames)
    leg = replace(live, original_answer=answer)
    changes: tuple[Change, ...] = (store.update_leg(leg),)
    if leg.attempts == 0 or answer == "declined":  # this decides what the driver may do now
        due_us = desk.returns.runner.now_us()
        again = await desk.journal.read(lambda c: tasks.wake(c, TASK_KIND, leg.return_id, leg.acquirer, due_us))
        changes = (*changes, again)
    done = await note(desk, found, "LATE_ANSWER", text, frames, changes=changes)
    desk.returns.runner.nudge(leg.acquirer)
    return done


async def _reopen(desk: Desk, found: Transaction, text: str, frames: bytes) -> bool:
    """It took effect after all: REOPENED, and a new leg gives it back."""
    legs = await desk.journal.read(lambda c: store.legs_of(c, found.transaction_id))
    version = found.version + 1
    opening = desk.returns.opening(
        found, reason=OTHER_REASON, sent=desk.clock.now(), original_answer="approved", leg_no=len(legs) + 1
    )
    why = "the host approved it after it was closed"
    facts: list[Fact] = [
        fact(desk, found, State.REOPENED, version=version, note=text, frames=frames),
        fact(desk, found, "RETURN_INTENT", version=version + 1, note=why),
    ]
    reopened = replace(found, version=version)
    changes: list[Change] = [
        to_state(desk, found, State.REOPENED, version, why),
        to_state(desk, reopened, State.RETURNING, version + 1, why),
        *opening,
    ]
    done = not isinstance(await desk.journal.commit(facts, changes), Conflict)
    desk.returns.runner.nudge(found.acquirer)
    return done


async def _reversal_answer(desk: Desk, found: Transaction, message: Message) -> None:
    """A reversal's answer that its driver no longer waits for: recorded, and used when it is definite."""
    text = f"late answer {message.get(39)} to the reversal"
    frames = frame(Direction.FROM_HOST, message)
    while True:
        ended = await desk.returns.late_answer(found, message, text, frames)
        if ended or await note(desk, found, "LATE_ANSWER", text, frames):
            return
        found = await desk.journal.read(partial(transactions.get, transaction_id=found.transaction_id))
