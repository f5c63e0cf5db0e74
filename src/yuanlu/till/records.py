"""A payment as our own till knows it, what it is paid with, and what may be wrong with it."""

from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money


class TillRefused(YuanluError):
    """It cannot be asked of the gateway like this; nothing was made or sent."""


class TillUnavailable(YuanluError):
    """The gateway cannot be reached, or does not let this terminal in; nothing was made or sent."""


class TillKind(StrEnum):
    """What the till asks for."""

    SALE = "sale"
    VOID = "void"
    REFUND = "refund"


class TillState(StrEnum):
    """What the till was told."""

    SENT = "SENT"
    """It may have left, and there is no answer yet."""
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    UNKNOWN = "UNKNOWN"
    """No answer that can be trusted, or the gateway itself does not know."""
    NOT_SENT = "NOT_SENT"
    """It provably never left."""


class Undo(StrEnum):
    """Whether the till reverses it."""

    NO = ""
    DUE = "DUE"
    """It has to, and goes on until the gateway has taken it over."""
    DONE = "DONE"
    REFUSED = "REFUSED"
    """The gateway will not: part of it went back already. People have it."""


class Entry(StrEnum):
    """How the card or code was read."""

    QR = "qr"
    CHIP = "chip"
    CONTACTLESS = "contactless"
    MAGSTRIPE = "magstripe"
    KEYED = "keyed"


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """The customer's payment code."""

    code: str = field(repr=False)

    @property
    def entry(self) -> Entry:
        """Scanned."""
        return Entry.QR


@dataclass(frozen=True, slots=True, kw_only=True)
class CardData:
    """A card as it was read: forwarded, and kept nowhere. `emv` is field 55 in hex, "" without a chip."""

    entry: Entry
    pan: str = field(repr=False)
    expiry_yymm: str = field(repr=False, default="")
    track2: str = field(repr=False, default="")
    emv: str = field(repr=False, default="")
    sequence: str = "001"


Source = QrCode | CardData


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a client asks for. `source` is None for what follows a payment by code."""

    tenant: str
    key: str
    kind: TillKind
    terminal_id: str
    amount: Money
    source: Source | None
    entry: Entry
    made_by: str
    reference: str = ""
    confirm_within_us: int | None = None


class TillPayment(Struct, frozen=True, kw_only=True):
    """One request of the till, and what came of it. Nothing in it names a card."""

    payment_id: str
    tenant: str
    key: str
    kind: TillKind
    original_id: str
    terminal_id: str
    merchant_id: str
    batch_no: str
    stan: str
    mti_class: str
    amount: Money
    entry: Entry
    reference: str
    made_by: str
    state: TillState = TillState.SENT
    code: str = ""
    rrn: str = ""
    auth_code: str = ""
    date_mmdd: str = ""
    approved_minor: int | None = None
    undo: Undo = Undo.NO
    confirm_by_us: int | None = None
    made_at_us: int
    changed_at_us: int

    @property
    def transaction_key(self) -> TransactionKey:
        """By which the journal knows it."""
        return TransactionKey(
            terminal_id=self.terminal_id, merchant_id=self.merchant_id, batch_no=self.batch_no, stan=self.stan,
            mti_class=self.mti_class,
        )  # fmt: skip


class Told(Struct, frozen=True, kw_only=True):
    """What the till was told about a request."""

    state: TillState
    code: str = ""
    rrn: str = ""
    auth_code: str = ""
    date_mmdd: str = ""
    approved_minor: int | None = None
    undo: Undo = Undo.NO
