"""What a host reads from a request, whatever the dialect."""

import hashlib
from dataclasses import dataclass

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60, F61
from yuanlu.sandbox.cards import is_card_number
from yuanlu.sandbox.kinds import SPELLINGS, Kind, find_kind
from yuanlu.sandbox.ledger import PaymentRef

SIGN_IN_CODES = ("001", "003", "004")
NO_BATCH = "000000"
NO_STAN = "000000"
NO_DATE = "0000"
REVERSALS = frozenset({"0400", "0401", "0420", "0421"})
INQUIRY = "0600"
KEYED_ENTRY = "01"


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalData:
    """How a request names an earlier transaction: batch and STAN (None when they are left out), RRN, code, date.

    Fields 61, 37 and 38; in the 1987 dialect field 90 instead of 61. "" for what is not given, 0000 for a date that
    nobody knows.
    """

    ref: PaymentRef | None
    rrn: str
    auth_code: str
    date_mmdd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequest:
    """A request as the host understands it. Amounts in minor units.

    `ref` names the transaction itself; for a reversal or an inquiry it names what that is about, as `kind` does.
    `original` is given for requests that follow another transaction, `card_given` says whether the message names the
    card.
    """

    message: Message
    kind: Kind | None
    ref: PaymentRef
    original: OriginalData | None
    amount_minor: int
    management_code: str
    account: str
    card_given: bool

    @property
    def is_reversal(self) -> bool:
        """Whether it reverses what `ref` names."""
        return self.message.mti in REVERSALS

    @property
    def mistyped(self) -> bool:
        """Whether a card number was keyed in (field 22 begins with 01) and its check digit is wrong."""
        keyed = (self.message.get(22) or "")[:2] == KEYED_ENTRY
        return keyed and not is_card_number(self.message.get(2) or "")

    @property
    def asked_mti(self) -> str:
        """The message type that an inquiry asks about, "" when it does not say."""
        return (self.message.get(90) or "")[:4] if self.message.codec.dialect.extended else ""


def read_request(message: Message) -> HostRequest:
    """Read what every request must carry. Raises DecodeError for a missing or malformed field."""
    f60 = F60.parse(message[60]) if message.has(60) else None
    management = f60.management_code if f60 is not None else ""
    if message.codec.dialect.extended and message.has(70):
        management = message[70]
    ref = PaymentRef(
        terminal_id=message[41],
        merchant_id=message[42],
        batch_no=f60.batch_no if f60 is not None else NO_BATCH,
        stan=_stan(message),
    )
    kind = find_kind(message)
    follows = kind is not None and SPELLINGS[kind].follows and message.mti not in REVERSALS
    return HostRequest(
        message=message,
        kind=kind,
        ref=ref,
        original=_original(message, ref) if follows else None,
        amount_minor=int(message.get(4) or "0"),
        management_code=management,
        account=_account(message),
        card_given=message.has(2) or message.has(35),
    )


def _stan(message: Message) -> str:
    """The trace number: its own, or field 90's when it is about another message (a 1987 reversal or inquiry)."""
    if message.mti in REVERSALS or message.mti == INQUIRY:
        return _stan_of_90(message) or message[11]
    return message[11]


def _stan_of_90(message: Message) -> str:
    """The original's trace number in field 90, original data elements; "" where there is none."""
    if not message.codec.dialect.extended or not message.has(90):
        return ""
    original = message[90]
    if len(original) != 42:
        raise DecodeError(field=90, offset=0, reason="42 digits needed")
    return original[4:10]


def _original(message: Message, ref: PaymentRef) -> OriginalData:
    stan, batch_no, date_mmdd = _stan_of_90(message), ref.batch_no, NO_DATE
    if not message.codec.dialect.extended and message.has(61):
        f61 = F61.parse(message[61])
        stan, batch_no, date_mmdd = f61.stan, f61.batch_no, f61.date_mmdd or NO_DATE
    named = stan not in ("", NO_STAN)
    return OriginalData(
        ref=PaymentRef(terminal_id=ref.terminal_id, merchant_id=ref.merchant_id, batch_no=batch_no, stan=stan)
        if named
        else None,
        rrn=(message.get(37) or "").strip(),
        auth_code=(message.get(38) or "").strip(),
        date_mmdd=date_mmdd,
    )


def _account(message: Message) -> str:
    """A name for the card or wallet charged: a hash, so that the books hold no number."""
    pan = message.get(2) or (message.get(35) or "").partition("=")[0]
    source = pan or message.get(59) or ""
    return "card:" + hashlib.sha256(f"sandbox/{source}".encode()).hexdigest()[:24]
