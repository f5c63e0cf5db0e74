"""Every abnormal transaction gets a cause, and a person where the machine is not enough.

A task of kind "examine" is put in the commit in which something goes wrong. Its handler reads the story, asks
`causes` why, writes that into the journal, and opens a case when the return is a person's, when it is not closed
within its time, or when nothing explains it. When the money is settled after all, the case closes by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import is_advice
from yuanlu.cases.decisions import settled
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.records import Case, Decision, Opening, Outcome, Severity, Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import find_case_of, find_case_of_incident, find_open_decision
from yuanlu.causes.cause import Cause, Family, Reason, Remedy
from yuanlu.causes.cause import Severity as CauseSeverity
from yuanlu.causes.cause import Words as CauseWords
from yuanlu.causes.evidence import CHARGED_STATES, Evidence
from yuanlu.causes.explanation import Explanation
from yuanlu.causes.guidance import LOOKED_INTO
from yuanlu.causes.taxonomy import explain
from yuanlu.contracts import Agreements
from yuanlu.fleet.health import suspected_at_us
from yuanlu.flow.around import Around
from yuanlu.flow.declaring import cause_of
from yuanlu.flow.evidence import Story, read_story
from yuanlu.flow.payment import Desk
from yuanlu.flow.telling import Teller
from yuanlu.flow.telling_reading import DUPLICATES
from yuanlu.flow.telling_reading import OPEN as NOT_YET_CLOSED
from yuanlu.flow.terminal_cases import case_of_terminal, is_of_terminal, terminal_case_name
from yuanlu.incidents.records import Incident, IncidentState
from yuanlu.incidents.store import find_incident_of, insert_member
from yuanlu.journal import tasks
from yuanlu.journal.tasks import EXAMINE, EXAMINE_LANE, Claimed, TaskRunner
from yuanlu.journal.transactions import SET_CAUSE, Transaction, get
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.kernel.identifiers import return_id
from yuanlu.reconciliation.clearing import FILE_SAYS
from yuanlu.reconciliation.store import CASE, finding_about
from yuanlu.returns.compensation import compensation_due
from yuanlu.returns.decision import COMPENSATION
from yuanlu.returns.orders import POLICY, Order, OrderState, insert_order, orders_of
from yuanlu.returns.states import State
from yuanlu.returns.steps import return_fact
from yuanlu.returns.store import is_watched, legs_of, put_watch

AT_ONCE_MAX = 1
"""A look reads a lot, and returns read through the same two threads: they must not wait for it."""

AGAIN_US = 1_000_000
AGAIN_IN_INCIDENT_US = 60_000_000
OPEN = frozenset({State.RETURNING, State.UNKNOWN, State.REOPENED})
NEVER_US = 10 * 365 * 86_400_000_000
SETTLED = {State.RETURNED: Outcome.RETURNED, State.NO_EFFECT: Outcome.NO_EFFECT}
SETTLED_MESSAGE = SETTLED | {State.APPROVED: Outcome.RETURNED, State.DECLINED: Outcome.NO_EFFECT}
"""The same of a void or refund: approved, it has given the money back."""

QUEUE = "returns"

ORDER_BY_HAND = Cause(
    code="ORDER_BY_HAND", family=Family.SYSTEM, title=CauseWords(zh="退回须人工办理", en="A return goes on by hand"),
    looks_at=(), severity=CauseSeverity.HIGH, remedy=Remedy.MANUAL,
    may_charge_again=False, may_be_debited=True, needs_support=False, guidance=LOOKED_INTO,
)  # fmt: skip
"""Of a case about a payment that stands: nothing went wrong with the payment, its order waits for a person."""

_log = structlog.get_logger("causes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the handler looks at, read together."""

    story: Story
    case: Case | None
    decision: Decision | None
    by_hand: bool
    """An order of it waits for a person, the terminal's batch differs about it, or its cause is for people."""
    suspected: bool
    """Somebody said what only people can judge: the terminal was opened or moved, goods went out, the clearing file
    differs."""
    order: Order | None
    """Its order that waits for a person."""
    order_done: bool
    watched: bool
    cleared: bool
    """Clearing files have confirmed or decided it already."""
    compensated: bool
    returned_at_us: int
    """When its reversal closed; 0 while it has not."""
    incident: Incident | None
    """The incident that explains it, once one does."""


@dataclass(kw_only=True)
class Examiner:
    """One per gateway."""

    desk: Desk
    levels: ServiceLevels
    agreements: Agreements
    random_bits: Callable[[int], int]
    teller: Teller
    unclassified: int = 0
    """Abnormal transactions that nothing explains: a defect each."""
    runner: TaskRunner = field(init=False)

    def __post_init__(self) -> None:
        self.runner = TaskRunner(
            kind=EXAMINE, lanes={EXAMINE_LANE: AT_ONCE_MAX}, journal=self.desk.journal, clock=self.desk.clock,
            handle=self.look,
        )  # fmt: skip

    async def look(self, task: Claimed) -> None:
        """One look at one transaction: the handler of the task."""
        read = await self.desk.journal.read(partial(_read, transaction_id=task.key, around=self.desk.around))
        incident, evidence = self._incident(read)
        explanation = explain(evidence)
        for_people = read.suspected or _for_people(read, explanation, incident)
        shared = for_people and _shares_its_case(read, explanation)
        if for_people and not shared:
            read = replace(read, by_hand=True)
        facts, changes = self._explained(read, explanation, incident)
        more, rows, again_us = self._case(read, explanation, incident)
        if shared:
            joined = await self._terminals_case(read, explanation)
            more, rows = [*more, *joined[0]], [*rows, *joined[1]]
        rows = [*rows, *self._compensation(read)]
        if incident is not None and read.incident is None:
            rows.append(insert_member(incident.incident_id, task.key))
        news = self.teller.speaks and _is_news(read, explanation, [*changes, *rows])
        rows += [tasks.tell("payment", task.key, self.desk.clock.wall_us())] if news else []
        last = tasks.drop(task) if again_us is None else tasks.move(task, again_us)
        done = await self.desk.journal.commit([*facts, *more], [*changes, *rows, last])
        if isinstance(done, Conflict):  # it changed meanwhile: look again
            await self.desk.journal.commit([], [tasks.move(task, self.runner.now_us() + AGAIN_US // 10)])
            self.runner.nudge(task.lane)
        elif news:
            self.teller.runner.nudge(tasks.TELL_LANE)

    def _incident(self, read: Read) -> tuple[Incident | None, Evidence]:
        """The incident that it belongs to, if that can have caused it, and the evidence with who else fails."""
        found, evidence, incidents = read.story.transaction, read.story.evidence, self.desk.incidents
        incident = (read.incident or incidents.covering(found)) if evidence.affected else None
        return incident, incidents.told(evidence, found, incident)

    def _explained(
        self, read: Read, explanation: Explanation, incident: Incident | None
    ) -> tuple[list[Fact], list[Change]]:
        """The cause, in the transaction and in its timeline, when it is new."""
        found, code = read.story.transaction, explanation.cause.code
        if found.cause == code or (explanation.unclassified and _in_order(read)):
            return [], []
        if explanation.unclassified:
            self.unclassified += 1
            _log.error("nothing explains this transaction", transaction=found.transaction_id, state=found.state)
        note = f"{code}: {explanation.reason.en}" + (f", incident {incident.incident_id}" if incident else "")
        version, now = found.version + 1, self.desk.clock.now()
        changes = [Change(statement=SET_CAUSE, row=(version, code, found.transaction_id, found.version))]
        if explanation.to_be_verified and not read.watched and not read.cleared:
            changes.append(put_watch(found.transaction_id, now.wall_us, explanation.reason.en))
        return [return_fact(found, "EXPLAINED", now, note, version=version)], changes

    def _case(
        self, read: Read, explanation: Explanation, incident: Incident | None
    ) -> tuple[list[Fact], list[Change], int | None]:
        """The case's rows, and when to look again: None when nothing is left to wait for."""
        found, now_us = read.story.transaction, self.desk.clock.wall_us()
        terms = self.levels.of(found.key.merchant_id)
        open_case_ = read.case if read.case is not None and read.case.state is not CaseState.CLOSED else None
        if open_case_ is not None:
            outcome = (SETTLED_MESSAGE if found.original_id else SETTLED).get(State(found.state))
            if outcome is None or read.by_hand:
                return [], [], None
            done = settled(open_case_, read.decision, outcome, now_us, "the return ended by itself")
            return list(done.facts), list(done.changes), None
        late_us = self._since_us(found) + terms.l1_after_ms * 1000
        is_open = State(found.state) in OPEN
        if incident is not None and incident.state is IncidentState.ACTIVE and not read.by_hand:
            waits = is_open or State(found.state) is State.ESCALATED  # the incident's one case speaks for all of them
            return [], [], self.runner.now_us() + AGAIN_IN_INCIDENT_US if waits else None
        if not _needs_person(read, explanation) and not (is_open and now_us >= late_us):
            waits_us = self.runner.now_us() + max(AGAIN_US, late_us - now_us)
            return [], [], waits_us if is_open else None
        opened = open_case(
            self._opening(read, explanation, incident), read.case, number=case_number(now_us, self.random_bits),
            terms=terms, now_us=now_us,
        )  # fmt: skip
        return list(opened.facts), list(opened.changes), None

    async def _terminals_case(self, read: Read, explanation: Explanation) -> tuple[list[Fact], list[Change]]:
        """What the case of its terminal takes from it, once."""
        found, cause = read.story.transaction, explanation.cause.code
        if found.cause == cause:
            return [], []
        name = terminal_case_name(found, cause)
        before = await self.desk.journal.read(partial(find_case_of_incident, incident=name))
        said = case_of_terminal(
            found, explanation, before, queue=QUEUE, terms=self.levels.of(found.key.merchant_id),
            random_bits=self.random_bits, now_us=self.desk.clock.wall_us(),
        )  # fmt: skip
        return list(said.facts), list(said.changes)

    def _compensation(self, read: Read) -> list[Change]:
        """What the contract owes for money that came back late, as a proposal of the policy."""
        found, now = read.story.transaction, self.desk.clock.now()
        if State(found.state) is not State.RETURNED or read.compensated or not read.returned_at_us:
            return []
        late_us = read.returned_at_us - found.received_at_us
        owed = compensation_due(self.agreements.of(found.key.merchant_id).compensation, found.paid, late_us)
        if owed is None:
            return []
        order = Order(
            order_id=return_id(found.transaction_id, COMPENSATION, 1),
            transaction_id=found.transaction_id,
            kind=COMPENSATION,
            paid_from="contract",
            amount=owed,
            state=OrderState.PROPOSED,
            origin="contract",
            reason=f"the money came back after {late_us // 60_000_000} minutes",
            explanation="compensation by contract; one person approves, another pays",
            automatic=False,
            maker=POLICY,
            proposed_at_us=now.wall_us,
            expires_at_us=now.wall_us + NEVER_US,
        )
        return [insert_order(order)]

    def _since_us(self, found: Transaction) -> int:
        return found.received_at_us

    def _opening(self, read: Read, explanation: Explanation, incident: Incident | None) -> Opening:
        found = read.story.transaction
        cause, why = explanation.cause, explanation.reason
        if explanation.unclassified and read.order is not None:
            cause, why = ORDER_BY_HAND, Reason(zh="退回单转人工办理", en=read.order.explanation)
        host = self.desk.hosts.get(found.acquirer)
        return Opening(
            transaction_id=found.transaction_id,
            incident=incident.incident_id if incident else "",
            merchant_id=found.key.merchant_id,
            terminal_id=found.key.terminal_id,
            acquirer=found.acquirer,
            amount=found.paid,
            title=Words(zh=cause.title.zh, en=cause.title.en),
            cause=cause.code,
            severity=Severity(cause.severity.value),
            explanation=Words(zh=why.zh, en=why.en),
            queue=QUEUE,
            since_us=self._since_us(found),
            evidence=() if cause is ORDER_BY_HAND else tuple(finding.reason.en for finding in explanation.findings),
            is_complex=cause.needs_support,
            may_send_again=host is not None and host.terms.profile.repeats,
        )


def _is_news(read: Read, explanation: Explanation, written: Sequence[Change]) -> bool:
    """Whether people may have to hear of it: its return is under way and something is new, or it has ended; it was
    charged twice; or an order of it was carried out.
    """
    state = State(read.story.transaction.state)
    if state in NOT_YET_CLOSED:
        return bool(written)
    return state in SETTLED or explanation.cause.code in DUPLICATES or read.order_done


def _in_order(read: Read) -> bool:
    """A payment that stands, or was voided or refunded: looked at for an operator's mistake, and none was found."""
    return State(read.story.transaction.state) in (State.APPROVED, State.CAPTURED) or read.story.evidence.voided


def _needs_person(read: Read, explanation: Explanation) -> bool:
    """Escalated, a refund in doubt, an order that goes on by hand, or a transaction that nothing explains."""
    found = read.story.transaction
    if State(found.state) is State.ESCALATED or read.by_hand:
        return True
    if explanation.unclassified and not _in_order(read):
        return True
    return State(found.state) is State.UNKNOWN


def _for_people(read: Read, explanation: Explanation, incident: Incident | None) -> bool:
    """Whether its cause is for people, no incident's case speaks for it, and nobody has closed a case of its own yet.

    What was voided has been put right.
    """
    cause = explanation.cause
    done = cause.remedy is Remedy.VOID and read.story.transaction.state not in CHARGED_STATES
    spoken_for = incident is not None and cause is cause_of(incident.kind)
    seen = read.case is not None and read.case.state is CaseState.CLOSED
    return explanation.needs_person and not (explanation.unclassified or done or spoken_for or seen)


def _shares_its_case(read: Read, explanation: Explanation) -> bool:
    """Whether nothing is to be decided about this payment alone."""
    return read.case is None and not read.by_hand and is_of_terminal(read.story.transaction, explanation)


def _read(connection: Connection, transaction_id: str, around: Around) -> Read:
    case = find_case_of(connection, transaction_id)
    orders, legs = orders_of(connection, transaction_id), legs_of(connection, transaction_id)
    story = read_story(connection, transaction_id, around)
    order = next((order for order in orders if order.state is OrderState.ESCALATED), None)
    return Read(
        story=story,
        case=case,
        decision=find_open_decision(connection, case.case_id) if case is not None else None,
        incident=find_incident_of(connection, transaction_id),
        watched=is_watched(connection, transaction_id),
        cleared=any(row.note.startswith(FILE_SAYS) for row in story.rows),
        compensated=any(order.kind == COMPENSATION for order in orders),
        returned_at_us=max((leg.closed_at_us or 0 for leg in legs if leg.kind == "reversal"), default=0),
        by_hand=order is not None or _differs(connection, transaction_id, case),
        suspected=suspected_at_us(story.seen) > _closed_at_us(case),
        order=order,
        order_done=any(order.state is OrderState.DONE for order in orders),
    )


def _differs(connection: Connection, transaction_id: str, case: Case | None) -> bool:
    """The terminal's batch differs about it, or the host refused an advice that we took over: until a person has closed
    its case since.
    """
    found, finding = get(connection, transaction_id), finding_about(connection, transaction_id)
    refused = is_advice(found.kind) and found.state == State.DECLINED
    since_us = found.changed_at_us if refused else finding.at_us if finding is not None and finding.done == CASE else 0
    return since_us > _closed_at_us(case)


def _closed_at_us(case: Case | None) -> int:
    return 0 if case is None or case.closed_at_us is None else case.closed_at_us
