"""One run: everything starts, sells under load while the plan is carried out, stops, drains, and is judged."""

import asyncio
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proof.processes.disk import SmallDisk
from proof.processes.judging import Event, judged
from proof.processes.lives import FIU, Lives, copy_evidence
from proof.processes.plan import JUMP_HOURS, Kind, Trouble, gaps, troubles
from proof.processes.proxy import Proxy
from proof.processes.troublemaker import Troublemaker
from proof.processes.world import CARRY_S_MAX, HOSTS, TOWNS, World, make_world
from proof.tools import ToolMissing, need
from yuanlu.db.sqlite import reader_engine
from yuanlu.sandbox.children import Child
from yuanlu.sandbox.snapshot import take_snapshot
from yuanlu.sandbox.verdict import Verdict, percentile

FAST = Path("/dev/shm")
ALL = tuple(Kind)
LAST_SALES_S = 4.0
"""After the last kill the wall clock jumps once more, and the till go on for a while in this one life."""
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
            f"seed {self.seed}: {self.kills} kills, {self.lives} lives, {halts} halts; "
            f"listening again after {percentile(ms, 50)} ms (p50), {max(ms, default=0)} ms (most); "
            f"{payments}; {len(self.violations)} violations"
        )


def run(
    *,
    seed: int,
    kills: int,
    keep: Path,
    kinds: Sequence[Kind] = ALL,
    seconds: float = 0.0,
    say: Callable[[str], None] = lambda _: None,
) -> Result:
    """Kill a gateway so often, sell for so long at least, and judge. Raises YuanluError when something cannot run.

    What a run with violations left is kept in `keep`.
    """
    result = Result(seed=seed)
    folder = Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))
    world = make_world(folder / "run", seed)
    kinds = _possible(kinds, result)
    disk = None
    if Kind.DISK_FULL in kinds:
        disk = SmallDisk(world.data, DISK_MIB_BASE + kills)
        if not disk.mounted:
            result.skipped.append(f"{Kind.DISK_FULL.value}: no disk of its own can be mounted ({disk.why_not})")
            kinds = [kind for kind in kinds if kind is not Kind.DISK_FULL]
    for why in result.skipped:
        say(f"SKIPPED {why}")
    try:
        asyncio.run(Run(world, result, kinds, disk, say).play(kills, seconds))
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
        } | {town: Proxy(port, world.gateway_port, carry_s_max=CARRY_S_MAX) for town, port in world.to_gateway.items()}
        self._lives = Lives(world)
        self._trouble = Troublemaker(
            world=world, lives=self._lives, proxies=self._proxies, hosts=self._hosts, disk=disk, note=self._note
        )

    async def play(self, kills: int, seconds: float) -> None:
        """The whole run."""
        try:
            await self._open()
            await self._sell(kills, seconds)
            await self._close()
            quiet = await self._quiet()
            if (code := await self._lives.stop()) != 0:
                self._lives.wrong.append(f"the gateway stopped with exit code {code}\n{self._lives.log_tail()}")
        finally:
            await self._end()
        self._judge(quiet)

    async def _open(self) -> None:
        for child in self._hosts.values():
            child.start()
        for proxy in self._proxies.values():
            await proxy.start()
        await self._lives.start()
        for child in self._tills.values():
            child.start()

    async def _sell(self, kills: int, seconds: float) -> None:
        """Until all kills are done and the time is over; a last jump of the clock is in the last life."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        making = loop.create_task(self._trouble.make(troubles(self._result.seed, self._kinds)))
        for number, gap in enumerate(gaps(self._result.seed, kills), 1):
            if not gap.early:
                await self._lives.serving()
            await asyncio.sleep(gap.seconds)
            while not await self._lives.kill():
                await self._lives.serving()
            self._note(f"kill {number} of the gateway")
            self._check(making)
            if number % TELL_EVERY == 0:
                self._say(f"{number} of {kills} kills, {len(self._lives.past)} lives, {self._payments()} transactions")
        while loop.time() < until:
            self._check(making)
            await asyncio.sleep(LOOK_S)
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)
        await self._trouble.heal()
        await self._lives.serving()
        if Kind.CLOCK in self._kinds:
            await self._trouble.carry_out(Trouble(pause_s=0, kind=Kind.CLOCK, hours=JUMP_HOURS))
            await asyncio.sleep(LAST_SALES_S)

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
        engine = reader_engine(self._world.journal)
        try:
            while loop.time() < until and looks < QUIET_LOOKS:
                await asyncio.sleep(LOOK_S)
                snapshot = take_snapshot(engine)
                looks = looks + 1 if snapshot is not None and snapshot.is_quiet else 0
        finally:
            engine.dispose()
        return looks == QUIET_LOOKS

    async def _end(self) -> None:
        """Nothing outlives the run."""
        self._trouble.stop()
        for child in [*self._tills.values(), *self._hosts.values()]:
            child.stop()
        await self._lives.abandon()
        for proxy in self._proxies.values():
            await proxy.stop()

    def _judge(self, quiet: bool) -> None:
        result, lives = self._result, self._lives
        judgement = judged(self._world, self._began_us, self._events)
        result.kills, result.lives, result.endings = lives.kills, len(lives.past), lives.endings
        result.recovery_ms = [round(each * 1000) for each in lives.recovery_s()]
        result.troubles = self._trouble.made
        result.verdict = judgement.verdict
        result.violations += [*lives.wrong, *judgement.wrong]
        result.tales = judgement.tales
        if not quiet:
            result.violations.append(f"not quiet after {QUIET_S_MAX:.0f} s: {dict(judgement.verdict.by_state)}")

    def _note(self, text: str) -> None:
        self._events.append(Event(at_us=time.time_ns() // 1000, text=text))

    def _payments(self) -> int:
        engine = reader_engine(self._world.journal)
        try:
            snapshot = take_snapshot(engine)
            return snapshot.transactions if snapshot is not None else 0
        finally:
            engine.dispose()
