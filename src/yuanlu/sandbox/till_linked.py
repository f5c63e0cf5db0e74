"""The messages a till makes after a sale, and its pre-authorisations, in either dialect (domain notes §1.5, §2.2).

Each takes a `Payment` that is the message itself: its own STAN, amount, entry and card. What it refers to is a `Slip`.
A terminal names the original by field 61 and 37, the 1987 dialect by field 90 and 37. Adjustments and tips, 60.1 32
and 34, exist only where there is a field 60.
"""

from dataclasses import dataclass, replace

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.subfields import F61
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.kinds import SPELLINGS, Kind
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till_messages import (
    Fields,
    Payment,
    ReversalDuty,
    TillIdentity,
    entry_fields,
    original_data_elements,
    request_fields,
    reversal_fields,
    sealed_frame,
    short_entry_fields,
)

NO_DATE = "0000"
CARD_SCHEME = "000"
"""Field 63 of a refund: no foreign card scheme."""

_NAMELESS = F61(batch_no="000000", stan="000000")
"""A refund names its original by field 37 and its date alone: the batch may be long closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What the till knows of an earlier transaction: what its slip shows, and when it was sent (since 1970 UTC).

    `date_mmdd` is field 13 of the answer, 0000 when nobody knows it.
    """

    kind: Kind
    ref: PaymentRef
    at_us: int
    rrn: str = ""
    auth_code: str = ""
    date_mmdd: str = NO_DATE


def slip_of(kind: Kind, payment: Payment, answer: Message | None = None) -> Slip:
    """The slip of a transaction; without an answer it says what the till knew before. Raises DecodeError."""
    slip = Slip(kind=kind, ref=payment.ref, at_us=payment.at_us)
    if answer is None:
        return slip
    return replace(slip, rrn=answer.get(37) or "", auth_code=answer.get(38) or "", date_mmdd=answer.get(13) or NO_DATE)


def void_frame(identity: TillIdentity, payment: Payment, slip: Slip, keys: WorkingKeys | None) -> bytes:
    """0200, field 3 200000, 60.1 23: the sale is taken back, whole and on the same day."""
    return linked_frame(identity, Kind.VOID, payment, slip, keys)


def refund_frame(identity: TillIdentity, payment: Payment, slip: Slip, keys: WorkingKeys | None) -> bytes:
    """0220, field 3 200000, 60.1 25: the payment's amount goes back, all of the original's or a part."""
    return linked_frame(identity, Kind.REFUND, payment, slip, keys)


def preauth_frame(identity: TillIdentity, payment: Payment, keys: WorkingKeys | None) -> bytes:
    """0100, field 3 030000, 60.1 10: hold the amount."""
    fields = request_fields(identity, payment, Kind.PREAUTH) | entry_fields(payment, keys)
    return sealed_frame(identity, SPELLINGS[Kind.PREAUTH].mti, fields, keys)


def preauth_void_frame(identity: TillIdentity, payment: Payment, slip: Slip, keys: WorkingKeys | None) -> bytes:
    """0100, field 3 200000, 60.1 11: set the hold free."""
    return linked_frame(identity, Kind.PREAUTH_VOID, payment, slip, keys)


def completion_frame(identity: TillIdentity, payment: Payment, slip: Slip, keys: WorkingKeys | None) -> bytes:
    """0200, field 3 000000, 60.1 20: charge the amount, at most 115 % of what is held."""
    return linked_frame(identity, Kind.COMPLETION, payment, slip, keys)


def completion_void_frame(identity: TillIdentity, payment: Payment, slip: Slip, keys: WorkingKeys | None) -> bytes:
    """0200, field 3 200000, 60.1 21: the completion is taken back; `slip` is the completion's."""
    return linked_frame(identity, Kind.COMPLETION_VOID, payment, slip, keys)


def completion_advice_frame(identity: TillIdentity, payment: Payment, slip: Slip, keys: WorkingKeys | None) -> bytes:
    """0220, field 3 000000, 60.1 24: the amount has been charged; `slip` is the pre-authorisation's."""
    return linked_frame(identity, Kind.COMPLETION_ADVICE, payment, slip, keys)


def offline_sale_frame(identity: TillIdentity, payment: Payment, keys: WorkingKeys | None) -> bytes:
    """0220, field 3 000000, 60.1 30: a sale made without asking, so without a PIN."""
    fields = request_fields(identity, payment, Kind.OFFLINE_SALE) | entry_fields(payment, None)
    return sealed_frame(identity, SPELLINGS[Kind.OFFLINE_SALE].mti, fields, keys)


def linked_frame(identity: TillIdentity, kind: Kind, payment: Payment, slip: Slip, keys: WorkingKeys | None) -> bytes:
    """A request of any kind that follows an earlier transaction: no track and no PIN, since the till knows the card."""
    spelling = SPELLINGS[kind]
    assert spelling.follows, kind
    fields = request_fields(identity, payment, kind) | _naming(identity, kind, slip)
    if identity.codec.dialect.extended:
        fields[90] = original_data_elements(SPELLINGS[slip.kind].mti, slip.ref.stan, slip.at_us)
    if slip.rrn:
        fields[37] = slip.rrn
    if slip.auth_code and kind is not Kind.REFUND:
        fields[38] = slip.auth_code
    if kind is Kind.REFUND:
        fields[63] = CARD_SCHEME
    return sealed_frame(identity, spelling.mti, fields, keys)


def preauth_reversal_frame(identity: TillIdentity, duty: ReversalDuty, keys: WorkingKeys | None) -> bytes:
    """0400 of a pre-authorisation, made from the 0100 as the reversal of a sale is from the 0200."""
    fields = reversal_fields(identity, duty, Kind.PREAUTH) | short_entry_fields(duty.payment)
    return sealed_frame(identity, "0400", fields, keys)


def linked_reversal_frame(
    identity: TillIdentity, kind: Kind, duty: ReversalDuty, slip: Slip, keys: WorkingKeys | None
) -> bytes:
    """0400 of a void, a completion or their like: `duty.payment` is that message, `slip` what it referred to.

    It repeats the message's own field 3, STAN and field 61; field 90 names the message, not the slip's transaction.
    """
    duty = duty if duty.auth_code else replace(duty, auth_code=slip.auth_code)
    fields = reversal_fields(identity, duty, kind) | _naming(identity, kind, slip)
    return sealed_frame(identity, "0400", fields, keys)


def _naming(identity: TillIdentity, kind: Kind, slip: Slip) -> Fields:
    """Field 61, where the dialect has it; only the pre-authorisation family and refunds give the date, too."""
    if identity.codec.dialect.extended:
        return {}
    if kind is Kind.REFUND:
        return {61: replace(_NAMELESS, date_mmdd=slip.date_mmdd).build()}
    dated = slip.kind is Kind.PREAUTH or kind is Kind.COMPLETION_VOID
    date_mmdd = slip.date_mmdd if dated else ""
    return {61: F61(batch_no=slip.ref.batch_no, stan=slip.ref.stan, date_mmdd=date_mmdd).build()}
