"""The states of a payment and how they may follow each other: one table (`docs/returns.md` §3).

The database holds the same table and refuses any other step (trigger `transactions_transition`).
UNKNOWN is never final, and time alone never closes anything.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a payment stands."""

    SEND_INTENT = "SEND_INTENT"
    """Received, and about to be sent to the host; both in one commit."""
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    UNKNOWN = "UNKNOWN"
    """It was sent, and nobody knows what became of it."""
    RETURNING = "RETURNING"
    """The return is durably ours and under way."""
    RETURNED = "RETURNED"
    """The host accepted the reversal."""
    NO_EFFECT = "NO_EFFECT"
    """The original never took effect at the host."""
    ESCALATED = "ESCALATED"
    """A person decides, or a file; the return stays open."""
    CAPTURED = "CAPTURED"
    """The terminal's batch closed in agreement."""
    REOPENED = "REOPENED"
    """Contradicting evidence came after the end."""


_S = State

TRANSITIONS: dict[State, frozenset[State]] = {
    _S.SEND_INTENT: frozenset({_S.APPROVED, _S.DECLINED, _S.UNKNOWN, _S.RETURNING}),
    _S.APPROVED: frozenset({_S.CAPTURED, _S.RETURNING}),
    _S.UNKNOWN: frozenset({_S.RETURNING, _S.APPROVED, _S.DECLINED}),  # the latter two: a refund, by evidence
    _S.RETURNING: frozenset({_S.RETURNED, _S.NO_EFFECT, _S.ESCALATED}),
    _S.ESCALATED: frozenset({_S.RETURNED, _S.NO_EFFECT, _S.CAPTURED}),
    _S.NO_EFFECT: frozenset({_S.REOPENED}),
    _S.RETURNED: frozenset({_S.REOPENED, _S.APPROVED}),  # APPROVED: the void that returned it was itself reversed
    _S.DECLINED: frozenset({_S.REOPENED}),
    _S.REOPENED: frozenset({_S.RETURNING}),
    _S.CAPTURED: frozenset({_S.ESCALATED, _S.RETURNING}),
}
"""From each state, the states that may follow."""

OPEN_RETURN = frozenset({_S.RETURNING, _S.ESCALATED})
"""A return exists and is not closed."""


def allowed(before: State, after: State) -> bool:
    """Whether `after` may follow `before`."""
    return after in TRANSITIONS[before]


def diagram() -> str:
    """The table as a Mermaid state diagram, for `docs/reference/states.md`."""
    lines = ["stateDiagram-v2", "    [*] --> SEND_INTENT", "    [*] --> RETURNING"]
    lines += [f"    {before} --> {after}" for before, ends in TRANSITIONS.items() for after in sorted(ends)]
    return "\n".join(lines)
