"""A town in virtual time: the real gateway on a real SQLite file, the sandbox's host and tills, and a kill -9 on call.

What was durable when a life ended is copied to a new folder, as a killed process leaves its files, and the next life
starts there.
"""

import asyncio
import random
import shutil
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from proof.virtual.life import Life
from proof.virtual.loop import VirtualLoop
from proof.virtual.machine import in_virtual_time, reading
from yuanlu.kernel.clock import Moment
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.control import ledger_rows, record_rows
from yuanlu.sandbox.evidence import (
    case_entries,
    host_entries,
    host_records,
    journal_entries,
    order_entries,
    return_entries,
)
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_process import build_core
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.snapshot import take_snapshot
from yuanlu.sandbox.story import Witnesses, stories
from yuanlu.sandbox.till import Till
from yuanlu.sandbox.till_messages import TillIdentity
from yuanlu.sandbox.told import Told
from yuanlu.sandbox.verdict import Verdict, judge
from yuanlu.settings import Acquirer, DialectName, Gateway, ProfileName, Settings, Store
from yuanlu.wiring import open_gateway

MERCHANT = "898440153110001"
GATEWAY = ("127.0.0.1", 9_700)
HOST = ("127.0.0.1", 9_800)
WALL_US = 1_767_243_600_000_000
"""2026-01-01 13:00 in Beijing: far from any cut-over."""
DIALECTS: dict[ProfileName, DialectName] = {
    "P1": "cup-pos", "P2": "cup-pos", "P3": "iso87-ascii", "P4": "cup-pos", "P5": "cup-pos",
}  # fmt: skip
Stops = Callable[[int, int], bool]
"""Whether a life, by its number, is stopped at a step, by its number."""

ANSWER_TIMEOUT_MS = 600
PACKET_LIFE_MS = 2_000
QUIET_S_MAX = 120.0
LOOK_S = 0.5
QUIET_LOOKS = 3
"""In a row: a task may just be about to begin."""
RESTART_S = 0.3


def at_steps(stops: Sequence[int]) -> Stops:
    """Each life is stopped at the step that stands in its place here; later ones are not."""
    return lambda life, step: life < len(stops) and step == stops[life]


class VirtualClock:
    """Both clocks, read from the loop; a proof may set the wall clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.ahead_us = 0

    def now(self) -> Moment:
        """Both clocks, read now."""
        return Moment(wall_us=self.wall_us(), boot_us=int(self._loop.time() * 1e6), boot_id="virtual")

    def wall_us(self) -> int:
        """The wall clock alone."""
        return WALL_US + self.ahead_us + int(self._loop.time() * 1e6)


class Town:
    """One gateway above one host, with tills below."""

    def __init__(
        self,
        loop: VirtualLoop,
        folder: Path,
        *,
        stops: Stops,
        profile: ProfileName = "P1",
        tills: int = 1,
        seed: int = 0,
    ) -> None:
        self.loop = loop
        self.clock = VirtualClock(loop)
        self.folder = folder
        self.profile = profile
        self.told: list[Told] = []
        self.lives: list[Life] = []
        self._stops = stops
        names = [f"T{number:07}" for number in range(tills)]
        rows = "".join(f"{name},{MERCHANT},h1,8000\n" for name in names)
        (folder / "terminals.csv").write_text("terminal_id,merchant_id,acquirer,wait_ms\n" + rows, "utf-8")
        if not (folder / "keys.toml").exists():
            create_secret(folder / "keys.toml", random.Random(1).randbytes)
        self.keys = SoftwareKeyStore.open(folder / "keys.toml", mode="sandbox", random_bytes=loop.chance.randbytes)
        terms = HostTerms(
            name="h1", listen=f"{HOST[0]}:{HOST[1]}", dialect=DIALECTS[profile], profile=profile, seed=seed,
            delay_ms=900, late_commit_ms=1_000, restart_ms=200, down_ms=700,
        )  # fmt: skip
        self.host = HostServer(build_core(terms, self.keys), self.clock)
        self.tills = [self._till(name, seed) for name in names]

    def _till(self, name: str, seed: int) -> Till:
        return Till(
            identity=TillIdentity(terminal_id=name, merchant_id=MERCHANT, dialect=DIALECTS[self.profile], mac="none"),
            address=GATEWAY,
            store=self.keys,
            wait_ms=8_000,
            clock=self.clock,
            chance=random.Random(f"{seed}/{name}"),
            record=self.told.append,
        )

    @property
    def life(self) -> Life:
        """The gateway that runs now, or ran last."""
        return self.lives[-1]

    async def begin(self) -> bool:
        """Start a gateway, on what the life before left; False when it ended before it served."""
        number = len(self.lives)
        folder = self.folder / f"life-{number}"
        _copy(self.life.folder if number else self.folder, folder)
        life = Life(folder, partial(self._stops, number))
        self.lives.append(life)
        work = self.loop.create_task(life.run(self._serve(life)))
        await asyncio.wait([work, life.ended], return_when=asyncio.FIRST_COMPLETED)
        if life.dead:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return False
        await work
        return True

    async def _serve(self, life: Life) -> None:
        gateway = await open_gateway(self._settings(life.folder), self.clock, self.loop.chance)
        life.gateway = gateway
        await gateway.start()

    def _settings(self, folder: Path) -> Settings:
        return Settings(
            store=Store(url=f"sqlite:///{folder}/journal.db", reserve_mib=0),
            gateway=Gateway(listen=f"{GATEWAY[0]}:{GATEWAY[1]}", terminals="terminals.csv", mac="none"),
            acquirers={
                "h1": Acquirer(
                    kind="iso8583-host", address=f"{HOST[0]}:{HOST[1]}", dialect=DIALECTS[self.profile],
                    profile=self.profile, mac="none", connections=2, answer_timeout_ms=ANSWER_TIMEOUT_MS,
                    packet_life_ms=PACKET_LIFE_MS,
                )
            },
            folder=str(self.folder),
        )  # fmt: skip

    async def keep_alive(self) -> None:
        """Begin a life, and the next one when it has ended, for ever."""
        while True:
            if await self.begin():
                await self.life.ended
            await asyncio.sleep(RESTART_S)

    def move(self, name: str) -> None:
        """What is written from now on goes into a folder of this name beside the old one, with copies of its files."""
        old, self.folder = self.folder, self.folder.parent / name
        self.folder.mkdir()
        for path in old.iterdir():
            if path.is_file():
                shutil.copy(path, self.folder / path.name)

    async def quiet(self) -> bool:
        """Wait until nothing is left that the gateway does by itself; False when that does not come."""
        until, looks = self.loop.time() + QUIET_S_MAX, 0
        seen, was_quiet = (-1, -1), False
        while self.loop.time() < until and looks < QUIET_LOOKS:
            await asyncio.sleep(LOOK_S)
            now = len(self.lives), len(self.life.steps)
            if now != seen or not was_quiet:  # without a step of the gateway the journal is what it was
                seen, was_quiet = now, self._is_quiet()
            looks = looks + 1 if was_quiet and not self.life.dead else 0
        return looks == QUIET_LOOKS

    def _is_quiet(self) -> bool:
        engine = reading(self.life.folder / "journal.db")
        snapshot = take_snapshot(engine)
        engine.dispose()
        return snapshot is not None and snapshot.is_quiet

    def close(self) -> None:
        """Let go of every line and of every life's files."""
        for till in self.tills:
            till.close()
        for life in self.lives:
            life.let_go()

    def verdict(self) -> Verdict:
        """What host, journal and tills say together."""
        engine = reading(self.life.folder / "journal.db")
        try:
            with engine.connect() as connection:
                heard = Witnesses(
                    hosts=host_entries(ledger_rows(self.host.core)),
                    records=host_records(record_rows(self.host.core)),
                    journal=journal_entries(connection),
                    returns=return_entries(connection),
                    orders=order_entries(connection),
                    told=self.told,
                    cases=case_entries(connection),
                )
        finally:
            engine.dispose()
        joined = stories(heard, {"h1": self.profile}, dict.fromkeys([t.identity.terminal_id for t in self.tills], "h1"))
        return judge(
            joined, heard.returns, {"h1": self.host.core.ledger.total_minor()}, {"h1": self.profile}, self.told
        )


def _copy(old: Path, new: Path) -> None:
    """What a killed process leaves: its files as they are, without SQLite's shared memory."""
    new.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        if (old / name).exists():
            shutil.copyfile(old / name, new / name)


Ending = TypeVar("Ending")


def play(seed: int, story: Callable[[VirtualLoop], Coroutine[Any, Any, Ending]]) -> Ending:
    """Run a story in a loop of its own, and leave nothing of it behind."""
    loop = VirtualLoop(random.Random(seed))
    asyncio.set_event_loop(loop)
    try:
        with in_virtual_time():
            return loop.run_until_complete(story(loop))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.1))
        asyncio.set_event_loop(None)
        loop.close()
