"""Where the money is, in the seven words that every page uses, and how each looks: one table.

We never say "returned" before clearing has confirmed it: on the host's answer alone it is "accepted by the acquirer".
"""

from msgspec import Struct

from yuanlu.acquirers.kinds import KINDS, PREAUTH
from yuanlu.returns.states import State

GIVES_BACK = frozenset(name for name, kind in KINDS.items() if kind.gives_back)


class Position(Struct, frozen=True, kw_only=True):
    """One place where money can be: its key, words, and the picture beside them (colour is never alone)."""

    key: str
    zh: str
    en: str
    icon: str


UNKNOWN = Position(key="unknown", zh="结果未知，查询中", en="Unknown, being checked", icon="circle")
CHARGED = Position(key="charged", zh="已扣款", en="Charged", icon="dot")
NOT_CHARGED = Position(key="not_charged", zh="未扣款", en="Not charged", icon="bar")
REVERSING = Position(key="reversing", zh="冲正中", en="Going back to the card", icon="turn")
WAITING = Position(key="waiting", zh="待复核", en="Waiting for approval", icon="diamond")
SENT = Position(key="sent", zh="已受理退回，待入账", en="Return accepted, waiting for the bank", icon="out")
RETURNED = Position(key="returned", zh="已退回（已确认）", en="Returned (confirmed)", icon="tick")
FAILED = Position(key="failed", zh="退回未完成，人工处理", en="Not returned yet, a person is on it", icon="cross")

HELD = Position(key="held", zh="已预授权（冻结）", en="Held, not charged yet", icon="diamond")
UNCHANGED = Position(key="not_charged", zh="未生效，原交易不变", en="Without effect, the original stands", icon="bar")

POSITIONS = (UNKNOWN, CHARGED, NOT_CHARGED, REVERSING, WAITING, SENT, RETURNED, FAILED)
"""The words that people filter by."""

_OF_STATE = {
    State.SEND_INTENT: UNKNOWN,
    State.UNKNOWN: UNKNOWN,
    State.APPROVED: CHARGED,
    State.CAPTURED: CHARGED,
    State.DECLINED: NOT_CHARGED,
    State.NO_EFFECT: NOT_CHARGED,
    State.RETURNING: REVERSING,
    State.REOPENED: REVERSING,
    State.RETURNED: SENT,
    State.ESCALATED: FAILED,
}


def position_of(state: str, kind: str = "sale", *, waits: bool = False, confirmed: bool = False) -> Position:
    """Where the money of a payment in `state` is; `waits` for a second person, `confirmed` by a clearing file.

    `kind` tells payments from what gives them back, and from holds.
    """
    if waits:
        return WAITING
    place = _OF_STATE[State(state)]
    if confirmed and place is SENT:
        return RETURNED
    if kind in GIVES_BACK:
        return {CHARGED.key: SENT, NOT_CHARGED.key: UNCHANGED}.get(place.key, place)
    return HELD if kind == PREAUTH and place is CHARGED else place
