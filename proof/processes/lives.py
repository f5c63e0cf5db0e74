"""Keeps a gateway alive: begins a life, kills it, and begins the next at once, also when one ended by itself."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from proof.processes.proxy import LOOPBACK
from proof.processes.world import Place, World
from yuanlu.kernel.errors import YuanluError
from yuanlu.wiring import HALTED

LISTEN_S_MAX = 30.0
LOOK_S = 0.01
AGAIN_S = 0.1
STOP_S_MAX = 20.0
HANG = "hangs"
"""The fault of a life that was stopped for so long that another took its work."""
COLD_EVERY = 20
"""One life in so many is a whole new process, `python -m yuanlu.cli serve`, not a fork of the nest."""
FIU = Path("/usr/lib/fiu/fiu_posix_preload.so")


class NoGateway(YuanluError):
    """The gateway does not come up; the text ends with its log."""


@dataclass(slots=True, kw_only=True)
class Life:
    """One process of the gateway. Instants are the event loop's."""

    number: int
    pid: int
    began_at: float
    fault: str = ""
    cold: bool = False
    served_at: float | None = None
    code: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Lives:
    """All lives of one gateway, one after the other."""

    def __init__(self, world: World, place: Place) -> None:
        self.place = place
        self.past: list[Life] = []
        self.kills = 0
        self.endings: Counter[int] = Counter()
        """Lives that ended by themselves, by their exit code."""
        self.wrong: list[str] = []
        self.troubles = 0
        """Full disks, lost servers and the like that last now: with one, a life may end or not begin."""
        self.next_fault = ""
        """The failure point of libfiu that the next life has."""
        self._world = world
        self._nest: asyncio.subprocess.Process | None = None
        self._by_number: dict[int, Life] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._born: asyncio.Queue[int] = asyncio.Queue()

    @property
    def now(self) -> Life:
        """The life that runs, or ran last."""
        return self.past[-1]

    async def start(self) -> None:
        """Make the nest, and keep a gateway alive from now on. Raises NoGateway."""
        self._nest = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proof.processes.gateway", str(self._world.clock),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=_environment(),
        )  # fmt: skip
        self._hearing = asyncio.create_task(self._hear())
        async with asyncio.timeout(LISTEN_S_MAX):
            await self._ready.wait()
        self._keeper = asyncio.create_task(self._keep_alive())
        await self.serving()

    async def serving(self) -> Life:
        """Wait until a life listens. Raises NoGateway."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LISTEN_S_MAX
        while not self.past or self.now.served_at is None or self.now.code.done():
            if self._keeper is not None and self._keeper.done():
                await self._keeper
            if self.troubles:  # it may not begin before they are over
                until = loop.time() + LISTEN_S_MAX
            if loop.time() > until:
                raise NoGateway(f"no life has listened for {LISTEN_S_MAX:.0f} s\n{self.log_tail()}")
            await asyncio.sleep(LOOK_S)
        return self.now

    async def kill(self) -> bool:
        """Kill -9 of the life that runs; False when it was just ending by itself."""
        life = self.now
        if life.code.done():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(life.pid, signal.SIGKILL)
        killed = await asyncio.shield(life.code) == -signal.SIGKILL
        self.kills += killed
        return killed

    async def hang(self, for_s: float) -> None:
        """The life that runs stands still for so long, and goes on."""
        life = self.now
        if life.served_at is None or life.code.done():
            return
        life.fault = HANG
        with contextlib.suppress(ProcessLookupError):
            os.kill(life.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(for_s)
            finally:
                if not life.code.done():
                    os.kill(life.pid, signal.SIGCONT)

    async def stop(self) -> int:
        """Let the last life end in good order; its exit code. The nest goes, too."""
        life = self.now
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if not life.code.done():
            os.kill(life.pid, signal.SIGTERM)
            _, waits = await asyncio.wait([life.code], timeout=STOP_S_MAX)
            if waits:
                os.kill(life.pid, signal.SIGKILL)
                self.wrong.append(f"the gateway did not stop within {STOP_S_MAX:.0f} s of SIGTERM")
        code = await life.code
        if self._nest is not None and self._nest.stdin is not None:
            self._nest.stdin.close()
            await self._nest.wait()
        if self._hearing is not None:
            await self._hearing
        return code

    async def abandon(self) -> None:
        """Whatever still runs is killed."""
        tasks = [task for task in (self._keeper, self._hearing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.past and not self.now.code.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.now.pid, signal.SIGKILL)
        if self._nest is not None and self._nest.returncode is None:
            self._nest.kill()
            await self._nest.wait()

    def recovery_s(self) -> list[float]:
        """From its beginning to listening, of every life that listened and was no new process."""
        return sorted(each.served_at - each.began_at for each in self.past if each.served_at and not each.cold)

    def log_tail(self) -> str:
        """The last lines that a life said."""
        return (
            "\n".join(self.place.log.read_text("utf-8", "replace").splitlines()[-15:])
            if self.place.log.exists()
            else ""
        )

    async def _keep_alive(self) -> None:
        while True:
            life = await self._begin()
            ending = await self._until_listening(life)
            if not ending:
                await asyncio.shield(life.code)
            if life.code.result() != -signal.SIGKILL:
                self._ended_by_itself(life)
                await asyncio.sleep(AGAIN_S)

    def _ended_by_itself(self, life: Life) -> None:
        code = life.code.result()
        self.endings[code] += 1
        in_trouble = bool(life.fault or self.troubles)
        may_not_start = in_trouble and life.served_at is None and code == 1
        if not may_not_start and not (in_trouble and code == HALTED):
            why = f"life {life.number} of the gateway {self.place.name} ended by itself with exit code {code}"
            self.wrong.append(f"{why}; fault {life.fault or 'none'}, {self.troubles} troubles\n{self.log_tail()}")

    async def _begin(self) -> Life:
        number, fault = len(self.past) + 1, self.next_fault
        cold = number % COLD_EVERY == 0 and not fault
        self.next_fault = ""
        began_at = asyncio.get_running_loop().time()
        life = Life(number=number, pid=0, began_at=began_at, fault=fault, cold=cold)
        self._by_number[number] = life
        if cold:
            await self._begin_cold(life)
        else:
            assert self._nest is not None
            assert self._nest.stdin is not None
            line = f"start\t{number}\t{self.place.config}\t{self.place.log}\t{fault}\n"
            self._nest.stdin.write(line.encode())
            life.pid = await self._born.get()
        self.past.append(life)
        return life

    async def _begin_cold(self, life: Life) -> None:
        with self.place.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "yuanlu.cli", "serve", "--config", str(self.place.config), stdout=log,
                stderr=log, stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        life.pid = process.pid
        ended = asyncio.create_task(process.wait())
        ended.add_done_callback(lambda task: life.code.set_result(task.result()))

    async def _until_listening(self, life: Life) -> bool:
        """Whether it ended before it listened."""
        loop = asyncio.get_running_loop()
        until = life.began_at + LISTEN_S_MAX
        while not life.code.done():
            if self.troubles:
                until = loop.time() + LISTEN_S_MAX
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(LOOPBACK, self.place.port)
                writer.close()
                life.served_at = loop.time()
                return False
            if loop.time() > until:
                raise NoGateway(f"life {life.number} does not listen after {LISTEN_S_MAX:.0f} s\n{self.log_tail()}")
            await asyncio.sleep(LOOK_S)
        return True

    async def _hear(self) -> None:
        """What the nest says."""
        assert self._nest is not None
        assert self._nest.stdout is not None
        while line := await self._nest.stdout.readline():
            what, number, value = line.split()
            if what == b"ready":
                self._ready.set()
            elif what == b"born":
                self._born.put_nowait(int(value))
            elif not (life := self._by_number[int(number)]).code.done():
                life.code.set_result(int(value))


def _environment() -> dict[str, str]:
    """Ours, and libfiu before the system's library where there is one."""
    return {**os.environ, "LD_PRELOAD": str(FIU)} if FIU.exists() else dict(os.environ)


def copy_evidence(world: World, keep: Path) -> None:
    """Everything of a run but its keys; a server's journal as its dump."""
    shutil.rmtree(keep, ignore_errors=True)
    shutil.copytree(world.folder, keep, ignore=shutil.ignore_patterns("keys.toml*", "*.shm", "ballast"))
    if world.server is not None:
        shutil.copy(world.server.log, keep / "postgresql.txt")
        (keep / "journal.sql").write_text(world.server.dump(world.database.rpartition("/")[2]), encoding="utf-8")
