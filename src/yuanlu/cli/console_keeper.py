"""`yuanlu serve` keeps the console running: a process of its own, started again when it ends."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import structlog

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
STEADY_S = 60.0
"""After so long the next wait is the first one again."""
STOP_S = 5.0

_log = structlog.get_logger("yuanlu")


class ConsoleKeeper:
    """Starts `yuanlu console` and starts it again; payments do not depend on it."""

    def __init__(self, config: Path) -> None:
        command = ("console", "--watched", str(os.getpid()), "--config", str(config))
        self._command = [sys.executable, "-m", "yuanlu.cli", *command]
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        """End it, and wait until it is gone."""
        if self._keeping is None:
            return
        self._keeping.cancel()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                self._process.kill()

    async def _keep(self) -> None:
        loop, wait_s = asyncio.get_running_loop(), FIRST_WAIT_S
        while True:
            began = loop.time()
            self._process = await asyncio.create_subprocess_exec(*self._command, stdin=asyncio.subprocess.DEVNULL)
            code = await self._process.wait()
            wait_s = FIRST_WAIT_S if loop.time() - began > STEADY_S else min(wait_s * 2, LONGEST_WAIT_S)
            _log.warning("the console ended; it is started again", exit_code=code, in_s=wait_s)
            await asyncio.sleep(wait_s)
