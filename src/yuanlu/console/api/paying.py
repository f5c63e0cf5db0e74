"""What payments look like at the API: what they are paid with, and what is answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from yuanlu.causes import guidance
from yuanlu.causes.cause import Guidance
from yuanlu.console.api import models, views
from yuanlu.console.api.models import Given, MerchantId, TerminalId, Ulid, maybe_when, when
from yuanlu.console.api.problems import ApiProblem
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.money import Money, numeric
from yuanlu.people.positions import NOT_CHARGED, UNKNOWN, Position, position_of
from yuanlu.till.records import CardData, Entry, QrCode, Source, TillKind, TillPayment, TillState, Undo

CONFIRM_S_MIN, CONFIRM_S_MAX = 10, 600
TrackTwo = Annotated[str, Field(pattern=r"^[0-9]{13,19}[=D][0-9]{7,17}$", repr=False)]


class Qr(Given):
    """The customer's payment code, as it was scanned."""

    type: Literal["qr"]
    code: Annotated[str, Field(pattern=r"^[0-9]{16,24}$", repr=False, examples=["621234567890123456"])]


class TestCard(Given):
    """A made-up card, for test keys in a sandbox. Its number begins with 6200000000 or 6216261000."""

    type: Literal["test_card"]
    number: Annotated[
        str, Field(pattern=r"^(6200000000|6216261000)[0-9]{6,9}$", repr=False, examples=["6200000000000005"])
    ]
    expiry: Annotated[str, Field(pattern=r"^[0-9]{2}(0[1-9]|1[0-2])$", description="YYMM")] = "3012"
    entry: Literal["magstripe", "keyed"] = "magstripe"


class Chip(Given):
    """A chip card as a reader read it, in contact or without: forwarded, and kept nowhere. No PIN comes this way."""

    type: Literal["chip"]
    track2: TrackTwo
    emv: Annotated[
        str,
        Field(pattern=r"^([0-9A-Fa-f]{2}){1,255}$", repr=False, description="Field 55: the reader's TLV data, in hex."),
    ]
    sequence: Annotated[str, Field(pattern=r"^[0-9]{3}$", description="Tag 5F34.")] = "001"
    entry: Literal["chip", "contactless"] = "contactless"


AnySource = Annotated[Qr | TestCard | Chip, Field(discriminator="type")]


class Sale(Given):
    """Take a payment."""

    terminal_id: TerminalId
    amount: models.Amount
    source: AnySource
    reference: Annotated[str, Field(max_length=64, pattern=r"^[!-~]*$", examples=["order-1842"])] = ""
    """Your own; shown again, sent nowhere."""
    confirm_within_seconds: (
        Annotated[int, Field(strict=True, ge=CONFIRM_S_MIN, le=CONFIRM_S_MAX), models.Whole] | None
    ) = None
    """An approval that you do not confirm in this time is reversed: for clients that can lose the answer."""


class Refund(Given):
    """Give back a payment, in whole or in part, to where it came from. A card is presented again; a code is not."""

    amount: models.Amount | None = None
    """All of it, if it is not said."""
    kind: Literal["auto", "void", "refund"] = "auto"
    """`auto` voids the whole payment on its own day, and refunds else."""
    source: AnySource | None = None
    reason: Annotated[str, Field(max_length=200)] = ""


class CancelById(Given):
    """Take a sale back by its id."""

    payment_id: Ulid


class CancelByKey(Given):
    """Take a sale back by the Idempotency-Key under which it was sent, whether it arrived or not."""

    idempotency_key: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]


class Payment(BaseModel):
    """A payment, void or refund as the till was told, and where the money is now."""

    object: Literal["payment"] = "payment"
    id: str
    kind: str
    status: Literal["in_flight", "approved", "declined", "unknown", "not_sent", "cancelled"]
    """What the till was told. `unknown`: do not charge again; the money comes back by itself."""
    position: str
    """Where the money is now, by the journal: unknown, charged, not_charged, reversing, sent, returned, failed."""
    position_text: models.Words
    may_charge_again: bool
    """Whether the cashier may take a new payment for the same goods."""
    cashier: models.Words | None
    """What to tell the cashier, where it is not simply approved."""
    cardholder: models.Words | None
    merchant_id: MerchantId
    terminal_id: TerminalId
    amount: models.Money
    approved: models.Money | None
    entry: str
    reference: str
    response_code: str | None
    rrn: str | None
    """By which the cardholder's bank finds it."""
    auth_code: str | None
    batch_no: str
    stan: str
    original_id: str | None
    transaction_id: str | None
    idempotency_key: str
    made_at: datetime
    changed_at: datetime
    confirm_by: datetime | None


class Cancelled(BaseModel):
    """What became of a wish to cancel. `payment` is None when none had come under this key: none ever will."""

    object: Literal["cancellation"] = "cancellation"
    status: Literal["not_charged", "taken_over", "under_way", "refused"]
    """`taken_over`: the gateway has the reversal and drives it to its end. `under_way`: the till goes on with it."""
    payment: Payment | None


def source_of(given: Qr | TestCard | Chip, *, test: bool) -> Source:
    """What the till sends. ApiProblem for a test card where cards are real."""
    match given:
        case Qr():
            return QrCode(code=given.code)
        case Chip():
            track = given.track2.replace("D", "=")
            pan, _, rest = track.partition("=")
            return CardData(
                entry=Entry(given.entry), pan=pan, expiry_yymm=rest[:4], track2=track, emv=given.emv.upper(),
                sequence=given.sequence,
            )  # fmt: skip
        case TestCard():
            if not test:
                raise ApiProblem("refused", "a card's number is taken from test keys in a sandbox only; send chip data")
            swiped = given.entry == "magstripe"
            track = f"{given.number}={given.expiry}201{given.number[-6:-1]}" if swiped else ""
            return CardData(entry=Entry(given.entry), pan=given.number, expiry_yymm=given.expiry, track2=track)


def money_of(amount: models.Amount) -> Money:
    """An amount as messages carry it."""
    return Money(minor=amount.minor, currency=numeric(amount.currency))


def shown(payment: TillPayment, transaction: Transaction | None) -> Payment:
    """The payment with what the journal says of it now."""
    status, position = _status(payment), _position(payment, transaction)
    said = _guidance(payment, transaction, position)
    approved = payment.approved_minor
    return Payment(
        id=payment.payment_id,
        kind=payment.kind.value,
        status=status,
        position=position.key,
        position_text=views.position_words(position),
        may_charge_again=payment.kind is TillKind.SALE and position is NOT_CHARGED,
        cashier=None if said is None else views.words(said.cashier),
        cardholder=None if said is None else views.words(said.cardholder),
        merchant_id=payment.merchant_id,
        terminal_id=payment.terminal_id,
        amount=views.money(payment.amount),
        approved=None if approved is None else views.money(Money(minor=approved, currency=payment.amount.currency)),
        entry=payment.entry.value,
        reference=payment.reference,
        response_code=payment.code or None,
        rrn=payment.rrn or None,
        auth_code=payment.auth_code or None,
        batch_no=payment.batch_no,
        stan=payment.stan,
        original_id=payment.original_id or None,
        transaction_id=None if transaction is None else transaction.transaction_id,
        idempotency_key=payment.key,
        made_at=when(payment.made_at_us),
        changed_at=when(max(payment.changed_at_us, transaction.changed_at_us if transaction else 0)),
        confirm_by=maybe_when(payment.confirm_by_us),
    )


def _status(
    payment: TillPayment,
) -> Literal["in_flight", "approved", "declined", "unknown", "not_sent", "cancelled"]:
    match payment.state:
        case TillState.SENT:
            return "in_flight"
        case TillState.APPROVED:
            return "cancelled" if payment.undo in (Undo.DUE, Undo.DONE) else "approved"
        case TillState.DECLINED:
            return "declined"
        case TillState.UNKNOWN:
            return "unknown"
        case TillState.NOT_SENT:
            return "not_sent"


def _position(payment: TillPayment, transaction: Transaction | None) -> Position:
    if transaction is not None:
        return position_of(transaction.state)
    never_came = payment.state is TillState.UNKNOWN and payment.undo is Undo.DONE
    return NOT_CHARGED if never_came or payment.state in (TillState.DECLINED, TillState.NOT_SENT) else UNKNOWN


def _guidance(payment: TillPayment, transaction: Transaction | None, position: Position) -> Guidance | None:
    """What people are told: by the cause where one is known, else by what is known at all."""
    if payment.state is TillState.APPROVED and payment.undo is Undo.NO:
        return None
    known = views.guidance_of(transaction.cause) if transaction is not None and transaction.cause else None
    if known is not None:
        return known
    if payment.kind is not TillKind.SALE:
        return guidance.RETURN_REFUSED if payment.state is TillState.DECLINED else guidance.RETURN_UNKNOWN
    if payment.state is TillState.DECLINED:
        return guidance.DECLINED if transaction is not None else guidance.NOT_SENT
    return guidance.NOT_SENT if position is NOT_CHARGED else guidance.UNKNOWN
