"""What a void or refund does to the transaction it is about: pure builders of facts and rows.

A giving-back by a message of its own is a leg of the original, and the message is a transaction like any other. The
leg follows the message: approved, it has returned the money; declined or undone, it had no effect and the original
stands as before. The original's state moves only when all of it has gone back (`docs/returns.md` §3).
"""

from dataclasses import dataclass

from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import COMPLETIONS, KINDS, REFUND
from yuanlu.journal.transactions import Transaction, about
from yuanlu.journal.transactions import get as get_transaction
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.identifiers import return_id
from yuanlu.kernel.money import Money
from yuanlu.returns import store
from yuanlu.returns.orders import OPEN, Order, OrderState, due, insert_order, orders_of
from yuanlu.returns.policy import Close, Escalate, Leg
from yuanlu.returns.states import OPEN_RETURN, State
from yuanlu.returns.steps import TERMINAL_REVERSED, ending, next_version, return_fact, to_state

ADJUSTMENT = "adjustment"
"""A credit beside the message path: credit adjustment, manual refund."""

Rows = tuple[list[Fact], list[Change]]
NOTHING: Rows = ([], [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The original that a message is about, with its legs, the messages about it, and the orders, as they stand."""

    original: Transaction
    legs: tuple[Leg, ...]
    messages: tuple[Transaction, ...] = ()
    orders: tuple[Order, ...] = ()
    refunded: frozenset[str] = frozenset()
    """Of a pre-authorisation: completions that were given back by a credit. Their void or reversal would have brought
    the hold back, a credit does not.
    """

    def leg_of(self, message_id: str) -> Leg | None:
        """The leg that this message carries out; None for a completion, which gives nothing back."""
        return next((leg for leg in self.legs if leg.message_id == message_id), None)

    @property
    def completion(self) -> Transaction | None:
        """The completion that has ended the hold of a pre-authorisation; None while it is held."""
        undone = (State.DECLINED, State.NO_EFFECT, State.RETURNED)
        ended = (m for m in self.messages if m.state not in undone or m.transaction_id in self.refunded)
        return next((m for m in ended if m.kind in COMPLETIONS), None)

    @property
    def live(self) -> Leg | None:
        """The leg under way, if there is one."""
        return next((leg for leg in self.legs if leg.state in OPEN_RETURN), None)

    @property
    def returned_minor(self) -> int:
        """What has gone back or may have: every leg but those without effect."""
        return sum(leg.amount_minor for leg in self.legs if leg.state is not State.NO_EFFECT)

    @property
    def left_minor(self) -> int:
        """What could still be given back."""
        return self.original.paid.minor - self.returned_minor

    def unordered_minor(self, without: Leg) -> int:
        """What an order could still be for once `without` has no effect: the same sum as the trigger `orders_cap`."""
        ordered = {order.order_id: order.amount.minor for order in self.orders if order.state in OPEN}
        on_top = {order.order_id for order in self.orders if order.paid_from != "original"}
        given = sum(
            leg.amount_minor
            for leg in self.legs
            if leg.state is not State.NO_EFFECT and leg.order_id not in ordered and leg.return_id != without.return_id
        )
        return self.original.paid.minor - given - sum(ordered[each] for each in ordered.keys() - on_top)


def find_link(connection: Connection, original_id: str) -> Link:
    """The original, its legs, the messages about it and the orders, read together."""
    messages = tuple(about(connection, original_id))
    returned = (m.transaction_id for m in messages if m.kind in COMPLETIONS and m.state == State.RETURNED)
    return Link(
        original=get_transaction(connection, original_id),
        legs=tuple(store.legs_of(connection, original_id)),
        messages=messages,
        orders=tuple(orders_of(connection, original_id)),
        refunded=frozenset(each for each in returned if _is_credited(connection, each)),
    )


def _is_credited(connection: Connection, completion_id: str) -> bool:
    legs = store.legs_of(connection, completion_id)
    return any(leg.state is State.RETURNED and leg.kind in (REFUND, ADJUSTMENT) for leg in legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A leg and its transaction, read together; `link` when that transaction is itself about another one."""

    leg: Leg
    transaction: Transaction
    link: Link | None


def find_open(connection: Connection, return_id: str) -> Open | None:
    """The leg of this id with its transaction, or None when it is closed or unknown."""
    leg = store.find_live(connection, return_id)
    if leg is None:
        return None
    transaction = get_transaction(connection, leg.transaction_id)
    link = find_link(connection, transaction.original_id) if transaction.original_id else None
    return Open(leg=leg, transaction=transaction, link=link)


def begun(link: Link, message: Transaction, now: Moment, order_id: str = "") -> Rows:
    """With the message's intent: the leg, and the original's next version, which guards it against a second one."""
    original = link.original
    fact = return_fact(original, f"{message.kind.upper()}_INTENT", now, f"by {message.transaction_id}")
    changes = [next_version(original)]
    if KINDS[message.kind].gives_back:
        number = sum(1 for leg in link.legs if leg.kind == message.kind) + 1
        leg = _leg(original, message.kind, message.amount, number, now, message.transaction_id, order_id)
        changes.append(store.insert_leg(leg))
    return [fact], changes


def begun_by_hand(link: Link, kind: str, amount: Money, now: Moment, order_id: str) -> Rows:
    """The leg of a giving-back that people carry out; it is live until they name the bank's reference."""
    number = sum(1 for leg in link.legs if leg.kind == kind) + 1
    leg = _leg(link.original, kind, amount, number, now, "", order_id)
    return [], [store.insert_leg(leg)]


def paid_by_hand(link: Link, leg: Leg, reference: str, now: Moment) -> Rows:
    """The money has gone, says the bank's reference."""
    return _returned(link, leg, leg.kind.upper(), reference, now)


def followed_by_hand(link: Link, leg: Leg, why: str, now: Moment) -> Rows:
    """It was not paid; the leg had no effect."""
    undone = replace(leg, state=State.NO_EFFECT, closed_at_us=now.wall_us)
    return _undone(link, undone, f"{leg.kind.upper()}_WITHOUT_EFFECT", why, now)


def _leg(
    original: Transaction, kind: str, amount: Money, number: int, now: Moment, message_id: str, order_id: str
) -> Leg:
    return Leg(
        return_id=return_id(original.transaction_id, kind, number),
        transaction_id=original.transaction_id,
        acquirer=original.acquirer,
        kind=kind,
        leg_no=number,
        state=State.RETURNING,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason="",
        original_answer="approved",
        original_sent_at_us=original.received_at_us,
        original_boot_us=now.boot_us,
        original_boot_id=now.boot_id,
        message_id=message_id,
        order_id=order_id,
        opened_at_us=now.wall_us,
    )


def followed(link: Link, message: Transaction, outcome: State, note: str, now: Moment) -> Rows:
    """What the original takes from its message's new state."""
    leg = link.leg_of(message.transaction_id)
    what = message.kind.upper()
    if outcome is State.APPROVED:
        return _noted(link, f"{what}_DONE", note, now) if leg is None else _returned(link, leg, what, "", now)
    if outcome is State.UNKNOWN and leg is not None:
        why = f"{message.kind}: {note}; it is never sent again, only evidence decides"
        escalated = replace(leg, state=State.ESCALATED, case_opened=True, explanation=why)
        return _noted(link, f"{what}_UNKNOWN", why, now, escalated)
    if outcome in (State.DECLINED, State.RETURNED, State.NO_EFFECT):
        undone = None if leg is None else replace(leg, state=State.NO_EFFECT, closed_at_us=now.wall_us)
        return _undone(link, undone, f"{what}_WITHOUT_EFFECT", note, now)
    return NOTHING


def _noted(link: Link, kind: str, note: str, now: Moment, leg: Leg | None = None) -> Rows:
    changes = [next_version(link.original)]
    return [return_fact(link.original, kind, now, note)], changes + ([store.update_leg(leg)] if leg else [])


def credited_by_hand(link: Link, amount: Money, reference: str, now: Moment) -> Rows:
    """Money that two people gave back beside the message path: a leg that is closed from the beginning."""
    number = sum(1 for leg in link.legs if leg.kind == ADJUSTMENT) + 1
    leg = _leg(link.original, ADJUSTMENT, amount, number, now, "", "")
    done = replace(leg, state=State.RETURNED, closed_at_us=now.wall_us)
    return _given(link, done, store.insert_leg(done), ADJUSTMENT.upper(), reference, now)


def _returned(link: Link, leg: Leg, what: str, reference: str, now: Moment) -> Rows:
    """The leg gave its amount back; when nothing is left, the original is returned."""
    done = replace(leg, state=State.RETURNED, closed_at_us=now.wall_us)
    return _given(link, done, store.update_leg(done), what, reference, now)


def _given(link: Link, done: Leg, row: Change, what: str, reference: str, now: Moment) -> Rows:
    original = link.original
    returned = (leg for leg in link.legs if leg.state is State.RETURNED and leg.return_id != done.return_id)
    earlier = sum(leg.amount_minor for leg in returned)
    given = f"{Money(minor=done.amount_minor, currency=done.currency)} given back"
    given += f", reference {reference}" if reference else ""
    if earlier + done.amount_minor < original.paid.minor:
        return [return_fact(original, f"{what}_DONE", now, given)], [next_version(original), row]
    first = original.version + 1
    if original.state == State.ESCALATED:
        facts = [return_fact(original, State.RETURNED, now, given, version=first)]
        return facts, [to_state(original, State.RETURNED, original.reason, now, first), row]
    facts = [
        return_fact(original, f"{what}_DONE", now, given, version=first),
        return_fact(original, State.RETURNED, now, f"all of it, by {done.kind}", version=first + 1),
    ]
    between = replace(original, version=first)
    changes = [
        to_state(original, State.RETURNING, original.reason, now, first),
        to_state(between, State.RETURNED, original.reason, now, first + 1),
        row,
    ]
    return facts, changes


def _undone(link: Link, leg: Leg | None, kind: str, note: str, now: Moment) -> Rows:
    """The message had no effect, or was reversed: the original stands, also when it had been taken as returned."""
    original = link.original
    if leg is None or original.state != State.RETURNED:
        return _noted(link, kind, note, now, leg)
    version = original.version + 1
    fact = return_fact(original, State.APPROVED, now, f"{note}: the payment stands again", version=version)
    return [fact], [to_state(original, State.APPROVED, original.reason, now, version), store.update_leg(leg)]


def ended(
    transaction: Transaction, link: Link | None, leg: Leg, step: Close | Escalate, now: Moment, *, version: int
) -> Rows:
    """The last fact of a leg and its rows; an escalated one stays live. An undone void leaves its original standing."""
    facts, changes = ending(transaction, leg, step, now, version=version)
    if link is None or isinstance(step, Escalate):
        return facts, changes
    more, rows = followed(link, transaction, step.state, f"the {transaction.kind} was undone", now)
    again = _again(transaction, link, now)
    return [*facts, *more], [*changes, *rows, *again]


def _again(void: Transaction, link: Link, now: Moment) -> list[Change]:
    """A void that was wanted, and undone only because nobody knew its outcome, is an order from now on.

    What people have ordered meanwhile goes back by their order; this one is for the rest of it, if there is any.
    """
    leg = link.leg_of(void.transaction_id)
    if leg is None or leg.order_id or void.reason == TERMINAL_REVERSED:
        return []
    minor = min(void.amount.minor, link.unordered_minor(leg))
    if minor <= 0:
        return []
    order = Order(
        order_id=return_id(void.transaction_id, "order", 1),
        transaction_id=link.original.transaction_id,
        kind=void.kind if minor == void.amount.minor else REFUND,
        paid_from="original",
        amount=Money(minor=minor, currency=void.amount.currency),
        state=OrderState.RUNNING,
        origin="void in doubt",
        reason="the cashier voided it, and nobody knew the outcome",
        explanation="the void was reversed; it is made again, or becomes a refund",
        automatic=True,
        maker=void.key.terminal_id,
        proposed_at_us=now.wall_us,
        expires_at_us=now.wall_us,
        decided_at_us=now.wall_us,
    )
    return [insert_order(order), due(order, link.original.acquirer, now.wall_us)]
