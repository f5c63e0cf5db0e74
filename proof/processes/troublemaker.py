"""Carries the plan's troubles out on the real processes, and takes them back."""

import asyncio
import random
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from proof.processes.disk import SmallDisk
from proof.processes.lives import Lives
from proof.processes.plan import Kind, Trouble
from proof.processes.proxy import FAIR, Proxy
from proof.processes.world import DATABASE, World
from yuanlu.sandbox.children import Child

DISK, SERVER = "disk", "server"
AFTER_S = {DISK: 1.0, SERVER: 4.0}
"""A life that met the trouble may end a little later."""
SERVER_DOWN_S = 1.5
SERVER_KINDS = (Kind.SESSION_KILL, Kind.SERVER_KILL)
HOUR_US = 3_600_000_000


class Troublemaker:
    """Several troubles may last at once, but each line, host and disk has one at a time."""

    def __init__(
        self,
        *,
        world: World,
        lives: Mapping[str, Lives],
        proxies: Mapping[str, Proxy],
        hosts: Mapping[str, Child],
        disk: SmallDisk | None,
        note: Callable[[str], None],
    ) -> None:
        self.made: Counter[str] = Counter()
        self._world = world
        self._lives = lives
        self._proxies = proxies
        self._hosts = hosts
        self._disk = disk
        self._note = note
        self._ahead_us = 0
        self._lasting: dict[str, asyncio.Task[None]] = {}
        self._chance = random.Random(f"{world.seed}/server")

    async def make(self, plan: Iterator[Trouble]) -> None:
        """One after the other, until cancelled; what has no free place is left out."""
        for trouble in plan:
            await asyncio.sleep(trouble.pause_s)
            place = _place_of(trouble)
            if place not in self._lasting:
                await self.carry_out(trouble)
                if (work := self._work_of(trouble)) is not None:
                    self._last(place, work)

    async def carry_out(self, trouble: Trouble) -> None:
        """Begin it."""
        self._note(str(trouble))
        self.made[trouble.kind.value] += 1
        match trouble.kind:
            case Kind.PARTITION | Kind.HALF_OPEN | Kind.SLOW:
                assert trouble.weather is not None
                await self._proxies[trouble.target].change(trouble.weather)
            case Kind.CUT:
                self._proxies[trouble.target].cut()
            case Kind.HOST_KILL:
                self._hosts[trouble.target].kill()
                self._hosts[trouble.target].start()
            case Kind.DISK_FULL:
                assert self._disk is not None
                self._disk.fill(trouble.spare_kib)
            case Kind.IO_ERROR:
                for each in self._lives.values():
                    each.next_fault = trouble.fault
            case Kind.CLOCK:
                self._ahead_us += trouble.hours * HOUR_US
                with self._world.clock.open("r+b", buffering=0) as file:
                    file.write(struct.pack("=q", self._ahead_us))
            case Kind.DATABASE_LINE | Kind.SESSION_KILL | Kind.SERVER_KILL | Kind.HANG:
                pass  # all of it is in the work that follows

    async def heal(self) -> None:
        """Everything that lasts ends now."""
        for place, task in self._lasting.items():
            if place != SERVER:  # that ends by itself, when the server is up again
                task.cancel()
        await asyncio.gather(*self._lasting.values(), return_exceptions=True)
        for proxy in self._proxies.values():
            await proxy.change(FAIR)
        if self._disk is not None:
            self._disk.free()
        await asyncio.sleep(max(AFTER_S.values()))
        for each in self._lives.values():
            each.next_fault, each.troubles = "", 0
        self._note("all is well again")

    def stop(self) -> None:
        """Take nothing back any more."""
        for task in self._lasting.values():
            task.cancel()

    def _last(self, place: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._lasting[place] = task
        task.add_done_callback(lambda _: self._lasting.pop(place, None))

    def _work_of(self, trouble: Trouble) -> Coroutine[Any, Any, None] | None:
        """What goes on after its beginning, and takes it back."""
        match trouble.kind:
            case Kind.DISK_FULL:
                return self._disk_full_for(trouble.lasts_s)
            case Kind.DATABASE_LINE:
                return self._database_line(trouble)
            case Kind.SESSION_KILL | Kind.SERVER_KILL:
                return self._server_down(trouble.kind)
            case Kind.HANG:
                return self._lives[trouble.target].hang(trouble.lasts_s)
            case _:
                return self._line_well_after(trouble) if trouble.lasts_s else None

    async def _line_well_after(self, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.lasts_s)
        await self._proxies[trouble.target].change(FAIR)
        self._note(f"{trouble.target} is well again")

    async def _disk_full_for(self, seconds: float) -> None:
        assert self._disk is not None
        async with self._may_end(self._lives.values(), AFTER_S[DISK]):
            await asyncio.sleep(seconds)
            self._disk.free()
            self._note("the disk is well again")

    async def _database_line(self, trouble: Trouble) -> None:
        proxy = self._proxies[trouble.target]
        async with self._may_end([self._lives[trouble.target.removeprefix(DATABASE)]], AFTER_S[SERVER]):
            if trouble.weather is None:
                proxy.cut()
                return
            await proxy.change(trouble.weather)
            await asyncio.sleep(trouble.lasts_s)
            await proxy.change(FAIR)
            self._note(f"{trouble.target} is well again")

    async def _server_down(self, kind: Kind) -> None:
        """Kill it, and see to it that it comes back."""
        server = self._world.server
        assert server is not None
        async with self._may_end(self._lives.values(), AFTER_S[SERVER]):
            if kind is Kind.SESSION_KILL:
                server.kill_session(self._chance)
            else:
                server.kill()
                await asyncio.sleep(self._chance.uniform(0, SERVER_DOWN_S))
                await asyncio.to_thread(server.start_again)
            await asyncio.to_thread(server.wait_ready)
            self._note("the server is up again")

    @asynccontextmanager
    async def _may_end(self, lives: Iterable[Lives], after_s: float) -> AsyncIterator[None]:
        """Meanwhile, and a little after it, these lives may end by themselves, or not begin."""
        some = list(lives)
        for each in some:
            each.troubles += 1
        yield
        await asyncio.sleep(after_s)
        for each in some:
            each.troubles -= 1


def _place_of(trouble: Trouble) -> str:
    """What has one trouble at a time."""
    if trouble.kind is Kind.DISK_FULL:
        return DISK
    return SERVER if trouble.kind in SERVER_KINDS else trouble.target
