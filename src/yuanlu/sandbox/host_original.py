"""Finding the transaction that a message follows, and what speaks against following it.

Codes are those of the response-code annex: 25 not found, 12 it cannot be followed like this, 22 something else has
been done about it, 64 another amount, 14 another card.
"""

from dataclasses import dataclass

from yuanlu.sandbox.host_answers import business_day
from yuanlu.sandbox.host_books import HostBooks, Record
from yuanlu.sandbox.host_request import HostRequest
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.profiles import RecordState

APPROVED_CODE = "00"
WRONG_LINK_CODE = "12"
AMOUNT_CODE = "13"
OTHER_CARD_CODE = "14"
UNDONE_CODE = "22"
NOT_FOUND_CODE = "25"
LIMIT_CODE = "61"
OTHER_AMOUNT_CODE = "64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """An earlier transaction by its name, and what the host remembers of it."""

    ref: PaymentRef
    record: Record


def find_original(books: HostBooks, request: HostRequest) -> Original | None:
    """The transaction that the request names by batch and STAN, or else by RRN; both must agree where both are given.

    None for one that this merchant never had, and for one that has not arrived yet.
    """
    given = request.original
    if given is None:
        return None
    by_rrn = books.find_ref(given.rrn) if given.rrn else None
    ref = given.ref or by_rrn
    if ref is None or ref.merchant_id != request.ref.merchant_id or (given.rrn and by_rrn != ref):
        return None
    record = books.find(ref)
    if record is None or record.state in (RecordState.HELD, RecordState.BARRED):
        return None
    return Original(ref=ref, record=record)


def link_refusal(record: Record, kind: Kind) -> str:
    """Why it cannot be followed as a transaction of this kind, or not in its state; "" when it can."""
    if record.kind is not kind or record.state is RecordState.DECLINED:
        return WRONG_LINK_CODE
    if record.state is not RecordState.APPROVED:
        return UNDONE_CODE
    return ""


def card_refusal(record: Record, request: HostRequest) -> str:
    """14 when the message names another card than the original's; "" otherwise."""
    return OTHER_CARD_CODE if request.card_given and request.account != record.account else ""


def void_refusal(record: Record, request: HostRequest, kind: Kind) -> str:
    """Why a void of a transaction of this kind is refused; "" when it is not. It is for the whole amount or nothing."""
    if code := link_refusal(record, kind):
        return code
    if request.amount_minor != record.amount_minor:
        return OTHER_AMOUNT_CODE
    return card_refusal(record, request)


def is_of_today(record: Record, now_us: int) -> bool:
    """Whether the host's business day is still the one the transaction was posted on."""
    return business_day(record.at_us) == business_day(now_us)


def has_auth_code(record: Record, request: HostRequest) -> bool:
    """Whether field 38 names the authorisation."""
    return request.original is not None and request.original.auth_code == record.auth_code
