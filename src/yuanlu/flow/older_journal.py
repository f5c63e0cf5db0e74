"""A journal that is older than what hosts were told, and that a person has accepted: nothing of it goes on by itself.

What was open when the backup was made may have ended since: a payment in flight was perhaps approved and the terminal
told so, a reversal perhaps sent, a refund perhaps made. The journal cannot know, so nobody may act on it as if it did
(`docs/operations.md`):

- a payment in flight is neither returned nor taken as good: a person has it, and clearing files can decide it;
- a reversal counts as sent once more without an answer. A host that recognises repeats gets it again, one that can be
  asked is asked, one that must not get two goes to a person;
- an order that was to go by itself goes on by hand, a proposal lapses;
- while the case about the journal is open, a batch that differs gives nothing back by itself.

What the journal does not hold at all, clearing files and terminals' batches bring to light.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import is_advice, is_reversed
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case, Opening, Severity, Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of_incident
from yuanlu.cases.writing import Written
from yuanlu.flow.declaring import NO_MONEY
from yuanlu.journal import transactions
from yuanlu.journal.mark import Behind
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.identifiers import return_id
from yuanlu.returns import store
from yuanlu.returns.orders import Order, OrderState, open_orders, told, update_order
from yuanlu.returns.policy import Escalate, Leg
from yuanlu.returns.states import State
from yuanlu.returns.steps import NO_ANSWER_REASON, as_sent, ending, next_version, return_fact, to_state

NAME = "older journal"
"""How its case is named."""
QUEUE = "returns"
CAUSE = "JOURNAL_OLDER"
RESTORED = "RESTORED"
"""The fact of a payment whose reversal was under way."""
TITLE = Words(zh="账本落后于主机已知的交易", en="The journal is behind what hosts were told")
WHY = "in flight in a journal that was restored: what became of it is not known here"
MAYBE_SENT = "the journal is older than what hosts were told: it may have been sent once more"
BY_HAND = "open in a journal that was restored: it may be done already, look before you pay"
OPEN_ORDERS_MAX = 1_000_000

Rows = tuple[Sequence[Fact], Sequence[Change]]


class Accepting(Struct, frozen=True, kw_only=True):
    """Who accepts it, why, and when."""

    who: Actor
    reason: str
    now: Moment
    random_bits: Callable[[int], int]


def find_acceptance(connection: Connection) -> Case | None:
    """The open case about a journal that was accepted although it is older."""
    return find_case_of_incident(connection, NAME)


def case_about(
    behind: Iterable[Behind], held: int, before: Case | None, levels: ServiceLevels, by: Accepting
) -> Written:
    """The case: what is missing, who accepted it and why, and how much was kept from going on by itself."""
    missing = tuple(str(each) for each in behind)
    words = Words(
        zh=f"{by.who.name} 接受了较旧的账本：{by.reason}。{held} 笔未了事项已转人工；"
        "缺失的交易以清算文件和终端批次为准",
        en=f"{by.who.name} accepted an older journal: {by.reason}. {held} open matters were handed to people; what is "
        "missing is found by clearing files and terminals' batches",
    )
    opening = Opening(
        incident=NAME, merchant_id="", terminal_id="", acquirer="", amount=NO_MONEY, title=TITLE, cause=CAUSE,
        severity=Severity.CRITICAL, explanation=words, queue=QUEUE, since_us=by.now.wall_us, evidence=missing,
    )  # fmt: skip
    number = case_number(by.now.wall_us, by.random_bits)
    return open_case(opening, before, number=number, terms=levels.of(""), now_us=by.now.wall_us, who=by.who)


def in_flight(connection: Connection, now: Moment) -> Iterator[Rows]:
    """Payments that a start would return although their terminal may have been told that they are approved.

    Advices have their task and go out as repeats, and a refund in flight is asked about, as after each crash.
    """
    for found, _ in transactions.left_in_flight(connection):
        if is_reversed(found.kind) and not is_advice(found.kind):
            yield _to_a_person(found, now)


def _to_a_person(found: Transaction, now: Moment) -> Rows:
    """One commit: its outcome is unknown, the return is ours, and a person has it. Nothing has been sent for it."""
    unknown = return_fact(found, State.UNKNOWN.value, now, WHY)
    after = replace(found, state=State.RETURNING, version=found.version + 1)
    leg = Leg(
        return_id=return_id(found.transaction_id, "reversal", 1), transaction_id=found.transaction_id,
        acquirer=found.acquirer, kind="reversal", leg_no=1, state=State.RETURNING, amount_minor=found.paid.minor,
        currency=found.amount.currency, reason=NO_ANSWER_REASON, original_answer="",
        original_sent_at_us=found.received_at_us, original_boot_us=now.boot_us, original_boot_id=now.boot_id,
        opened_at_us=now.wall_us,
    )  # fmt: skip
    facts, changes = ending(after, leg, Escalate(explanation=WHY, watch=WHY), now, version=after.version + 1)
    opening = [to_state(found, State.RETURNING, WHY, now, after.version), store.insert_leg(leg)]
    return [unknown, *facts], [*opening, *changes]


def under_way(connection: Connection, acquirers: Iterable[str], now: Moment) -> Iterator[Rows]:
    """Reversals that are not closed: each may have left once more than the journal says."""
    for acquirer in acquirers:
        for name in store.live_ids(connection, acquirer):
            leg = store.find_live(connection, name)
            if leg is not None and leg.state is State.RETURNING and not leg.message_id:
                found = transactions.get(connection, leg.transaction_id)
                yield [return_fact(found, RESTORED, now, MAYBE_SENT)], [next_version(found), _as_sent(leg, now)]


def _as_sent(leg: Leg, now: Moment) -> Change:
    sent = as_sent(leg, "reversal", now)
    return store.update_leg(replace(sent, unanswered_boot_us=sent.last_boot_us))


def ordered(connection: Connection) -> list[Order]:
    """Orders that would go on by themselves, or with one more yes."""
    return [
        each
        for each in open_orders(connection, OPEN_ORDERS_MAX)
        if each.state in (OrderState.RUNNING, OrderState.PROPOSED)
    ]


def order_held(connection: Connection, order: Order, now: Moment) -> Rows:
    """It goes on by hand; what nobody has approved yet lapses and can be proposed again."""
    found = transactions.get(connection, order.transaction_id)
    state = OrderState.ESCALATED if order.state is OrderState.RUNNING else OrderState.EXPIRED
    closed = None if state is OrderState.ESCALATED else now.wall_us
    after = replace(order, state=state, explanation=BY_HAND, closed_at_us=closed)
    facts, changes = told(found, f"RETURN_{state}", f"{order.kind} of {order.amount}: {BY_HAND}", now)
    return facts, [*changes, update_order(order, after)]
