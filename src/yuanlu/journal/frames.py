"""The frames of a fact, as one blob: what crossed the wire, masked, in order.

Each frame is `direction` (1 byte), dialect (1 byte), length (2 bytes, big-endian), bytes.
"""

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

_DIALECTS = ("cup-pos", "iso87-ascii")


class Direction(Enum):
    """Between whom a frame went, seen from the gateway."""

    FROM_TERMINAL = b"T"
    TO_TERMINAL = b"t"
    TO_HOST = b"h"
    FROM_HOST = b"H"


_DIRECTIONS = {direction.value: direction for direction in Direction}


class StoredFrame(Struct, frozen=True, kw_only=True):
    """One frame as the journal holds it: `masked` has every secret overwritten."""

    direction: Direction
    dialect: str
    masked: bytes


def pack(direction: Direction, dialect: str, masked: bytes) -> bytes:
    """One frame for a fact's blob; concatenate several."""
    return direction.value + _DIALECTS.index(dialect).to_bytes() + len(masked).to_bytes(2) + masked


def unpack(blob: bytes) -> Iterator[StoredFrame]:
    """The frames of a fact's blob, in order."""
    at = 0
    while at < len(blob):
        length = int.from_bytes(blob[at + 2 : at + 4])
        yield StoredFrame(
            direction=_DIRECTIONS[blob[at : at + 1]],
            dialect=_DIALECTS[blob[at + 1]],
            masked=blob[at + 4 : at + 4 + length],
        )
        at += 4 + length
