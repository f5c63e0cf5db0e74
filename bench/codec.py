"""How fast the codec is, in microseconds, and how that compares with pyiso8583 on the same chip sale.

Both read every field of the same frame in the same process; the frame is a UnionPay chip sale with a made-up
card number. pyiso8583 reads it with a table that says the same as ours. Run `python -m bench.codec`.
"""

import json
from collections.abc import Callable
from time import perf_counter
from typing import Any

import iso8583

from yuanlu.iso8583.codec import Codec, Message, codec_for
from yuanlu.iso8583.dialect import BCD_FAMILY, Encoding
from yuanlu.iso8583.masking import masked
from yuanlu.iso8583.plan import USES_BEFORE_COMPILING
from yuanlu.iso8583.tlv import build

ROUNDS = 7
REPEATS = 2000

ICC_DATA = build(
    (tag, bytes.fromhex(value))
    for tag, value in (
        ("9F26", "A1B2C3D4E5F60718"),
        ("9F27", "80"),
        ("9F10", "07010103A02010010A0100000500004707A18D"),
        ("9F37", "12345678"),
        ("9F36", "0001"),
        ("95", "0880047000"),
        ("9A", "261122"),
        ("9C", "00"),
        ("9F02", "000000012345"),
        ("5F2A", "0156"),
        ("82", "7C00"),
        ("9F1A", "0156"),
        ("9F03", "000000000000"),
        ("9F33", "E0E9C8"),
        ("9F34", "420300"),
        ("9F35", "22"),
        ("9F1E", "3838343437303436"),
        ("84", "A000000333010101"),
        ("9F09", "0020"),
        ("9F41", "00000101"),
    )
)
SALE: dict[int, str | bytes] = {
    2: "6200000000000005",
    3: "000000",
    4: "000000012345",
    11: "000101",
    14: "3012",
    22: "0510",
    23: "0001",
    25: "00",
    26: "12",
    35: "6200000000000005=30122010000000000000",
    41: "10000001",
    42: "898440153110001",
    49: "156",
    52: "1122334455667788",
    53: "2600000000000000",
    55: ICC_DATA,
    60: "22000007000601",
    64: "E102A535",
}


def chip_sale() -> bytes:
    """The frame that is measured: 18 fields, among them track 2, a PIN block and 20 chip tags; no length
    bytes.
    """
    return codec_for("cup-pos").encode(mti="0200", fields=SALE)


def oracle_spec(codec: Codec) -> dict[str, dict[str, Any]]:
    """The table of `cup-pos` in pyiso8583's form; fixed numbers of odd size are bytes there, pad and all."""
    dialect = codec.dialect
    spec = {
        "h": _oracle_row("envelope", "b", dialect.mti_at),
        "t": _oracle_row("mti", "b", 2),
        "p": _oracle_row("bitmap", "b", 8),
        "1": _oracle_row("bitmap", "b", 8),
    }
    for number, field in dialect.fields.items():
        nibbles = field.encoding in BCD_FAMILY and field.length_digits > 0
        size = field.size if nibbles else field.content_bytes(field.size)
        row = _oracle_row(field.name, "b" if field.encoding in _ORACLE_BINARY else "gbk", size)
        row["len_type"] = dialect.prefix_bytes(field)
        if nibbles:
            row |= {"len_count": "nibbles", "right_pad": "0"}
        spec[str(number)] = row
    return spec


_ORACLE_BINARY = BCD_FAMILY | {Encoding.BINARY, Encoding.MAC, Encoding.TEXT_OR_HEX}


def _oracle_row(name: str, encoding: str, size: int) -> dict[str, Any]:
    """One fixed field in pyiso8583's form."""
    return {"data_enc": encoding, "len_enc": "bcd", "len_type": 0, "max_len": size, "desc": name}


def microseconds(action: Callable[[], object], *, repeats: int = REPEATS) -> float:
    """The best of several rounds, per call: noise only ever adds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(repeats):
            action()
        best = min(best, perf_counter() - started)
    return best / repeats * 1e6


def locate_and_read(codec: Codec, frame: bytes) -> tuple[str | None, ...]:
    """What a gateway does first: find the fields, read five."""
    message = codec.decode(frame)
    return message.get(3), message.get(4), message.get(11), message.get(41), message.get(42)


def warm(codec: Codec, frame: bytes) -> Message:
    """Let the bitmap prove common, so that the compiled code is what gets measured."""
    for _ in range(USES_BEFORE_COMPILING):
        message = codec.decode(frame)
    return message


def run() -> dict[str, float]:
    """Microseconds per operation and `codec_decode_ratio`, how many times faster than pyiso8583 all fields
    are read.
    """
    codec, frame = codec_for("cup-pos"), chip_sale()
    message = warm(codec, frame)
    spec = oracle_spec(codec)
    ours = microseconds(lambda: codec.decode(frame).fields())
    theirs = microseconds(lambda: iso8583.decode(frame, spec), repeats=REPEATS // 5)
    changes: dict[int, str | bytes | None] = {60: "22000007000602", 64: b"E102A536"}
    return {
        "codec_decode_all_us": ours,
        "codec_decode_pyiso8583_us": theirs,
        "codec_decode_ratio": theirs / ours,
        "codec_locate_and_five_us": microseconds(lambda: locate_and_read(codec, frame)),
        "codec_decode_us": microseconds(lambda: codec.decode(frame)),
        "codec_get_us": microseconds(lambda: message.get(4)),
        "codec_splice_us": microseconds(lambda: message.splice(changes, tpdu=b"\x60\x00\x00\x00\x01")),
        "codec_masked_us": microseconds(lambda: masked(message)),
        "codec_encode_us": microseconds(lambda: codec.encode(mti="0200", fields=SALE)),
        "codec_frame_bytes": float(len(frame)),
    }


if __name__ == "__main__":
    print(json.dumps({name: round(value, 3) for name, value in run().items()}, indent=2))
