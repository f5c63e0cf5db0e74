"""Message type and processing code to what is wanted: one table per question, nothing else."""

from enum import Enum

from msgspec import Struct

from yuanlu.flow.payment import BALANCE, QR_SALE, SALE
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money

CNY = "156"
SIGN_IN_CODES = {"001": False, "003": False, "004": True}
"""Field 60.3 of a sign-in; the value says whether a track key is wanted."""
ECHO_CODE, SIGN_OFF_CODE = "301", "002"
SALE_TYPE = "22"
NO_BATCH = "000000"
REVERSALS = frozenset({"0400", "0401", "0420", "0421"})
PAYMENTS = frozenset({"0200", "0201"})


class Action(Enum):
    """What a terminal wants."""

    SIGN_IN = "sign-in"
    SIGN_OFF = "sign-off"
    ECHO = "echo test"
    PAYMENT = "payment"
    REVERSAL = "reversal"
    UNSUPPORTED = "unsupported"


class Understood(Struct, frozen=True, kw_only=True):
    """A payment or reversal, as far as the message alone tells it."""

    key: TransactionKey
    kind: str
    amount: Money
    account: str


class FieldWrong(Exception):
    """A request that decodes, but lacks or bends what it needs; `code` is field 39 of the answer."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def action_of(message: Message) -> Action:
    """What this message asks for. Raises DecodeError when a field that decides it is malformed."""
    mti = message.mti
    if mti in REVERSALS:
        return Action.REVERSAL
    if mti in PAYMENTS:
        return Action.PAYMENT if kind_of(message) in (SALE, QR_SALE, BALANCE) else Action.UNSUPPORTED
    if mti in ("0800", "0820"):
        code = management_code(message)
        if mti == "0800" and code in SIGN_IN_CODES:
            return Action.SIGN_IN
        return {ECHO_CODE: Action.ECHO, SIGN_OFF_CODE: Action.SIGN_OFF}.get(code, Action.UNSUPPORTED)
    return Action.UNSUPPORTED


def management_code(message: Message) -> str:
    """60.3, or field 70 in the 1987 dialect."""
    if message.has(70):
        return message[70]
    return F60.parse(message[60]).management_code if message.has(60) else ""


def kind_of(message: Message) -> str:
    """The transaction's type by processing code and 60.1; "other" for what is not served yet."""
    code = message.get(3) or ""
    is_sale_type = message.codec.dialect.extended or _type_code(message) in ("", SALE_TYPE)
    if code[:2] == "31":
        return BALANCE
    if code == "000000" and is_sale_type:
        return QR_SALE if message.has(59) and not message.has(2) and not message.has(35) else SALE
    return "other"


def _type_code(message: Message) -> str:
    return (message.get(60) or "")[:2]


def understand(message: Message, terminal_id: str, merchant_id: str) -> Understood:
    """Key, kind, amount and account of a payment or reversal. Raises FieldWrong or DecodeError."""
    kind = kind_of(message)
    return Understood(
        key=_key(message, terminal_id, merchant_id),
        kind=kind,
        amount=_amount(message, kind),
        account=_account(message, kind),
    )


def _key(message: Message, terminal_id: str, merchant_id: str) -> TransactionKey:
    """Field 90 names the original of a 1987 reversal; elsewhere the reversal repeats the original's STAN."""
    stan, mti_class = message[11], message.mti
    if message.mti in REVERSALS:
        mti_class = "0100" if _type_code(message) in ("10", "11") and not message.codec.dialect.extended else "0200"
        if message.has(90):
            mti_class, stan = message[90][:4], message[90][4:10]
    batch = NO_BATCH
    if message.has(60) and not message.codec.dialect.extended:
        batch = F60.parse(message[60]).batch_no
    return TransactionKey(
        terminal_id=terminal_id,
        merchant_id=merchant_id,
        batch_no=batch,
        stan=stan,
        mti_class=mti_class.replace("0201", "0200"),
    )


def _amount(message: Message, kind: str) -> Money:
    if kind == BALANCE:
        return Money(minor=0, currency=message.get(49) or CNY)
    if not message.has(4) or not message.has(49):
        raise FieldWrong("30", f"field {4 if not message.has(4) else 49} is missing")
    amount = Money(minor=int(message[4]), currency=message[49])
    if amount.minor == 0:
        raise FieldWrong("13", "the amount is zero")
    return amount


def _account(message: Message, kind: str) -> str:
    if kind == QR_SALE:
        return message[59]
    account = message.get(2) or (message.get(35) or "").partition("=")[0]
    if not account and message.has(59):
        return message[59]
    if not account and message.mti in PAYMENTS:
        raise FieldWrong("14", "neither card number nor track nor QR code")
    return account


def safe(message: Message, number: int) -> str:
    """A field for an answer or a log line; "" when it is missing or malformed."""
    try:
        return message.get(number) or ""
    except DecodeError:
        return ""
