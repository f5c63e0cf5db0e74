"""What a pack says, as plain data: sections of blocks of text. How it looks is the template's business.

Every text is data: nothing in it is markup, and what cannot be seen (controls, marks that turn the direction of
writing) is written as its code, so that a text shows what it holds and stays in its place (Unicode TR 36, 2.5 and 3.1).
"""

import hashlib
import unicodedata
from typing import ClassVar

import msgspec
from msgspec import Struct

from yuanlu.kernel.errors import YuanluError

MARKS_MAX = 3
"""So many combining marks on one letter; no living language needs more, and a pile of them covers other lines."""
UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


class TypesettingFailed(YuanluError):
    """The pack could not be set; nothing was made."""


class Pair(Struct, frozen=True, kw_only=True):
    """A name and its value. `code` is set in even type: numbers and digests that are compared by eye."""

    label: str
    value: str
    code: bool = False


class Column(Struct, frozen=True, kw_only=True):
    """A table's column: its heading, its share of the width beside the others', and how its cells are set."""

    title: str
    width: int
    code: bool = False
    right: bool = False


class Text(Struct, frozen=True, kw_only=True, tag="text"):
    """A paragraph; `lead` is set larger."""

    text: str
    lead: bool = False


class Pairs(Struct, frozen=True, kw_only=True, tag="pairs"):
    """Names with their values, under a small heading or none."""

    pairs: tuple[Pair, ...]
    title: str = ""


class Table(Struct, frozen=True, kw_only=True, tag="table"):
    """Rows under headings; each row has as many cells as there are columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


class Message(Struct, frozen=True, kw_only=True, tag="message"):
    """A masked message: its fields as number, name and value."""

    title: str
    fields: tuple[tuple[str, str, str], ...]


Block = Text | Pairs | Table | Message


class Section(Struct, frozen=True, kw_only=True):
    """A numbered part of the pack."""

    title: str
    blocks: tuple[Block, ...]


class Pack(Struct, frozen=True, kw_only=True):
    """The whole. `pages` is the footer's words around the two numbers; `signed` is what is filled in by hand."""

    CONTENT_NAME: ClassVar[str] = "content.json"

    language: str
    title: str
    subtitle: str
    case_id: str
    made_at_us: int
    brand: str
    head: tuple[Pair, ...]
    sections: tuple[Section, ...]
    digest_label: str
    pages: tuple[str, str, str]
    signed: tuple[str, ...]

    @property
    def content(self) -> bytes:
        """The pack as UTF-8 JSON with sorted names: the same pack gives the same bytes."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def plain(text: str) -> str:
    """The text with everything unseen as its code, 〔U+202E〕; line breaks stay, and up to three marks a letter."""
    if text.isascii() and text.isprintable():
        return text
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        unseen = character != "\n" and unicodedata.category(character) in UNSEEN
        kept.append(code_of(character) if unseen or marks > MARKS_MAX else character)
    return "".join(kept)


def code_of(character: str) -> str:
    """A character by its number, for one that cannot be shown."""
    return f"〔U+{ord(character):04X}〕"
