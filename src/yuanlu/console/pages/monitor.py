"""Live monitor: is anything wrong now, and how much money is at risk? Every number leads to the list that makes it."""

import asyncio
from dataclasses import dataclass, field

from markupsafe import Markup
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.causes.cause import FAMILY_WORDS, Family
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console.asked import Asked
from yuanlu.console.charts import Bar, bars, lines
from yuanlu.console.rendering import clock_text
from yuanlu.console.routing import Page
from yuanlu.people.figures import minor_text
from yuanlu.people.overview import Overview, overview
from yuanlu.people.traffic import SECONDS, Second, Traffic
from yuanlu.people.words import CHINESE

KEPT_US = 1_000_000
"""A look serves all pages of the same merchant for so long."""
RATE_OVER_S = 10
TITLES = {cause.code: cause.title for cause in CAUSES}


@dataclass(slots=True)
class Looks:
    """The last look for each merchant, shared by all who watch: many pages cost one."""

    at_us: dict[str, int] = field(default_factory=dict)
    news: dict[str, int] = field(default_factory=dict)
    seen: dict[str, tuple[Overview, list[Second]]] = field(default_factory=dict)
    traffic: dict[str, Traffic] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_looks: dict[int, Looks] = {}


async def _look(asked: Asked) -> tuple[Overview, list[Second]]:
    looks = _looks.setdefault(id(asked.console), Looks())
    merchant_id, now_us = asked.who.merchant_id, asked.now_us
    async with looks.lock:
        news = asked.console.live.news  # whoever was told of something must not be shown what was read before it
        if news != looks.news.get(merchant_id) or now_us - looks.at_us.get(merchant_id, 0) > KEPT_US:
            traffic = looks.traffic.setdefault(merchant_id, Traffic(merchant_id))
            looks.seen[merchant_id] = await asked.read(
                lambda c: (overview(c, merchant_id, now_us), traffic.look(c, now_us))
            )
            looks.at_us[merchant_id], looks.news[merchant_id] = now_us, news
        return looks.seen[merchant_id]


async def show(asked: Asked) -> Response:
    """The whole page, or its moving part alone."""
    found, seconds = await _look(asked)
    template = "monitor_now.html" if asked.request.headers.get("x-fragment") else "monitor.html"
    return asked.page(
        template,
        now=found,
        rate=_rate(seconds, asked.now_us),
        odd_share=_share(seconds),
        traffic=_traffic(asked, seconds),
        families=_families(asked, found),
        causes=_causes(asked, found),
        at_us=asked.now_us,
        minor_text=minor_text,
    )


def _rate(seconds: list[Second], now_us: int) -> str:
    """Payments a second over the last ten whole ones."""
    last = now_us // 1_000_000
    recent = sum(each.payments for each in seconds if last - RATE_OVER_S <= each.at_s < last)
    return f"{recent / RATE_OVER_S:,.1f}"


def _share(seconds: list[Second]) -> str:
    """Abnormal ones of the last five minutes, in percent with two decimals."""
    total = sum(each.payments for each in seconds)
    return f"{100 * sum(each.abnormal for each in seconds) / total:.2f}%" if total else "–"


def _traffic(asked: Asked, seconds: list[Second]) -> Markup:
    """The last five minutes, five seconds a point."""
    last = asked.now_us // 1_000_000
    points, odd = [0] * (SECONDS // 5), [0] * (SECONDS // 5)
    for each in seconds:
        place = (each.at_s - (last - SECONDS)) // 5
        if 0 <= place < len(points):
            points[place] += each.payments
            odd[place] += each.abnormal
    title = asked.say("Payments in the last five minutes, five seconds a point; the second line is the abnormal ones")
    ends = clock_text((last - SECONDS) * 1_000_000), clock_text(asked.now_us)
    return lines(points, odd, (asked.say("Payments"), asked.say("Abnormal")), ends, title)


def _families(asked: Asked, found: Overview) -> Markup:
    rows = []
    for key, number in found.by_family:
        words = FAMILY_WORDS.get(Family(key)) if key in set(Family) else None
        label = (words.zh if asked.language == CHINESE else words.en) if words else asked.say("not classified")
        address = asked.address(f"/transactions?odd=1&family={key}&hours=1")
        rows.append(Bar(label=label, value=number, address=address, tone=key))
    return bars(rows, asked.say("Abnormal payments of the last hour by family of cause"))


def _causes(asked: Asked, found: Overview) -> Markup:
    rows = []
    for code, number in found.by_cause:
        title = TITLES.get(code)
        label = (title.zh if asked.language == CHINESE else title.en) if title else code
        rows.append(Bar(label=label, value=number, address=asked.address(f"/transactions?odd=1&cause={code}&hours=1")))
    return bars(rows, asked.say("Abnormal payments of the last hour by cause"))


PAGES = (Page(path="/monitor", right=Right.SEE_MONITOR, show=show),)
