"""Carries the plan's troubles out on the real processes, and takes them back."""

import asyncio
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from proof.processes.disk import SmallDisk
from proof.processes.lives import Lives
from proof.processes.plan import Kind, Trouble
from proof.processes.proxy import FAIR, Proxy
from proof.processes.world import World
from yuanlu.sandbox.children import Child

DISK = "disk"
AFTER_FULL_S = 1.0
"""A life that met the full disk may end a little later."""
HOUR_US = 3_600_000_000


class Troublemaker:
    """Several troubles may last at once, but each line, host and disk has one at a time."""

    def __init__(
        self,
        *,
        world: World,
        lives: Lives,
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

    async def make(self, plan: Iterator[Trouble]) -> None:
        """One after the other, until cancelled; what has no free place is left out."""
        for trouble in plan:
            await asyncio.sleep(trouble.pause_s)
            place = DISK if trouble.kind is Kind.DISK_FULL else trouble.target
            if place in self._lasting:
                continue
            await self.carry_out(trouble)
            if trouble.lasts_s:
                self._lasting[place] = asyncio.create_task(self._end_after(trouble, place))

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
                self._lives.disk_is_full = True
                self._disk.fill(trouble.spare_kib)
            case Kind.IO_ERROR:
                self._lives.next_fault = trouble.fault
            case Kind.CLOCK:
                self._ahead_us += trouble.hours * HOUR_US
                with self._world.clock.open("r+b", buffering=0) as file:
                    file.write(struct.pack("=q", self._ahead_us))

    async def heal(self) -> None:
        """Everything that lasts ends now."""
        self.stop()
        await asyncio.gather(*self._lasting.values(), return_exceptions=True)
        self._lasting.clear()
        for proxy in self._proxies.values():
            await proxy.change(FAIR)
        self._lives.next_fault = ""
        if self._disk is not None:
            self._disk.free()
            await asyncio.sleep(AFTER_FULL_S)
        self._lives.disk_is_full = False
        self._note("all is well again")

    def stop(self) -> None:
        """Take nothing back any more."""
        for task in self._lasting.values():
            task.cancel()

    async def _end_after(self, trouble: Trouble, place: str) -> None:
        await asyncio.sleep(trouble.lasts_s)
        if trouble.kind is Kind.DISK_FULL:
            assert self._disk is not None
            self._disk.free()
            await asyncio.sleep(AFTER_FULL_S)
            self._lives.disk_is_full = False
        else:
            await self._proxies[trouble.target].change(FAIR)
        self._note(f"{place} is well again")
        with suppress(KeyError):
            del self._lasting[place]
