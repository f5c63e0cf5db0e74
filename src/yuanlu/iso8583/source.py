"""Straight-line Python for one bitmap, written from the dialect's table.

`locate(frame)` returns where every field starts, and the end, or None. `read_all(frame, starts)` returns
every value or None. None means "not the plain case": the exact reader then raises the right error or handles
the rare encoding. Only numbers and names from our own tables go into the text, never anything from a frame.

The output for fields 2, 3 and 4 of `cup-pos`:

    def locate(b):
        try:
            n2 = BCD[b[21]]
            e2 = 22 + (n2 + 1 >> 1)
            if n2 > 19 or e2 + 9 != len(b): return None
        except LookupError: return None
        return (21, e2, e2 + 3, e2 + 9)
"""

from dataclasses import dataclass, field
from typing import Any

from yuanlu.iso8583.contents import BCD_VALUES, gbk_or_hex, mac_text, text_or_hex
from yuanlu.iso8583.dialect import BCD_FAMILY, Dialect, Encoding, Field, LengthCoding

_TWO = {f"{n:02}".encode(): n for n in range(100)}
_THREE = {f"{n:03}".encode(): n for n in range(1000)}


def namespace() -> dict[str, Any]:
    """The names that the written code may use."""
    return {
        "BCD": BCD_VALUES,
        "TWO": _TWO,
        "THREE": _THREE,
        "gbk_or_hex": gbk_or_hex,
        "text_or_hex": text_or_hex,
        "mac_text": mac_text,
        "HEX": frozenset("0123456789ABCDEF").issuperset,
        "TRACK": frozenset("0123456789ABCDEF=").issuperset,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """An offset as text: a variable (or none) plus a constant."""

    anchor: str
    plus: int

    def __str__(self) -> str:
        if not self.anchor:
            return str(self.plus)
        return f"{self.anchor} + {self.plus}" if self.plus else self.anchor

    def after(self, size: int) -> "_Place":
        return _Place(anchor=self.anchor, plus=self.plus + size)


def locate_source(dialect: Dialect, numbers: tuple[int, ...], first_field_at: int) -> str:
    """The text of `locate` for the fields `numbers`, the first of which stands at `first_field_at`."""
    place = _Place(anchor="", plus=first_field_at)
    starts, lines, checks = [], [], []
    for number in numbers:
        field = dialect.fields[number]
        starts.append(str(place))
        if not field.length_digits:
            place = place.after(field.content_bytes(field.size))
            continue
        content = place.after(dialect.prefix_bytes(field))
        lines.append(f"n{number} = {_length(dialect, field, place)}")
        size = f"(n{number} + 1 >> 1)" if field.encoding in BCD_FAMILY else f"n{number}"
        lines.append(f"e{number} = {content} + {size}")
        checks.append(f"n{number} > {field.size}")
        place = _Place(anchor=f"e{number}", plus=0)
    checks.append(f"{place} != len(b)")
    body = "".join(f"        {line}\n" for line in lines)
    return (
        f"def locate(b):\n    try:\n{body}        if {' or '.join(checks)}: return None\n"
        f"    except LookupError: return None\n    return ({', '.join([*starts, str(place)])},)\n"
    )


def _length(dialect: Dialect, field: Field, at: _Place) -> str:
    """The text that reads one length prefix."""
    if dialect.length_coding is LengthCoding.ASCII:
        name = "TWO" if field.length_digits == 2 else "THREE"
        return f"{name}[b[{at}:{at.after(field.length_digits)}]]"
    if field.length_digits == 2:
        return f"BCD[b[{at}]]"
    return f"BCD[b[{at}]] * 100 + BCD[b[{at.after(1)}]]"


def fields_source(dialect: Dialect, numbers: tuple[int, ...]) -> str:
    """The text of `read_all` for the fields `numbers`.

    Fixed fields of one kind that stand side by side are cut out and checked together, which halves the work.
    """
    names = [f"s{number}" for number in numbers] + ["end"]
    draft = _Draft(lines=[f"({', '.join(names)},) = s", "t = str(b, 'latin-1')", "h = b.hex()"])
    for run in _runs(dialect, numbers):
        end = names[numbers.index(run[-1]) + 1]
        write = _fixed_run if _run_kind(dialect.fields[run[0]]) else _single
        write(draft, dialect, run, end)
    if draft.checks:
        draft.lines.append(f"if not ({' and '.join(draft.checks)}): return None")
    draft.lines.append(f"return {{{', '.join(f'{number}: {draft.values[number]}' for number in numbers)}}}")
    return "def read_all(b, s):\n" + "".join(f"    {line}\n" for line in draft.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A function body in the making: statements, what the plain case must meet, each field's expression."""

    lines: list[str]
    checks: list[str] = field(default_factory=list)
    values: dict[int, str] = field(default_factory=dict)


def _run_kind(field: Field) -> str:
    """Which fixed fields may share a slice: "h" nibbles, "t" text; "" for all others."""
    if field.length_digits:
        return ""
    if field.encoding in {Encoding.BCD, Encoding.BCD_RIGHT}:
        return "h"
    return "t" if field.encoding in {Encoding.TEXT, Encoding.DIGITS} else ""


def _runs(dialect: Dialect, numbers: tuple[int, ...]) -> list[list[int]]:
    """The fields in order, neighbours of one kind together.

    Digits in ASCII are also text, so they may join it.
    """
    runs: list[list[int]] = []
    kind_before = ""
    for number in numbers:
        kind = _run_kind(dialect.fields[number])
        if kind and kind == kind_before:
            runs[-1].append(number)
        else:
            runs.append([number])
        kind_before = kind
    return runs


def _fixed_run(draft: _Draft, dialect: Dialect, run: list[int], end: str) -> None:
    """Write neighbouring fixed fields: one slice, one check, constant offsets."""
    kind, name, at = _run_kind(dialect.fields[run[0]]), f"r{run[0]}", 0
    scale = "2*" if kind == "h" else ""
    draft.lines.append(f"{name} = {kind}[{scale}s{run[0]}:{scale}{end}]")
    draft.checks.extend([f"{name}.isdecimal()"] if kind == "h" else [f"{name}.isprintable()", f"{name}.isascii()"])
    for number in run:
        row = dialect.fields[number]
        stop = at + row.content_bytes(row.size) * (2 if kind == "h" else 1)
        draft.values[number] = f"{name}[{at}:{stop}]" if len(run) > 1 else name
        if row.encoding is Encoding.DIGITS:
            draft.checks.append(f"{name}[{at}:{stop}].isdecimal()")
        elif kind == "h" and row.size % 2:
            draft.checks.append(f"{name}[{at if row.encoding is Encoding.BCD_RIGHT else stop - 1}] == '0'")
        at = stop


def _single(draft: _Draft, dialect: Dialect, run: list[int], end: str) -> None:
    """Write one field that stands for itself."""
    number = run[0]
    row = dialect.fields[number]
    name, prefix = f"v{number}", dialect.prefix_bytes(row)
    start = f"s{number} + {prefix}" if prefix else f"s{number}"
    draft.values[number] = name
    match row.encoding:
        case Encoding.BCD | Encoding.BCD_RIGHT | Encoding.BCD_TRACK:
            draft.lines.append(f"{name} = h[2*({start}):2*{end}]")
            draft.lines.append(f"if b[{start} - 1] & 1:")
            draft.lines.append(f"    if {name}[-1] != '0': return None")
            draft.lines.append(f"    {name} = {name}[:-1]")
            if row.encoding is Encoding.BCD_TRACK:
                draft.lines.append(f"{name} = {name}.upper().replace('D', '=')")
            else:
                draft.checks.append(f"{name}.isdecimal()")
        case Encoding.GBK_OR_HEX:
            draft.values[number] = f"gbk_or_hex(b[{start}:{end}])"
        case Encoding.TEXT_OR_HEX:
            draft.values[number] = f"text_or_hex(b[{start}:{end}])"
        case Encoding.BINARY:
            draft.values[number] = f"h[2*({start}):2*{end}].upper()"
        case Encoding.MAC:
            draft.values[number] = f"mac_text(b[{start}:{end}])"
        case Encoding.DIGITS | Encoding.TRACK | Encoding.HEX | Encoding.TEXT | Encoding.GBK:
            draft.lines.append(f"{name} = t[{start}:{end}]")
            draft.checks.extend([check.format(name) for check in _CHARACTER_CHECKS[row.encoding]])


_CHARACTER_CHECKS = {
    Encoding.DIGITS: ("{}.isdecimal()",),
    Encoding.TRACK: ("TRACK({})",),
    Encoding.HEX: ("HEX({})",),
    Encoding.TEXT: ("{}.isprintable()", "{}.isascii()"),
    Encoding.GBK: ("{}.isascii()",),
}
