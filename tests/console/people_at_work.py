"""Who works at the console in stories, and how they read forms: by what is on the page."""

import html
import re

import httpx2

from tests.console.desk import Browser, ConsoleDesk
from yuanlu.access.roles import Role

FORM = re.compile(r'<form method="post"[^>]*? action="/(?:zh|en)(/[^"]+)".*?</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


async def two(desk: ConsoleDesk) -> tuple[Browser, Browser]:
    """A maker, and a checker who may also propose."""
    maker = await desk.staff("Li Na", Role.FINANCE)
    return maker, await desk.staff("Wang Fang", Role.FINANCE, checker=True)


def forms(page: httpx2.Response) -> dict[str, dict[str, str]]:
    """The forms of a page by their address, each with its hidden fields."""
    return {
        found[1]: {name: html.unescape(value) for name, value in FIELD.findall(found[0])}
        for found in FORM.finditer(page.text)
    }


async def press(browser: Browser, page: httpx2.Response, path: str, **typed: str) -> httpx2.Response:
    """Send the page's form with this address as a browser would: its hidden fields, and what is typed."""
    hidden = forms(page)[path]
    language = page.request.url.path[:3]
    return await browser.client.post(language + path, data=hidden | typed)
