"""A simulated host whose books survive kill -9: what comes in is in a file before it is worked on.

    python -m proof.processes.host CONFIG

The sandbox's host decides by what comes in, when, and by the chance of its seed, and by nothing else; so its books are
made again from the file of what came in, by the next life and by the judge. A message that was held up on its way when
its host died never arrives. The file is sealed with the sandbox's key: frames hold card numbers, if synthetic ones.
"""

import asyncio
import os
import random
import signal
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from yuanlu.iso8583.codec import codec_for
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.fault_board import FaultBoard
from yuanlu.sandbox.host import HostServer
from yuanlu.sandbox.host_actions import Action, HeldMessage, Resume
from yuanlu.sandbox.host_core import HostCore
from yuanlu.sandbox.host_keys import HostKeys
from yuanlu.sandbox.host_terms import HostTerms

ENTRY = struct.Struct("=qii")
"""Wall time in microseconds, the number of the held message that came now or FRAME, the length of what follows."""
FRAME = -1
SEALED_FOR = "what came into a simulated host"


class HostFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole CONFIG file, JSON: the host, the key file, and the file of what came in."""

    terms: HostTerms
    keys: str
    came_in: str


class LastingHost(HostCore):
    """A host that writes down what comes in, and has done all that is written down when it is made."""

    def __init__(self, file: HostFile) -> None:
        terms = file.terms
        # Its own random bytes: the working keys of a life before are made again, too.
        store = SoftwareKeyStore.open(Path(file.keys), mode="sandbox", random_bytes=_chance(terms, "keys").randbytes)
        super().__init__(
            terms=terms,
            codec=codec_for(terms.dialect),
            keys=HostKeys(terms, store),
            faults=FaultBoard(_chance(terms, "faults")),
            chance=_chance(terms, "host"),
        )
        self._on_their_way: list[HeldMessage] = []
        self._sealing = SoftwareKeyStore.open(Path(file.keys), mode="sandbox", random_bytes=os.urandom)
        self._file = os.open(file.came_in, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        for number, now_us, frame in self._past(Path(file.came_in)):
            if number == FRAME:
                self._noted(super().handle(frame, now_us))
            else:
                self._noted(super().resume(self._on_their_way[number], now_us))

    def handle(self, frame: bytes, now_us: int) -> list[Action]:
        """Write down, then as any host."""
        sealed = self._sealing.seal(frame, SEALED_FOR)
        os.write(self._file, ENTRY.pack(now_us, FRAME, len(sealed)) + sealed)
        return self._noted(super().handle(frame, now_us))

    def resume(self, held: HeldMessage, now_us: int) -> list[Action]:
        """Write down, then as any host."""
        number = next(n for n, each in enumerate(self._on_their_way) if each is held)
        os.write(self._file, ENTRY.pack(now_us, number, 0))
        return self._noted(super().resume(held, now_us))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _noted(self, actions: list[Action]) -> list[Action]:
        self._on_their_way += [action.held for action in actions if isinstance(action, Resume)]
        return actions

    def _past(self, path: Path) -> Iterator[tuple[int, int, bytes]]:
        """All that is written down; an entry that a kill cut short was never worked on, and goes."""
        content, at = path.read_bytes(), 0
        while at + ENTRY.size <= len(content):
            now_us, number, length = ENTRY.unpack_from(content, at)
            sealed = content[at + ENTRY.size : at + ENTRY.size + length]
            if len(sealed) < length:
                break
            at += ENTRY.size + length
            yield number, now_us, self._sealing.unseal(sealed, SEALED_FOR) if length else b""
        os.ftruncate(self._file, at)


def _chance(terms: HostTerms, of: str) -> random.Random:
    return random.Random(f"{terms.seed}/{of}")


def lasting_host(config: Path) -> LastingHost:
    """The host of CONFIG with all its past."""
    return LastingHost(msgspec.json.decode(config.read_bytes(), type=HostFile))


async def _serve(config: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = HostServer(lasting_host(config), SystemClock())
    await server.start()
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))
