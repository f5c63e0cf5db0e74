"""The return engine: opens a leg when an outcome is in doubt, and drives it until it is closed.

Opening only builds rows: the caller commits them with its own facts, so that the doubt and the duty to return are
durable together. The driver takes one step at a time: read the leg, decide (policy), make the intent durable, send,
make the answer durable. A crash between any two leaves a leg that the next driver goes on with.
"""

import random
from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from msgspec.structs import replace

from yuanlu.acquirers.iso8583_host import Iso8583Host, StaleSession, Upstream, inquiry_state
from yuanlu.acquirers.material import ReversalMaterial, account_from, material_of
from yuanlu.acquirers.outcome import Answered, Doubt, NoAnswer, NotSent, Outcome
from yuanlu.acquirers.sessions import Identity
from yuanlu.acquirers.terms import Meaning
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.masking import masked
from yuanlu.journal import tasks, transactions
from yuanlu.journal.frames import Direction, pack
from yuanlu.journal.tables import tasks as tasks_table
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Committed, Conflict, Fact
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock, Moment
from yuanlu.kernel.identifiers import return_id
from yuanlu.keys.contract import KeyStore
from yuanlu.returns import store
from yuanlu.returns.policy import (
    HOURLY_S,
    SECOND_US,
    Close,
    Escalate,
    Inquire,
    Leg,
    Send,
    Wait,
    needs_case,
    next_step,
    pause_us,
)
from yuanlu.returns.states import OPEN_RETURN, State
from yuanlu.returns.steps import (
    as_answered,
    as_sent,
    as_unsent,
    case_opened,
    count_of,
    next_version,
    return_fact,
    sealing_context,
    sent_frame,
)
from yuanlu.returns.ways import Open, ended, find_link, find_open

TASK_KIND = "return"
LINK_DOWN_PAUSE_US = 30 * SECOND_US
"""While the host is down nothing is counted; its return wakes the lane, this is only the safety net."""

REST_S = 1.0
"""What runs when a host comes back has ended long before, unless it waits for an answer of the host."""

EXAMINE_AFTER_US = SECOND_US
"""The cause is asked for when the first answers are there: it is nobody's hurry."""

SIGN_IN_PAUSE_US = 2 * SECOND_US
KEYS_PAUSE_US = SECOND_US

_INQUIRY_MEANINGS = {
    "APPROVED": Meaning.STILL_APPROVED,
    "REVERSED": Meaning.RETURNED,
    "DECLINED": Meaning.DECLINED,
    "UNKNOWN": Meaning.NOT_FOUND,
}

_log = structlog.get_logger("returns")


class ReturnEngine:
    """One per gateway process."""

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        keys: KeyStore,
        hosts: Mapping[str, Iso8583Host],
        jitter: random.Random,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._keys = keys
        self._hosts = hosts
        self._jitter = jitter
        self.runner = TaskRunner(
            kind=TASK_KIND,
            lanes={name: host.terms.settings.reversals_in_flight_max for name, host in hosts.items()},
            journal=journal,
            clock=clock,
            handle=self.drive,
        )

    def opening(
        self,
        transaction: Transaction,
        *,
        reason: str,
        sent: Moment,
        original_answer: str = "",
        leg_no: int = 1,
    ) -> tuple[Change, ...]:
        """The rows of a new reversal leg, for the caller's unit; nudge the lane when they are durable.

        `reason` is field 39; `sent` is when the original left, at the latest.
        """
        now_us = self._clock.now().wall_us
        leg = Leg(
            return_id=return_id(transaction.transaction_id, "reversal", leg_no),
            transaction_id=transaction.transaction_id,
            acquirer=transaction.acquirer,
            kind="reversal",
            leg_no=leg_no,
            state=State.RETURNING,
            amount_minor=transaction.paid.minor,
            currency=transaction.amount.currency,
            reason=reason,
            original_answer=original_answer,
            original_sent_at_us=min(sent.wall_us, transaction.received_at_us),  # the host's day is that of its request
            original_boot_us=sent.boot_us,
            original_boot_id=sent.boot_id,
            opened_at_us=now_us,
        )
        due = tasks.put(TASK_KIND, leg.return_id, leg.acquirer, self.runner.now_us())
        return store.insert_leg(leg), due, tasks.examine(leg.transaction_id, now_us + EXAMINE_AFTER_US)

    async def host_is_back(self, name: str) -> None:
        """What waits for this host goes on, oldest first, and not faster than the host is to be asked.

        Until all have their place none goes: the young ones would overtake.
        """
        self.runner.hold(name)
        try:
            await self.runner.rest(name, REST_S)
            oldest_first = await self._journal.read(partial(store.live_ids, acquirer=name))
            pace = self._hosts[name].terms.settings.reversals_per_second_max
            await self.runner.wake_lane(name, first=oldest_first, per_second_max=pace)
        finally:
            self.runner.release(name)

    async def drive(self, task: Claimed) -> None:
        """One step for one leg: the handler of the task."""
        found = await self._journal.read(lambda c: find_open(c, task.key))
        if found is None:
            await self._journal.commit([], [tasks.drop(task)])
            return
        host = self._hosts[found.leg.acquirer]
        now = self._clock.now()
        if _is_of_another_machine(found.leg, now):
            again = tasks.move(task, self.runner.now_us())
            await self._journal.commit([], [store.restart_window(found.leg, now), again])
            return
        step = next_step(found.leg, host.terms, now)
        match step:
            case Send() | Inquire():
                await self._attempt(task, found, host, "reversal" if isinstance(step, Send) else "inquiry")
            case Wait(for_us=for_us):
                await self._journal.commit([], [tasks.move(task, self.runner.now_us() + for_us)])
            case Close() | Escalate():
                await self._end(task, found, step)

    async def _attempt(self, task: Claimed, found: Open, host: Iso8583Host, step: str) -> None:
        """Send a reversal or an inquiry: intent durable first, then the bytes, then the answer durable."""
        transaction, leg = found.transaction, found.leg
        identity = Identity(terminal_id=transaction.key.terminal_id, merchant_id=transaction.key.merchant_id)
        was_up = host.link.up
        if not await host.ready(identity) or self.runner.holds(task.lane):  # held: `host_is_back` gives it its place
            await self._put_off(task, found, was_up)
            return
        try:
            upstream = await self._build(host, transaction, leg, step)
        except StaleSession:
            await self._put_off(task, found, was_up)
            return
        now = self._clock.now()
        sent = as_sent(leg, step, now)
        committed = await self._journal.commit(
            [return_fact(transaction, f"RETURN_{step.upper()}", now, f"attempt {count_of(sent, step)}",
                   sent_frame(host, Direction.TO_HOST, upstream))],
            [
                next_version(transaction),
                store.update_leg(sent),
                store.insert_send(leg, step, count_of(sent, step), now.wall_us),
            ],
        )  # fmt: skip
        if isinstance(committed, Conflict):
            await self._look_again(task)
            return
        timeout_s = host.terms.settings.answer_timeout_ms / 1000
        outcome = await host.send(committed.permit, transaction.transaction_id, upstream, timeout_s)
        await self._record(task, host, step, outcome)

    async def _put_off(self, task: Claimed, found: Open, link_up: bool) -> None:
        """Nothing can be sent now. It is not counted as an attempt, but after a while a person is told."""
        pause = SIGN_IN_PAUSE_US if link_up else LINK_DOWN_PAUSE_US
        again = tasks.move(task, self.runner.now_us() + pause)
        now = self._clock.now()
        if not needs_case(found.leg, now):
            await self._journal.commit([], [again])
            return
        facts, changes = case_opened(found.transaction, found.leg, "the host cannot be reached", now, 1)
        if isinstance(await self._journal.commit(facts, [*changes, again]), Conflict):
            await self._look_again(task)

    async def _look_again(self, task: Claimed) -> None:
        """The transaction changed meanwhile: decide anew, at once."""
        await self._journal.commit([], [tasks.move(task, self.runner.now_us())])
        self.runner.nudge(task.lane)

    async def _build(self, host: Iso8583Host, transaction: Transaction, leg: Leg, step: str) -> Upstream:
        material = await self._material(host, transaction)
        if step == "inquiry":
            return host.inquiry(material)
        return host.reversal(material, reason=leg.reason, auth_code=transaction.auth_code, attempt=leg.attempts + 1)

    async def _material(self, host: Iso8583Host, transaction: Transaction) -> ReversalMaterial:
        """The original from the journal, its account unsealed."""
        assert transaction.sealed is not None, "a transaction in return keeps its account"
        account = self._keys.unseal(transaction.sealed, sealing_context(transaction.transaction_id))
        stored = await self._journal.read(partial(transactions.first_request, transaction=transaction))
        key = transaction.key
        original = host.codec.decode(stored.masked)
        return material_of(original, account_from(account), mti=key.mti_class, stan=key.stan)

    async def _record(self, task: Claimed, host: Iso8583Host, step: str, outcome: Outcome) -> None:
        """Make the answer durable, and what follows; again if somebody changed the transaction meanwhile."""
        committed: Committed | Conflict | None = None
        while not isinstance(committed, Committed):
            found = await self._journal.read(lambda c: find_open(c, task.key))
            if found is None:
                return  # closed meanwhile by a late answer; nothing is left to decide
            facts, changes = self._recorded(task, found, host, step, outcome)
            if not await self._journal.read(lambda c: tasks.is_held(c, task)):
                changes = [change for change in changes if change.statement.table is not tasks_table]
            committed = await self._journal.commit(facts, changes)
        self.runner.nudge(task.lane)

    def _recorded(
        self, task: Claimed, found: Open, host: Iso8583Host, step: str, outcome: Outcome
    ) -> tuple[Sequence[Fact], Sequence[Change]]:
        now = self._clock.now()
        transaction = found.transaction
        if isinstance(outcome, NotSent):
            leg = as_unsent(found.leg, step)
            facts = [return_fact(transaction, "RETURN_NOT_SENT", now, outcome.reason)]
            changes = [store.delete_send(leg, step, count_of(found.leg, step)), store.update_leg(leg)]
            due_us = self.runner.now_us() + SECOND_US
            return facts, [next_version(transaction), *changes, tasks.move(task, due_us)]
        meaning, note, frames = self._understood(host, step, outcome)
        leg = as_answered(found.leg, step, outcome, meaning, host.terms.packet_life_us)
        if isinstance(outcome, NoAnswer) and outcome.doubt is Doubt.BAD_MAC:
            host.stale_keys(transaction.key.terminal_id)
        if meaning is Meaning.KEYS:
            leg = replace(leg, rejected=leg.rejected + (step == "reversal"))
            host.stale_keys(transaction.key.terminal_id)
        fact = return_fact(transaction, f"{step.upper()}_ANSWER", now, note, frames)
        return self._followed(task, host, found, leg, fact, now)

    def _understood(self, host: Iso8583Host, step: str, outcome: Answered | NoAnswer) -> tuple[Meaning, str, bytes]:
        if isinstance(outcome, NoAnswer):
            return Meaning.UNKNOWN, outcome.doubt.value, b""
        frames = pack(Direction.FROM_HOST, host.codec.dialect.name, masked(outcome.message))
        if step == "inquiry":
            state = inquiry_state(outcome.message)
            meaning = _INQUIRY_MEANINGS.get(state) or host.terms.reversal_meaning(outcome.code)
            if meaning is Meaning.RETURNED and state != "REVERSED":
                meaning = Meaning.UNKNOWN
            return meaning, f"the host says: {meaning.value}", frames
        meaning = host.terms.reversal_meaning(outcome.code)
        return meaning, f"answered {outcome.code}: {meaning.value}", frames

    def _followed(
        self, task: Claimed, host: Iso8583Host, found: Open, leg: Leg, fact: Fact, now: Moment
    ) -> tuple[Sequence[Fact], Sequence[Change]]:
        """The unit that records an answer and takes the step that it allows at once."""
        transaction, link = found.transaction, found.link
        step = next_step(leg, host.terms, now)
        if isinstance(step, Close | Escalate):
            facts, changes = ended(transaction, link, leg, step, now, version=fact.version + 1)
            return [fact, *facts], [*changes, tasks.drop(task)]
        if needs_case(leg, now):
            escalated, changes = case_opened(transaction, leg, "no definite answer yet", now, 2)
            due_us = self.runner.now_us() + HOURLY_S * SECOND_US
            return [fact, *escalated], [*changes, tasks.move(task, due_us)]
        due_us = self.runner.now_us() + self._pause(leg, step, now)
        return [fact], [next_version(transaction), store.update_leg(leg), tasks.move(task, due_us)]

    def _pause(self, leg: Leg, step: Send | Inquire | Wait, now: Moment) -> int:
        """Until the next step: a window, nothing (the first inquiry after a reversal, new keys), or the back-off."""
        if isinstance(step, Wait):
            return step.for_us
        if leg.last_meaning == Meaning.KEYS.value:
            return KEYS_PAUSE_US * max(1, leg.attempts - 1)
        if isinstance(step, Inquire) and leg.last_step == "reversal":
            return 0
        if isinstance(step, Send) and leg.last_meaning in (
            Meaning.NOT_FOUND.value,
            Meaning.STILL_APPROVED.value,
        ):
            return 0
        return pause_us(leg, now, self._jitter.random())

    async def late_answer(self, transaction: Transaction, message: Message, note: str, frames: bytes) -> bool:
        """A reversal's answer that came after its driver stopped waiting: closes its leg if it is definite."""
        open_legs = await self._journal.read(lambda c: store.legs_of(c, transaction.transaction_id))
        leg = next((each for each in open_legs if each.state in OPEN_RETURN), None)
        if leg is None or not leg.attempts:
            return False
        if leg.state is State.RETURNING and leg.last_meaning not in ("", Meaning.UNKNOWN.value):
            return False  # the driver has an answer already and waits for a reason of its own
        host = self._hosts[leg.acquirer]
        meaning = host.terms.reversal_meaning(message.get(39) or "")
        if meaning is Meaning.NOT_FOUND and leg.attempts > 1 and not host.terms.profile.remembers_unseen:
            return False  # it may answer the first attempt, which the original could still follow
        leg = replace(leg, last_step="reversal", last_meaning=meaning.value, unanswered_boot_us=0)
        now = self._clock.now()
        step = next_step(leg, host.terms, now)
        if not isinstance(step, Close):
            return False
        fact = return_fact(transaction, "LATE_ANSWER", now, note, frames)
        original_id = transaction.original_id
        link = await self._journal.read(partial(find_link, original_id=original_id)) if original_id else None
        facts, changes = ended(transaction, link, leg, step, now, version=fact.version + 1)
        return isinstance(await self._journal.commit([fact, *facts], changes), Committed)

    async def _end(self, task: Claimed, found: Open, step: Close | Escalate) -> None:
        """The leg can be closed, or handed to a person, without sending anything."""
        facts, changes = ended(
            found.transaction, found.link, found.leg, step, self._clock.now(), version=found.transaction.version + 1
        )
        if isinstance(await self._journal.commit(facts, [*changes, tasks.drop(task)]), Conflict):
            await self._look_again(task)


def _is_of_another_machine(leg: Leg, now: Moment) -> bool:
    """Begun there; or taken over, and then written by one who had read it before that."""
    return leg.original_boot_id != now.boot_id or (leg.attempts > 0 and leg.last_boot_id != now.boot_id)
