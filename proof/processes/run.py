"""One run: everything starts, sells under load while the plan is carried out, stops, drains, and is judged."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, func, select

from proof.postgres import Cluster
from proof.processes.disk import SmallDisk
from proof.processes.judging import Event, judged
from proof.processes.lives import FIU, Lives, copy_evidence
from proof.processes.plan import ALL, JUMP_HOURS, ON_FILE, ON_SERVER, Gap, Kind, Trouble, gaps, troubles
from proof.processes.proxy import Proxy
from proof.processes.troublemaker import Troublemaker
from proof.processes.world import CARRY_S_MAX, DATABASE, HOSTS, TOWNS, World, make_world
from proof.tools import ToolMissing, need
from yuanlu.journal.tables import tasks
from yuanlu.journal.tasks import EXAMINE
from yuanlu.kernel.errors import YuanluError
from yuanlu.sandbox.children import Child
from yuanlu.sandbox.snapshot import take_snapshot
from yuanlu.sandbox.verdict import Verdict, percentile

FAST = Path("/dev/shm")
LAST_SALES_S = 4.0
"""After the last kill the wall clock jumps once more, and the tills go on for a while in this one life."""
CLOSED_S_MAX = 45.0
QUIET_S_MAX = 60.0
QUIET_LOOKS = 3
LOOK_S = 0.5
TELL_EVERY = 10
DISK_MIB_BASE = 128
"""And one more for each kill."""


@dataclass(slots=True, kw_only=True)
class Result:
    """What was run and found. Times in milliseconds."""

    seed: int
    database: str = "sqlite"
    kills: int = 0
    lives: int = 0
    endings: Counter[int] = field(default_factory=Counter)
    """Lives that ended by themselves, by exit code."""
    recovery_ms: list[int] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    """What this machine does not allow, and why."""
    verdict: Verdict | None = None
    violations: list[str] = field(default_factory=list)
    tales: list[str] = field(default_factory=list)
    kept: Path | None = None

    @property
    def summary(self) -> str:
        """One line."""
        found = self.verdict
        payments = f"{found.transactions} transactions, {found.abnormal} abnormal" if found else "no verdict"
        ms = self.recovery_ms
        halts = sum(self.endings.values())
        return (
            f"{self.database}, seed {self.seed}: {self.kills} kills, {self.lives} lives, {halts} halts; "
            f"listening again after {percentile(ms, 50)} ms (p50), {max(ms, default=0)} ms (most); "
            f"{payments}; {len(self.violations)} violations"
            + (f"; NOT TRIED: {'; '.join(self.skipped)}" if self.skipped else "")
        )


def run(
    *,
    seed: int,
    kills: int,
    keep: Path,
    database: str = "sqlite",
    kinds: Sequence[Kind] | None = None,
    seconds: float = 0.0,
    transactions: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Result:
    """Kill gateways so often, sell for so long and so much at least, and judge. Raises YuanluError when it cannot run.

    `database` is "sqlite", with one gateway, or "postgres", with two. What a run with violations left is kept in
    `keep`.
    """
    result = Result(seed=seed, database=database)
    fast = FAST if FAST.is_dir() else None
    server = Cluster(at=fast) if database == "postgres" else None
    folder = Path(tempfile.mkdtemp(dir=fast))
    world = make_world(folder / "run", seed, server)
    kinds = _possible(kinds or (ON_SERVER if server else ON_FILE), result)
    disk = None
    if Kind.DISK_FULL in kinds:
        disk = SmallDisk(world.data, DISK_MIB_BASE + kills)
        if not disk.mounted:
            result.skipped.append(f"{Kind.DISK_FULL.value}: no disk of its own can be mounted ({disk.why_not})")
            kinds = [kind for kind in kinds if kind is not Kind.DISK_FULL]
    for why in result.skipped:
        say(f"SKIPPED {why}")
    try:
        asyncio.run(Run(world, result, kinds, disk, say).play(kills, seconds, transactions))
        if result.violations:
            copy_evidence(world, keep)
            result.kept = keep
        return result
    except BaseException:
        copy_evidence(world, keep)
        raise
    finally:
        if disk is not None:
            disk.close()
        if server is not None:
            server.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _possible(kinds: Sequence[Kind], result: Result) -> list[Kind]:
    """Without libfiu there are no I/O errors."""
    if Kind.IO_ERROR in kinds and not FIU.exists():
        try:
            need("fiu-run", "fiu-utils")
        except ToolMissing as error:
            result.skipped.append(f"{Kind.IO_ERROR.value}: {error}")
            return [kind for kind in kinds if kind is not Kind.IO_ERROR]
    return list(kinds)


class Run:
    """The processes of one run, and what it does with them."""

    def __init__(
        self, world: World, result: Result, kinds: Sequence[Kind], disk: SmallDisk | None, say: Callable[[str], None]
    ) -> None:
        self._world = world
        self._result = result
        self._kinds = kinds
        self._say = say
        self._events: list[Event] = []
        self._began_us = time.time_ns() // 1000
        folder = world.folder
        self._hosts = {
            host.name: Child(
                f"host {host.name}", "proof.processes.host", [str(world.host_config(host.name))], folder / "hosts.log"
            )
            for host in HOSTS
        }
        self._tills = {
            town: Child(
                f"tills of the {town}", "yuanlu.sandbox.tills_process", [str(world.tills_config(town))],
                folder / "tills.log",
            )
            for town in TOWNS
        }  # fmt: skip
        self._proxies = {
            name: Proxy(port, world.host_ports[name], carry_s_max=CARRY_S_MAX) for name, port in world.to_host.items()
        }
        ports = [place.port for place in world.gateways]
        self._proxies |= {town: Proxy(port, *ports, carry_s_max=CARRY_S_MAX) for town, port in world.to_gateway.items()}
        if world.server is not None:
            self._proxies |= {
                DATABASE + place.name: Proxy(place.to_database, world.server.port, carry_s_max=CARRY_S_MAX)
                for place in world.gateways
            }
        self._lives = {place.name: Lives(world, place) for place in world.gateways}
        self._trouble = Troublemaker(
            world=world, lives=self._lives, proxies=self._proxies, hosts=self._hosts, disk=disk, note=self._note
        )

    async def play(self, kills: int, seconds: float, transactions: int) -> None:
        """The whole run."""
        try:
            await self._open()
            await self._sell(kills, seconds, transactions)
            await self._close()
            quiet = await self._quiet()
            for each in self._lives.values():
                if (code := await each.stop()) != 0:
                    each.wrong.append(f"the gateway {each.place.name} stopped with exit code {code}\n{each.log_tail()}")
        finally:
            await self._end()
        await asyncio.to_thread(self._judge, quiet)

    async def _open(self) -> None:
        for child in self._hosts.values():
            child.start()
        for proxy in self._proxies.values():
            await proxy.start()
        for each in self._lives.values():
            await each.start()
        for child in self._tills.values():
            child.start()

    async def _sell(self, kills: int, seconds: float, transactions: int) -> None:
        """Until all kills are done, the time is over and enough is sold; the last life has a last jump of the clock."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        making = loop.create_task(self._trouble.make(troubles(self._result.seed, self._kinds)))
        for number, gap in enumerate(gaps(self._result.seed, kills, len(self._lives)), 1):
            await self._kill(gap)
            self._check(making)
            if number % TELL_EVERY == 0:
                lives = sum(len(each.past) for each in self._lives.values())
                self._say(f"{number} of {kills} kills, {lives} lives, {await self._payments()} transactions")
        while loop.time() < until or (transactions and await self._payments() < transactions):
            self._check(making)
            await asyncio.sleep(LOOK_S)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        await self._trouble.heal()
        for each in self._lives.values():
            await each.serving()
        if Kind.CLOCK in self._kinds:
            await self._trouble.carry_out(Trouble(pause_s=0, kind=Kind.CLOCK, hours=JUMP_HOURS))
            await asyncio.sleep(LAST_SALES_S)

    async def _kill(self, gap: Gap) -> None:
        """One gateway, or all of them at once, when the time has come."""
        every = list(self._lives.values())
        doomed = every if gap.gateway == ALL else [every[gap.gateway]]
        if not gap.early:
            for each in doomed:
                await each.serving()
        await asyncio.sleep(gap.seconds)
        while not any(await asyncio.gather(*(each.kill() for each in doomed))):
            for each in doomed:
                await each.serving()
        self._note(f"kill of the gateway {' and '.join(each.place.name for each in doomed)}")

    def _check(self, making: "asyncio.Task[None]") -> None:
        """Nothing has ended that must not."""
        if making.done():
            making.result()
        for child in [*self._tills.values(), *self._hosts.values()]:
            child.check()

    async def _close(self) -> None:
        """The tills sell no more, and work off what they owe."""
        self._say("sales end; tills work off what they owe")
        for child in self._tills.values():
            child.tell(signal.SIGTERM)
        loop = asyncio.get_running_loop()
        until = loop.time() + CLOSED_S_MAX
        while not all(self._world.closed(town).exists() for town in TOWNS):
            for child in self._tills.values():
                child.check()
            if loop.time() > until:
                self._result.violations.append(f"tills still had something to do after {CLOSED_S_MAX:.0f} s")
                break
            await asyncio.sleep(LOOK_S)

    async def _quiet(self) -> bool:
        """Wait until nothing is left that the gateway does by itself; False when that does not come."""
        self._say("waiting for returns")
        loop = asyncio.get_running_loop()
        until, looks = loop.time() + QUIET_S_MAX, 0
        while loop.time() < until and looks < QUIET_LOOKS:
            await asyncio.sleep(LOOK_S)
            looks = looks + 1 if await asyncio.to_thread(self._world.on_journal, _is_quiet) else 0
        return looks == QUIET_LOOKS

    async def _end(self) -> None:
        """Nothing outlives the run."""
        self._trouble.stop()
        for child in [*self._tills.values(), *self._hosts.values()]:
            child.stop()
        for each in self._lives.values():
            await each.abandon()
        for proxy in self._proxies.values():
            await proxy.stop()

    def _judge(self, quiet: bool) -> None:
        result, all_lives = self._result, list(self._lives.values())
        judgement = judged(self._world, self._began_us, self._events)
        result.kills, result.lives = sum(each.kills for each in all_lives), sum(len(each.past) for each in all_lives)
        for each in all_lives:
            result.endings += each.endings
        result.recovery_ms = sorted(round(s * 1000) for each in all_lives for s in each.recovery_s())
        result.troubles = self._trouble.made
        result.verdict = judgement.verdict
        result.violations += [*(each for lives in all_lives for each in lives.wrong), *judgement.wrong]
        result.tales = judgement.tales
        if not quiet:
            result.violations.append(f"not quiet after {QUIET_S_MAX:.0f} s: {dict(judgement.verdict.by_state)}")

    def _note(self, text: str) -> None:
        self._events.append(Event(at_us=time.time_ns() // 1000, text=text))

    async def _payments(self) -> int:
        """Not known while the server is down."""
        with contextlib.suppress(YuanluError):
            snapshot = await asyncio.to_thread(self._world.on_journal, take_snapshot)
            return snapshot.transactions if snapshot is not None else 0
        return 0


def _is_quiet(engine: Engine) -> bool:
    """Whether nothing is left that a gateway does by itself; what went wrong is explained, too."""
    snapshot = take_snapshot(engine)
    if snapshot is None or not snapshot.is_quiet:
        return False
    due = select(func.count()).where(tasks.c.kind == EXAMINE, tasks.c.due_at_us <= time.time_ns() // 1000)
    with engine.connect() as connection:
        return connection.execute(due).scalar_one() == 0
