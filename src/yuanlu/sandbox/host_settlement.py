"""The end of a batch at a simulated host: its totals compared, its details counted.

Source: settlement in the UnionPay POS message specification: 0500 with field 48 of 62 digits, 0320 for the details.
Every approved transaction counts in the batch it carries and by its own kind: what charges as a debit, what gives
back as a credit. So a voided sale is a debit and its void a credit; what was reversed counts on neither side. A hold
is no money yet and does not count. In the 1987 dialect nothing carries a batch, so its totals go back to the host's
start.
"""

from dataclasses import replace

from yuanlu.iso8583.subfields import SettlementTotals, Totals, UploadDetails
from yuanlu.sandbox.host_actions import Turn
from yuanlu.sandbox.host_books import HostBooks, Record
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.profiles import RecordState

AGREE_FLAG, DISAGREE_FLAG = "1", "2"
DETAILS_CODE = "201"
END_CODES = frozenset({"202", "207"})

DEBIT_KINDS = frozenset({Kind.SALE, Kind.OFFLINE_SALE, Kind.COMPLETION, Kind.COMPLETION_ADVICE})
CREDIT_KINDS = frozenset({Kind.VOID, Kind.COMPLETION_VOID, Kind.REFUND})
COUNTED = frozenset({RecordState.APPROVED, RecordState.VOIDED, RecordState.REFUNDED})
NOTHING = Totals(debit_minor=0, debit_count=0, credit_minor=0, credit_count=0)


def settle(books: HostBooks, turn: Turn) -> SettlementTotals:
    """The totals of a 0500 with the host's flags: 1 they agree with its books, 2 they do not.

    Raises DecodeError when field 48 is missing or malformed.
    """
    books.counters["settlements"] += 1
    asked = SettlementTotals.parse(turn.request.message[48])
    own = totals_of(books, turn.request.ref)
    agreed = SettlementTotals(domestic=_flagged(asked.domestic, own), foreign=_flagged(asked.foreign, NOTHING))
    books.counters["settlements_disagreeing"] += DISAGREE_FLAG in (agreed.domestic.flag, agreed.foreign.flag)
    return agreed


def totals_of(books: HostBooks, ref: PaymentRef) -> Totals:
    """What the host has for this terminal, merchant and batch, in minor units; the STAN does not matter."""
    batch = [record for each, record in books.records() if replace(each, stan=ref.stan) == ref]
    debits = _amounts(batch, DEBIT_KINDS)
    credited = _amounts(batch, CREDIT_KINDS)
    return Totals(
        debit_minor=sum(debits), debit_count=len(debits), credit_minor=sum(credited), credit_count=len(credited)
    )


def _amounts(batch: list[Record], kinds: frozenset[Kind]) -> list[int]:
    return [record.amount_minor for record in batch if record.kind in kinds and record.state in COUNTED]


def _flagged(asked: Totals, own: Totals) -> Totals:
    agree = replace(asked, flag=own.flag) == own
    return replace(asked, flag=AGREE_FLAG if agree else DISAGREE_FLAG)


def take_upload(books: HostBooks, turn: Turn) -> None:
    """Count a 0320 and the payments it lists; nothing of it is kept. Raises DecodeError for malformed details."""
    books.counters["uploads"] += 1
    request = turn.request
    if request.management_code in END_CODES:
        books.counters["uploads_ended"] += 1
    elif request.management_code == DETAILS_CODE and request.message.has(48):
        books.counters["upload_items"] += len(UploadDetails.parse(request.message[48]).items)
