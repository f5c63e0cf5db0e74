"""What follows from the clearing files for one transaction: a unit of facts and rows, or nothing.

The file is evidence of money that moved or did not. It closes what waits for it: an order that people carried out by
hand, a return or refund in doubt, an entry of the watch list. What it contradicts becomes an observation, a cause and a
person's case; it never starts a giving-back by itself. Each unit is built from a fresh reading and guarded by the
transaction's version, so it may run beside the gateway, and run twice.
"""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import KINDS
from yuanlu.acquirers.terms import HostTerms
from yuanlu.cases.records import Words
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import find_case_of
from yuanlu.cases.work import note
from yuanlu.causes.evidence import Break
from yuanlu.fleet.observations import Kind
from yuanlu.fleet.store import of_payment
from yuanlu.flow.clearing_reading import Known, read_known
from yuanlu.flow.deciding import declared
from yuanlu.flow.testimony import Declaration, clearing_differs
from yuanlu.journal import tasks
from yuanlu.journal.transactions import Transaction, get
from yuanlu.journal.unit import Change, Fact
from yuanlu.reconciliation.clearing import FILE_SAYS, Side
from yuanlu.reconciliation.clearing_match import Files, Holding, Seen, Verdict, verdict
from yuanlu.reconciliation.clearing_store import Listed, listed_about
from yuanlu.returns.decision import BY_HAND
from yuanlu.returns.orders import Order, OrderState, find_order, orders_of, update_order
from yuanlu.returns.proposing import settled_by_hand
from yuanlu.returns.states import State
from yuanlu.returns.steps import next_version, return_fact
from yuanlu.returns.store import drop_watch, is_watched
from yuanlu.returns.ways import Link, credited_by_hand, find_link

CLEARED = "CLEARED"
FILE = "clearing file"
"""Who closes what a file shows."""

STILL_TAKEN = Words(
    zh="清算文件只有借记、没有贷记：款项仍被扣。请由两人作贷记调整（人工贷记），并注明银行参考号",
    en="the clearing files have the debit and no credit: the money is still taken. Two people give it back by a credit "
    "adjustment (manual credit) under the bank's reference",
)
NOW_RETURNED = Words(zh="清算文件已见借记与贷记", en="the clearing files now have debit and credit")


class Followed(Struct, frozen=True, kw_only=True):
    """What to commit. `order_id` is the order that it closes."""

    verdict: Verdict
    facts: Sequence[Fact]
    changes: Sequence[Change]
    order_id: str = ""


class Look(Struct, frozen=True, kw_only=True):
    """One transaction beside what the files say of it."""

    known: Known
    lines: Sequence[Listed]
    verdict: Verdict
    complete: bool


def seen_of(holding: Holding, lines: Sequence[Listed]) -> Seen:
    """The lines by side, as seen from the transaction."""
    return Seen(
        own=tuple(line.amount_minor for line in lines if line.side is holding.side),
        other=tuple(line.amount_minor for line in lines if line.side is not holding.side),
    )


def look(known: Known, lines: Sequence[Listed], partner_lines: Sequence[Listed], files: Files) -> Look:
    """What the files say of a transaction."""
    complete = files.cover(known.holding)
    said = verdict(
        known.holding, seen_of(known.holding, lines), complete=complete, partner_seen=bool(partner_lines)
    )  # fmt: skip
    return Look(known=known, lines=lines, verdict=said, complete=complete)


def look_at(connection: Connection, terms: HostTerms, files: Files, transaction_id: str) -> Look:
    """The same, read now."""
    [known] = read_known(connection, terms, [transaction_id])
    partner = known.holding.partner
    lines = listed_about(connection, {transaction_id, partner} - {""})
    return look(known, lines.get(transaction_id, ()), lines.get(partner, ()), files)


def follow(
    connection: Connection, terms: HostTerms, files: Files, transaction_id: str, by: Declaration
) -> Followed | None:
    """What the files change about this transaction; None when they change nothing."""
    at = look_at(connection, terms, files, transaction_id)
    found, link = get(connection, transaction_id), find_link(connection, transaction_id)
    closed = _order_closed(connection, link, at, by)
    if closed is not None:
        return closed
    match at.verdict:
        case Verdict.MATCHED:
            return _cleared(connection, found, at, by)
        case Verdict.ONLY_OURS | Verdict.ONLY_THEIRS | Verdict.AMOUNT_DIFFERS | Verdict.TWICE:
            return _differs(connection, found, at, Break(at.verdict.value), by)
        case Verdict.ENDS_RETURNED:
            return _ends(connection, found, link, at, State.RETURNED, by)
        case Verdict.ENDS_NO_EFFECT:
            return _ends(connection, found, link, at, _without_trace(link), by)
        case Verdict.TOOK_EFFECT if found.state == State.UNKNOWN:  # a refund in doubt: the credit is there
            return _ends(connection, found, link, at, State.RETURNED, by)
        case Verdict.TOOK_EFFECT:
            return _differs(connection, found, at, Break.ONLY_THEIRS, by)
        case Verdict.DOUBTFUL | Verdict.WAITS:
            return None


def is_news(at: Look, *, watched: bool, ordered: bool) -> bool:
    """Whether `follow` could change anything: by what was read in bulk."""
    if ordered and any(line.side is Side.CREDIT for line in at.lines):
        return True
    if at.verdict is Verdict.MATCHED:
        return watched and at.complete
    return at.verdict not in (Verdict.DOUBTFUL, Verdict.WAITS)


def _without_trace(link: Link) -> State:
    """No file has it. If the host had approved it, its reversal was netted with it; otherwise it never took effect."""
    live = link.live
    return State.RETURNED if live is not None and live.original_answer == "approved" else State.NO_EFFECT


def _where(at: Look) -> str:
    """FILE:LINE of what the files have, else which days they are of."""
    if at.lines:
        return ", ".join(line.reference for line in at.lines[:3])
    days = at.known.holding.first_day, at.known.holding.last_day + 1
    first, last = (date.fromordinal(day).isoformat() for day in days)
    return f"in no file from {first} to {last}"


def _order_closed(connection: Connection, link: Link, at: Look, by: Declaration) -> Followed | None:
    """A credit of the payment itself that an order by hand waits for: the order and its leg are done."""
    found = orders_of(connection, link.original.transaction_id)
    used = {order.reference for order in found}
    if not at.known.holding.clears:
        return None
    for order in found:
        if not _is_sent_by_hand(order, link):
            continue
        for line in at.lines:
            if line.side is Side.CREDIT and line.amount_minor == order.amount.minor and line.reference not in used:
                facts, changes = settled_by_hand(order, link, line.reference, FILE, by.now)
                return Followed(verdict=at.verdict, facts=facts, changes=changes, order_id=order.order_id)
    return None


def _is_sent_by_hand(order: Order, link: Link) -> bool:
    """Approved, from the payment's own money, and carried out by people: nothing else of it is under way."""
    live = link.live
    if live is not None and (live.order_id != order.order_id or live.message_id):
        return False
    by_hand = order.state is OrderState.RUNNING and order.kind in BY_HAND
    return order.paid_from == "original" and (by_hand or order.state is OrderState.ESCALATED)


def _cleared(connection: Connection, found: Transaction, at: Look, by: Declaration) -> Followed | None:
    """Files and journal agree: it need not be watched any more."""
    if not at.complete or not is_watched(connection, found.transaction_id):
        return None
    fact = return_fact(found, CLEARED, by.now, FILE_SAYS + _where(at))
    told = tasks.tell("payment", found.transaction_id, by.now.wall_us)
    return Followed(
        verdict=at.verdict, facts=[fact], changes=[next_version(found), drop_watch(found.transaction_id), told]
    )  # fmt: skip


def _differs(
    connection: Connection, found: Transaction, at: Look, how: Break, by: Declaration
) -> Followed | None:  # fmt: skip
    """An observation, which has it looked into: its cause, and a case. Said once."""
    before = [each for each in of_payment(connection, found.transaction_id) if each.kind is Kind.CLEARING]
    if before and before[-1].value == how.value:
        return None
    done = clearing_differs(found, how, _where(at), by)
    told = _case_told(connection, found, STILL_TAKEN, by) if at.verdict is Verdict.TOOK_EFFECT else ((), ())
    return Followed(
        verdict=at.verdict, facts=[*done.facts, *told[0]], changes=[*done.changes, *told[1]]
    )  # fmt: skip


def _ends(
    connection: Connection, found: Transaction, link: Link, at: Look, state: State, by: Declaration
) -> Followed | None:
    """What was in doubt has its end."""
    about = find_link(connection, found.original_id) if found.original_id else None
    why = FILE_SAYS + _where(at)
    rows = declared(found, link, about, state, why, by.now)
    if rows is None and state is State.RETURNED and found.state == State.ESCALATED and link.live is None:
        rows = credited_by_hand(link, found.paid, _where(at), by.now)  # a till reversed it after its batch was closed
    if rows is None:
        return None
    facts, changes = rows
    done, order_id = _order_of(connection, found, about, state, at, by)
    told = _case_told(connection, found, NOW_RETURNED, by) if _was_told(connection, found) else ((), ())
    watch = [drop_watch(found.transaction_id)] if is_watched(connection, found.transaction_id) else []
    looked = _looked_into(found, [*changes, *done, *told[1], *watch], by)
    return Followed(verdict=at.verdict, facts=[*facts, *told[0]], changes=looked, order_id=order_id)


def _looked_into(found: Transaction, changes: Sequence[Change], by: Declaration) -> list[Change]:
    """The changes, and that it is looked into again, said once."""
    look_again = tasks.examine(found.transaction_id, by.now.wall_us)
    known = any(each.statement is look_again.statement and each.row[:2] == look_again.row[:2] for each in changes)
    return [*changes] if known else [*changes, look_again]


def _order_of(
    connection: Connection, found: Transaction, about: Link | None, state: State, at: Look, by: Declaration
) -> tuple[list[Change], str]:
    """The order that this refund carried out and that people have by now: the refund arrived, so it is done."""
    leg = about.leg_of(found.transaction_id) if about is not None else None
    if leg is None or not leg.order_id or not KINDS[found.kind].gives_back or state is not State.RETURNED:
        return [], ""
    order = find_order(connection, leg.order_id)
    if order is None or order.state is not OrderState.ESCALATED or leg.amount_minor != order.amount.minor:
        return [], ""
    if found.state != State.UNKNOWN:  # a void that was undone gave nothing back
        return [], ""
    done = replace(order, state=OrderState.DONE, reference=at.lines[0].reference, closed_at_us=by.now.wall_us)
    return [update_order(order, done)], order.order_id


def _was_told(connection: Connection, found: Transaction) -> bool:
    return any(each.kind is Kind.CLEARING for each in of_payment(connection, found.transaction_id))


def _case_told(
    connection: Connection, found: Transaction, words: Words, by: Declaration
) -> tuple[Sequence[Fact], Sequence[Change]]:
    """Its open case says what the files say; people close it."""
    case = find_case_of(connection, found.transaction_id)
    if case is None or case.state is CaseState.CLOSED:
        return (), ()
    written = note(case, by.who, f"{words.zh} / {words.en}", by.now.wall_us)
    return written.facts, written.changes
