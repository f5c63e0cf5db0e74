"""The API does what its description says, whatever is sent: schemathesis asks, right things and wrong ones.

Every operation is asked so often that all of it stays below a minute; `FUZZ_EXAMPLES` asks more.
"""

import asyncio
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode

from tests.console.desk import ConsoleDesk
from tests.console.program import program
from tests.console.tilling import SALE, free_port
from tests.console.tilling import opened as desk_opened

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))


class Town:
    """Gateway, host and console on a loop of their own, in a thread; one payment is there."""

    def __init__(self, folder: Path) -> None:
        self.secret = ""
        self.app: Any = None
        self._folder = folder
        self._up, self._end = threading.Event(), asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._live()))

    def __enter__(self) -> "Town":
        self._thread.start()
        assert self._up.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(60)
        self._loop.close()

    async def _live(self) -> None:
        try:
            async with desk_opened(self._folder, gateway={"listen": f"127.0.0.1:{free_port()}"}) as desk:
                await self._begin(desk)
                self._up.set()
                await self._end.wait()
        finally:
            self._up.set()

    async def _begin(self, desk: ConsoleDesk) -> None:
        shop = await program(desk)
        assert (await shop.post("/payments", SALE, "first")).status_code == 201
        self.app, self.secret = desk.app, shop.client.headers["authorization"].removeprefix("Bearer ")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(tmp_path_factory.mktemp("town")) as up:
        yield up


def without_life(app: Any) -> Any:
    """The application for one request after the other: what runs beside them belongs to the town."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})

    return asked


def operations(town: Town) -> list[Any]:
    schema = schemathesis.openapi.from_asgi("/openapi.json", without_life(town.app))
    return [each.ok() for each in schema.get_all_operations()]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_the_api_does_what_its_description_says(town, mode):
    asked = 0
    for operation in operations(town):

        @seed(1)
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            if "Idempotency-Key" in case.headers and mode is GenerationMode.POSITIVE:
                case.headers["Idempotency-Key"] = f"{asked}-{secrets.token_hex(8)}"  # another body needs another key
            case.call_and_validate(headers={"Authorization": f"Bearer {town.secret}"})

        ask()
    assert asked > 60
