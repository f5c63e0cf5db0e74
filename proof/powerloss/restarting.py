"""Start a real gateway on an image, twice: it recovers, and the second start finds what the first one left."""

import asyncio
import shutil
from pathlib import Path

from sqlalchemy import text

from yuanlu.settings import read_settings
from yuanlu.wiring import open_gateway

LISTEN = {"YUANLU_GATEWAY__LISTEN": "127.0.0.1:0"}


def restart_problems(folder: Path) -> list[str]:
    """What is wrong after recovery of the journal in `folder`; invariants I10, I17. No host is up meanwhile."""
    first = asyncio.run(_states(folder))
    second = asyncio.run(_states(folder))
    found = [f"{name} is still {state} after recovery" for name, state in first.items() if state == "SEND_INTENT"]
    if first != second:
        changed = {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
        found.append(f"a second recovery changed {sorted(changed)}")
    return found


async def _states(folder: Path) -> dict[str, str]:
    gateway = await open_gateway(read_settings(folder / "yuanlu.toml", LISTEN))
    try:
        await gateway.start()
        query = text("SELECT transaction_id, state FROM transactions WHERE kind NOT LIKE '%ADVICE%'")
        rows = await gateway.journal.read(lambda connection: connection.execute(query).all())
        return {row.transaction_id: row.state for row in rows}
    finally:
        await gateway.stop()


def with_settings(recorded: Path, folder: Path) -> None:
    """Put what the gateway needs beside the journal: its settings, terminals and keys."""
    shutil.copy(recorded / "data" / "yuanlu.toml", folder / "yuanlu.toml")
    for name in ("terminals.csv", "keys.toml"):
        shutil.copy(recorded / name, folder.parent / name)
