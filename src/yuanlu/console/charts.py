"""Charts as SVG from the server: they need no script, print well, and the policy allows them. Each has a table twin or
labels with every number.
"""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct

BAR_WIDTH, BAR_HEIGHT, LABEL_WIDTH, VALUE_WIDTH = 420, 22, 150, 50
LINE_WIDTH, LINE_HEIGHT, EDGE = 720, 140, 26


class Bar(Struct, frozen=True, kw_only=True):
    """One bar: its words, its number, where it leads, and a class for its colour."""

    label: str
    value: int
    address: str
    tone: str = "bar"


def bars(rows: Sequence[Bar], title: str) -> Markup:
    """Horizontal bars with their numbers; each is a link."""
    most = max((row.value for row in rows), default=0) or 1
    room = BAR_WIDTH - LABEL_WIDTH - VALUE_WIDTH
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            BAR_WIDTH, max(len(rows), 1) * BAR_HEIGHT, title
        )
    ]
    for n, row in enumerate(rows):
        middle, length = n * BAR_HEIGHT + BAR_HEIGHT // 2, max(2, room * row.value // most)
        parts.append(
            Markup(
                '<a href="{}"><title>{}: {}</title><text x="0" y="{}">{}</text>'
                '<rect class="{}" x="{}" y="{}" width="{}" height="12" rx="2"/><text x="{}" y="{}">{}</text></a>'
            ).format(
                row.address, row.label, row.value, middle + 4, _short(row.label), row.tone, LABEL_WIDTH, middle - 6,
                length, LABEL_WIDTH + length + 6, middle + 4, f"{row.value:,}",
            )
        )  # fmt: skip
    return Markup("").join([*parts, Markup("</svg>")])


def _short(label: str, wide: int = 22) -> str:
    """As much of a label as has room; Chinese characters are twice as wide."""
    width, text = 0, ""
    for character in label:
        width += 2 if ord(character) > 0x2E80 else 1
        if width > wide:
            return text + "…"
        text += character
    return text


def line(values: Sequence[int], title: str, first: str, last: str, second: Sequence[int] = ()) -> Markup:
    """One line over time, and a second one below it; `first` and `last` are the times at its ends."""
    most = max([*values, *second, 1])
    width, height = LINE_WIDTH - EDGE, LINE_HEIGHT - 2 * EDGE

    def path(points: Sequence[int]) -> str:
        if not points:
            return ""
        step = width / max(len(points) - 1, 1)
        return " ".join(
            f"{'M' if n == 0 else 'L'}{EDGE + n * step:.1f} {EDGE + height - height * value / most:.1f}"
            for n, value in enumerate(points)
        )

    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{title}">'
        '<path class="axis" d="M{e} {b}H{w}M{e} {e}H{w}"/><text x="0" y="{t}">{most}</text>'
        '<text x="0" y="{bt}">0</text>'
        '<text x="{e}" y="{below}">{first}</text><text x="{w}" y="{below}" text-anchor="end">{last}</text>'
        '<path class="line" d="{one}"/><path class="line odd" d="{two}"/></svg>'
    ).format(
        w=LINE_WIDTH, h=LINE_HEIGHT, e=EDGE, b=EDGE + height, t=EDGE + 4, bt=EDGE + height + 4, below=LINE_HEIGHT - 6,
        most=f"{most:,}", title=title, first=first, last=last, one=path(values), two=path(second),
    )  # fmt: skip
