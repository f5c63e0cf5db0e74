"""What a browser sees of the console's pages: when their first content is painted, and how far it moves afterwards.

First contentful paint (W3C Paint Timing) from the request on, with a cold cache; cumulative layout shift (WICG Layout
Instability) until the page has been open for a while. Where no Chromium is installed, nothing is measured.
"""

import shutil
import statistics
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Browser, sync_playwright

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
VISITS, OPEN_MS = 3, 1_500
SEEN = """new Promise((told) => {
  let moved = 0;
  const add = (list) => { for (const each of list.getEntries()) if (!each.hadRecentInput) moved += each.value; };
  const watch = new PerformanceObserver(add);
  watch.observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    told([paint ? paint.startTime : -1, moved]);
  }, 0));
})"""


def painted(origin: str, name: str, password: str, addresses: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds to the first content of each page, the median of some visits, and the worst layout shift."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return {}
    found: dict[str, float] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        known = _signed_in(browser, origin, name, password)
        for size in SIZES:
            moved = 0.0
            for page, address in addresses.items():
                visits = [_visit(browser, known, size, origin + address) for _ in range(VISITS)]
                found[f"console_{size}_{page}_paint_ms"] = statistics.median(paint for paint, _ in visits)
                moved = max(moved, *(shift for _, shift in visits))
            found[f"console_{size}_cls"] = moved
        browser.close()
    return found


def _signed_in(browser: Browser, origin: str, name: str, password: str) -> Any:
    """The cookies of somebody who may see everything."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{origin}/zh/sign-in")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button")
    page.wait_for_url(lambda url: "sign-in" not in url)
    return context.storage_state()


def _visit(browser: Browser, known: Any, size: str, address: str) -> tuple[float, float]:
    """Milliseconds to the first content, and the layout shift, of a first visit."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, storage_state=known)
    page = context.new_page()
    page.goto(address)
    page.wait_for_timeout(OPEN_MS)
    paint, moved = page.evaluate(SEEN)
    context.close()
    assert paint >= 0, "a page that is open has painted something"
    return float(paint), float(moved)
