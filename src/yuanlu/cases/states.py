"""The states of a case and of a decision, and how they may follow each other: one table each.

The database holds the same tables and refuses any other step (triggers `cases_transition` and
`case_decisions_transition`). Time alone never closes a case: a person does, or the machine when the money is settled.
"""

from collections.abc import Mapping
from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "OPEN"
    """On the list; nobody has taken it yet."""
    IN_HAND = "IN_HAND"
    """A person owns it."""
    SNOOZED = "SNOOZED"
    """Off the list until a given time, for a reason."""
    SUPPORT = "SUPPORT"
    """With technical support, under a ticket."""
    CLOSED = "CLOSED"


class DecisionState(StrEnum):
    """Where a human decision about money stands."""

    PROPOSED = "PROPOSED"
    """The maker has asked; a second person has not answered."""
    APPROVED = "APPROVED"
    """A second person agreed; the gateway carries it out."""
    REFUSED = "REFUSED"
    """The second person, or in the end the gateway, said no."""
    EXPIRED = "EXPIRED"
    """Nobody answered in time."""
    CARRIED_OUT = "CARRIED_OUT"


_C, _D = CaseState, DecisionState

CASE_STEPS: dict[CaseState, frozenset[CaseState]] = {
    _C.OPEN: frozenset({_C.IN_HAND, _C.SNOOZED, _C.SUPPORT, _C.CLOSED}),
    _C.IN_HAND: frozenset({_C.OPEN, _C.SNOOZED, _C.SUPPORT, _C.CLOSED}),
    _C.SNOOZED: frozenset({_C.OPEN, _C.IN_HAND, _C.CLOSED}),
    _C.SUPPORT: frozenset({_C.OPEN, _C.IN_HAND, _C.CLOSED}),
    _C.CLOSED: frozenset({_C.OPEN}),
}
"""From each state of a case, the states that may follow."""

DECISION_STEPS: dict[DecisionState, frozenset[DecisionState]] = {
    _D.PROPOSED: frozenset({_D.APPROVED, _D.REFUSED, _D.EXPIRED}),
    _D.APPROVED: frozenset({_D.CARRIED_OUT, _D.REFUSED}),
    _D.REFUSED: frozenset(),
    _D.EXPIRED: frozenset(),
    _D.CARRIED_OUT: frozenset(),
}
"""From each state of a decision, the states that may follow."""

OPEN_DECISION = frozenset({_D.PROPOSED, _D.APPROVED})
"""It is not known yet what becomes of it; a case has at most one such."""


def allowed(before: CaseState, after: CaseState) -> bool:
    """Whether a case may go from `before` to `after`."""
    return after in CASE_STEPS[before]


def diagram(steps: Mapping[CaseState, frozenset[CaseState]] | Mapping[DecisionState, frozenset[DecisionState]]) -> str:
    """A table as a Mermaid state diagram, for `docs/how-to/cases.md`."""
    lines = ["stateDiagram-v2", f"    [*] --> {next(iter(steps))}"]
    lines += [f"    {before} --> {after}" for before, ends in steps.items() for after in sorted(ends)]
    return "\n".join(lines)
