"""A program at the API: its key, and requests as an HTTP client sends them."""

from typing import Any

import httpx2

from tests.console.desk import ADDRESS, ConsoleDesk
from tests.scenario.stage import MERCHANT
from yuanlu.access.api_keys import ApiKey, Mode, Scope
from yuanlu.cases.people import Actor
from yuanlu.people.api_keys import NewKey, created

MAKER = "Zhao Lei"


class Program:
    """A client with a key of its own."""

    def __init__(self, client: httpx2.AsyncClient, key: ApiKey | None) -> None:
        self.client = client
        self.key = key

    async def get(self, path: str, **query: Any) -> httpx2.Response:
        return await self.client.get(f"/v1{path}", params=query)

    async def post(self, path: str, body: Any, key: str = "", **headers: str) -> httpx2.Response:
        return await self.client.post(
            f"/v1{path}", json=body, headers=({"Idempotency-Key": key} if key else {}) | headers
        )


async def program(
    desk: ConsoleDesk, *scopes: Scope, merchant_id: str = MERCHANT, mode: Mode = Mode.TEST, name: str = "till-server"
) -> Program:
    """A program with a key for these scopes, all of them if none is named."""
    wanted = NewKey(name=name, mode=mode, scopes=scopes or tuple(Scope), merchant_id=merchant_id)
    secret, key = await desk.app.state.console.store.act(created, wanted, Actor(name=MAKER, via="test"))
    return Program(client(desk, secret), key)


def client(desk: ConsoleDesk, secret: str) -> httpx2.AsyncClient:
    """An HTTP client that shows this secret."""
    transport = httpx2.ASGITransport(app=desk.app, raise_app_exceptions=False)
    made = httpx2.AsyncClient(transport=transport, base_url=ADDRESS, headers={"authorization": f"Bearer {secret}"})
    desk.keep(made)
    return made


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a problem, whose form is looked at as well."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = answer.json()
    assert said["status"] == answer.status_code
    assert said["type"] == f"urn:yuanlu:problem:{said['code']}"
    return said["status"], said["code"]


OTHER_MERCHANT = "898440153110002"


def open_another_shop(desk: ConsoleDesk) -> None:
    """A second merchant, with one terminal, in the list of terminals."""
    listed = desk.stage.settings.path(desk.stage.settings.gateway.terminals)
    with listed.open("a", encoding="utf-8") as file:
        file.write(f"X0000001,{OTHER_MERCHANT},h1,30000\n")
