"""Start a real gateway on an image, twice: it recovers, and the second start finds what the first one left."""

import asyncio
import shutil
from pathlib import Path

from sqlalchemy import text

from yuanlu.kernel.errors import YuanluError
from yuanlu.settings import read_settings
from yuanlu.wiring import open_gateway

LISTEN = {"YUANLU_GATEWAY__LISTEN": "127.0.0.1:0"}


def restart_problems(place: Path) -> list[str]:
    """What is wrong after recovery of the image in `place`; invariants I10, I17. No host is up meanwhile."""
    try:
        first = asyncio.run(_states(place))
        second = asyncio.run(_states(place))
    except YuanluError as error:
        return [f"it does not start by itself: {error}"]
    found = [f"{name} is still {state} after recovery" for name, state in first.items() if state == "SEND_INTENT"]
    if first != second:
        changed = {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
        found.append(f"a second recovery changed {sorted(changed)}")
    return found


async def _states(place: Path) -> dict[str, str]:
    gateway = await open_gateway(read_settings(place / "data" / "yuanlu.toml", LISTEN))
    try:
        await gateway.start()
        query = text("SELECT transaction_id, state FROM transactions WHERE kind NOT LIKE '%ADVICE%'")
        rows = await gateway.journal.read(lambda connection: connection.execute(query).all())
        return {row.transaction_id: row.state for row in rows}
    finally:
        await gateway.stop()


def with_settings(recorded: Path, place: Path) -> None:
    """Put what the gateway needs into the image: its settings, terminals and keys."""
    for name in ("data/yuanlu.toml", "terminals.csv", "keys.toml"):
        shutil.copy(recorded / name, place / name)
