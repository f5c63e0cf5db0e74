"""Orders proposed, approved, refused and closed by people: pure builders of facts and rows.

What the code refuses with words, the database refuses as well: maker and checker are two, an order moves along its
steps only, and all orders and legs together never exceed what was paid.
"""

import dataclasses

from msgspec.structs import replace

from yuanlu.acquirers.kinds import PREAUTH
from yuanlu.journal import tasks
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.money import Money
from yuanlu.returns.decision import BY_HAND, Decision, Wish
from yuanlu.returns.orders import POLICY, Order, OrderState, due, insert_order, told, update_order
from yuanlu.returns.policy import Leg
from yuanlu.returns.states import State
from yuanlu.returns.ways import Link, begun_by_hand, credited_by_hand, followed_by_hand, paid_by_hand

Rows = tuple[list[Fact], list[Change]]


class OrderError(YuanluError):
    """An order that may not be; the text says why, and what would be right."""


def proposed(decision: Decision, wish: Wish, link: Link, maker: str, order_id: str, origin: str, now: Moment) -> Order:
    """The order as it begins: waiting for the second person, or running when it may go by itself."""
    state = OrderState.RUNNING if decision.automatic else OrderState.PROPOSED
    return Order(
        order_id=order_id,
        transaction_id=link.original.transaction_id,
        kind=decision.kind,
        paid_from=decision.paid_from,
        amount=decision.amount,
        state=state,
        origin=origin,
        reason=wish.reason,
        explanation=decision.why[1],
        automatic=decision.automatic,
        maker=maker,
        proposed_at_us=now.wall_us,
        expires_at_us=decision.approve_by_us,
        decided_at_us=now.wall_us if decision.automatic else None,
    )


def proposal_rows(order: Order, link: Link, now: Moment) -> Rows:
    """The order, in the original's timeline; work is due at once when it runs."""
    word = "RETURN_ORDERED" if order.automatic else "RETURN_PROPOSED"
    facts, changes = told(link.original, word, f"{order.kind} of {order.amount} by {order.maker}: {order.reason}", now)
    changes.append(insert_order(order))
    at_us = now.wall_us if order.state is OrderState.RUNNING else order.expires_at_us
    return facts, [*changes, due(order, link.original.acquirer, at_us)]


def approved(order: Order, link: Link, checker: str, now: Moment) -> Rows:
    """The second person agrees. Raises OrderError."""
    _must_wait(order, now)
    if checker == order.maker:
        raise OrderError(f"{checker} proposed it; a second person must approve")
    after = replace(order, state=OrderState.RUNNING, checker=checker, decided_at_us=now.wall_us)
    facts, changes = told(link.original, "RETURN_APPROVED", f"{order.kind} of {order.amount} by {checker}", now)
    changes.append(update_order(order, after))
    if order.kind not in BY_HAND:
        changes.append(due(order, link.original.acquirer, now.wall_us))
    elif order.paid_from == "original":
        if link.live is not None:
            raise OrderError(f"a {link.live.kind} of this payment is under way; wait for its end")
        more, rows = begun_by_hand(link, order.kind, order.amount, now, order.order_id)
        facts, changes = [*facts, *more], [*changes, *rows]
    return facts, changes


def refused(order: Order, link: Link, checker: str, why: str, now: Moment) -> Rows:
    """The second person, or the maker, does not want it. Raises OrderError."""
    _must_wait(order, now)
    after = replace(order, state=OrderState.REFUSED, checker=checker if checker != order.maker else "",
                    explanation=why, closed_at_us=now.wall_us)  # fmt: skip
    facts, changes = told(link.original, "RETURN_REFUSED", f"{order.kind} of {order.amount} by {checker}: {why}", now)
    return facts, [*changes, update_order(order, after)]


def lapsed(order: Order, link: Link, now: Moment) -> Rows:
    """Nobody approved in time."""
    after = replace(order, state=OrderState.EXPIRED, closed_at_us=now.wall_us)
    facts, changes = told(link.original, "RETURN_EXPIRED", f"{order.kind} of {order.amount}: not approved in time", now)
    return facts, [*changes, update_order(order, after)]


def settled_by_hand(order: Order, link: Link, reference: str, who: str, now: Moment) -> Rows:
    """It has been paid, says the bank's reference. Raises OrderError for what is not a person's to close."""
    if order.state not in (OrderState.RUNNING, OrderState.ESCALATED):
        raise OrderError(f"the order is {order.state}; only one that is approved and unpaid can be closed")
    if order.kind not in BY_HAND and order.state is not OrderState.ESCALATED:
        raise OrderError("this order goes by itself; it is a person's only when it has been handed over")
    if order.maker == POLICY and who == order.checker:
        raise OrderError(f"{who} approved it; a second person must pay it")
    if not reference:
        raise OrderError("name the bank's or the file's reference (--reference)")
    after = replace(order, state=OrderState.DONE, reference=reference, closed_at_us=now.wall_us)
    facts, changes = told(link.original, "RETURN_PAID", paid_note(order, who, reference), now)
    leg, link = _leg_by_hand(order, link), _one_on(link)
    more: Rows = ([], [])
    if leg is not None:
        more = paid_by_hand(link, leg, reference, now)
    elif order.paid_from == "original" and link.live is None and link.original.kind != PREAUTH:
        # its message was refused, so no leg of it is there to be closed; what was paid counts all the same
        more = credited_by_hand(link, _rest(order, link), reference, now)
    facts, changes = [*facts, *more[0]], [*changes, *more[1]]
    told_of = tasks.tell("payment", link.original.transaction_id, now.wall_us)
    return facts, [*changes, update_order(order, after), told_of]


def paid_note(order: Order, who: str, reference: str) -> str:
    """What the payment's timeline says of an order that a person paid; the audit trail finds there who it was."""
    return f"{order.amount} by {who}, reference {reference}"


def failed_note(order: Order, who: str, why: str) -> str:
    """The same of an order that a person closed as failed."""
    return f"{order.kind} of {order.amount} by {who}: {why}"


def _one_on(link: Link) -> Link:
    """The payment as it stands behind one more fact of the same commit."""
    return dataclasses.replace(link, original=replace(link.original, version=link.original.version + 1))


def _rest(order: Order, link: Link) -> Money:
    """What the order's messages have not given back."""
    given = sum(leg.amount_minor for leg in link.legs if leg.order_id == order.order_id and leg.state is State.RETURNED)
    return Money(minor=order.amount.minor - given, currency=order.amount.currency)


def failed(order: Order, link: Link, why: str, who: str, now: Moment) -> Rows:
    """Nothing was given back. Raises OrderError for what is not a person's to close."""
    if order.state is not OrderState.ESCALATED and not (order.state is OrderState.RUNNING and order.kind in BY_HAND):
        raise OrderError(f"the order is {order.state}; only one that people carry out can be closed so")
    after = replace(order, state=OrderState.FAILED, explanation=why, closed_at_us=now.wall_us)
    facts, changes = told(link.original, "RETURN_FAILED", failed_note(order, who, why), now)
    leg = _leg_by_hand(order, link)
    if leg is not None:
        more, rows = followed_by_hand(_one_on(link), leg, why, now)
        facts, changes = [*facts, *more], [*changes, *rows]
    return facts, [*changes, update_order(order, after)]


def _leg_by_hand(order: Order, link: Link) -> Leg | None:
    mine = (leg for leg in link.legs if leg.order_id == order.order_id and leg.closed_at_us is None)
    return next((leg for leg in mine if not leg.message_id), None)


def _must_wait(order: Order, now: Moment) -> None:
    if order.state is not OrderState.PROPOSED:
        raise OrderError(f"the order is {order.state}; only a proposed one can be decided")
    if order.expires_at_us <= now.wall_us:
        raise OrderError("the proposal has expired; propose it anew")
