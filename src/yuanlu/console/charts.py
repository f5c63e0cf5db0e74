"""Charts from the server: SVG shapes with every label and number as text beside them, so that they need no script, keep
their type size on every screen, and can be read out.
"""

from collections.abc import Sequence

from markupsafe import Markup
from msgspec import Struct


class Bar(Struct, frozen=True, kw_only=True):
    """One bar: its words, its number, where it leads, and a class for its colour."""

    label: str
    value: int
    address: str
    tone: str = "bar"


def bars(rows: Sequence[Bar], title: str) -> Markup:
    """Horizontal bars with their numbers; each is a link."""
    most = max((row.value for row in rows), default=0) or 1
    items = Markup("").join(
        Markup(
            '<li><a href="{}">{}</a><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
            '<rect class="{}" width="{}" height="10"/></svg><span class="num">{}</span></li>'
        ).format(row.address, row.label, row.tone, max(1, 100 * row.value // most), f"{row.value:,}")
        for row in rows
    )
    return Markup('<ul class="bars" aria-label="{}">{}</ul>').format(title, items)


def lines(
    values: Sequence[int], second: Sequence[int], names: tuple[str, str], ends: tuple[str, str], title: str
) -> Markup:
    """Two lines over time with their names; `ends` are the times at both ends."""
    most = max([*values, *second, 1])

    def path(points: Sequence[int]) -> str:
        step = 100 / max(len(points) - 1, 1)
        return " ".join(
            f"{'M' if n == 0 else 'L'}{n * step:.2f} {100 - 100 * value / most:.2f}" for n, value in enumerate(points)
        )

    return Markup(
        '<figure class="line-chart"><span class="num">{most}</span><svg viewBox="0 -2 100 104" '
        'preserveAspectRatio="none" role="img" aria-label="{title}"><path class="axis" d="M0 0H100M0 100H100"/>'
        '<path class="line" d="{one}"/><path class="line odd" d="{two}"/></svg>'
        '<span class="num">0</span><figcaption><span class="num">{ends[0]}</span>'
        '<span class="legend"><span class="key"></span>{names[0]}<span class="key odd"></span>{names[1]}</span>'
        '<span class="num">{ends[1]}</span></figcaption></figure>'
    ).format(most=f"{most:,}", title=title, names=names, ends=ends, one=path(values), two=path(second))
