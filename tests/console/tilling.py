"""A till's program at the API, beside a gateway whose address the console knows."""

import asyncio
import socket
from typing import Any

from tests.console.desk import ConsoleDesk, at_the_desk, seen
from tests.console.program import Program
from tests.scenario.stage import TERMINALS
from yuanlu.console.app import build
from yuanlu.kernel.clock import SystemClock

CARD = {"type": "test_card", "number": "6200000000000005"}
QR = {"type": "qr", "code": "621234567890123456"}
SALE = {"terminal_id": TERMINALS[0], "amount": {"minor": 1280, "currency": "CNY"}, "source": CARD}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def at_a_till(story: Any, folder: Any, **terms: Any) -> Any:
    """The story with a gateway whose address the console knows."""
    gateway = {"listen": f"127.0.0.1:{free_port()}"} | terms.pop("gateway", {})
    return seen(story, folder, gateway=gateway, **terms)


async def becomes(shop: Program, payment_id: str, position: str) -> dict:
    """Wait until the payment's money is there."""
    for _ in range(200):
        said = (await shop.get(f"/payments/{payment_id}")).json()
        if said["position"] == position:
            return said
        await asyncio.sleep(0.05)
    raise AssertionError(said)


def restarted(desk: ConsoleDesk) -> None:
    """The console process begins anew; what it knew in memory is gone."""
    desk.app = build(desk.stage.settings, SystemClock(), desk.stage.store)


opened = at_the_desk
"""The desk itself, for whoever has a loop of his own."""
