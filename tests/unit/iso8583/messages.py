"""Frames to test with: the published vectors, and generated messages of both dialects."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from yuanlu.iso8583.codec import Codec, codec_for
from yuanlu.iso8583.dialect import Encoding, Field

CUP = codec_for("cup-pos")
ISO87 = codec_for("iso87-ascii")
PAN = "6200000000000005"

_DIGITS = "0123456789"
_PRINTABLE = "".join(map(chr, range(32, 127)))
_CHINESE = "交易成功请重新签到余额不足元"


def vectors() -> list[dict[str, Any]]:
    """The vectors, each with `frame` as bytes without its length prefix."""
    path = Path(__file__).parents[2] / "vectors" / "cup.json"
    listed: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["vectors"]
    return [{**vector, "frame": bytes.fromhex(vector["frame"])[2:]} for vector in listed]


def vector(name: str) -> bytes:
    """One vector's frame without its length prefix."""
    return next(bytes(entry["frame"]) for entry in vectors() if entry["id"] == name)


def value_of(field: Field) -> st.SearchStrategy[str | bytes]:
    """Values a field can carry, as `Message.get` shows them."""
    most = min(field.size, 40) if field.length_digits else field.size
    least = 0 if field.length_digits else field.size
    match field.encoding:
        case Encoding.BCD | Encoding.BCD_RIGHT | Encoding.DIGITS:
            return _digits(field, max(least, 1), most)
        case Encoding.BCD_TRACK | Encoding.TRACK:
            return st.text(_DIGITS + "=", min_size=least, max_size=most)
        case Encoding.TEXT:
            return st.text(_PRINTABLE, min_size=least, max_size=most)
        case Encoding.GBK | Encoding.GBK_OR_HEX:
            return st.text(_PRINTABLE + _CHINESE, min_size=least, max_size=most // 2)
        case Encoding.TEXT_OR_HEX:
            return st.text(_PRINTABLE, min_size=1, max_size=most).map(lambda text: text + "~") | _hex(1, most)
        case Encoding.BINARY:
            return _hex(least, most)
        case Encoding.HEX:
            return st.text(_DIGITS + "ABCDEF", min_size=least, max_size=most)
        case Encoding.MAC:
            return st.text(_DIGITS + "ABCDEF", min_size=8, max_size=8) | _hex(8, 8)


def _digits(field: Field, least: int, most: int) -> st.SearchStrategy[str]:
    """Digits; a fixed field of odd size in BCD is shown with its pad nibble."""
    digits = st.text(_DIGITS, min_size=least, max_size=most)
    if field.encoding is Encoding.DIGITS or field.length_digits or field.size % 2 == 0:
        return digits
    return digits.map(lambda text: "0" + text if field.encoding is Encoding.BCD_RIGHT else text + "0")


def _hex(least: int, most: int) -> st.SearchStrategy[str]:
    """Upper-case hex of so many bytes, none of it text."""
    return st.binary(min_size=least, max_size=most).map(lambda data: bytes(b | 0x80 for b in data).hex().upper())


@st.composite
def field_sets(draw: st.DrawFn, codec: Codec) -> dict[int, str | bytes]:
    """A few fields with values, in any combination."""
    numbers = draw(st.sets(st.sampled_from(sorted(codec.dialect.fields)), max_size=12))
    return {number: draw(value_of(codec.dialect.fields[number])) for number in sorted(numbers)}


def mtis() -> st.SearchStrategy[str]:
    """Any four digits."""
    return st.text(_DIGITS, min_size=4, max_size=4)
