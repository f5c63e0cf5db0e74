"""A pack as PDF, by typst: its template is `pack.typ`, and the pack goes in as JSON, never as source text.

The PDF is PDF/A-3 (ISO 19005-3), as archives take it: its fonts are in it, and so is the content itself as an attached
file. The fonts come with the program, so that the same pack gives the same bytes on every machine. typst keeps what it
has laid out: a process that lives on calls `press` instead.
"""

import struct
from functools import cache
from pathlib import Path

import typst
from pylopdf_fonts_zh_cn import sans_path, serif_path

from yuanlu.evidence.document import Pack, TypesettingFailed, code_of

TEMPLATE = Path(__file__).parent / "pack.typ"
SECOND_US = 1_000_000


def typeset(pack: Pack) -> bytes:
    """The PDF's bytes. Raises TypesettingFailed."""
    content = pack.content.decode()
    inputs = {"content": content, "shown": showable(content), "digest": pack.digest}
    try:
        compiler = typst.Compiler(TEMPLATE, font_paths=_fonts(), sys_inputs=inputs)
        made = compiler.compile(format="pdf", pdf_standards=["a-3a"], timestamp=pack.made_at_us // SECOND_US)
    except typst.TypstError as error:
        raise TypesettingFailed(f"the evidence pack could not be set: {error.message}") from None
    assert isinstance(made, bytes), "a PDF is one file"
    return made


def showable(text: str) -> str:
    """The text with every character that the font lacks as its code: better than an empty box."""
    if text.isascii():
        return text
    known = _characters(serif_path())
    missing = {ord(c): code_of(c) for c in set(text) if not c.isascii() and ord(c) not in known}
    return text.translate(missing) if missing else text


@cache
def _fonts() -> typst.Fonts:
    """Our two and those that typst carries, which have the even letters; none of the machine's."""
    folders = sorted({str(path.parent) for path in (sans_path(), serif_path())})
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)


@cache
def _characters(font: Path) -> frozenset[int]:
    """The characters that the font can show, as its `cmap` says in format 12 (OpenType 1.9, cmap)."""
    data = font.read_bytes()
    number = int.from_bytes(data[4:6])
    tables = {data[at : at + 4]: int.from_bytes(data[at + 8 : at + 12]) for at in range(12, 12 + 16 * number, 16)}
    cmap = tables[b"cmap"]
    for n in range(int.from_bytes(data[cmap + 2 : cmap + 4])):
        start = cmap + int.from_bytes(data[cmap + 8 + 8 * n : cmap + 12 + 8 * n])
        if data[start : start + 2] == b"\x00\x0c":
            groups = int.from_bytes(data[start + 12 : start + 16])
            spans = (struct.unpack_from(">LL", data, start + 16 + 12 * k) for k in range(groups))
            return frozenset(c for first, last in spans for c in range(first, last + 1))
    raise TypesettingFailed(f"{font.name} does not say which characters it has")
