"""What a dialect of ISO 8583 is, as data: one table of fields and the shape of what stands before them.

Nothing here reads or writes a message; `contents` knows the encodings, `structure` the layout, `codec` joins
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType


class Encoding(Enum):
    """How a field's content stands in the frame, and how it is shown as a string."""

    BCD = auto()
    """Digits, two a byte, from the left; an odd count ends in a pad nibble 0. Fixed fields show the pad."""
    BCD_RIGHT = auto()
    """A fixed odd count of digits from the right: the first nibble is the pad 0 and is shown."""
    BCD_TRACK = auto()
    """Track nibbles.

    D, the separator, is shown as '='; A to F may occur because tracks travel encrypted, too.
    """
    DIGITS = auto()
    """One ASCII digit a byte."""
    TRACK = auto()
    """One ASCII character a byte: digits, '=' and A to F."""
    TEXT = auto()
    """Printable ASCII, kept with its trailing spaces."""
    GBK = auto()
    """Text in GBK."""
    GBK_OR_HEX = auto()
    """GBK text when it reads cleanly and is printable, otherwise shown as hex. A string encodes as text."""
    TEXT_OR_HEX = auto()
    """Printable ASCII, otherwise hex.

    Text that itself looks like hex is shown as hex, so a string is unambiguous.
    """
    BINARY = auto()
    """Bytes, shown as upper-case hex."""
    HEX = auto()
    """Upper-case hex characters, one ASCII character a byte."""
    MAC = auto()
    """Eight bytes, shown as 8 characters when they are ASCII hex, otherwise as 16 hex characters."""


class Mask(Enum):
    """What must be overwritten before a frame may be kept (PCI DSS 4.0.1, requirements 3.3 and 3.4)."""

    NONE = auto()
    ALL = auto()
    PAN = auto()
    """Keep the first six and the last four digits."""
    TLV = auto()
    """Overwrite the values of the tags that carry card data; all of it when it cannot be read."""
    QR = auto()
    """Keep tag, length and the last four characters of a QR code."""
    KEEP_SETTLEMENT = auto()
    """Keep in settlement messages, where it holds totals; overwrite elsewhere."""
    KEEP_PLAIN_SIGN_IN = auto()
    """Keep printable text in sign-in requests; overwrite elsewhere, where it holds keys or card data."""


class LengthCoding(Enum):
    """How a length prefix of two or three digits stands in the frame."""

    BCD = auto()
    """One byte for two digits, two bytes for three."""
    ASCII = auto()
    """One character per digit."""


BCD_FAMILY = frozenset({Encoding.BCD, Encoding.BCD_RIGHT, Encoding.BCD_TRACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One row of a dialect's table.

    `size` is exact for a fixed field and the most for a variable one; it counts digits for the BCD family and
    bytes otherwise. `length_digits` is 0 for fixed, 2 for LLVAR, 3 for LLLVAR.
    """

    name: str
    zh: str
    encoding: Encoding
    size: int
    length_digits: int = 0
    mask: Mask = Mask.NONE

    def content_bytes(self, units: int) -> int:
        """How many bytes `units` digits or bytes of this field take in the frame."""
        return (units + 1) // 2 if self.encoding in BCD_FAMILY else units


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of writing ISO 8583, complete.

    `tpdu_bytes` and `header_bytes` are 0 when the dialect has none. `bitmap_hex` says that the bitmap stands
    as hex characters. `extended` says that bit 1 announces a second bitmap for fields 65 to 128.
    `repeat_mtis` maps a message type to the one its repeat carries; types not named repeat as themselves.
    `has_inquiry` says that the state of an earlier message can be asked for (0600).
    """

    name: str
    title: str
    fields: Mapping[int, Field]
    length_coding: LengthCoding
    mti_bcd: bool
    bitmap_hex: bool
    extended: bool
    mac_fields: tuple[int, ...]
    repeat_mtis: Mapping[str, str]
    has_inquiry: bool
    tpdu_bytes: int = 0
    header_bytes: int = 0
    default_tpdu: bytes = b""
    default_header: bytes = b""

    @property
    def mti_at(self) -> int:
        """The offset of the message type in bytes."""
        return self.tpdu_bytes + self.header_bytes

    @property
    def bitmap_at(self) -> int:
        """The offset of the bitmap in bytes."""
        return self.mti_at + (2 if self.mti_bcd else 4)

    @property
    def bitmap_bytes(self) -> int:
        """The size in bytes of one bitmap of 64 bits as it stands in the frame."""
        return 16 if self.bitmap_hex else 8

    def prefix_bytes(self, field: Field) -> int:
        """How many bytes the length prefix of `field` takes; 0 for a fixed field."""
        if self.length_coding is LengthCoding.ASCII:
            return field.length_digits
        return (field.length_digits + 1) // 2


def fixed(encoding: Encoding, size: int, name: str, zh: str, mask: Mask = Mask.NONE) -> Field:
    """A row of fixed size, for the tables in `specs`."""
    return Field(name=name, zh=zh, encoding=encoding, size=size, mask=mask)


def llvar(encoding: Encoding, size: int, name: str, zh: str, mask: Mask = Mask.NONE) -> Field:
    """A row with a two-digit length, for the tables in `specs`."""
    return Field(name=name, zh=zh, encoding=encoding, size=size, length_digits=2, mask=mask)


def lllvar(encoding: Encoding, size: int, name: str, zh: str, mask: Mask = Mask.NONE) -> Field:
    """A row with a three-digit length, for the tables in `specs`."""
    return Field(name=name, zh=zh, encoding=encoding, size=size, length_digits=3, mask=mask)


def table(fields: Mapping[int, Field]) -> Mapping[int, Field]:
    """Freeze a table, its rows in ascending order."""
    return MappingProxyType(dict(sorted(fields.items())))
