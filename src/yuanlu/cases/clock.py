"""What time alone does to cases: up the ladder, awake again, an unanswered proposal expired, to technical support.

Each case has one task (kind `case`), put when it is opened and whenever its times move. The handler takes one step,
commits it, and looks again when the next is due. Time closes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.cases.bundle import bundle
from yuanlu.cases.decisions import expire
from yuanlu.cases.errors import CaseUnknown
from yuanlu.cases.ladder import Climb, Expire, Rest, Support, Wake, due
from yuanlu.cases.people import GATEWAY
from yuanlu.cases.records import Case, Decision
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import attachments_of, find_open_decision, get_case
from yuanlu.cases.work import escalate, hand_over, wake
from yuanlu.cases.writing import LANE, TASK_KIND, Written
from yuanlu.contracts import ServiceLevel
from yuanlu.journal import tasks
from yuanlu.journal.tables import tasks as tasks_table
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.unit import Change, Conflict
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock

AT_ONCE_MAX = 4
"""Cases looked at together: it is never urgent to the second, and payments come first."""

CONFLICT_PAUSE_US = 1_000_000

LegRows = Callable[[Connection, str], Sequence[Mapping[str, Any]]]
"""The returns of a transaction, as rows for the bundle; wired from the package that owns them."""


class Planned(Struct, frozen=True, kw_only=True):
    """A step to commit, None for none, and when to look again: None when only a person can move it."""

    step: Written | None
    again_us: int | None


class CaseClock:
    """One per gateway process: start `runner` beside the others."""

    def __init__(self, *, journal: Journal, clock: Clock, levels: ServiceLevels, legs: LegRows) -> None:
        self._journal = journal
        self._levels = levels
        self._legs = legs
        self.runner = TaskRunner(
            kind=TASK_KIND, lanes={LANE: AT_ONCE_MAX}, journal=journal, clock=clock, handle=self.look
        )

    async def look(self, task: Claimed) -> None:
        """One step for one case: the handler of the task."""
        now_us = self.runner.now_us()
        planned = await self._journal.read(lambda c: self.plan(c, task.key, now_us))
        again = tasks.drop(task) if planned.again_us is None else tasks.move(task, planned.again_us)
        step = planned.step
        changes: list[Change] = [] if step is None else [c for c in step.changes if not _is_task_of(c, task)]
        result = await self._journal.commit([] if step is None else step.facts, [*changes, again])
        if isinstance(result, Conflict):  # somebody acts on this case; what he made due stands, else we look again
            await self._journal.commit([], [tasks.move(task, now_us + CONFLICT_PAUSE_US)])
        self.runner.nudge(task.lane)

    def plan(self, connection: Connection, case_id: str, now_us: int) -> Planned:
        """What time demands of this case now."""
        try:
            case = get_case(connection, case_id)
        except CaseUnknown:
            return Planned(step=None, again_us=None)
        decision = find_open_decision(connection, case_id)
        terms = self._levels.of(case.merchant_id)
        demand = due(case, decision, terms, now_us)
        if isinstance(demand, Rest):
            return Planned(step=None, again_us=demand.until_us)
        return Planned(step=self._step(connection, demand, case, decision, terms, now_us), again_us=now_us)

    def _step(
        self,
        connection: Connection,
        demand: Wake | Climb | Expire | Support,
        case: Case,
        decision: Decision | None,
        terms: ServiceLevel,
        now_us: int,
    ) -> Written:
        match demand:
            case Wake():
                return wake(case, GATEWAY, terms, now_us)
            case Climb():
                return escalate(case, decision, GATEWAY, "not closed in time", terms, now_us)
            case Expire():
                assert decision is not None, "only a decision expires"
                return expire(case, decision, now_us)
            case Support():
                attached = len(attachments_of(connection, case.case_id))
                legs = self._legs(connection, case.transaction_id) if case.transaction_id else ()
                content = bundle(connection, case, legs, now_us)
                return hand_over(case, decision, GATEWAY, f"complex: {case.cause}", content, attached, now_us)


def _is_task_of(change: Change, task: Claimed) -> bool:
    """The step's own wish to look again; the task in hand is moved instead."""
    return change.statement.table is tasks_table and change.row[:2] == (task.kind, task.key)
