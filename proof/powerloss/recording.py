"""Record one gateway's life at the level of system calls: it starts, is paid at with faults, is killed, starts again,
is paid at, and stops in good order. Hosts and tills are the sandbox's, in this process; only the gateway is traced.
"""

import asyncio
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from proof.powerloss.trace import SYSTEM_CALLS, Call, read_trace
from proof.tools import need
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import YuanluError
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.errands import ErrandPlan, run_errand
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.sales_deck import SalesDeck
from yuanlu.sandbox.till import Till
from yuanlu.sandbox.till_line import LineClosed
from yuanlu.sandbox.till_messages import TillIdentity

MERCHANT = "898440153110001"
TILLS = 8
START_S_MAX = 60
STOP_S_MAX = 60
DRAIN_S = 2.5
ENDINGS = (signal.SIGKILL, signal.SIGTERM)
"""How each of its lives ends."""
LIVES = len(ENDINGS)
BETWEEN_LIVES = 1_000_000_000
NAME = "recording.json"

CONFIG = """
[store]
url = "sqlite:///journal.db"
reserve_mib = 0
[gateway]
listen = "127.0.0.1:{gateway}"
terminals = "../terminals.csv"
mac = "none"
[keys]
file = "../keys.toml"
[acquirers.h1]
kind = "iso8583-host"
address = "127.0.0.1:{host}"
dialect = "cup-pos"
profile = "P1"
mac = "none"
connections = 1
answer_timeout_ms = 800
packet_life_ms = 2000
"""


class RecordingFailed(YuanluError):
    """The gateway could not be recorded; the text says what to do."""


class Recording(Struct, frozen=True, kw_only=True):
    """Where a recording is, and how to read it."""

    place: str
    """The folder with `trace-0.txt`, `trace-1.txt` and `recording.json`."""
    folder: str
    """What the gateway writes is in here, as the traces name it: `data` with the journal, beside it the marks."""
    gateway: str
    """Its listening address: frames that left from there went to terminals, all others to hosts."""

    def calls(self) -> list[Call]:
        """All calls of all lives, one after the other."""
        calls: list[Call] = []
        for life in range(LIVES):
            with (Path(self.place) / f"trace-{life}.txt").open(encoding="ascii") as lines:
                calls.extend(_later(read_trace(lines, f"{self.folder}/"), life))
        return calls


def load(place: Path) -> Recording:
    """A recording that was kept, also after it was moved. Raises RecordingFailed."""
    try:
        kept = msgspec.json.decode((place / NAME).read_bytes(), type=Recording)
    except (OSError, msgspec.MsgspecError) as error:
        raise RecordingFailed(f"{place}: no recording ({error})") from None
    return msgspec.structs.replace(kept, place=str(place))


def record(places: Mapping[str, Path], seed: int, turns: int) -> dict[str, Recording]:
    """Record lives of `turns` sales each, all at the same time: by the guard that is taken away, into this folder.

    Raises RecordingFailed, and ToolMissing without strace.
    """
    need("strace")
    recordings = asyncio.run(_all(places, seed, turns))
    for recording in recordings.values():
        (Path(recording.place) / NAME).write_bytes(msgspec.json.encode(recording))
    return recordings


async def _all(places: Mapping[str, Path], seed: int, turns: int) -> dict[str, Recording]:
    made = await asyncio.gather(*(_record(place, seed, turns, weakness) for weakness, place in places.items()))
    return dict(zip(places, made, strict=True))


async def _record(folder: Path, seed: int, turns: int, weakness: str) -> Recording:
    data = folder / "data"
    data.mkdir(parents=True)
    address = ("127.0.0.1", _free_port())
    store = _keys(folder, seed)
    terms = HostTerms(
        name="h1", listen="127.0.0.1:0", dialect="cup-pos", profile="P1", seed=seed, delay_ms=1_000,
        late_commit_ms=1_200, down_ms=600,
    )  # fmt: skip
    host = HostServer(build_core(terms, store), SystemClock())
    await host.start()
    names = [f"P{number:07}" for number in range(TILLS)]
    rows = "".join(f"{name},{MERCHANT},h1,30000\n" for name in names)
    (folder / "terminals.csv").write_text("terminal_id,merchant_id,acquirer,wait_ms\n" + rows, "utf-8")
    (data / "yuanlu.toml").write_text(CONFIG.format(gateway=address[1], host=host.port), "utf-8")
    try:
        tills = [_till(name, address, store, seed) for name in names]
        for life, ending in enumerate(ENDINGS):
            await _life(folder, life, ending, tills, seed, turns, weakness)
    finally:
        await host.stop()
    return Recording(place=str(folder), folder=str(folder), gateway=f"{address[0]}:{address[1]}")


def _later(calls: list[Call], life: int) -> list[Call]:
    """Places of a later life are beyond those of the one before."""
    shift = life * BETWEEN_LIVES
    return [
        Call(
            kind=c.kind, began=c.began + shift, ended=c.ended + shift, name=c.name, at=c.at, data=c.data, to=c.to
        )
        for c in calls
    ]  # fmt: skip


async def _life(
    folder: Path, life: int, ending: signal.Signals, tills: list[Till], seed: int, turns: int, weakness: str
) -> None:
    traced = await asyncio.create_subprocess_exec(
        "strace", "-f", "--seccomp-bpf", "-qq", "-xx", "-yy", "-s", "4000000", "-e", "signal=none",
        "-e", f"trace={SYSTEM_CALLS}", "-o", str(folder / f"trace-{life}.txt"),
        sys.executable, "-m", "proof.powerloss.gateway", weakness,
        "serve", "--config", str(folder / "data" / "yuanlu.toml"),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert traced.stderr is not None
    said = b""
    async with asyncio.timeout(START_S_MAX):
        while b"listening" not in said:
            line = await traced.stderr.readline()
            if not line:
                raise RecordingFailed(f"the recorded gateway did not start: {said.decode()}")
            said += line
    rest = asyncio.create_task(traced.stderr.read())
    decks = random.Random(f"{seed}/{life}")
    deck = SalesDeck(decks, fault_percent=25, behaviour_percent=15, code_percent=10, errand_percent=20)
    await while_it_runs(traced, rest, asyncio.gather(*(_live(till, deck, turns // len(tills)) for till in tills)))
    if ending is signal.SIGTERM:
        await while_it_runs(traced, rest, asyncio.ensure_future(asyncio.sleep(DRAIN_S)))
    pid = _child_of(traced.pid)
    os.kill(pid, ending)
    async with asyncio.timeout(STOP_S_MAX):
        await rest
        await traced.wait()


async def while_it_runs(traced: Process, rest: Awaitable[bytes], work: "asyncio.Future[Any]") -> None:
    """Do this work. Raises RecordingFailed, with what the gateway said, as soon as that ends by itself."""
    ended = asyncio.ensure_future(traced.wait())
    await asyncio.wait((work, ended), return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        work.cancel()
        said = (await rest).decode(errors="replace")
        raise RecordingFailed(f"the recorded gateway ended by itself with {traced.returncode}: {said or 'silently'}")
    ended.cancel()
    await work


async def _live(till: Till, deck: SalesDeck, turns: int) -> None:
    for _ in range(turns):
        try:
            plan = deck.deal()
            if isinstance(plan, ErrandPlan):
                await run_errand(till, plan)
            else:
                await till.sell(plan)
        except LineClosed:
            await asyncio.sleep(0.1)
    till.close()


def _child_of(tracer: int) -> int:
    """The traced process: strace's only child."""
    children = Path(f"/proc/{tracer}/task/{tracer}/children").read_text(encoding="ascii").split()
    return int(children[0])


def _till(name: str, address: tuple[str, int], store: SoftwareKeyStore, seed: int) -> Till:
    return Till(
        identity=TillIdentity(terminal_id=name, merchant_id=MERCHANT, dialect="cup-pos", mac="none"),
        address=address,
        store=store,
        wait_ms=5_000,
        clock=SystemClock(),
        chance=random.Random(f"{seed}/{name}"),
        record=lambda told: None,
    )


def _keys(folder: Path, seed: int) -> SoftwareKeyStore:
    create_secret(folder / "keys.toml", random.Random(seed).randbytes)
    return SoftwareKeyStore.open(folder / "keys.toml", mode="sandbox", random_bytes=os.urandom)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
