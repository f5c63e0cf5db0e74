"""The layout of one frame, walked slowly and explained exactly.

This is the reference: it meets every bitmap first, and whatever a compiled plan refuses comes here to be
given its exact error. Only structure is checked (envelope, message type, bitmap, lengths, nothing behind the
last field); contents are checked when they are read.
"""

from dataclasses import dataclass

from yuanlu.iso8583.contents import NOT_A_LENGTH, units_of
from yuanlu.iso8583.dialect import BCD_FAMILY, Dialect
from yuanlu.iso8583.errors import DecodeError

TPDU_ID = 0x60
_HEX = frozenset(b"0123456789ABCDEF")
_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything stands in one frame, in bytes from its start.

    `starts` has one entry per field of `numbers`, its length prefix included, and the end of the frame last.
    """

    mti: str
    numbers: tuple[int, ...]
    starts: tuple[int, ...]


def walk(dialect: Dialect, frame: bytes) -> Layout:
    """Find every field of a frame. Raises DecodeError naming the first thing that is wrong."""
    mti = _envelope(dialect, frame)
    numbers, at = _bitmap(dialect, frame)
    starts = []
    for number in numbers:
        starts.append(at)
        at = _field_end(dialect, number, frame, at)
    if at != len(frame):
        raise DecodeError(field="frame", offset=at, reason=f"{len(frame) - at} bytes behind the last field")
    return Layout(mti=mti, numbers=numbers, starts=(*starts, at))


def _envelope(dialect: Dialect, frame: bytes) -> str:
    """Check what stands before the bitmap and return the message type."""
    if dialect.tpdu_bytes:
        _require(frame, dialect.tpdu_bytes, "tpdu")
        if frame[0] != TPDU_ID:
            raise DecodeError(field="tpdu", offset=0, reason="does not begin with 60")
    _require(frame, dialect.mti_at, "header")
    _require(frame, dialect.bitmap_at, "mti")
    content = frame[dialect.mti_at : dialect.bitmap_at]
    mti = content.hex() if dialect.mti_bcd else content.decode("latin-1")
    if not (mti.isascii() and mti.isdecimal()):
        raise DecodeError(field="mti", offset=dialect.mti_at, reason="not four digits")
    return mti


def _require(frame: bytes, size: int, part: str) -> None:
    """Refuse a frame that ends before `part` does."""
    if len(frame) < size:
        raise DecodeError(field=part, offset=len(frame), reason="cut short")


def _bitmap(dialect: Dialect, frame: bytes) -> tuple[tuple[int, ...], int]:
    """The numbers of the fields present and the offset of the first of them."""
    at = dialect.bitmap_at
    bits = _bits(dialect, frame, at)
    end = at + dialect.bitmap_bytes
    numbers = [n for n in range(2, _BITS + 1) if bits >> (_BITS - n) & 1]
    if bits >> (_BITS - 1):
        if not dialect.extended:
            raise DecodeError(field="bitmap", offset=at, reason="bit 1 is set, but there is no second bitmap")
        second = _bits(dialect, frame, end)
        end += dialect.bitmap_bytes
        numbers += [n for n in range(_BITS + 1, 2 * _BITS + 1) if second >> (2 * _BITS - n) & 1]
    for number in numbers:
        if number not in dialect.fields:
            raise DecodeError(field="bitmap", offset=at, reason=f"bit {number} is set, but there is no such field")
    return tuple(numbers), end


def _bits(dialect: Dialect, frame: bytes, at: int) -> int:
    """One bitmap as a number of 64 bits, field 1 or 65 the highest."""
    end = at + dialect.bitmap_bytes
    _require(frame, end, "bitmap")
    content = frame[at:end]
    if not dialect.bitmap_hex:
        return int.from_bytes(content, "big")
    if not _HEX.issuperset(content):
        raise DecodeError(field="bitmap", offset=at, reason="not upper-case hex")
    return int(content, 16)


def _field_end(dialect: Dialect, number: int, frame: bytes, at: int) -> int:
    """The offset behind one field that begins at `at`."""
    field = dialect.fields[number]
    content_at = at + dialect.prefix_bytes(field)
    if content_at > len(frame):
        raise DecodeError(field=number, offset=len(frame), reason="length cut short")
    units = units_of(field, dialect.length_coding, frame, at)
    if units >= NOT_A_LENGTH:
        raise DecodeError(field=number, offset=at, reason="length is not made of digits")
    if units > field.size:
        unit = "digits" if field.encoding in BCD_FAMILY else "bytes"
        raise DecodeError(field=number, offset=at, reason=f"length {units}, at most {field.size} {unit}")
    end = content_at + field.content_bytes(units)
    if end > len(frame):
        raise DecodeError(field=number, offset=len(frame), reason=f"cut short: {end - len(frame)} bytes missing")
    return end
