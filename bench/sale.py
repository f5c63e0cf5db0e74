"""The sale that is measured, who makes it, and where its changing bytes stand.

A contactless chip sale in `cup-pos`: track 2, 20 chip tags, no PIN unless one is asked for. Load and host know the
offsets, so that they patch bytes instead of encoding and the gateway is what is measured.
"""

from dataclasses import dataclass

from bench.codec import SALE
from yuanlu.iso8583.codec import Message, codec_for
from yuanlu.sandbox.till_messages import TillIdentity

ACQUIRER = "bench"
MAC = "unionpay-ecb"
CODEC = codec_for("cup-pos")
LENGTH_BYTES = 2
MAC_BYTES = 8
ENVELOPE_BYTES = CODEC.dialect.mti_at
AMOUNT_AND_STAN_BYTES = 9
"""Fields 4 and 11 stand side by side in request and answer: 6 and 3 bytes of BCD."""

PIN_FIELDS = (26, 52, 53)
TERMINALS_PER_MERCHANT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """Places in a frame that comes without its length: the content of fields 4, 39, 41 and 60, 0 when absent."""

    amount: int
    code: int
    terminal: int
    private_60: int
    private_60_end: int


def offsets(message: Message) -> Offsets:
    """Where this message has the bytes that matter. Raises DecodeError when 4, 41 or 60 is absent."""
    return Offsets(
        amount=message.content_span(4)[0],
        code=message.content_span(39)[0] if message.has(39) else 0,
        terminal=message.content_span(41)[0],
        private_60=message.content_span(60)[0],
        private_60_end=message.content_span(60)[1],
    )


def identity(number: int, mac: str) -> TillIdentity:
    """The n-th terminal, from 0; ten share a merchant."""
    return TillIdentity(
        terminal_id=f"{30_000_001 + number}",
        merchant_id=f"89844015312{number // TERMINALS_PER_MERCHANT + 1:04}",
        dialect="cup-pos",
        mac=mac,
    )


def sale(till: TillIdentity, pin_block: str) -> bytes:
    """The first sale of a terminal, without its length; a MAC field of zeros is added where it uses one."""
    fields = {number: value for number, value in SALE.items() if number not in (*PIN_FIELDS, 64)}
    fields |= {22: "0720", 41: till.terminal_id, 42: till.merchant_id}
    if pin_block:
        fields |= {22: "0510", 26: "12", 52: pin_block, 53: "2600000000000000"}
    mac = None if till.mac == "none" else (lambda _covered: b"0" * MAC_BYTES)
    return CODEC.encode(mti="0200", fields=fields, mac=mac)
