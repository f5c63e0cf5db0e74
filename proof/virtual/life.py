"""One life of the gateway: it may be stopped at any of its steps, as kill -9 would.

A step is a commit about to be written, a commit just written, or data just sent.
"""

import asyncio
import fcntl
from collections.abc import Callable
from pathlib import Path

from proof.virtual.loop import Stopped
from proof.virtual.process import Process, tasks_of
from yuanlu.journal.sqlite_store import SqliteStore
from yuanlu.wiring import GatewayProcess


class Life(Process):
    """One life of the gateway, which ends at the first of its steps that `stops` it."""

    def __init__(self, folder: Path, stops: Callable[[int], bool]) -> None:
        super().__init__(f"gateway in {folder.name}")
        self.folder = folder
        self.steps: list[str] = []
        self.ended = asyncio.get_running_loop().create_future()
        self.gateway: GatewayProcess | None = None
        self._stops = stops
        self.sent = self._data_sent

    def let_go(self) -> None:
        """Close its files: a killed process would have."""
        if self.gateway is None:
            return
        store, mark = self.gateway._store, self.gateway.journal._mark
        assert isinstance(store, SqliteStore)
        store._pooled.close()
        store.engine.dispose()
        store.readers.dispose()
        store._checkpointer.close()
        store._lock.close()
        if mark is not None:
            mark.close()

    def before_commit(self) -> None:
        """A commit is about to be written. Raises Stopped when the process ends here."""
        if self._step("before a commit"):
            raise Stopped

    def after_commit(self) -> None:
        """A commit has just been written. Raises Stopped when the process ends here."""
        if self._step("after a commit"):
            raise Stopped

    def _data_sent(self, _data: bytes) -> None:
        self._step("sent")

    def _step(self, what: str) -> bool:
        if self.dead:
            return False
        self.steps.append(what)
        if self._stops(len(self.steps) - 1):
            self.stop()
            return True
        return False

    def stop(self) -> None:
        """kill -9: nothing of it runs on, and its locks are gone."""
        self.kill()
        if self.gateway is not None and self.gateway.journal._mark is not None:
            fcntl.flock(self.gateway.journal._mark._file, fcntl.LOCK_UN)
        for task in tasks_of(self):
            task.get_loop().call_soon(task.cancel)
        if not self.ended.done():
            self.ended.set_result(None)
