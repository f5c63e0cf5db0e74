"""Frames that may be kept: the same bytes, with everything secret overwritten in place.

PCI DSS 4.0.1, 3.3 (no track, PIN or card code after authorisation), 3.4 (at most the first six and last four
digits of the card number shown). The length does not change, so every offset still holds. The filler says
what it hides: nibble F in BCD, '*' in text, 00 in binary. What must be hidden is in each dialect's table
(`Mask`).

The rule for doubt is to hide: TLV that cannot be read, a card number too short to keep ten digits of, private
fields whose use is not documented. Field 48 is kept in settlement alone: a batch upload (0320) lists card
numbers in it.
"""

import re
from collections.abc import Callable

from yuanlu.iso8583 import tlv
from yuanlu.iso8583.codec import Codec, Message
from yuanlu.iso8583.contents import gbk_or_hex, mac_text, text_or_hex, units_of
from yuanlu.iso8583.dialect import BCD_FAMILY, Dialect, Encoding, Field, Mask
from yuanlu.iso8583.errors import DecodeError

SENSITIVE_TAGS = frozenset({"56", "57", "5A", "5F20", "5F24", "9F1F", "9F20", "9F6B"})
"""Track data, card number, name, expiry and discretionary data (EMV book 3, annex A)."""

SETTLEMENT_MTIS = frozenset({"0500", "0510", "0520", "0530"})
"""Where field 48 holds totals and no card data."""

SIGN_IN_MTIS = frozenset({"0800", "0820"})
"""Requests whose field 62 is the terminal's serial number or a status, in plain text."""

STATUS_MTI = "0820"

PAN_DIGITS_MIN = 13
"""Shorter numbers keep nothing: ten of their digits would say too much."""

QR_CHARACTERS_MIN = 12
"""Shorter QR codes keep nothing, for the same reason."""

_SETTLEMENT_DIGITS = 62
_INQUIRY_ANSWER = b"ST="
_PLAIN = re.compile(rb"[ -~]*").fullmatch
_LONG_NUMBER = re.compile(rb"[0-9]{13}").search
_QR_HEAD = re.compile(rb"A[0-9]([0-9]{3})").match

# Well-formed TLV of short primitive elements without a sensitive tag: one pass in C over what nearly every
# chip sale sends. Anything else, also if harmless, goes to the exact walk. Frequent cases stand first;
# nothing backtracks.
_HARMLESS_TAG = (
    rb"\x9f[\x00-\x1e\x21-\x6a\x6c-\x7f]|[\x01-\x1e\x40-\x55\x58\x59\x5b-\x5e\x80-\x9e\xc0-\xde]"
    rb"|\x5f[\x00-\x1f\x21-\x23\x25-\x7f]|[\x1f\xdf][\x00-\x7f]|[\x1f\x5f\x9f\xdf][\x80-\xff][\x00-\x7f]"
)
_SHORT_VALUE = b"|".join(b"\\x%02x%b" % (size, b"." * size) for size in (6, 2, 1, 3, 8, 4, 5, 7, *range(9, 33), 0))
_HARMLESS_TLV = re.compile(b"(?:(?:%b)(?:%b))*+" % (_HARMLESS_TAG, _SHORT_VALUE), re.DOTALL).fullmatch

_Hide = Callable[[bytearray, int, int, str], None]


def masked(message: Message) -> bytes:
    """The message's frame with every secret overwritten; as long as `message.raw`, and it never raises."""
    frame = bytearray(message.raw)
    starts, mti = message.starts, message.mti
    hiders = _hiders(message.codec.dialect)
    for number, place in message.plan.sensitive:
        hiders[number](frame, starts[place], starts[place + 1], mti)
    return bytes(frame)


_HIDERS: dict[str, dict[int, _Hide]] = {}


def _hiders(dialect: Dialect) -> dict[int, _Hide]:
    """What hides each field of a dialect; built once."""
    hiders = _HIDERS.get(dialect.name)
    if hiders is None:
        hiders = {n: _hider(field, dialect) for n, field in dialect.fields.items() if field.mask is not Mask.NONE}
        _HIDERS[dialect.name] = hiders
    return hiders


def _hider(field: Field, dialect: Dialect) -> _Hide:
    """What hides one field; a field without a mask is never asked for."""
    hide = _hide_all(field, dialect)
    match field.mask:
        case Mask.NONE | Mask.ALL:
            pass
        case Mask.PAN:
            hide = _hide_pan_bcd(hide) if field.encoding is Encoding.BCD else _hide_pan_text(field, dialect, hide)
        case Mask.TLV:
            hide = _hide_tlv(field, dialect, hide)
        case Mask.QR:
            hide = _hide_qr(field, dialect, hide)
        case Mask.KEEP_SETTLEMENT:
            hide = _hide_unless_totals(field, dialect, hide)
        case Mask.KEEP_PLAIN_SIGN_IN:
            hide = _hide_unless_sign_in(field, dialect, hide)
    return hide


def _hide_all(field: Field, dialect: Dialect) -> _Hide:
    """Overwrite the content with the encoding's filler."""
    prefix = dialect.prefix_bytes(field)
    filler = b"\xff" if field.encoding in BCD_FAMILY else b"\x00" if field.encoding is Encoding.BINARY else b"*"
    whole = filler * field.content_bytes(field.size)

    def hide_fixed(frame: bytearray, start: int, end: int, mti: str) -> None:
        frame[start:end] = whole

    def hide(frame: bytearray, start: int, end: int, mti: str) -> None:
        frame[start + prefix : end] = filler * (end - start - prefix)

    return hide if prefix else hide_fixed


def _hide_pan_bcd(hide_all: _Hide) -> _Hide:
    """Overwrite the middle nibbles of a card number behind its one-byte length."""

    def hide(frame: bytearray, start: int, end: int, mti: str) -> None:
        pad = frame[start] & 1
        digits = 2 * (end - start - 1) - pad
        if digits < PAN_DIGITS_MIN:
            return hide_all(frame, start, end, mti)
        first, last = start + 4, end - 2 - pad
        frame[first:last] = b"\xff" * (last - first)
        if pad:
            frame[last] |= 0xF0
        return None

    return hide


def _hide_pan_text(field: Field, dialect: Dialect, hide_all: _Hide) -> _Hide:
    """Overwrite the middle characters of a card or account number."""
    prefix = dialect.prefix_bytes(field)

    def hide(frame: bytearray, start: int, end: int, mti: str) -> None:
        first, last = start + prefix + 6, end - 4
        if end - start - prefix < PAN_DIGITS_MIN:
            return hide_all(frame, start, end, mti)
        frame[first:last] = b"*" * (last - first)
        return None

    return hide


def _hide_tlv(field: Field, dialect: Dialect, hide_all: _Hide) -> _Hide:
    """Overwrite the values of sensitive tags; where TLV stands as hex, two characters are one byte."""
    prefix = dialect.prefix_bytes(field)
    scale, filler = (2, b"*") if field.encoding is Encoding.HEX else (1, b"\x00")

    def hide(frame: bytearray, start: int, end: int, mti: str) -> None:
        start += prefix
        data = bytes(frame[start:end])
        try:
            if scale == 2:
                data = _unhex(data)
            if _HARMLESS_TLV(data):
                return
            found = [element for element in tlv.walk(data) if element.tag in SENSITIVE_TAGS]
        except (ValueError, DecodeError):
            hide_all(frame, start - prefix, end, mti)
            return
        for element in found:
            size = (element.end - element.start) * scale
            at = start + element.start * scale
            frame[at : at + size] = filler * size

    return hide


def _unhex(characters: bytes) -> bytes:
    """Hex to bytes; '*', from an earlier masking, counts as 0. Raises ValueError for anything else."""
    data = bytes.fromhex(characters.replace(b"*", b"0").decode("ascii"))
    if 2 * len(data) != len(characters):
        # Python skips white space here, which would shift every position.
        raise ValueError("white space between hex digits")
    return data


def _hide_qr(field: Field, dialect: Dialect, hide_all: _Hide) -> _Hide:
    """Keep tag, length and the last four characters of each code; hide all when the form is another."""
    prefix = dialect.prefix_bytes(field)

    def hide(frame: bytearray, start: int, end: int, mti: str) -> None:
        content, at = bytes(frame[start + prefix : end]), 0
        hide_all(frame, start, end, mti)
        while (head := _QR_HEAD(content, at)) is not None and (stop := head.end() + int(head[1])) <= len(content):
            kept = stop - 4 if stop - head.end() >= QR_CHARACTERS_MIN else stop
            origin = start + prefix
            frame[origin + at : origin + head.end()] = head[0]
            frame[origin + kept : origin + stop] = content[kept:stop]
            at = stop

    return hide


def _hide_unless_totals(field: Field, dialect: Dialect, hide_all: _Hide) -> _Hide:
    """Keep settlement totals and the answer to a status inquiry."""
    prefix = dialect.prefix_bytes(field)
    totals_bytes = field.content_bytes(_SETTLEMENT_DIGITS)

    def hide(frame: bytearray, start: int, end: int, mti: str) -> None:
        is_totals = mti in SETTLEMENT_MTIS and end - start - prefix == totals_bytes
        is_answer = mti == "0610" and frame.startswith(_INQUIRY_ANSWER, start + prefix, end)
        if not is_totals and not is_answer:
            hide_all(frame, start, end, mti)

    return hide


def _hide_unless_sign_in(field: Field, dialect: Dialect, hide_all: _Hide) -> _Hide:
    """Keep printable text in a sign-in request and a status; elsewhere this field holds keys, card codes or parameters.

    A sign-in has a serial number in it. A status needs no number that is as long as a card's.
    """
    prefix = dialect.prefix_bytes(field)

    def hide(frame: bytearray, start: int, end: int, mti: str) -> None:
        plain = mti in SIGN_IN_MTIS and _PLAIN(frame, start + prefix, end)
        if not plain or (mti == STATUS_MTI and _LONG_NUMBER(frame, start + prefix, end)):
            hide_all(frame, start, end, mti)

    return hide


def describe(raw_masked: bytes, codec: Codec) -> dict[int, str]:
    """What a kept frame says, for people: number to text, 0 for the message type, '*' where hidden.

    Never raises: a frame that is no message gives {}, odd characters show as '\u00b7'. A frame that was not
    masked is masked first, so nothing secret can be shown by mistake.
    """
    try:
        message = codec.decode(raw_masked)
        message = codec.decode(masked(message))
    except DecodeError:
        return {}
    shown = {number: _show(message, number) for number in message.numbers}
    return {0: message.mti, **shown}


def _show(message: Message, number: int) -> str:
    """One field's content, checked for nothing."""
    dialect = message.codec.dialect
    field = dialect.fields[number]
    content = message.value_bytes(number)
    match field.encoding:
        case Encoding.BCD | Encoding.BCD_RIGHT | Encoding.BCD_TRACK:
            units = units_of(field, dialect.length_coding, message.raw, message.span(number)[0])
            nibbles = content.hex().upper() if not field.length_digits else content.hex().upper()[:units]
            return nibbles.replace("F", "*").replace("D", "=")
        case Encoding.BINARY:
            return _show_binary(field, content)
        case Encoding.MAC:
            return mac_text(content)
        case Encoding.TEXT_OR_HEX:
            return text_or_hex(content)
        case Encoding.GBK_OR_HEX:
            return gbk_or_hex(content)
        case Encoding.DIGITS | Encoding.TRACK | Encoding.TEXT | Encoding.HEX | Encoding.GBK:
            text = content.decode("gbk", "replace")
            return "".join(character if character.isprintable() else "\u00b7" for character in text)


def _show_binary(field: Field, content: bytes) -> str:
    """Hex, with '*' where a secret stood."""
    shown = content.hex().upper()
    if field.mask is Mask.ALL or not any(content):
        return "*" * len(shown)
    if field.mask is not Mask.TLV:
        return shown
    try:
        elements = tlv.walk(content)
    except DecodeError:
        # What cannot be read was hidden before, unless it is well-formed and merely says a harmless tag
        # twice.
        return shown
    for element in elements:
        if element.tag in SENSITIVE_TAGS:
            hidden = "*" * (2 * (element.end - element.start))
            shown = shown[: 2 * element.start] + hidden + shown[2 * element.end :]
    return shown
