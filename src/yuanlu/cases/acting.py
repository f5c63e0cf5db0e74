"""An action from its wish to its commit, inside the gateway or from the command line.

Read the case, build the unit, commit it. What the rules forbid is recorded as a refusal, with who and why; the case
does not move, and the caller gets a CaseError that says why. A conflict is a refusal, too: somebody else was first,
and what he did may be a reason to decide otherwise, so nothing is tried again on its own.
"""

from collections.abc import Callable

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.cases.errors import CaseChanged, CaseError
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case
from yuanlu.cases.store import get_case
from yuanlu.cases.writing import Written, turned_away
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import Visitor
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource


class Refusal(Struct, frozen=True, kw_only=True):
    """Why an action is not done, on the case as it was."""

    case: Case
    error: CaseError


class Attempt(Struct, frozen=True, kw_only=True):
    """Somebody wants to do something to a case.

    `build` reads what it needs and gives the unit, or raises CaseError. `seen_version` is the version that the person
    was shown, where he decided by what he saw: a case that has changed since is refused.
    """

    case_id: str
    who: Actor
    tried: str
    build: Callable[[Connection, Case], Written]
    seen_version: int | None = None

    def plan(self, connection: Connection) -> Written | Refusal:
        """What to commit. Raises CaseUnknown for a number that is no case."""
        case = get_case(connection, self.case_id)
        if self.seen_version is not None and case.version != self.seen_version:
            return Refusal(case=case, error=_changed(case, "it is not as you saw it"))
        try:
            return self.build(connection, case)
        except CaseError as error:
            return Refusal(case=case, error=error)


def _changed(case: Case, reason: str) -> CaseChanged:
    return CaseChanged(f"{case.case_id} changed meanwhile, nothing was done ({reason}); look at it again")


class Desk:
    """What is needed to record a refusal: a clock, and names for the facts."""

    def __init__(self, clock: Clock, identifiers: IdentifierSource) -> None:
        self.clock = clock
        self._identifiers = identifiers

    def refused(self, attempt: Attempt, refusal: Refusal) -> Written:
        """The refusal as facts and changes."""
        text = f"{attempt.tried}: {refusal.error}"
        return turned_away(refusal.case, attempt.who, text, self._identifiers.new(), self.clock.wall_us())


async def act(journal: Journal, desk: Desk, attempt: Attempt) -> Written:
    """Inside the gateway. Raises CaseError when it is not done."""
    planned = await journal.read(attempt.plan)
    if isinstance(planned, Written):
        result = await journal.commit(planned.facts, planned.changes)
        if not isinstance(result, Conflict):
            return planned
        planned = Refusal(case=planned.case, error=_changed(planned.case, result.reason))
    recorded = desk.refused(attempt, planned)
    await journal.commit(recorded.facts, recorded.changes)
    raise planned.error


def act_as_visitor(visitor: Visitor, desk: Desk, attempt: Attempt) -> Written:
    """From the command line, beside a gateway that may be running. Raises CaseError when it is not done."""
    with visitor.reading() as connection:
        planned = attempt.plan(connection)
    if isinstance(planned, Written):
        result = visitor.commit(planned.facts, planned.changes)
        if not isinstance(result, Conflict):
            return planned
        planned = Refusal(case=planned.case, error=_changed(planned.case, result.reason))
    recorded = desk.refused(attempt, planned)
    visitor.commit(recorded.facts, recorded.changes)
    raise planned.error
