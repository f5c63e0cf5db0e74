"""What is kept of a payment so that its reversal can be built after a restart (`docs/returns.md` §1).

Never track data, PIN block or CVV. The card number travels in here, so the bytes are sealed by the key store
before they reach the journal.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.tlv import short_f55

KEPT_FIELDS = (2, 3, 4, 7, 11, 22, 23, 25, 32, 33, 41, 42, 49, 59, 60, 61)
"""Fields that a reversal repeats from its original, as they went upstream."""


class ReversalMaterial(Struct, frozen=True, kw_only=True):
    """The original as it went upstream: envelope, and the fields its reversal repeats, as `Message.get` shows them."""

    mti: str
    tpdu: bytes
    header: bytes
    fields: dict[int, str]

    def to_bytes(self) -> bytes:
        """For sealing."""
        return msgspec.json.encode((self.mti, self.tpdu.hex(), self.header.hex(), self.fields))


def material_of(message: Message, *, mti: str = "", original: Mapping[int, str] | None = None) -> ReversalMaterial:
    """What to keep of this request. Raises DecodeError when one of the kept fields is malformed."""
    fields = {number: message[number] for number in KEPT_FIELDS if message.has(number)}
    if message.has(55) and (short := short_f55(bytes.fromhex(message[55]))):
        fields[55] = short.hex().upper()
    fields |= original or {}
    return ReversalMaterial(mti=mti or message.mti, tpdu=message.tpdu, header=message.header, fields=fields)


def material_from(content: bytes) -> ReversalMaterial:
    """The reverse of `to_bytes`."""
    mti, tpdu, header, fields = _DECODER.decode(content)
    return ReversalMaterial(mti=mti, tpdu=bytes.fromhex(tpdu), header=bytes.fromhex(header), fields=fields)


_DECODER = msgspec.json.Decoder(tuple[str, str, str, dict[int, str]])
