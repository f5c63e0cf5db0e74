"""One field's content: bytes to string and back, checked exactly.

A reader takes the whole frame and the span of one field, its length prefix included, and raises DecodeError
with the offset of the first bad byte. The span is sound: `structure` or a compiled plan has checked it. A
writer takes a string as a reader shows it, or the content's raw bytes, and returns prefix and content; it
raises EncodeError. Raw bytes are not checked beyond their size, so that a frame can be passed on, or made
wrong on purpose, as it is.
"""

import re
from collections.abc import Callable

from yuanlu.iso8583.dialect import BCD_FAMILY, Dialect, Encoding, Field, LengthCoding
from yuanlu.iso8583.errors import DecodeError, EncodeError

Reader = Callable[[bytes, int, int], str]
Writer = Callable[[str | bytes], bytes]

NOT_A_LENGTH = 1 << 20
"""What the length tables give for bytes that are no digits: larger than any field, so it is refused."""

BCD_VALUES = tuple(
    (byte >> 4) * 10 + (byte & 15) if byte >> 4 < 10 and byte & 15 < 10 else NOT_A_LENGTH for byte in range(256)
)
"""The value of a BCD byte, 0 to 99, or NOT_A_LENGTH."""

_ASCII_LENGTHS = {digits: {f"{n:0{digits}}".encode(): n for n in range(10**digits)} for digits in (2, 3)}
_BCD_PREFIXES = {
    2: tuple(bytes.fromhex(f"{n:02}") for n in range(100)),
    3: tuple(bytes.fromhex(f"{n:04}") for n in range(1000)),
}
_ASCII_PREFIXES = {digits: tuple(table) for digits, table in _ASCII_LENGTHS.items()}

_BAD_BYTE = {
    Encoding.DIGITS: re.compile(rb"[^0-9]"),
    Encoding.TRACK: re.compile(rb"[^0-9A-F=]"),
    Encoding.TEXT: re.compile(rb"[^ -~]"),
    Encoding.HEX: re.compile(rb"[^0-9A-F]"),
}
_EXPECTED = {
    Encoding.DIGITS: "not a digit",
    Encoding.TRACK: "not a track character",
    Encoding.TEXT: "not printable ASCII",
    Encoding.HEX: "not upper-case hex",
}
_HEX_PAIRS = re.compile(r"(?:[0-9A-F]{2})+").fullmatch
_HEX_DIGITS = frozenset("0123456789ABCDEF")
_MAC_BYTES = 8


def units_of(field: Field, coding: LengthCoding, frame: bytes, at: int) -> int:
    """Read the length prefix at `at`: digits or bytes of content, NOT_A_LENGTH when it is not made of digits.

    Raises IndexError when the frame ends inside a BCD prefix.
    """
    if not field.length_digits:
        return field.size
    if coding is LengthCoding.ASCII:
        digits = field.length_digits
        return _ASCII_LENGTHS[digits].get(frame[at : at + digits], NOT_A_LENGTH)
    if field.length_digits == 2:
        return BCD_VALUES[frame[at]]
    return BCD_VALUES[frame[at]] * 100 + BCD_VALUES[frame[at + 1]]


def reader_for(number: int, field: Field, dialect: Dialect) -> Reader:
    """The reader of one row of a dialect's table."""
    prefix = dialect.prefix_bytes(field)
    match field.encoding:
        case Encoding.BCD | Encoding.BCD_RIGHT:
            return _fixed_bcd(number, field) if not prefix else _variable_bcd(number, prefix)
        case Encoding.BCD_TRACK:
            return _track(number, prefix)
        case Encoding.DIGITS | Encoding.TEXT | Encoding.HEX | Encoding.TRACK:
            return _ascii(number, prefix, field.encoding)
        case Encoding.GBK:
            return _gbk(number, prefix)
        case Encoding.GBK_OR_HEX | Encoding.TEXT_OR_HEX | Encoding.BINARY | Encoding.MAC:
            show = _SHOWN[field.encoding]
            return lambda frame, start, end: show(frame[start + prefix : end])


def _fixed_bcd(number: int, field: Field) -> Reader:
    """Digits without a prefix; an odd count keeps its pad nibble, which must be 0."""
    if field.size % 2 == 0:

        def read(frame: bytes, start: int, end: int) -> str:
            digits = frame[start:end].hex()
            if digits.isdecimal():
                return digits
            raise _not_digits(number, digits, start)

        return read
    pad = 0 if field.encoding is Encoding.BCD_RIGHT else field.size

    def read_padded(frame: bytes, start: int, end: int) -> str:
        digits = frame[start:end].hex()
        if digits.isdecimal() and digits[pad] == "0":
            return digits
        raise _not_digits(number, digits, start, pad)

    return read_padded


def _variable_bcd(number: int, prefix: int) -> Reader:
    """Digits behind a BCD prefix that counts them; an odd count ends in a pad nibble 0, not shown."""

    def read(frame: bytes, start: int, end: int) -> str:
        digits = frame[start + prefix : end].hex()
        if digits.isdecimal():
            # The last digit of the count, odd or even, is the low bit of the prefix's last byte.
            if not frame[start + prefix - 1] & 1:
                return digits
            if digits[-1] == "0":
                return digits[:-1]
        raise _not_digits(number, digits, start + prefix, len(digits) - 1)

    return read


def _not_digits(number: int, nibbles: str, at: int, pad: int = -1) -> DecodeError:
    """Say which nibble is wrong: the first that is no digit, else the pad; none at all is wrong, too."""
    if not nibbles:
        return DecodeError(field=number, offset=at, reason="empty")
    for index, nibble in enumerate(nibbles):
        if not nibble.isdecimal():
            reason = "wrong pad" if index == pad else "nibble is not a digit"
            return DecodeError(field=number, offset=at + index // 2, reason=reason)
    return DecodeError(field=number, offset=at + pad // 2, reason="wrong pad")


def _track(number: int, prefix: int) -> Reader:
    """Track nibbles behind a BCD prefix; D is the separator."""

    def read(frame: bytes, start: int, end: int) -> str:
        nibbles = frame[start + prefix : end].hex().upper().replace("D", "=")
        if not frame[start + prefix - 1] & 1:
            return nibbles
        if nibbles[-1] == "0":
            return nibbles[:-1]
        raise DecodeError(field=number, offset=end - 1, reason="wrong pad")

    return read


def _ascii(number: int, prefix: int, encoding: Encoding) -> Reader:
    """Characters of one class."""
    search = _BAD_BYTE[encoding].search
    needs_content = encoding is Encoding.DIGITS

    def read_exactly(frame: bytes, start: int, end: int) -> str:
        content = frame[start + prefix : end]
        bad = search(content)
        if bad is not None:
            raise DecodeError(field=number, offset=start + prefix + bad.start(), reason=_EXPECTED[encoding])
        if needs_content and not content:
            raise DecodeError(field=number, offset=end, reason="empty")
        return content.decode("ascii")

    def read_text(frame: bytes, start: int, end: int) -> str:
        text = str(frame[start + prefix : end], "latin-1")
        # All of ASCII that is printable, and nothing else.
        return text if text.isprintable() and text.isascii() else read_exactly(frame, start, end)

    return read_text if encoding is Encoding.TEXT else read_exactly


def _gbk(number: int, prefix: int) -> Reader:
    """Text in GBK; ASCII, the usual case, avoids the slower codec."""

    def read(frame: bytes, start: int, end: int) -> str:
        content = frame[start + prefix : end]
        if content.isascii():
            return content.decode("ascii")
        try:
            return content.decode("gbk")
        except UnicodeDecodeError as error:
            raise DecodeError(field=number, offset=start + prefix + error.start, reason="not GBK") from None

    return read


def gbk_or_hex(content: bytes) -> str:
    """Show text when it is clean and printable, otherwise upper-case hex."""
    try:
        text = content.decode("gbk")
    except UnicodeDecodeError:
        return content.hex().upper()
    return text if text.isprintable() else content.hex().upper()


def text_or_hex(content: bytes) -> str:
    """Show printable ASCII unless it looks like hex itself, otherwise upper-case hex."""
    text = content.decode("latin-1")
    if text.isascii() and text.isprintable() and not _HEX_PAIRS(text):
        return text
    return content.hex().upper()


def mac_text(content: bytes) -> str:
    """Show a MAC as its 8 characters when they are upper-case hex, otherwise as 16 hex characters."""
    is_text = not content.translate(None, b"0123456789ABCDEF")
    return content.decode("ascii") if is_text else content.hex().upper()


_SHOWN: dict[Encoding, Callable[[bytes], str]] = {
    Encoding.GBK_OR_HEX: gbk_or_hex,
    Encoding.TEXT_OR_HEX: text_or_hex,
    Encoding.BINARY: lambda content: content.hex().upper(),
    Encoding.MAC: mac_text,
}


def writer_for(number: int, field: Field, dialect: Dialect) -> Writer:
    """The writer of one row of a dialect's table."""
    encode = _encoder(number, field, dialect)
    if not field.length_digits:
        return _fixed_writer(number, field, encode)
    bcd = field.encoding in BCD_FAMILY
    prefixes = (_BCD_PREFIXES if dialect.length_coding is LengthCoding.BCD else _ASCII_PREFIXES)[field.length_digits]
    limit = field.size

    def write_with_length(value: str | bytes) -> bytes:
        content, units = encode(value)
        if units > limit:
            raise EncodeError(field=number, reason=f"{units} {'digits' if bcd else 'bytes'}, at most {limit} fit")
        return prefixes[units] + content

    return write_with_length


def _fixed_writer(number: int, field: Field, encode: Callable[[str | bytes], tuple[bytes, int]]) -> Writer:
    """A field without prefix; plain digits and plain text, nearly all there is, take a short way."""
    size = field.content_bytes(field.size)
    is_digits = field.encoding is Encoding.BCD and field.size % 2 == 0
    is_text = field.encoding is Encoding.TEXT

    def write(value: str | bytes) -> bytes:
        content, _ = encode(value)
        if len(content) != size:
            raise EncodeError(field=number, reason=f"{len(content)} bytes, exactly {size} needed")
        return content

    def write_digits(value: str | bytes) -> bytes:
        if isinstance(value, str) and len(value) == 2 * size and value.isdecimal() and value.isascii():
            return bytes.fromhex(value)
        return write(value)

    def write_text(value: str | bytes) -> bytes:
        if isinstance(value, str) and len(value) == size and value.isprintable() and value.isascii():
            return value.encode("ascii")
        return write(value)

    return write_digits if is_digits else write_text if is_text else write


def _encoder(number: int, field: Field, dialect: Dialect) -> Callable[[str | bytes], tuple[bytes, int]]:
    """From a value to its content bytes and the count a prefix would carry."""
    match field.encoding:
        case Encoding.BCD | Encoding.BCD_RIGHT | Encoding.BCD_TRACK:
            return _bcd_encoder(number, field)
        case Encoding.DIGITS | Encoding.TRACK | Encoding.TEXT | Encoding.HEX:
            return _ascii_encoder(number, field.encoding, short_mac=number in dialect.mac_fields)
        case Encoding.GBK | Encoding.GBK_OR_HEX:
            return lambda value: _counted(_to_gbk(number, value))
        case Encoding.TEXT_OR_HEX:
            return lambda value: _counted(_to_text_or_hex(number, value))
        case Encoding.BINARY:
            return lambda value: _counted(_to_binary(number, value))
        case Encoding.MAC:
            return lambda value: _counted(_to_mac(number, value))


def _counted(content: bytes) -> tuple[bytes, int]:
    """Bytes count themselves."""
    return content, len(content)


def _bcd_encoder(number: int, field: Field) -> Callable[[str | bytes], tuple[bytes, int]]:
    """Digits or track characters to nibbles, padded to whole bytes."""
    is_track = field.encoding is Encoding.BCD_TRACK
    # A fixed field of odd size is shown with its pad, so its string has one nibble more than it has digits.
    pad = None if field.length_digits or field.size % 2 == 0 else (field.encoding is Encoding.BCD_RIGHT) - 1

    def encode(value: str | bytes) -> tuple[bytes, int]:
        if isinstance(value, bytes):
            return value, len(value) * 2
        nibbles = value
        if is_track:
            nibbles = value.replace("=", "D")
            if not _HEX_DIGITS.issuperset(nibbles):
                raise EncodeError(field=number, reason="not a track character")
        elif not (value.isascii() and value.isdecimal()):
            raise EncodeError(field=number, reason="not all digits" if value else "empty")
        if pad is not None and value[pad] != "0":
            raise EncodeError(field=number, reason="wrong pad")
        units = len(nibbles)
        return bytes.fromhex(nibbles if units % 2 == 0 else nibbles + "0"), units

    return encode


def _ascii_encoder(number: int, encoding: Encoding, *, short_mac: bool) -> Callable[[str | bytes], tuple[bytes, int]]:
    """Characters of one class; the 8 bytes of a MAC become 16 hex characters where a MAC stands as hex."""

    def encode(value: str | bytes) -> tuple[bytes, int]:
        if isinstance(value, str):
            return _counted(_to_ascii(number, encoding, value))
        if short_mac and len(value) == _MAC_BYTES:
            return _counted(value.hex().upper().encode())
        return _counted(value)

    return encode


def _to_ascii(number: int, encoding: Encoding, value: str) -> bytes:
    """Text to ASCII of one class."""
    content = value.encode("ascii") if value.isascii() else b"\xff"
    if _BAD_BYTE[encoding].search(content):
        raise EncodeError(field=number, reason=f"a character is {_EXPECTED[encoding]}")
    if encoding is Encoding.DIGITS and not content:
        raise EncodeError(field=number, reason="empty")
    return content


def _to_gbk(number: int, value: str | bytes) -> bytes:
    """Text to GBK."""
    if isinstance(value, bytes):
        return value
    try:
        return value.encode("gbk")
    except UnicodeEncodeError:
        raise EncodeError(field=number, reason="a character is not in GBK") from None


def _to_text_or_hex(number: int, value: str | bytes) -> bytes:
    """What looks like hex is hex; the reader shows such text as hex, too."""
    if isinstance(value, bytes):
        return value
    return bytes.fromhex(value) if _HEX_PAIRS(value) else _to_ascii(number, Encoding.TEXT, value)


def _to_binary(number: int, value: str | bytes) -> bytes:
    """Hex to bytes; nothing stands for nothing."""
    if isinstance(value, bytes):
        return value
    if len(value) % 2 or not _HEX_DIGITS.issuperset(value):
        raise EncodeError(field=number, reason="not upper-case hex")
    return bytes.fromhex(value)


def _to_mac(number: int, value: str | bytes) -> bytes:
    """A MAC as 8 hex characters is its own text; as 16 it is 8 bytes."""
    if isinstance(value, str) and len(value) == _MAC_BYTES and _HEX_DIGITS.issuperset(value):
        return value.encode("ascii")
    return _to_binary(number, value)
