"""What a host reads from a request, whatever the dialect."""

import hashlib
from dataclasses import dataclass

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.sandbox.ledger import PaymentRef

SIGN_IN_CODES = ("001", "003", "004")
BALANCE = "310000"
SALE = "000000"
NO_BATCH = "000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequest:
    """A request as the host understands it. `ref` names the payment itself, or the original it refers to."""

    message: Message
    ref: PaymentRef
    amount_minor: int
    processing_code: str
    management_code: str
    account: str


def read_request(message: Message) -> HostRequest:
    """Read what every request must carry. Raises DecodeError for a missing or malformed field."""
    f60 = F60.parse(message[60]) if message.has(60) else None
    batch_no = f60.batch_no if f60 is not None else NO_BATCH
    management = f60.management_code if f60 is not None else ""
    if message.codec.dialect.extended and message.has(70):
        management = message[70]
    return HostRequest(
        message=message,
        ref=PaymentRef(terminal_id=message[41], merchant_id=message[42], batch_no=batch_no, stan=_stan(message)),
        amount_minor=int(message.get(4) or "0"),
        processing_code=message.get(3) or "",
        management_code=management,
        account=_account(message),
    )


def _stan(message: Message) -> str:
    """The payment's trace number: from field 90 where there is one, since it names the original."""
    if message.codec.dialect.extended and message.has(90):
        original = message[90]
        if len(original) != 42:
            raise DecodeError(field=90, offset=0, reason="42 digits needed")
        return original[4:10]
    return message[11]


def _account(message: Message) -> str:
    """A name for the card or wallet charged: a hash, so that the books hold no number."""
    pan = message.get(2) or (message.get(35) or "").partition("=")[0]
    source = pan or message.get(59) or ""
    return "card:" + hashlib.sha256(f"sandbox/{source}".encode()).hexdigest()[:24]
