"""The gateway's nest: everything is imported once, then each life of the gateway is a fork of it that runs
`yuanlu serve`. A life is a process of its own, killed and exiting like any other; only its start takes a tenth.

    python -m proof.processes.gateway CLOCK

CLOCK is a file of 8 bytes that all lives look at: by how many microseconds their wall clock is ahead of the system's.
CLOCK_BOOTTIME goes on as it does when somebody sets a machine's clock. (libfaketime cannot stand in: with a monotonic
clock of its own it fails sleeps, EINVAL, and without it, CLOCK_BOOTTIME jumps along.)

Commands come on standard input, one a line, fields separated by tabs: `start NUMBER CONFIG LOG FAULT`. FAULT is empty,
or the name of a failure point of libfiu that fails with EIO once, at random; it needs `fiu_posix_preload.so` in
LD_PRELOAD. What happens is said on standard output: `ready 0 0`, `born NUMBER PID`, `ended NUMBER CODE`, the code of a
signal being below 0.
"""

import ctypes
import errno
import mmap
import os
import select
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec
import uvloop  # noqa: F401 - imported for the lives

from yuanlu import settings, wiring  # noqa: F401 - imported for the lives
from yuanlu.cli import logs  # noqa: F401 - imported for the lives
from yuanlu.cli.main import main
from yuanlu.kernel.clock import Moment, SystemClock

CLOCK = struct.Struct("=q")
FAILS_ONCE = 1
"""libfiu's FIU_ONETIME."""
FAILURE_PROBABILITY = 0.03
"""Of each call: within a second or so of load, rarely at the first."""


def nest(clock: Path) -> None:
    """Do what standard input says until it ends; then nothing of the nest lives on."""
    shift_wall_clock(clock)
    lives: dict[int, tuple[int, int]] = {}
    _say("ready 0 0")
    try:
        while True:
            ready, _, _ = select.select([0, *lives], [], [])
            for descriptor in ready:
                if descriptor:
                    number, pid = lives.pop(descriptor)
                    os.close(descriptor)
                    _, status = os.waitpid(pid, 0)
                    _say(f"ended {number} {os.waitstatus_to_exitcode(status)}")
                    continue
                line = _read_line()
                if not line:
                    return
                _, name, config, log, fault = line.rstrip("\n").split("\t")
                pid = os.fork()
                if pid == 0:
                    _live(config, log, fault)
                lives[os.pidfd_open(pid)] = (int(name), pid)
                _say(f"born {name} {pid}")
    finally:
        for _, pid in lives.values():
            os.kill(pid, signal.SIGKILL)


def _read_line() -> str:
    """One command, byte by byte: nothing may wait in a buffer that `select` does not see."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return ""
        line += byte
    return line.decode()


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _live(config: str, log: str, fault: str) -> NoReturn:
    """The forked process: from here on it is `yuanlu serve` and nothing else."""
    code = 1
    try:
        os.setsid()
        nothing, said = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for target, source in ((0, nothing), (1, said), (2, said)):
            os.dup2(source, target)
        if fault:
            fail_once(fault)
        sys.argv = ["yuanlu", "serve", "--config", config]
        main()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def fail_once(point: str) -> None:
    """Let one call at this failure point of libfiu return EIO, at a random time."""
    libfiu = ctypes.CDLL("libfiu.so.0")
    libfiu.fiu_enable_random(
        point.encode(), 1, ctypes.c_void_p(errno.EIO), FAILS_ONCE, ctypes.c_float(FAILURE_PROBABILITY)
    )


def shift_wall_clock(path: Path) -> None:
    """The system's wall clock is ahead by what this file says, from now on and whenever it changes."""
    with path.open("rb") as file:
        page = mmap.mmap(file.fileno(), CLOCK.size, prot=mmap.PROT_READ)

    def ahead_us() -> int:
        ahead: int = CLOCK.unpack(page)[0]
        return ahead

    real_now: Callable[[SystemClock], Moment] = SystemClock.now
    real_wall_us: Callable[[SystemClock], int] = SystemClock.wall_us

    def now(self: SystemClock) -> Moment:
        read = real_now(self)
        return msgspec.structs.replace(read, wall_us=read.wall_us + ahead_us())

    SystemClock.now = now  # type: ignore[method-assign]
    SystemClock.wall_us = lambda self: real_wall_us(self) + ahead_us()  # type: ignore[method-assign]


if __name__ == "__main__":
    nest(Path(sys.argv[1]))
