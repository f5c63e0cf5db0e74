"""Giving a payment back: the void, on the same day and whole, and refunds, later or in part.

Source: the paths of return in the UnionPay POS message specification (business day from 23:00 to 23:00).
"""

from yuanlu.sandbox.host_actions import Turn
from yuanlu.sandbox.host_answers import business_day, local_date, settlement_date
from yuanlu.sandbox.host_books import HostBooks, Record, Shift, entry_of
from yuanlu.sandbox.host_original import (
    APPROVED_CODE,
    LIMIT_CODE,
    NOT_FOUND_CODE,
    UNDONE_CODE,
    WRONG_LINK_CODE,
    Original,
    card_refusal,
    find_original,
    is_of_today,
    void_refusal,
)
from yuanlu.sandbox.host_request import NO_DATE
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import EntryKind
from yuanlu.sandbox.profiles import RecordState

REFUND_DAYS_MAX = 180
REFUNDABLE_KINDS = frozenset({Kind.SALE, Kind.OFFLINE_SALE, Kind.COMPLETION, Kind.COMPLETION_ADVICE})
REFUNDABLE_STATES = frozenset({RecordState.APPROVED, RecordState.REFUNDED})


def void(books: HostBooks, turn: Turn) -> str:
    """0200, field 3 200000, 60.1 23: the sale's money goes back. The code to answer."""
    original = find_original(books, turn.request)
    if original is None:
        return NOT_FOUND_CODE
    if code := void_refusal(original.record, turn.request, Kind.SALE):
        return code
    if not is_of_today(original.record, turn.now_us):
        return NOT_FOUND_CODE
    books.approve(
        turn,
        Record(
            kind=Kind.VOID,
            state=RecordState.APPROVED,
            amount_minor=original.record.amount_minor,
            account=original.record.account,
            auth_code=original.record.auth_code,
            original=original.ref,
            entries=(entry_of(EntryKind.CREDIT, original.ref, original.record, at_us=turn.now_us),),
            shifts=(Shift(ref=original.ref, before=RecordState.APPROVED, after=RecordState.VOIDED),),
        ),
    )
    return APPROVED_CODE


def refund(books: HostBooks, turn: Turn) -> str:
    """0220, field 3 200000, 60.1 25: part of the money goes back, or all of it. The code to answer."""
    original = find_original(books, turn.request)
    if original is None or not _dated_alike(original.record, turn):
        return NOT_FOUND_CODE
    if code := _refund_refusal(original, turn):
        return code
    record = Record(
        kind=Kind.REFUND,
        state=RecordState.APPROVED,
        amount_minor=turn.request.amount_minor,
        account=original.record.account,
        auth_code=original.record.auth_code,
        original=original.ref,
    )
    record.entries = (entry_of(EntryKind.CREDIT, original.ref, record, at_us=turn.now_us),)
    original.record.refunded_minor += record.amount_minor
    original.record.state = RecordState.REFUNDED
    books.approve(turn, record)
    return APPROVED_CODE


def _refund_refusal(original: Original, turn: Turn) -> str:
    """Why the refund is refused; "" when it is not."""
    record, request = original.record, turn.request
    if record.kind not in REFUNDABLE_KINDS:
        return WRONG_LINK_CODE
    if record.state not in REFUNDABLE_STATES:
        return UNDONE_CODE
    if record.refunded_minor + request.amount_minor > record.amount_minor:
        return LIMIT_CODE
    if code := card_refusal(record, request):
        return code
    days = business_day(turn.now_us) - business_day(record.at_us)
    return UNDONE_CODE if days > REFUND_DAYS_MAX else ""


def _dated_alike(record: Record, turn: Turn) -> bool:
    """Whether 61.3 is the original's date, local or of settlement; 0000 fits everything."""
    given = turn.request.original
    date_mmdd = given.date_mmdd if given is not None else NO_DATE
    return date_mmdd in (NO_DATE, local_date(record.at_us), settlement_date(record.at_us))
