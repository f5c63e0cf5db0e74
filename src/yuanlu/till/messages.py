"""The messages of our own till, in the terminal's dialect: UnionPay POS, or ISO 8583:1987 in ASCII.

A void names the original's batch and trace number, a refund its reference number and date (61, 37), the 1987 dialect
both by field 90. A reversal names its original by the trace number alone: the gateway knows the card, we keep none.
"""

from msgspec import Struct

from yuanlu.acquirers.kinds import KINDS
from yuanlu.iso8583.codec import Codec, Message, codec_for, response_mti
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60, F61
from yuanlu.kernel.clock import local_time
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.till.records import CardData, Entry, QrCode, Source, TillKind, TillPayment

NO_BATCH = "000000"
"""In 1987's ASCII a payment carries no batch number."""
SIGN_IN_DOUBLE_LENGTH = "003"
CHIP_READER = "6"
CARD_SCHEME = "000"
"""Field 63 of a refund: no foreign card scheme."""
ENTRY_MODES = {
    Entry.QR: "032", Entry.CHIP: "052", Entry.CONTACTLESS: "072", Entry.MAGSTRIPE: "022", Entry.KEYED: "012",
}  # fmt: skip
"""Field 22; its last digit says that no PIN can be entered: none comes as JSON."""

Fields = dict[int, str | bytes]


class Identity(Struct, frozen=True, kw_only=True):
    """Which terminal speaks, and how; `mac` is the algorithm's name, "none" for no MAC."""

    terminal_id: str
    merchant_id: str
    dialect: str
    mac: str

    @property
    def codec(self) -> Codec:
        """The codec of its dialect."""
        return codec_for(self.dialect)

    def sealed(self, mti: str, fields: Fields, keys: WorkingKeys | None) -> bytes:
        """The frame without its length, with a MAC where there are keys. Raises EncodeError."""
        make = keys.mac_key(self.mac).make if keys is not None and self.mac != "none" else None
        return self.codec.encode(mti=mti, fields=fields, mac=make)


def sign_in(identity: Identity, batch_no: str, stan: str) -> bytes:
    """0800 for working keys of double length, and for the number of the batch."""
    management = F60(type_code="00", batch_no=batch_no or NO_BATCH, management_code=SIGN_IN_DOUBLE_LENGTH)
    fields: Fields = {
        11: stan, 41: identity.terminal_id, 42: identity.merchant_id, 60: management.build(),
        62: f"Sequence No16{identity.terminal_id:0>16}", 63: "001",
    }  # fmt: skip
    return identity.codec.encode(mti="0800", fields=fields)


def request(
    identity: Identity, payment: TillPayment, source: Source | None, original: TillPayment | None,
    keys: WorkingKeys | None,
) -> bytes:  # fmt: skip
    """A sale, or a void or refund of `original`. Raises EncodeError for a card or code that fits no field."""
    fields = _common(identity, payment) | _read(identity, source, whole=original is None)
    if original is not None:
        fields |= _about(identity, payment.kind, original)
    return identity.sealed(payment.mti_class, fields, keys)


def reversal(identity: Identity, payment: TillPayment, reason: str, keys: WorkingKeys | None) -> bytes:
    """0400; `reason` is field 39: 98 no answer, 06 the client took it back."""
    fields = _common(identity, payment) | {39: reason}
    if payment.auth_code:
        fields[38] = payment.auth_code
    if identity.codec.dialect.extended:
        fields[90] = _original_data(payment)
    return identity.sealed("0400", fields, keys)


def _common(identity: Identity, payment: TillPayment) -> Fields:
    kind, extended, at = KINDS[payment.kind.value], identity.codec.dialect.extended, local_time(payment.made_at_us)
    mode = ENTRY_MODES[payment.entry]
    fields: Fields = {
        3: kind.processing_code, 4: f"{payment.amount.minor:012}", 11: payment.stan,
        22: mode if extended else f"{mode}0", 25: kind.condition, 41: identity.terminal_id, 42: identity.merchant_id,
        49: payment.amount.currency,
    }  # fmt: skip
    if extended:
        return fields | {7: at.strftime("%m%d%H%M%S"), 12: at.strftime("%H%M%S"), 13: at.strftime("%m%d")}
    f60 = F60(
        type_code=kind.type_code, batch_no=payment.batch_no, management_code="000", read_capability=CHIP_READER,
        ic_condition="0", partial_approval="0",
    )  # fmt: skip
    return fields | {60: f60.build()}


def _read(identity: Identity, source: Source | None, *, whole: bool) -> Fields:
    """The card or code; of a card only its number for what follows a payment."""
    if source is None:
        return {}
    if isinstance(source, QrCode):
        return {59: f"A3{len(source.code):03}{source.code}"}
    fields: Fields = {2: source.pan}
    if source.expiry_yymm:
        fields[14] = source.expiry_yymm
    return fields | _track(identity, source) if whole else fields


def _track(identity: Identity, card: CardData) -> Fields:
    fields: Fields = {35: card.track2} if card.track2 else {}
    if card.emv:
        sequence = card.sequence if identity.codec.dialect.extended else f"0{card.sequence}"
        fields |= {23: sequence, 55: card.emv}
    return fields


def _about(identity: Identity, kind: TillKind, original: TillPayment) -> Fields:
    fields: Fields = {37: original.rrn} if original.rrn else {}
    if kind is TillKind.REFUND:
        fields[63] = CARD_SCHEME
    elif original.auth_code:
        fields[38] = original.auth_code
    if identity.codec.dialect.extended:
        return fields | {90: _original_data(original)}
    if kind is TillKind.REFUND:
        day = original.date_mmdd or local_time(original.made_at_us).strftime("%m%d")
        return fields | {61: F61(batch_no=NO_BATCH, stan=NO_BATCH, date_mmdd=day).build()}
    return fields | {61: F61(batch_no=original.batch_no, stan=original.stan).build()}


def _original_data(original: TillPayment) -> str:
    """Field 90: message type, trace number and time of the original; a till knows no institutions."""
    at = local_time(original.made_at_us).strftime("%m%d%H%M%S")
    return f"{original.mti_class}{original.stan}{at}" + "0" * 22


def answers(message: Message, mti: str, terminal_id: str, stan: str) -> bool:
    """Whether this is the answer to that request."""
    try:
        fits = message.mti == response_mti(mti) and message.has(39)
        return fits and message.get(11) == stan and message.get(41) == terminal_id
    except DecodeError:
        return False


def is_authentic(message: Message, mac: str, keys: WorkingKeys | None) -> bool:
    """Whether its MAC is right, where there are keys."""
    if keys is None or mac == "none":
        return True
    number = next((each for each in message.codec.dialect.mac_fields if message.has(each)), 0)
    if not number:
        return False
    try:
        content = message.value_bytes(number)
        given = content if len(content) == 8 else bytes.fromhex(message[number])
        return keys.mac_key(mac).verify(message.mac_input(), given)
    except (DecodeError, ValueError):
        return False


def keys_content(message: Message) -> bytes:
    """The working keys of an 0810, also where they stand as hex characters. Raises DecodeError or ValueError."""
    content = message.value_bytes(62)
    return bytes.fromhex(content.decode("ascii")) if message.codec.dialect.extended else content


def lenient(message: Message, number: int) -> str:
    """A field of an answer; "" where it is missing or malformed."""
    try:
        return (message.get(number) or "").strip()
    except DecodeError:
        return ""
