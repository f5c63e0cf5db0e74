"""Advices: what has happened already, stored and forwarded (0220 with 60.1 = 24, 30, 32, 34, 36, and 0620).

An advice is answered 00 as soon as it is durable: taken over, no more. Then it goes to the host, the same message
under the same trace number, until any definite answer; a repeat is marked as one where the dialect can. Advices may
be repeated by their nature, and are never reversed. What the host refuses is a person's: the goods are sold.
"""

from functools import partial

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, func, select

from yuanlu.acquirers.advices import Verdict, forwardable, hidden_fields, pause_us, restored, verdict
from yuanlu.acquirers.iso8583_host import Iso8583Host, StaleSession, Upstream
from yuanlu.acquirers.kinds import DEBITS, KINDS
from yuanlu.acquirers.material import account_from
from yuanlu.acquirers.outcome import Answered, Doubt, NoAnswer, NotSent, Outcome
from yuanlu.acquirers.sessions import Identity
from yuanlu.flow.codes import DUPLICATE_CODE, FORMAT_CODE, OTHER_DIALECT_CODE, TAKEN_OVER_CODE
from yuanlu.flow.linked import batch_upstream, find_original
from yuanlu.flow.payment import Desk, Payment, Reply
from yuanlu.flow.records import (
    asked_frame,
    fact,
    frame,
    host_words,
    note,
    outcome,
    received,
    reply_frame,
    to_state,
)
from yuanlu.flow.refusing import refused
from yuanlu.flow.repeats import refuse_twin
from yuanlu.iso8583.codec import Message, repeat_mti
from yuanlu.iso8583.errors import DecodeError
from yuanlu.journal import tasks, transactions
from yuanlu.journal.frames import Direction
from yuanlu.journal.tables import facts as facts_table
from yuanlu.journal.tables import tasks as tasks_table
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.transactions import INSERT_TRANSACTION, Transaction, as_row
from yuanlu.journal.unit import Change, Committed, Conflict, Fact
from yuanlu.keys.errors import KeyStoreError
from yuanlu.reconciliation.store import BatchKey, BatchState, find_batch
from yuanlu.returns import store
from yuanlu.returns.policy import SECOND_US
from yuanlu.returns.states import State
from yuanlu.returns.steps import next_version, sealing_context
from yuanlu.returns.ways import Link, begun, find_link, followed

TASK_KIND = "advice"
SENT, ANSWER = "ADVICE_SENT", "ADVICE_ANSWER"
LINK_DOWN_PAUSE_US, SIGN_IN_PAUSE_US = 30 * SECOND_US, 2 * SECOND_US

Unit = tuple[list[Fact], list[Change]]

_log = structlog.get_logger("advices")


class Stored(Struct, frozen=True, kw_only=True):
    """An advice on its way, read together. `attempts` have left; `covered`: its batch is closed and counted it;
    `original_batch_no`: under which the host has what it is about, "" where that is the terminal's own number.
    """

    transaction: Transaction
    link: Link | None
    attempts: int
    covered: bool
    original_batch_no: str = ""


class Forwarder:
    """Takes advices over and forwards them; one per gateway."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        lanes = {name: host.terms.settings.reversals_in_flight_max for name, host in desk.hosts.items()}
        self.runner = TaskRunner(kind=TASK_KIND, lanes=lanes, journal=desk.journal, clock=desk.clock, handle=self.drive)

    async def take(self, payment: Payment) -> Reply:
        """Durable, then 00. A repeat is answered 00 again and forwarded once."""
        desk = self._desk
        while True:
            found = await desk.journal.read(partial(transactions.find_by_key, key=payment.key))
            if found is not None:
                return await self._again(payment, found)
            link = await desk.journal.read(partial(_find_link, payment=payment))
            route = link.original.acquirer if link is not None else payment.acquirer
            host = desk.hosts.get(route) or desk.hosts[payment.acquirer]
            if payment.message.codec is not host.codec:
                why = f"this terminal's acquirer speaks {host.codec.dialect.name}"
                return await refused(self._desk, payment, OTHER_DIALECT_CODE, why)
            try:
                transaction, outgoing = self._stored(payment, host, link)
            except DecodeError as error:
                return await refused(self._desk, payment, FORMAT_CODE, str(error))
            reply = payment.caller.refuse(TAKEN_OVER_CODE)
            unit = self._intent(payment, transaction, outgoing, link, reply)
            if isinstance(await desk.journal.commit(*unit), Committed):
                self.runner.nudge(transaction.acquirer)
                return reply

    def _stored(self, payment: Payment, host: Iso8583Host, link: Link | None) -> tuple[Transaction, Message]:
        """The transaction, with what a sending after a restart needs, and the message as it will leave."""
        desk = self._desk
        outgoing = forwardable(payment.message, payment.account)
        original_id = link.original.transaction_id if link is not None else ""
        transaction = received(desk, payment, outgoing, host=host.terms.name, original_id=original_id)
        hidden = msgspec.json.encode(hidden_fields(outgoing))
        sealed = desk.keys.seal(hidden, sealing_context(transaction.transaction_id))
        return replace(transaction, sealed=sealed), outgoing

    def _intent(
        self, payment: Payment, transaction: Transaction, outgoing: Message, link: Link | None, reply: Reply
    ) -> Unit:
        desk = self._desk
        frames = asked_frame(payment) + frame(Direction.TO_HOST, outgoing) + reply_frame(payment.message, reply)
        taken = fact(desk, transaction, State.SEND_INTENT, version=1, note="taken over", frames=frames)
        insert = Change(statement=INSERT_TRANSACTION, row=as_row(transaction))
        due = tasks.put(TASK_KIND, transaction.transaction_id, transaction.acquirer, self.runner.now_us())
        facts, changes = begun(link, transaction, desk.clock.now()) if link is not None else ([], [])
        return [*facts, taken], [insert, due, *changes]

    async def _again(self, payment: Payment, found: Transaction) -> Reply:
        """The same once more: 00 again. Another under a taken number: refused and alarmed."""
        desk = self._desk
        if not desk.repeats(payment, found):
            return await refuse_twin(desk, payment, found, DUPLICATE_CODE, "same trace number, other content")
        reply = payment.caller.refuse(TAKEN_OVER_CODE)
        frames = asked_frame(payment) + reply_frame(payment.message, reply)
        while not await note(desk, found, "REPEAT", "taken over before", frames):
            found = await desk.journal.read(partial(transactions.get, transaction_id=found.transaction_id))
        return reply

    async def drive(self, task: Claimed) -> None:
        """One sending of one advice: the handler of the task."""
        desk = self._desk
        stored = await desk.journal.read(partial(_read, desk=desk, transaction_id=task.key))
        transaction = stored.transaction
        if transaction.state != State.SEND_INTENT:
            await desk.journal.commit([], [tasks.drop(task)])
            return
        host = desk.hosts[transaction.acquirer]
        identity = Identity(terminal_id=transaction.key.terminal_id, merchant_id=transaction.key.merchant_id)
        if not await host.ready(identity):
            await self._later(task, SIGN_IN_PAUSE_US if host.link.up else LINK_DOWN_PAUSE_US)
            return
        try:
            upstream = await self._upstream(stored, host)
        except (StaleSession, KeyStoreError):
            await self._later(task, SIGN_IN_PAUSE_US)
            return
        attempt = stored.attempts + 1
        frames = frame(Direction.TO_HOST, host.codec.decode(upstream.frame))
        sent = fact(desk, transaction, SENT, version=transaction.version + 1, note=f"attempt {attempt}", frames=frames)
        committed = await desk.journal.commit([sent], [next_version(transaction)])
        if isinstance(committed, Conflict):
            await self._later(task, 0)
            return
        timeout_s = host.terms.settings.answer_timeout_ms / 1000
        answer = await host.send(committed.permit, transaction.transaction_id, upstream, timeout_s)
        await self._record(task, host, attempt, answer)

    async def _later(self, task: Claimed, pause_us_: int) -> None:
        await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + pause_us_)])
        self.runner.nudge(task.lane)

    async def _upstream(self, stored: Stored, host: Iso8583Host) -> Upstream:
        """The advice as it was taken over, under the host's keys and batch of now; marked when it left before."""
        transaction = stored.transaction
        assert transaction.sealed is not None, "an advice keeps what it needs"
        hidden = self._desk.keys.unseal(transaction.sealed, sealing_context(transaction.transaction_id))
        kept = await self._desk.journal.read(partial(transactions.first_request, transaction=transaction))
        message = restored(host.codec.decode(kept.masked), account_from(hidden))
        if stored.attempts:
            message = host.codec.decode(message.splice({}, mti=repeat_mti(host.codec.dialect, message.mti)))
        return host.forward(message, None, stored.original_batch_no)

    async def _record(self, task: Claimed, host: Iso8583Host, attempt: int, answer: Outcome) -> None:
        """Make the answer durable, and what follows; again if the transaction changed meanwhile."""
        terminal_id = ""
        while True:
            stored = await self._desk.journal.read(partial(_read, desk=self._desk, transaction_id=task.key))
            if stored.transaction.state != State.SEND_INTENT:
                return
            terminal_id = stored.transaction.key.terminal_id
            facts, changes = self._recorded(task, host, stored, attempt, answer)
            if not await self._desk.journal.read(partial(tasks.is_held, task=task)):
                changes = [change for change in changes if change.statement.table is not tasks_table]
            if isinstance(await self._desk.journal.commit(facts, changes), Committed):
                break
        stale = isinstance(answer, NoAnswer) and answer.doubt is Doubt.BAD_MAC
        if stale or (isinstance(answer, Answered) and verdict(host.terms, answer.code, attempt) is Verdict.KEYS):
            host.stale_keys(terminal_id)
        self.runner.nudge(task.lane)

    def _recorded(self, task: Claimed, host: Iso8583Host, stored: Stored, attempt: int, answer: Outcome) -> Unit:
        found = stored.transaction
        again = tasks.move(task, self.runner.now_us() + pause_us(attempt))
        if isinstance(answer, NotSent | NoAnswer):
            text = answer.reason if isinstance(answer, NotSent) else answer.doubt.value
            unanswered = fact(self._desk, found, ANSWER, version=found.version + 1, note=text)
            return [unanswered], [next_version(found), again]
        said = verdict(host.terms, answer.code, attempt)
        text, frames = f"answered {answer.code}: {said.value}", frame(Direction.FROM_HOST, answer.message)
        match said:
            case Verdict.AGAIN | Verdict.KEYS:
                heard = fact(self._desk, found, ANSWER, version=found.version + 1, note=text, frames=frames)
                return [heard], [next_version(found), again]
            case Verdict.ACCEPTED:
                return self._ended(task, stored, State.APPROVED, text, frames, answer)
            case Verdict.REFUSED:
                _log.warning("the host refuses an advice", transaction=found.transaction_id, code=answer.code)
                return self._ended(task, stored, State.DECLINED, text, frames, answer)

    def _ended(self, task: Claimed, stored: Stored, state: State, text: str, frames: bytes, answer: Answered) -> Unit:
        """A definite answer. A refusal is the hook for cases: it is examined, and on the watch list until then."""
        desk, found = self._desk, stored.transaction
        version, now = found.version + 1, desk.clock.now()
        facts = [fact(desk, found, state, version=version, note=text, frames=frames)]
        words = host_words(answer.message, answer.code)
        changes = [outcome(desk, found, state, version, text if state is State.DECLINED else "", words)]
        if state is State.DECLINED:
            why = f"{found.kind}: {text}, but the terminal was told that it is taken over"
            changes += [store.put_watch(found.transaction_id, now.wall_us, why)]
            changes += [tasks.examine(found.transaction_id, now.wall_us)]
        elif stored.covered and found.kind in DEBITS:
            approved = replace(found, version=version)
            facts.append(fact(desk, approved, State.CAPTURED, version=version + 1, note="its batch had closed"))
            changes.append(to_state(desk, approved, State.CAPTURED, version + 1, ""))
        if stored.link is not None:
            more, rows = followed(stored.link, found, state, text, now)
            facts, changes = [*facts, *more], [*changes, *rows]
        return facts, [*changes, tasks.drop(task)]


def _find_link(connection: Connection, payment: Payment) -> Link | None:
    """What it is about, if we know that; an advice may tell of what was never asked here."""
    if payment.refers_to is None or not KINDS[payment.kind].of:
        return None
    original = find_original(connection, payment)
    return None if original is None else find_link(connection, original.transaction_id)


def _read(connection: Connection, desk: Desk, transaction_id: str) -> Stored:
    found = transactions.get(connection, transaction_id)
    sent = select(func.count()).where(
        facts_table.c.merchant_id == found.key.merchant_id, facts_table.c.subject_id == transaction_id,
        facts_table.c.kind == SENT,
    )  # fmt: skip
    key = BatchKey(terminal_id=found.key.terminal_id, merchant_id=found.key.merchant_id, batch_no=found.key.batch_no)
    batch = find_batch(connection, key)
    closed = batch is not None and batch.state is BatchState.CLOSED and batch.agreed
    link = find_link(connection, found.original_id) if found.original_id else None
    return Stored(
        transaction=found,
        link=link,
        original_batch_no=batch_upstream(connection, desk, link.original) if link is not None else "",
        attempts=int(connection.execute(sent).scalar_one()),
        covered=batch is not None and closed and transaction_id <= batch.settled_to,
    )
