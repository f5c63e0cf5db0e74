"""The messages a till makes: sign-in, status, sale, reversal, in either dialect (domain notes §1.3, §1.5, §2.2).

`till_linked` makes what comes after a sale, and pre-authorisations; `till_batch` what ends a batch.
"""

from dataclasses import dataclass, field
from enum import Enum

from yuanlu.iso8583.codec import Codec, Message, codec_for, response_mti
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.iso8583.tlv import build, short_f55
from yuanlu.kernel.clock import local_time
from yuanlu.keys.pin_block import encipher_pin
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.cards import Card
from yuanlu.sandbox.faults import APPROVALS, PARTIAL_APPROVAL
from yuanlu.sandbox.host_keys import mac_bytes
from yuanlu.sandbox.kinds import SPELLINGS, Kind
from yuanlu.sandbox.ledger import PaymentRef

CURRENCY = "156"
SIGN_IN_DOUBLE_LENGTH = "003"
STATUS_UPLOAD = "362"
PIN_WITH_PAN_DOUBLE_LENGTH = "2600000000000000"

Fields = dict[int, str | bytes]


class EntryMode(Enum):
    """How the card or code got into the till; the value is field 22 in three digits."""

    CHIP = "051"
    CONTACTLESS = "072"
    MAGSTRIPE = "021"
    QR = "032"
    KEYED = "012"


@dataclass(frozen=True, slots=True, kw_only=True)
class TillIdentity:
    """Who the till is and how it speaks; `mac` is the algorithm's name, "none" for no MAC.

    `key_scope` is whose master key protects its working keys: its own, unless it speaks to a host directly.
    """

    terminal_id: str
    merchant_id: str
    dialect: str
    mac: str
    key_scope: str = ""

    @property
    def codec(self) -> Codec:
        """The codec of its dialect."""
        return codec_for(self.dialect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One sale at the till. `at_us` is its wall time since 1970 UTC."""

    ref: PaymentRef
    amount_minor: int
    entry: EntryMode
    card: Card = field(repr=False)
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalDuty:
    """What a till writes down before it sends a sale: the payment, why it would be reversed, what it knows.

    `reason` is field 39 of 0400: 98 no answer, A0 answer with a wrong MAC, 06 other.
    """

    payment: Payment
    reason: str = "98"
    auth_code: str = ""


def sign_in_frame(identity: TillIdentity, batch_no: str, stan: str) -> bytes:
    """0800 for working keys of double length."""
    fields: Fields = {
        11: stan,
        41: identity.terminal_id,
        42: identity.merchant_id,
        60: F60(type_code="00", batch_no=batch_no, management_code=SIGN_IN_DOUBLE_LENGTH).build(),
        62: f"Sequence No16{identity.terminal_id:0>16}",
        63: "001",
    }
    return identity.codec.encode(mti="0800", fields=fields)


def status_frame(identity: TillIdentity, batch_no: str, stan: str, text: str, keys: WorkingKeys | None) -> bytes:
    """0820 that says how the till is: `text` is field 62 (docs/decisions/0014)."""
    fields: Fields = {11: stan, 41: identity.terminal_id, 42: identity.merchant_id, 62: text}
    if identity.codec.dialect.extended:
        fields[70] = STATUS_UPLOAD
    else:
        fields[60] = F60(type_code="00", batch_no=batch_no, management_code=STATUS_UPLOAD).build()
    return sealed_frame(identity, "0820", fields, keys)


def keys_content(message: Message) -> bytes:
    """The working keys of an 0810, also where they stand as hex characters. Raises DecodeError."""
    content = message.value_bytes(62)
    if not message.codec.dialect.extended:
        return content
    try:
        return bytes.fromhex(content.decode("ascii"))
    except ValueError:
        raise DecodeError(field=62, offset=message.content_span(62)[0], reason="not hex") from None


def sale_frame(identity: TillIdentity, payment: Payment, keys: WorkingKeys | None) -> bytes:
    """0200 with everything its way of entry needs."""
    return sealed_frame(
        identity, "0200", request_fields(identity, payment, Kind.SALE) | entry_fields(payment, keys), keys
    )


def reversal_frame(identity: TillIdentity, duty: ReversalDuty, keys: WorkingKeys | None) -> bytes:
    """0400: the sale without secrets and tracks, with the reason, under the current MAC key (T17, T21)."""
    fields = reversal_fields(identity, duty, Kind.SALE) | short_entry_fields(duty.payment)
    return sealed_frame(identity, "0400", fields, keys)


def reversal_fields(identity: TillIdentity, duty: ReversalDuty, kind: Kind) -> Fields:
    """What every reversal carries: its original's fields, the reason, the auth code if it is known."""
    fields = request_fields(identity, duty.payment, kind) | {39: duty.reason}
    if duty.auth_code:
        fields[38] = duty.auth_code
    if identity.codec.dialect.extended:
        fields[90] = original_data_elements(SPELLINGS[kind].mti, duty.payment.ref.stan, duty.payment.at_us)
    return fields


def original_data_elements(mti: str, stan: str, at_us: int) -> str:
    """Field 90 of the 1987 edition: message type, STAN and time of the original; the till knows no institutions."""
    return f"{mti}{stan}{local_time(at_us).strftime('%m%d%H%M%S')}" + "0" * 22


def entry_fields(payment: Payment, keys: WorkingKeys | None) -> Fields:
    """What its way of entry adds to a request that reads the card or code."""
    match payment.entry:
        case EntryMode.QR:
            return _qr_field(payment)
        case EntryMode.CHIP:
            return _pin_fields(payment, keys) | {35: payment.card.track2, 55: chip_data(payment)}
        case EntryMode.CONTACTLESS:
            return {35: payment.card.track2, 55: chip_data(payment)}
        case EntryMode.MAGSTRIPE:
            return _pin_fields(payment, keys) | {35: payment.card.track2}
        case EntryMode.KEYED:
            return {}


def short_entry_fields(payment: Payment) -> Fields:
    """What remains of that in a reversal: no track, no PIN, the short field 55 (T17)."""
    match payment.entry:
        case EntryMode.QR:
            return _qr_field(payment)
        case EntryMode.CHIP | EntryMode.CONTACTLESS:
            return {55: short_f55(bytes.fromhex(chip_data(payment))).hex().upper()}
        case EntryMode.MAGSTRIPE | EntryMode.KEYED:
            return {}


def _qr_field(payment: Payment) -> Fields:
    return {59: f"A3{len(payment.card.pan):03}{payment.card.pan}"}


def request_fields(identity: TillIdentity, payment: Payment, kind: Kind) -> Fields:
    """What a request of this kind and its reversal have in common."""
    extended, at, spelling = identity.codec.dialect.extended, local_time(payment.at_us), SPELLINGS[kind]
    fields: Fields = {
        3: spelling.processing_code,
        4: f"{payment.amount_minor:012}",
        11: payment.ref.stan,
        22: payment.entry.value if extended else payment.entry.value + "0",
        25: spelling.condition_code,
        41: identity.terminal_id,
        42: identity.merchant_id,
        49: CURRENCY,
    }
    if not extended:
        fields[60] = _f60(spelling.type_code, payment.ref.batch_no)
    if payment.entry is not EntryMode.QR:
        fields |= {2: payment.card.pan, 14: payment.card.expiry_yymm}
    if payment.entry in (EntryMode.CHIP, EntryMode.CONTACTLESS):
        fields[23] = "001" if extended else "0001"
    if extended:
        fields |= {7: at.strftime("%m%d%H%M%S"), 12: at.strftime("%H%M%S"), 13: at.strftime("%m%d")}
    return fields


def _f60(type_code: str, batch_no: str) -> str:
    return F60(
        type_code=type_code,
        batch_no=batch_no,
        management_code="000",
        read_capability="6",
        ic_condition="0",
        partial_approval="1",
    ).build()


def _pin_fields(payment: Payment, keys: WorkingKeys | None) -> Fields:
    """The PIN under the till's PIN key; without keys there is no PIN."""
    if keys is None:
        return {}
    block = encipher_pin(payment.card.pin, keys.pin_key(), pan=payment.card.pan)
    return {26: "12", 52: block.hex().upper(), 53: PIN_WITH_PAN_DOUBLE_LENGTH}


def chip_data(payment: Payment) -> str:
    """Field 55 of a sale, in hex: a cryptogram's worth of made-up but well-formed data (EMV book 3)."""
    stan, amount = payment.ref.stan, f"{payment.amount_minor:012}"
    day = local_time(payment.at_us).strftime("%y%m%d")
    elements = (
        ("9F26", bytes.fromhex(f"{stan}{amount[-10:]}")),
        ("9F27", b"\x80"),
        ("9F10", bytes.fromhex("07010103A02010010A010000050000" + stan[-4:] + "0000")),
        ("9F37", bytes.fromhex(f"{stan}00")),
        ("9F36", bytes.fromhex(stan[-4:])),
        ("95", bytes.fromhex("0880047000")),
        ("9A", bytes.fromhex(day)),
        ("9C", b"\x00"),
        ("9F02", bytes.fromhex(amount)),
        ("5F2A", bytes.fromhex("0156")),
        ("82", bytes.fromhex("7C00")),
        ("9F1A", bytes.fromhex("0156")),
        ("9F33", bytes.fromhex("E0F1C8")),
        ("9F1E", payment.ref.terminal_id.encode("ascii")),
        ("84", bytes.fromhex("A000000333010101")),
    )
    return build(elements).hex().upper()


def sealed_frame(identity: TillIdentity, mti: str, fields: Fields, keys: WorkingKeys | None) -> bytes:
    """The frame without its length, with a MAC where there are keys."""
    mac = keys.mac_key(identity.mac).make if keys is not None else None
    return identity.codec.encode(mti=mti, fields=fields, mac=mac)


def answers(message: Message, payment: Payment, mti: str, processing_code: str = "000000") -> bool:
    """Whether this is the answer to the `mti` of this payment: MTI, fields 3, 11, 41, 42, a code, and field 4 unless
    only a part is approved (T8, T14).
    """
    try:
        return (
            message.mti == response_mti(mti)
            and message.has(39)
            and message.get(3) in (processing_code, None)
            and (message.get(4) in (f"{payment.amount_minor:012}", None) or message[39] == PARTIAL_APPROVAL)
            and message.get(11) == payment.ref.stan
            and message.get(41) == payment.ref.terminal_id
            and message.get(42) in (payment.ref.merchant_id, None)
        )
    except DecodeError:
        return False


def approved_minor(message: Message, payment: Payment) -> int:
    """How much of the payment is approved, in minor units: less than all with code 10 alone."""
    if message[39] != PARTIAL_APPROVAL:
        return payment.amount_minor
    return int(message.get(4) or payment.amount_minor)


def is_authentic(message: Message, identity: TillIdentity, keys: WorkingKeys | None) -> bool:
    """Whether the answer's MAC is right; only an approval must have one (T9)."""
    if keys is None:
        return True
    mac = mac_bytes(message)
    if not mac:
        return message.get(39) not in APPROVALS
    return keys.mac_key(identity.mac).verify(message.mac_input(), mac)
