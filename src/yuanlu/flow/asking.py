"""A refund in doubt at a host that answers inquiries (P3): ask what became of it until the answer is definite.

A refund is never sent again, so an inquiry cannot come between two attempts: "approved" is the truth at once.
"Unknown" is believed only when the refund can no longer arrive, that is when the inquiry left after its packet life.
"""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from yuanlu.acquirers.iso8583_host import StaleSession, inquiry_state
from yuanlu.acquirers.material import material_of
from yuanlu.acquirers.outcome import Answered, Outcome
from yuanlu.acquirers.sessions import Identity
from yuanlu.acquirers.terms import HostTerms
from yuanlu.flow.payment import Desk
from yuanlu.flow.records import Unit, fact, frame, to_state
from yuanlu.iso8583.masking import masked
from yuanlu.journal import tasks, transactions
from yuanlu.journal.frames import Direction, pack
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Conflict
from yuanlu.kernel.clock import Moment
from yuanlu.returns.policy import BACK_OFF_S, SECOND_US
from yuanlu.returns.states import State
from yuanlu.returns.steps import next_version
from yuanlu.returns.store import put_watch, restart_window
from yuanlu.returns.ways import Link, find_link, followed

TASK_KIND = "refund"
LINK_DOWN_PAUSE_US = 30 * SECOND_US
AFTER_LIFE_US = SECOND_US // 10


def left_unknown(desk: Desk, refund: Transaction, link: Link | None, why: str, frames: bytes = b"") -> Unit:
    """A refund in doubt: never reversed and never sent again, so that it is not paid twice. It is asked about where
    the host can be asked; elsewhere it is a person's at once.
    """
    version, now_us = refund.version + 1, desk.clock.wall_us()
    facts = [fact(desk, refund, State.UNKNOWN, version=version, note=why, frames=frames)]
    changes = [
        to_state(desk, refund, State.UNKNOWN, version, why),
        put_watch(refund.transaction_id, now_us, f"{refund.kind}: {why}"),
        tasks.examine(refund.transaction_id, now_us),
    ]
    if desk.hosts[refund.acquirer].terms.profile.inquiry:
        due_us = desk.returns.runner.now_us()
        return facts, [*changes, tasks.put(TASK_KIND, refund.transaction_id, refund.acquirer, due_us)]
    if link is None:
        return facts, changes
    more, rows = followed(link, refund, State.UNKNOWN, why, desk.clock.now())
    return [*facts, *more], [*changes, *rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A refund in doubt with its original; `asked` is how often it has been asked about."""

    refund: Transaction
    link: Link
    asked: int


class Asker:
    """Asks about refunds; one per gateway."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        lanes = {name: host.terms.settings.reversals_in_flight_max for name, host in desk.hosts.items()}
        self.runner = TaskRunner(kind=TASK_KIND, lanes=lanes, journal=desk.journal, clock=desk.clock, handle=self.drive)

    async def drive(self, task: Claimed) -> None:
        """One inquiry: the handler of the task."""
        found = await self._desk.journal.read(partial(_read, transaction_id=task.key))
        if found is None:
            await self._desk.journal.commit([], [tasks.drop(task)])
            return
        leg, now = found.link.leg_of(task.key), self._desk.clock.now()
        if leg is not None and leg.original_boot_id != now.boot_id:  # begun by a gateway on another machine
            again = tasks.move(task, self.runner.now_us())
            await self._desk.journal.commit([], [restart_window(leg, now), again])
            return
        refund, host = found.refund, self._desk.hosts[found.refund.acquirer]
        key = refund.key
        if not await host.ready(Identity(terminal_id=key.terminal_id, merchant_id=key.merchant_id)):
            await self._later(task, LINK_DOWN_PAUSE_US)
            return
        stored = await self._desk.journal.read(partial(transactions.first_request, transaction=refund))
        try:
            question = host.inquiry(material_of(host.codec.decode(stored.masked), {}))
        except StaleSession:
            await self._later(task, SECOND_US)
            return
        frames = frame(Direction.TO_HOST, host.codec.decode(question.frame))
        asked = fact(self._desk, refund, "REFUND_INQUIRY", version=refund.version + 1, frames=frames)
        is_over = _life_left_us(found, host.terms, self._desk.clock.now()) == 0
        committed = await self._desk.journal.commit([asked], [next_version(refund)])
        if isinstance(committed, Conflict):
            await self._later(task, SECOND_US)
            return
        timeout_s = host.terms.settings.answer_timeout_ms / 1000
        outcome = await host.send(committed.permit, refund.transaction_id, question, timeout_s)
        await self._heard(task, outcome, is_over=is_over)

    async def _heard(self, task: Claimed, outcome: Outcome, *, is_over: bool) -> None:
        """Make the answer durable, and what follows for the payment."""
        found = await self._desk.journal.read(partial(_read, transaction_id=task.key))
        if found is None:
            return
        refund, terms = found.refund, self._desk.hosts[found.refund.acquirer].terms
        said = inquiry_state(outcome.message) if isinstance(outcome, Answered) else "UNANSWERED"
        state = {"APPROVED": State.APPROVED, "DECLINED": State.DECLINED}.get(said)
        if said == "UNKNOWN" and is_over:
            if terms.business_day(refund.received_at_us) != terms.business_day(self._desk.clock.wall_us()):
                await self._hand_over(task, found)
                return
            state = State.DECLINED
        if state is None:
            pause_us = BACK_OFF_S[min(found.asked, len(BACK_OFF_S)) - 1] * SECOND_US
            if said == "UNKNOWN":
                pause_us = _life_left_us(found, terms, self._desk.clock.now()) + AFTER_LIFE_US
            await self._later(task, max(SECOND_US // 10, pause_us))
            return
        frames = b""
        if isinstance(outcome, Answered):
            frames = pack(Direction.FROM_HOST, outcome.message.codec.dialect.name, masked(outcome.message))
        note = f"the host says: {said}"
        version = refund.version + 1
        facts, changes = followed(found.link, refund, state, note, self._desk.clock.now())
        done = await self._desk.journal.commit(
            [fact(self._desk, refund, state, version=version, note=note, frames=frames), *facts],
            [
                to_state(self._desk, refund, state, version, note),
                *changes,
                tasks.examine(refund.transaction_id, self._desk.clock.wall_us()),
                tasks.drop(task),
            ],
        )  # fmt: skip
        if isinstance(done, Conflict):  # a late answer was first, or the original changed: look again
            await self._later(task, SECOND_US // 10)

    async def _hand_over(self, task: Claimed, found: Doubtful) -> None:
        """The host's day has changed, so that "unknown" may only mean "not today": a person's, like a reversal's."""
        why = "the host's day changed, and it does not know the refund"
        facts, changes = followed(found.link, found.refund, State.UNKNOWN, why, self._desk.clock.now())
        looked = tasks.examine(found.refund.transaction_id, self._desk.clock.wall_us())
        if isinstance(await self._desk.journal.commit(facts, [*changes, looked, tasks.drop(task)]), Conflict):
            await self._later(task, SECOND_US // 10)

    async def _later(self, task: Claimed, pause_us: int) -> None:
        await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + pause_us)])
        self.runner.nudge(task.lane)


def _life_left_us(found: Doubtful, terms: HostTerms, now: Moment) -> int:
    """How long the refund may still be on its way; measured on the boot clock, anew after a boot."""
    leg = found.link.leg_of(found.refund.transaction_id)
    elapsed_us = None if leg is None else now.elapsed_us_since(leg.original_boot_us, leg.original_boot_id)
    life_us = terms.packet_life_us + terms.settings.answer_timeout_ms * 1000
    return life_us if elapsed_us is None else max(0, life_us - elapsed_us)


def _read(connection: Connection, transaction_id: str) -> Doubtful | None:
    """None when it is in doubt no more."""
    refund = transactions.get(connection, transaction_id)
    if refund.state != State.UNKNOWN:
        return None
    rows = transactions.facts_of(connection, refund.key.merchant_id, transaction_id)
    asked = sum(1 for row in rows if row.kind == "REFUND_INQUIRY")
    return Doubtful(refund=refund, link=find_link(connection, refund.original_id), asked=asked)
