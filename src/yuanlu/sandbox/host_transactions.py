"""What a simulated host does with each kind of transaction: one table, and what comes before it for all alike."""

from collections.abc import Callable

from yuanlu.sandbox.host_actions import Turn
from yuanlu.sandbox.host_books import HostBooks, Record, entry_of
from yuanlu.sandbox.host_linked import refund, void
from yuanlu.sandbox.host_original import AMOUNT_CODE, APPROVED_CODE, OTHER_CARD_CODE, UNDONE_CODE
from yuanlu.sandbox.host_preauth import completion, completion_advice, completion_void, preauth, preauth_void
from yuanlu.sandbox.kinds import ADVICES, NEVER_REVERSED, Kind
from yuanlu.sandbox.ledger import EntryKind
from yuanlu.sandbox.profiles import HostProfile, RecordState, decide_reversal

DUPLICATE_CODE = "94"
UNSUPPORTED_CODE = "40"

_UNDECIDED = (RecordState.HELD, RecordState.BARRED)


def post(books: HostBooks, turn: Turn, profile: HostProfile) -> str:
    """Post a transaction, unless it is barred, a repeat or refused; the code to answer.

    A refusal is remembered. A host that does not recognise repeats posts the same sale or refund again; an advice is
    accepted again by every host, and booked once.
    """
    request = turn.request
    assert request.kind is not None
    known = books.find(request.ref)
    if known is not None and known.state is RecordState.BARRED:
        books.counters["barred"] += 1
        return profile.declined_code
    if code := _repeat_code(known, request.kind, profile):
        return code
    code = TRANSACTIONS[request.kind](books, turn) if request.amount_minor else AMOUNT_CODE
    if code != APPROVED_CODE:
        books.decline(turn)
    return code


def _repeat_code(known: Record | None, kind: Kind, profile: HostProfile) -> str:
    """What answers a repeat; "" for what is none, or is not recognised."""
    if known is None or known.state in _UNDECIDED:
        return ""
    if kind in ADVICES:
        # A refused advice comes again until it is accepted.
        return APPROVED_CODE if known.state is not RecordState.DECLINED else ""
    return DUPLICATE_CODE if profile.recognises_repeats else ""


def reverse(books: HostBooks, turn: Turn, profile: HostProfile, repeat_code: str) -> str:
    """Undo what the profile undoes; the code to answer. Refunds and advices are never reversed."""
    request, record = turn.request, books.find(turn.request.ref)
    kind = record.kind if record is not None else request.kind
    if kind in NEVER_REVERSED:
        books.counters["reversals_refused"] += 1
        return UNSUPPORTED_CODE
    state = record.state if record is not None else None
    if record is not None and state is RecordState.APPROVED and books.is_overtaken(record):
        # A hold was completed anew or voided after the completion void that is to be reversed.
        return UNDONE_CODE
    decision = decide_reversal(profile, state, repeat_code)
    books.counters["reversals_unseen"] += state is None
    books.counters["reversals_repeated"] += state is RecordState.REVERSED
    if decision.next_state is not None:
        record = record or books.remember(turn, decision.next_state)
        record.state = decision.next_state
        if decision.credits:
            books.undo(request.ref, record, turn.now_us)
    return decision.code


def sale(books: HostBooks, turn: Turn) -> str:
    """0200, field 3 000000: charge the amount. The code to answer."""
    if turn.request.mistyped:
        return OTHER_CARD_CODE
    return _charge(books, turn, Kind.SALE)


def offline_sale(books: HostBooks, turn: Turn) -> str:
    """0220, 60.1 30: charge what the till sold without asking. The code to answer."""
    return _charge(books, turn, Kind.OFFLINE_SALE)


def adjustment(books: HostBooks, turn: Turn) -> str:
    """0220, 60.1 32 or 34: an adjustment or a tip is accepted and moves no money here. The code to answer."""
    request = turn.request
    assert request.kind is not None
    record = Record(
        kind=request.kind, state=RecordState.APPROVED, amount_minor=request.amount_minor, account=request.account
    )
    books.approve(turn, record)
    return APPROVED_CODE


def _charge(books: HostBooks, turn: Turn, kind: Kind) -> str:
    request = turn.request
    record = Record(
        kind=kind,
        state=RecordState.APPROVED,
        amount_minor=request.amount_minor,
        account=request.account,
        auth_code=books.next_auth_code(),
    )
    record.entries = (entry_of(EntryKind.DEBIT, request.ref, record, at_us=turn.now_us),)
    books.approve(turn, record)
    return APPROVED_CODE


TRANSACTIONS: dict[Kind, Callable[[HostBooks, Turn], str]] = {
    Kind.SALE: sale,
    Kind.VOID: void,
    Kind.REFUND: refund,
    Kind.PREAUTH: preauth,
    Kind.PREAUTH_VOID: preauth_void,
    Kind.COMPLETION: completion,
    Kind.COMPLETION_VOID: completion_void,
    Kind.COMPLETION_ADVICE: completion_advice,
    Kind.OFFLINE_SALE: offline_sale,
    Kind.ADJUSTMENT: adjustment,
    Kind.TIP: adjustment,
}
"""Each books its transaction and returns 00, or books nothing and returns why."""
