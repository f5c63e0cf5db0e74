"""The console beside a gateway of `tests.scenario.stage`: its pages by HTTP, in this process, as a browser asks."""

import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.scenario.stage import Stage, on_stage
from yuanlu.access.roles import Role
from yuanlu.cases.people import Actor
from yuanlu.console.app import build
from yuanlu.kernel.clock import SystemClock
from yuanlu.people.staff import NewStaff, created
from yuanlu.settings import Console

PASSWORD = "correct horse 9 battery"
ADDRESS = "http://testserver"


class Browser:
    """One person at the console: keeps the cookie, and the token that each form needs."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client
        self.csrf = ""

    async def see(self, path: str, **query: str) -> httpx2.Response:
        """GET a page."""
        answer = await self.client.get(path, params=query)
        found = re.search(r'name="csrf" value="([^"]+)"', answer.text)
        self.csrf = found[1] if found else self.csrf
        return answer

    async def send(self, path: str, **fields: str) -> httpx2.Response:
        """POST a form with the session's token; not followed."""
        return await self.client.post(path, data={"csrf": self.csrf} | fields)

    async def sign_in(self, name: str) -> "Browser":
        """Give name and password; the page behind it is not looked at."""
        answer = await self.send("/en/sign-in", name=name, password=PASSWORD)
        assert answer.status_code == 303, words(answer)
        await self.see("/en/sign-in")
        page = await self.client.get("/en/me")
        found = re.search(r'name="csrf" value="([^"]+)"', page.text)
        self.csrf = found[1] if found else ""
        return self


def words(answer: httpx2.Response) -> str:
    """The page as a reader sees it: no tags, single blanks."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


class ConsoleDesk:
    """A stage with a console."""

    def __init__(self, stage: Stage, app: Any) -> None:
        self.stage = stage
        self.app = app
        self._clients: list[httpx2.AsyncClient] = []

    def browser(self) -> Browser:
        """Somebody who has not signed in."""
        transport = httpx2.ASGITransport(app=self.app)
        client = httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers={"origin": ADDRESS})
        self._clients.append(client)
        return Browser(client)

    async def staff(self, name: str, *roles: Role, checker: bool = False, merchant_id: str = "") -> Browser:
        """A new account, signed in."""
        wanted = NewStaff(name=name, roles=roles, password=PASSWORD, checker=checker, merchant_id=merchant_id)
        await self.app.state.console.store.act(created, wanted, Actor(name="test", via="test"))
        return await self.browser().sign_in(name)

    def keep(self, client: httpx2.AsyncClient) -> None:
        """Closed at the end."""
        self._clients.append(client)

    async def close(self) -> None:
        for each in self._clients:
            await each.aclose()


@asynccontextmanager
async def at_the_desk(folder: Path, **terms: Any) -> AsyncIterator[ConsoleDesk]:
    """Gateway, host and console up; all down at the end."""
    more = {"console": Console(listen="127.0.0.1:0", second_factor="optional")} | terms.pop("more", {})
    async with on_stage(folder, more=more, **terms) as stage:
        app = build(stage.settings, SystemClock(), stage.store)
        desk = ConsoleDesk(stage, app)
        try:
            yield desk
        finally:
            await desk.close()
            await app.state.console.store.close()


Story = Callable[[ConsoleDesk], Awaitable[None]]


def seen(story: Story, folder: Path, **terms: Any) -> Awaitable[None]:
    """The story at its desk; for the fixture `run`."""

    async def play() -> None:
        async with at_the_desk(folder, **terms) as desk:
            await story(desk)

    return play()
