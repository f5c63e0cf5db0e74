"""What a reversal repeats of its original (`docs/returns.md` §1).

The journal holds the original as it went upstream, masked. All that is missing there is what names the account: the
card number, or the QR code. That alone is sealed by the key store and kept beside it. So nothing is kept twice, and
never track data, a PIN block or a CVV.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.tlv import short_f55

ACCOUNT_FIELDS = (2, 59)
"""Fields that the journal masks and a reversal needs."""

KEPT_FIELDS = (3, 4, 7, 11, 22, 23, 25, 32, 33, 41, 42, 49, 60, 61)
"""Fields that a reversal repeats from its original, as they went upstream."""

_FIELDS = msgspec.json.Decoder(dict[int, str])


class ReversalMaterial(Struct, frozen=True, kw_only=True):
    """The original as it went upstream: envelope, and the fields its reversal repeats, as `Message.get` shows them."""

    mti: str
    tpdu: bytes
    header: bytes
    fields: dict[int, str]


def account_bytes(message: Message, card: str) -> bytes:
    """The account's fields, for sealing. `card` is the number where it stands in a track only."""
    kept = {number: message[number] for number in ACCOUNT_FIELDS if message.has(number)}
    if card:
        kept[2] = card
    return msgspec.json.encode(kept)


def account_from(content: bytes) -> dict[int, str]:
    """The reverse of `account_bytes`."""
    return _FIELDS.decode(content)


def material_of(original: Message, account: Mapping[int, str], *, mti: str = "", stan: str = "") -> ReversalMaterial:
    """Put together what a reversal repeats, from the original (masked or not) and its account.

    `mti` and `stan` name the original where `original` is a reversal itself (a tombstone). Raises DecodeError when a
    kept field is malformed.
    """
    fields = {number: original[number] for number in KEPT_FIELDS if original.has(number)} | dict(account)
    if stan:
        fields[11] = stan
    if short := _short_chip_data(original):
        fields[55] = short
    return ReversalMaterial(mti=mti or original.mti, tpdu=original.tpdu, header=original.header, fields=fields)


def _short_chip_data(original: Message) -> str:
    """The short field 55; "" when there is none, or when it is no TLV: it then went upstream as it came."""
    if not original.has(55):
        return ""
    content = original.value_bytes(55)
    try:
        if not original.codec.dialect.mti_bcd:  # hex, with * where the journal masks
            content = bytes.fromhex(content.replace(b"*", b"0").decode("ascii"))
        return short_f55(content).hex().upper()
    except (DecodeError, ValueError):
        return ""
