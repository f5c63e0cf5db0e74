"""The console by HTTP on loopback, and windows of a real browser before it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.console.desk import PASSWORD, ConsoleDesk, at_the_desk
from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.people.staff import NewStaff, created

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
FOREIGN_ZONE = "America/New_York"
"""A browser elsewhere shows Beijing's times all the same."""
TIMEOUT_MS = 20_000


@dataclass
class Windows:
    """What a story in the browser needs. Whatever a page complains about is kept."""

    desk: ConsoleDesk
    address: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    async def account(self, name: str, *roles: Role, checker: bool = False, merchant_id: str = "") -> None:
        """Somebody who can sign in."""
        wanted = NewStaff(name=name, roles=roles, password=PASSWORD, checker=checker, merchant_id=merchant_id)
        await self.desk.app.state.console.store.act(created, wanted, Actor(name="test", via="test"))

    async def open(self, *, size: str = "desktop", scheme: Any = "light", script: bool = True) -> Page:
        """A new window of somebody who has not signed in."""
        width, height = SIZES[size]
        context: BrowserContext = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id=FOREIGN_ZONE,
            java_script_enabled=script, base_url=self.address,
        )  # fmt: skip
        context.set_default_timeout(TIMEOUT_MS)
        page = await context.new_page()
        page.on("console", lambda said: self._heard(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "status of 4" not in text:  # a refusal is an answer
            self.complaints.append(text)

    async def signed_in(self, name: str, language: str = "zh", **terms: Any) -> Page:
        """A window of this person, on the page where he lands."""
        page = await self.open(**terms)
        await page.goto(f"/{language}/sign-in")
        await page.fill("#name", name)
        await page.fill("#password", PASSWORD)
        await page.click("main button")
        await page.wait_for_url(lambda url: "sign-in" not in url)
        return page


@asynccontextmanager
async def before_the_console(folder: Path, chromium: str, **terms: Any) -> AsyncIterator[Windows]:
    """Gateway, host, console on a port, browser."""
    async with at_the_desk(folder, **terms) as desk:
        server = uvicorn.Server(uvicorn.Config(desk.app, host="127.0.0.1", port=0, log_config=None, access_log=False))
        serving = asyncio.ensure_future(server.serve())
        while not server.started:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                windows = Windows(desk, f"http://127.0.0.1:{port}", browser)
                yield windows
                await browser.close()
                assert not windows.complaints
        finally:
            server.should_exit = True
            await serving


Story = Callable[[Windows], Awaitable[None]]


def looked_at(story: Story, folder: Path, chromium: str, **terms: Any) -> Awaitable[None]:
    """The story before the console; for the fixture `run`."""

    async def play() -> None:
        async with before_the_console(folder, chromium, **terms) as windows:
            await story(windows)

    return play()
