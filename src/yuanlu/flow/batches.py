"""What our journal has of a terminal's batch, and whether the terminal heard our answers. Reads only."""

from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, func, select, tuple_

from yuanlu.acquirers.kinds import CREDITS, DEBITS, is_advice, is_reversed
from yuanlu.cases.records import Case
from yuanlu.flow.batch_cases import find_batch_case
from yuanlu.journal.frames import Direction
from yuanlu.journal.tables import facts, transactions
from yuanlu.journal.transactions import Transaction, of_batch
from yuanlu.reconciliation.batch import (
    BatchItem,
    BatchTotals,
    Finding,
    FindingKind,
    Standing,
    is_complete,
    match_details,
    match_totals,
    totals_of,
)
from yuanlu.reconciliation.store import Batch, BatchKey, BatchState, find_batch, items_of
from yuanlu.returns.states import State
from yuanlu.returns.tables import legs
from yuanlu.returns.ways import Link, find_link

SETTLEMENT, UPLOAD = "SETTLEMENT", "BATCH_UPLOAD"
"""Facts of the end of a batch: their frames prove no delivery, since the batch is what decides about it."""


class Ours(Struct, frozen=True, kw_only=True, dict=True):
    """A batch as our journal has it. `live` are the transactions that have a return under way."""

    batch: Batch | None
    transactions: Sequence[Transaction]
    items: Sequence[BatchItem]
    live: frozenset[str]

    @property
    def settled_to(self) -> str:
        """The last transaction that an earlier, closed settlement covered."""
        return "" if self.batch is None else self.batch.settled_to

    @cached_property
    def fresh(self) -> list[BatchItem]:
        """The items, with those that an earlier settlement covered no longer expected."""
        return [
            replace(item, standing=Standing.SILENT)
            if item.standing is Standing.COUNTS and item.transaction_id <= self.settled_to
            else item
            for item in self.items
        ]

    @property
    def latest_id(self) -> str:
        """The newest transaction of the batch."""
        return max((each.transaction_id for each in self.transactions), default="")


def read_ours(connection: Connection, key: BatchKey, currency: str) -> Ours:
    """All of a batch in one currency, read together."""
    found = of_batch(connection, key.terminal_id, key.merchant_id, key.batch_no)
    found = [each for each in found if each.amount.currency == currency]
    live, reversed_ = _by_leg(connection, key)
    return Ours(
        batch=find_batch(connection, key),
        transactions=found,
        items=[as_item(each, was_reversed=each.transaction_id in reversed_) for each in found],
        live=live,
    )


def compared(ours: Ours, theirs: BatchTotals) -> tuple[bool, BatchTotals]:
    """Whether they agree, and our totals: of the whole batch, or of what came since its last settlement.

    A terminal that goes on under the number of a closed batch has forgotten what it settled, or has not, if our answer
    was lost.
    """
    whole, fresh = totals_of(ours.items), totals_of(ours.fresh)
    if match_totals(whole, theirs):
        return True, whole
    return match_totals(fresh, theirs), fresh


def _by_leg(connection: Connection, key: BatchKey) -> tuple[frozenset[str], frozenset[str]]:
    """Transactions of a batch with a live leg, and those that a reversal gave back."""
    query = (
        select(legs.c.transaction_id, legs.c.live, legs.c.kind)
        .join(transactions, transactions.c.transaction_id == legs.c.transaction_id)
        .where(
            transactions.c.terminal_id == key.terminal_id, transactions.c.merchant_id == key.merchant_id,
            transactions.c.batch_no == key.batch_no, (legs.c.live == 1) | (legs.c.state == State.RETURNED),
        )
    )  # fmt: skip
    rows = list(connection.execute(query))
    live = frozenset(row.transaction_id for row in rows if row.live)
    return live, frozenset(row.transaction_id for row in rows if not row.live and row.kind == "reversal")


def as_item(transaction: Transaction, *, was_reversed: bool) -> BatchItem:
    """A transaction as the terminal's batch should have it; `was_reversed`: what went back went by a reversal."""
    return BatchItem(
        trace_no=transaction.key.stan,
        amount_minor=transaction.paid.minor,
        credit=transaction.kind in CREDITS,
        standing=_standing(transaction, was_reversed=was_reversed),
        transaction_id=transaction.transaction_id,
    )


def _standing(transaction: Transaction, *, was_reversed: bool) -> Standing:
    if transaction.kind not in DEBITS | CREDITS:
        return Standing.SILENT
    if is_advice(transaction.kind):  # we took it over, so the terminal counts it, whatever the host says of it
        return Standing.COUNTS
    match State(transaction.state):
        case State.APPROVED | State.CAPTURED:
            return Standing.COUNTS
        case State.RETURNED:  # by a message of its own: the payment stays a debit, and that message is the credit
            return Standing.REVERSED if was_reversed else Standing.COUNTS
        case State.RETURNING | State.ESCALATED | State.NO_EFFECT | State.REOPENED:
            return Standing.REVERSED
        case State.DECLINED | State.SEND_INTENT | State.UNKNOWN:
            return Standing.NOT_APPROVED


class Ended(Struct, frozen=True, kw_only=True):
    """An upload at its end: what differs, which of it the terminal may never have heard of, and the batch's case."""

    batch: Batch
    ours: Ours
    findings: Sequence[Finding]
    uploaded: int
    complete: bool
    unheard: dict[str, Link]
    case: Case | None


def read_end(connection: Connection, key: BatchKey, announced: int | None) -> Ended | None:
    """Everything that decides about an upload, read together; None when none is open."""
    batch = find_batch(connection, key)
    if batch is None or batch.state is not BatchState.UPLOADING:
        return None
    ours = read_ours(connection, key, batch.currency)
    theirs = items_of(connection, batch)
    findings = match_details(ours.fresh, theirs)
    if not findings and not compared(ours, batch.theirs)[0]:
        findings = [Finding(kind=FindingKind.TOTALS_DIFFER, trace_no="", ours_minor=None, theirs_minor=None)]
    complete = is_complete(batch.theirs, len(theirs), announced)
    missing = [each for each in findings if each.kind is FindingKind.ONLY_OURS] if complete else []
    unheard = (_unheard(connection, ours, finding) for finding in missing)
    return Ended(
        batch=batch, ours=ours, findings=findings, uploaded=len(theirs), complete=complete,
        unheard={link.original.transaction_id: link for link in unheard if link is not None},
        case=find_batch_case(connection, key),
    )  # fmt: skip


def _unheard(connection: Connection, ours: Ours, finding: Finding) -> Link | None:
    """The payment, if it may go back by itself: it charged, stands whole, and no later frame proves its answer."""
    payment = next(each for each in ours.transactions if each.transaction_id == finding.transaction_id)
    if payment.state != State.APPROVED or payment.kind not in DEBITS or not is_reversed(payment.kind):
        return None
    if delivered(connection, payment):
        return None
    link = find_link(connection, payment.transaction_id)
    return None if link.live is not None or link.returned_minor else link


def delivered(connection: Connection, payment: Transaction) -> bool:
    """Whether the terminal spoke again after our approval was durable, about anything but this payment.

    In the order of the journal, which no clock moves. Frames of the batch's end itself do not count. What came to
    older transactions is looked for within the batch; what is newer, within the merchant's facts from there on.
    """
    key = payment.key
    first = connection.execute(
        select(facts.c.writer_id, facts.c.writer_seq)
        .where(
            facts.c.merchant_id == key.merchant_id, facts.c.subject_id == payment.transaction_id,
            facts.c.kind == State.APPROVED,
        )
        .order_by(facts.c.version)
        .limit(1)
    ).first()  # fmt: skip
    if first is None:
        return True
    later = (
        select(facts.c.version)
        .where(
            facts.c.merchant_id == key.merchant_id,
            facts.c.terminal_id == key.terminal_id,
            facts.c.kind.not_in((SETTLEMENT, UPLOAD)),
            tuple_(facts.c.writer_id, facts.c.writer_seq) > (first.writer_id, first.writer_seq),
            func.substr(facts.c.frames, 1, 1) == Direction.FROM_TERMINAL.value,
        )
        .limit(1)
    )
    batch = select(transactions.c.transaction_id).where(
        transactions.c.terminal_id == key.terminal_id,
        transactions.c.merchant_id == key.merchant_id,
        transactions.c.batch_no == key.batch_no,
        transactions.c.transaction_id < payment.transaction_id,
    )
    newer = later.where(facts.c.subject_id > payment.transaction_id)
    older = later.where(facts.c.subject_id.in_(batch))
    return any(connection.execute(query).first() is not None for query in (newer, older))
