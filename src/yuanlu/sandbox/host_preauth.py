"""The pre-authorisation family: an amount is held, set free, or charged.

A hold is no debit. Its void or completion sets it free, a completion charges what was really spent, and the void of a
completion holds the amount again. Source: the UnionPay POS message specification, 60.1 10, 11, 20, 21 and 24.
"""

from yuanlu.sandbox.host_actions import Turn
from yuanlu.sandbox.host_books import HostBooks, Record, Shift, entry_of
from yuanlu.sandbox.host_original import (
    APPROVED_CODE,
    LIMIT_CODE,
    NOT_FOUND_CODE,
    Original,
    card_refusal,
    find_original,
    has_auth_code,
    is_of_today,
    link_refusal,
    void_refusal,
)
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import EntryKind
from yuanlu.sandbox.profiles import RecordState

COMPLETION_PERCENT_MAX = 115
"""How much of the hold a completion may charge."""

_APPROVED, _COMPLETED, _VOIDED = RecordState.APPROVED, RecordState.COMPLETED, RecordState.VOIDED


def preauth(books: HostBooks, turn: Turn) -> str:
    """0100, field 3 030000: hold the amount. The code to answer."""
    request = turn.request
    record = _new_record(turn, Kind.PREAUTH, request.account)
    record.auth_code = books.next_auth_code()
    record.entries = (entry_of(EntryKind.HOLD, request.ref, record, at_us=turn.now_us),)
    books.approve(turn, record)
    return APPROVED_CODE


def preauth_void(books: HostBooks, turn: Turn) -> str:
    """0100, field 3 200000: set the hold free. The code to answer."""
    original = find_original(books, turn.request)
    if original is None:
        return NOT_FOUND_CODE
    if code := void_refusal(original.record, turn.request, Kind.PREAUTH):
        return code
    if not has_auth_code(original.record, turn.request):
        return NOT_FOUND_CODE
    record = _new_record(turn, Kind.PREAUTH_VOID, original.record.account)
    _follow(record, original, after=_VOIDED)
    record.entries = (entry_of(EntryKind.RELEASE, original.ref, original.record, at_us=turn.now_us),)
    books.approve(turn, record)
    return APPROVED_CODE


def completion(books: HostBooks, turn: Turn) -> str:
    """0200, field 3 000000, 60.1 20: set the hold free and charge the amount. The code to answer."""
    original = find_original(books, turn.request)
    if original is None:
        return NOT_FOUND_CODE
    if code := _completion_refusal(original, turn):
        return code
    _complete(books, turn, Kind.COMPLETION, original)
    return APPROVED_CODE


def completion_void(books: HostBooks, turn: Turn) -> str:
    """0200, field 3 200000, 60.1 21: the charge goes back and the amount is held again. The code to answer."""
    original = find_original(books, turn.request)
    if original is None:
        return NOT_FOUND_CODE
    if code := void_refusal(original.record, turn.request, Kind.COMPLETION):
        return code
    if not is_of_today(original.record, turn.now_us):
        return NOT_FOUND_CODE
    record = _new_record(turn, Kind.COMPLETION_VOID, original.record.account)
    _follow(record, original, after=_VOIDED)
    record.entries = (entry_of(EntryKind.CREDIT, original.ref, original.record, at_us=turn.now_us),)
    held_ref = original.record.original
    held = books.find(held_ref) if held_ref is not None else None
    if held_ref is not None and held is not None:
        record.entries += (entry_of(EntryKind.HOLD, held_ref, held, at_us=turn.now_us),)
        record.shifts += (Shift(ref=held_ref, before=_COMPLETED, after=_APPROVED),)
    books.approve(turn, record)
    return APPROVED_CODE


def completion_advice(books: HostBooks, turn: Turn) -> str:
    """0220, field 3 000000, 60.1 24: what the till charged already. Accepted, also when no hold fits. The code."""
    original = find_original(books, turn.request)
    if original is not None and link_refusal(original.record, Kind.PREAUTH):
        original = None
    books.counters["advices_without_hold"] += original is None
    _complete(books, turn, Kind.COMPLETION_ADVICE, original)
    return APPROVED_CODE


def _completion_refusal(original: Original, turn: Turn) -> str:
    """Why the completion is refused; "" when it is not."""
    record, request = original.record, turn.request
    if code := link_refusal(record, Kind.PREAUTH):
        return code
    if not has_auth_code(record, request):
        return NOT_FOUND_CODE
    if request.amount_minor * 100 > record.amount_minor * COMPLETION_PERCENT_MAX:
        return LIMIT_CODE
    return card_refusal(record, request)


def _complete(books: HostBooks, turn: Turn, kind: Kind, original: Original | None) -> None:
    """Charge the amount under the completion's own name; the hold ends, if there is one."""
    account = original.record.account if original is not None else turn.request.account
    record = _new_record(turn, kind, account)
    if original is not None:
        _follow(record, original, after=_COMPLETED)
        record.entries = (entry_of(EntryKind.RELEASE, original.ref, original.record, at_us=turn.now_us),)
    record.entries += (entry_of(EntryKind.DEBIT, turn.request.ref, record, at_us=turn.now_us),)
    books.approve(turn, record)


def _new_record(turn: Turn, kind: Kind, account: str) -> Record:
    return Record(kind=kind, state=_APPROVED, amount_minor=turn.request.amount_minor, account=account)


def _follow(record: Record, original: Original, *, after: RecordState) -> None:
    """Write down which transaction the record is about, and what becomes of that one."""
    record.original, record.auth_code = original.ref, original.record.auth_code
    record.shifts = (Shift(ref=original.ref, before=_APPROVED, after=after),)
