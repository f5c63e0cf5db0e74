"""Message type and processing code to what is wanted: one table per question, nothing else."""

from enum import Enum

from msgspec import Struct

from yuanlu.acquirers.kinds import BALANCE, KINDS, OTHER, QR_SALE, SCRIPT_RESULT, is_advice, kind_of
from yuanlu.fleet.observations import ObservationWrong
from yuanlu.fleet.reporting import FROM_TERMINAL, Report
from yuanlu.fleet.status import STATUS_CODE, read_status
from yuanlu.flow.codes import FORMAT_CODE
from yuanlu.flow.payment import Reference
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60, F61
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money

CNY = "156"
SIGN_IN_CODES = {"001": False, "003": False, "004": True}
"""Field 60.3 of a sign-in; the value says whether a track key is wanted."""
ECHO_CODE, SIGN_OFF_CODE = "301", "002"
NO_BATCH = "000000"
REVERSALS = frozenset({"0400", "0401", "0420", "0421"})
BATCH_ENDS = frozenset({"0500", "0320"})
PAYMENTS = {
    "0200": "0200", "0201": "0200", "0220": "0220", "0221": "0220", "0100": "0100", "0101": "0100", "0620": "0620",
    "0621": "0620",
}  # fmt: skip
"""Requests that move money, ask about it or tell of it, and the message type they repeat."""

ORIGINAL_MTIS = {
    "10": "0100", "11": "0100", "24": "0220", "25": "0220", "30": "0220", "32": "0220", "34": "0220", "36": "0220",
}  # fmt: skip
"""Message type of a reversal's original by its 60.1, where it is not 0200."""

NO_STAN = "000000"


class Action(Enum):
    """What a terminal wants."""

    SIGN_IN = "sign-in"
    SIGN_OFF = "sign-off"
    ECHO = "echo test"
    PAYMENT = "payment"
    ADVICE = "advice"
    SETTLEMENT = "settlement"
    STATUS = "status upload"
    REVERSAL = "reversal"
    UNSUPPORTED = "unsupported"


class Understood(Struct, frozen=True, kw_only=True):
    """A payment or reversal, as far as the message alone tells it."""

    key: TransactionKey
    kind: str
    amount: Money
    account: str
    refers_to: Reference | None


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
        kind = kind_of(message, PAYMENTS[mti])
        return Action.UNSUPPORTED if kind == OTHER else Action.ADVICE if is_advice(kind) else Action.PAYMENT
    if mti in BATCH_ENDS and not message.codec.dialect.extended:  # 1987 numbers no batches, so none can be closed
        return Action.SETTLEMENT
    if mti in ("0800", "0820"):
        code = management_code(message)
        if mti == "0800" and code in SIGN_IN_CODES:
            return Action.SIGN_IN
        if mti == "0820" and code == STATUS_CODE:
            return Action.STATUS
        return {ECHO_CODE: Action.ECHO, SIGN_OFF_CODE: Action.SIGN_OFF}.get(code, Action.UNSUPPORTED)
    return Action.UNSUPPORTED


def management_code(message: Message) -> str:
    """60.3, or field 70 in the 1987 dialect."""
    if message.has(70):
        return message[70]
    return F60.parse(message[60]).management_code if message.has(60) else ""


def understand(message: Message, terminal_id: str, merchant_id: str) -> Understood:
    """Key, kind, amount and account of a payment or reversal. Raises FieldWrong or DecodeError."""
    key = _key(message, terminal_id, merchant_id)
    kind = kind_of(message, key.mti_class)
    return Understood(
        key=key,
        kind=kind,
        amount=_amount(message, kind),
        account=_account(message, kind),
        refers_to=_reference(message) if kind != OTHER and KINDS[kind].of else None,
    )


def status_report(message: Message, terminal_id: str, merchant_id: str) -> Report:
    """What a status upload says. Raises FieldWrong or DecodeError."""
    try:
        status = read_status(message.get(62) or "")
    except ObservationWrong as wrong:
        raise FieldWrong(FORMAT_CODE, f"status: {wrong}") from None
    return Report(
        merchant_id=merchant_id, terminal_id=terminal_id, told=status.told, told_by=FROM_TERMINAL, stan=status.stan,
        batch_no=status.batch_no,
    )  # fmt: skip


def _key(message: Message, terminal_id: str, merchant_id: str) -> TransactionKey:
    """Field 90 names the original of a 1987 reversal; elsewhere the reversal repeats the original's STAN."""
    stan = message[11]
    if message.mti not in REVERSALS:
        mti_class = PAYMENTS.get(message.mti, message.mti)
    elif message.has(90):
        mti_class, stan = PAYMENTS.get(message[90][:4], message[90][:4]), message[90][4:10]
    else:
        type_code = "" if message.codec.dialect.extended else (message.get(60) or "")[:2]
        mti_class = ORIGINAL_MTIS.get(type_code, "0200")
    batch = NO_BATCH
    if message.has(60) and not message.codec.dialect.extended:
        batch = F60.parse(message[60]).batch_no
    return TransactionKey(
        terminal_id=terminal_id, merchant_id=merchant_id, batch_no=batch, stan=stan, mti_class=mti_class
    )


def _reference(message: Message) -> Reference:
    """Which transaction it is about: fields 37 and 61, or 90 in the 1987 dialect."""
    rrn = (message.get(37) or "").strip()
    if message.codec.dialect.extended:
        original = message.get(90) or ""
        return Reference(batch_no=NO_BATCH, stan=original[4:10], rrn=rrn)
    if not message.has(61):
        return Reference(batch_no="", stan="", rrn=rrn)
    f61 = F61.parse(message[61])
    return Reference(batch_no=f61.batch_no, stan="" if f61.stan == NO_STAN else f61.stan, rrn=rrn)


def _amount(message: Message, kind: str) -> Money:
    if kind in (BALANCE, SCRIPT_RESULT):
        return Money(minor=0, currency=message.get(49) or CNY)
    if not message.has(4) or not message.has(49):
        raise FieldWrong("30", f"field {4 if not message.has(4) else 49} is missing")
    amount = Money(minor=int(message[4]), currency=message[49])
    if amount.minor == 0:
        raise FieldWrong("13", "the amount is zero")
    return amount


def _account(message: Message, kind: str) -> str:
    """The card number or QR code. What refers to another transaction need not name it again."""
    if kind == QR_SALE:
        return message[59]
    account = message.get(2) or (message.get(35) or "").partition("=")[0]
    if not account and message.has(59):
        return message[59]
    if not account and message.mti in PAYMENTS and (kind == OTHER or not KINDS[kind].of):
        raise FieldWrong("14", "neither card number nor track nor QR code")
    return account


def safe(message: Message, number: int) -> str:
    """A field for an answer or a log line; "" when it is missing or malformed."""
    try:
        return message.get(number) or ""
    except DecodeError:
        return ""
