"""What two people have decided about a case is carried out here, in one commit with the case's own record of it.

The decision names the way: the bank says that the money went back, or that it never moved; one more reversal to a
host that recognises repeats; a credit outside the message path. It is looked at again before it is done: what the
journal has learned meanwhile may have overtaken it.
"""

from functools import partial

import structlog
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import PREAUTH
from yuanlu.acquirers.terms import Meaning
from yuanlu.cases.decisions import DECISION_TASK_KIND, carried_out, not_carried_out
from yuanlu.cases.records import Case, Decision, DecisionKind, Outcome
from yuanlu.cases.states import DecisionState
from yuanlu.cases.store import get_case, get_decision
from yuanlu.cases.writing import Written
from yuanlu.flow.payment import Desk
from yuanlu.journal import tasks
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.transactions import SET_STATE, Transaction, get
from yuanlu.journal.unit import Change, Conflict
from yuanlu.kernel.clock import Moment
from yuanlu.returns import store
from yuanlu.returns.engine import TASK_KIND as RETURN_TASK_KIND
from yuanlu.returns.policy import Close, Leg
from yuanlu.returns.states import State
from yuanlu.returns.steps import next_version, return_fact
from yuanlu.returns.ways import Link, Rows, credited_by_hand, ended, find_link, followed

AT_ONCE_MAX = 4
AGAIN_US = 100_000

_log = structlog.get_logger("cases")


class Matter(Struct, frozen=True, kw_only=True):
    """What a decision is about, read together. `about` is set when the transaction is itself a void or refund."""

    decision: Decision
    case: Case
    transaction: Transaction
    own: Link
    about: Link | None
    wake: Change | None
    """Its return is driven at once; None without one."""


class Decider:
    """Carries out decisions; one per gateway."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.runner = TaskRunner(
            kind=DECISION_TASK_KIND, lanes=dict.fromkeys(desk.hosts, AT_ONCE_MAX), journal=desk.journal,
            clock=desk.clock, handle=self.drive,
        )  # fmt: skip

    async def drive(self, task: Claimed) -> None:
        """One decision: the handler of the task."""
        due_us = self._desk.returns.runner.now_us()
        matter = await self._desk.journal.read(partial(_read, decision_id=task.key, due_us=due_us))
        if matter.decision.state is not DecisionState.APPROVED:
            await self._desk.journal.commit([], [tasks.drop(task)])
            return
        (facts, changes), said = self._carried(matter)
        done = await self._desk.journal.commit([*facts, *said.facts], [*changes, *said.changes, tasks.drop(task)])
        if isinstance(done, Conflict):
            _log.warning("a decision could not be carried out yet", decision=task.key, reason=done.reason)
            await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + AGAIN_US)])
        self._desk.returns.runner.nudge(task.lane)
        self.runner.nudge(task.lane)

    def _carried(self, matter: Matter) -> tuple[Rows, Written]:
        """The rows for the money, and the case's for the record."""
        now, decision, case = self._desk.clock.now(), matter.decision, matter.case
        rows, outcome = _effect(matter, now)
        if rows is None:
            held = matter.transaction.kind == PREAUTH and decision.kind is DecisionKind.MANUAL_CREDIT
            why = (
                "the amount is only held, so nothing can be credited"
                if held
                else f"the payment is {matter.transaction.state} by now"
            )
            return ([], []), not_carried_out(case, decision, now.wall_us, why)
        note = f"{decision.kind.value}, reference {decision.bank_reference or '-'}"
        return rows, carried_out(case, decision, now.wall_us, note, closes_as=outcome)


def _effect(matter: Matter, now: Moment) -> tuple[Rows | None, Outcome | None]:
    """What the decision does, and how the case ends; None when it no longer fits what the journal says."""
    live = matter.own.live
    match matter.decision.kind:
        case DecisionKind.DECLARE_RETURNED:
            return _declared(matter, live, State.RETURNED, now), Outcome.RETURNED
        case DecisionKind.DECLARE_NO_EFFECT:
            return _declared(matter, live, State.NO_EFFECT, now), Outcome.NO_EFFECT
        case DecisionKind.SEND_ONCE_MORE:
            return _once_more(matter, live, now), None
        case DecisionKind.MANUAL_CREDIT if live is not None or matter.transaction.state == State.UNKNOWN:
            return _declared(matter, live, State.RETURNED, now), Outcome.CREDITED
        case DecisionKind.MANUAL_CREDIT:
            return _credited(matter, now), Outcome.CREDITED


def _declared(matter: Matter, live: Leg | None, state: State, now: Moment) -> Rows | None:
    """The end of a return, or of a refund in doubt, by the bank's word."""
    found, decision = matter.transaction, matter.decision
    why = f"{decision.kind.value} by {decision.maker} and {decision.checker}, reference {decision.bank_reference}"
    if live is None and not (found.state == State.UNKNOWN and matter.about is not None):
        # a till reversed it after its batch was closed
        return _credited(matter, now) if state is State.RETURNED else None
    return declared(found, matter.own, matter.about, state, why, now)


def declared(found: Transaction, own: Link, about: Link | None, state: State, why: str, now: Moment) -> Rows | None:
    """What was in doubt ends as RETURNED or NO_EFFECT, by people or by the file; of a void or refund in doubt this
    means that it gave the money back, or did not. None when nothing of it is open.
    """
    live = own.live
    if found.state == State.UNKNOWN and about is not None:
        outcome = State.APPROVED if state is State.RETURNED else State.DECLINED
        facts, changes = followed(about, found, outcome, why, now)
        version = found.version + 1
        fact = return_fact(found, outcome, now, why, version=version)
        row = (outcome.value, version, why, now.wall_us, found.transaction_id, found.version)
        return [fact, *facts], [Change(statement=SET_STATE, row=row), *changes]
    if live is None or live.message_id:  # the void or refund that carries it out has its own end
        return None
    fact = return_fact(found, "DECIDED", now, why)
    facts, changes = ended(found, about, live, Close(state=state), now, version=fact.version + 1)
    return [fact, *facts], changes


def _once_more(matter: Matter, live: Leg | None, now: Moment) -> Rows | None:
    """The driver may send the same reversal again, as if the last answer had said nothing."""
    if live is None or live.message_id or matter.wake is None:
        return None
    decision = matter.decision
    fact = return_fact(matter.transaction, "DECIDED", now, f"once more, by {decision.maker} and {decision.checker}")
    again = replace(live, last_step="reversal", last_meaning=Meaning.UNKNOWN.value)
    return [fact], [next_version(matter.transaction), store.update_leg(again), matter.wake]


def _credited(matter: Matter, now: Moment) -> Rows | None:
    """Money given back beside the message path, of a payment that stands."""
    decision = matter.decision
    if matter.transaction.kind == PREAUTH:
        return None
    if matter.transaction.state not in (State.APPROVED, State.CAPTURED, State.ESCALATED):
        return None
    if decision.amount.minor > matter.own.left_minor:
        return None
    return credited_by_hand(matter.own, decision.amount, decision.bank_reference, now)


def _read(connection: Connection, decision_id: str, due_us: int) -> Matter:
    decision = get_decision(connection, decision_id)
    case = get_case(connection, decision.case_id)
    assert case.transaction_id is not None, "a decision is about a transaction's money"
    found = get(connection, case.transaction_id)
    own = find_link(connection, found.transaction_id)
    live = own.live
    wake = tasks.wake(connection, RETURN_TASK_KIND, live.return_id, live.acquirer, due_us) if live else None
    return Matter(
        decision=decision,
        case=case,
        transaction=found,
        own=own,
        about=find_link(connection, found.original_id) if found.original_id else None,
        wake=wake,
    )
