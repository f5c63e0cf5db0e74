"""BER-TLV as field 55 uses it (EMV book 3, annex B): tags of up to three bytes, definite lengths only.

Refused: an indefinite length, a length of more than two bytes, the same tag twice in one template, templates
nested deeper than `DEPTH_MAX`, more than `ELEMENTS_MAX` elements. Each refusal is a DecodeError for field 55
whose offset counts from the start of the data, plus `at` when the caller says where in the frame the data
stand.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from yuanlu.iso8583.errors import DecodeError, EncodeError

DEPTH_MAX = 4
ELEMENTS_MAX = 100
TAG_BYTES_MAX = 3

REVERSAL_TAGS = ("95", "9F1E", "9F10", "9F36", "DF31")
"""What a reversal repeats of the sale's field 55."""

_LENGTH_MAX = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element: its tag in upper-case hex and where its value stands; `depth` counts templates around."""

    tag: str
    tag_start: int
    start: int
    end: int
    depth: int

    @property
    def is_template(self) -> bool:
        """Whether the value is made of further elements."""
        return bool(int(self.tag[:2], 16) & 0x20)


def walk(data: bytes, *, at: int = 0) -> list[Element]:
    """Every element, a template before what it holds, positions counted in `data`. Raises DecodeError."""
    found: list[Element] = []
    _walk(data, (0, len(data)), 0, at, found)
    return found


def _walk(data: bytes, span: tuple[int, int], depth: int, at: int, found: list[Element]) -> None:
    """Append the elements of one template to `found`."""
    start, end = span
    if depth >= DEPTH_MAX:
        raise DecodeError(field=55, offset=at + start, reason=f"templates nested deeper than {DEPTH_MAX}")
    seen: set[str] = set()
    while start < end:
        element = _element(data, start, end, depth, at)
        if element.tag in seen:
            raise DecodeError(field=55, offset=at + start, reason=f"tag {element.tag} twice")
        if len(found) >= ELEMENTS_MAX:
            raise DecodeError(field=55, offset=at + start, reason=f"more than {ELEMENTS_MAX} elements")
        seen.add(element.tag)
        found.append(element)
        if element.is_template:
            _walk(data, (element.start, element.end), depth + 1, at, found)
        start = element.end


def _element(data: bytes, start: int, end: int, depth: int, at: int) -> Element:
    """The element that begins at `start` and must finish by `end`."""
    behind = start + 1
    if data[start] & 0x1F == 0x1F:
        while behind < end and data[behind] & 0x80:
            behind += 1
        behind += 1
    tag = data[start:behind].hex().upper()
    if behind > end or behind - start > TAG_BYTES_MAX:
        raise DecodeError(field=55, offset=at + start, reason="a tag is cut short or longer than three bytes")
    if data[start] == 0:
        raise DecodeError(field=55, offset=at + start, reason="tag 00")
    length, value_at = _length(data, behind, end, tag, at)
    if value_at + length > end:
        raise DecodeError(field=55, offset=at + end, reason=f"tag {tag} cut short")
    return Element(tag=tag, tag_start=start, start=value_at, end=value_at + length, depth=depth)


def _length(data: bytes, start: int, end: int, tag: str, at: int) -> tuple[int, int]:
    """A length and the offset behind it."""
    if start >= end:
        raise DecodeError(field=55, offset=at + end, reason=f"tag {tag} without length")
    first = data[start]
    if first < 0x80:
        return first, start + 1
    size = first & 0x7F
    if size == 0:
        raise DecodeError(field=55, offset=at + start, reason=f"tag {tag} with an indefinite length")
    if size > 2 or start + 1 + size > end:
        raise DecodeError(field=55, offset=at + start, reason=f"tag {tag} with a length cut short or too long")
    return int.from_bytes(data[start + 1 : start + 1 + size], "big"), start + 1 + size


def parse(data: bytes, *, at: int = 0) -> tuple[tuple[str, bytes], ...]:
    """The outermost elements in order: tag in upper-case hex and value. What templates hold is checked, too.

    Raises DecodeError(field=55); `at` is added to its offset.
    """
    elements = walk(data, at=at)
    return tuple((element.tag, data[element.start : element.end]) for element in elements if element.depth == 0)


def build(elements: Iterable[tuple[str, bytes]]) -> bytes:
    """Write elements in order, each length in its shortest form. Raises EncodeError(field=55)."""
    pieces = []
    for tag, value in elements:
        if len(value) > _LENGTH_MAX:
            raise EncodeError(field=55, reason=f"tag {tag}: {len(value)} bytes, at most {_LENGTH_MAX} fit")
        pieces.append(_tag_bytes(tag) + _length_bytes(len(value)) + value)
    return b"".join(pieces)


def _tag_bytes(tag: str) -> bytes:
    """A tag in hex as bytes, refused when it would not be read back as this one tag."""
    try:
        content = bytes.fromhex(tag)
        element = _element(content + b"\x00", 0, len(content) + 1, 0, 0)
    except (ValueError, IndexError, DecodeError):
        raise EncodeError(field=55, reason="not a tag") from None
    if element.tag != tag:
        raise EncodeError(field=55, reason="not a tag")
    return content


def _length_bytes(length: int) -> bytes:
    """The shortest definite form."""
    if length < 0x80:
        return bytes((length,))
    size = (length.bit_length() + 7) // 8
    return bytes((0x80 | size,)) + length.to_bytes(size, "big")


# One short primitive element: the whole and its tag. Frequent cases stand first; nothing backtracks.
_TAG = (
    rb"\x9f[\x00-\x7f]|[\x01-\x1e\x40-\x5e\x80-\x9e\xc0-\xde]"
    rb"|\x5f[\x00-\x7f]|[\x1f\xdf][\x00-\x7f]|[\x1f\x5f\x9f\xdf][\x80-\xff][\x00-\x7f]"
)
_SHORT_VALUE = b"|".join(b"\\x%02x%b" % (size, b"." * size) for size in (6, 2, 1, 3, 8, 4, 5, 7, *range(9, 33), 0))
_ELEMENTS = re.compile(b"((%b)(?:%b))" % (_TAG, _SHORT_VALUE), re.DOTALL).findall
_REPEATED = frozenset(bytes.fromhex(tag) for tag in REVERSAL_TAGS)


def _plain_short(data: bytes) -> bytes | None:
    """`short_f55` of what nearly every chip sale sends, short primitive elements, each once; None for all else."""
    found = {tag: element for element, tag in _ELEMENTS(data)}
    if sum(map(len, found.values())) != len(data) or len(found) > ELEMENTS_MAX:
        return None
    return b"".join([element for tag, element in found.items() if tag in _REPEATED])


def short_f55(data: bytes, *, at: int = 0) -> bytes:
    """What a reversal keeps of a sale's field 55: tags 95, 9F1E, 9F10, 9F36 and DF31, copied in their order.

    Raises DecodeError(field=55) when the data are no TLV; empty when none of the tags is present.
    """
    plain = _plain_short(data)
    if plain is not None:
        return plain
    kept = [element for element in walk(data, at=at) if element.depth == 0 and element.tag in REVERSAL_TAGS]
    return b"".join(data[element.tag_start : element.end] for element in kept)
