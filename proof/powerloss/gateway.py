"""`yuanlu serve` with a checkpoint after every few units, so that a short recording has many of them, and with its mark
written by calls that the recording sees.

    python -m proof.powerloss.gateway WEAKNESS serve --config FILE

WEAKNESS is `none`, or one of `WEAKNESSES`: a guard taken away, which the images must then show.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from yuanlu import wiring
from yuanlu.cli.main import main
from yuanlu.db import sqlite
from yuanlu.journal import mark, sqlite_store, writer
from yuanlu.journal.mark import Mark
from yuanlu.journal.unit import Committed, SendPermit

UNITS_PER_CHECKPOINT = 60


def _normal() -> None:
    """Commits are not synced (synchronous=NORMAL)."""
    rules: Any = sqlite._WRITER
    weak = [("synchronous", "NORMAL", 1) if rule[0] == "synchronous" else rule for rule in rules]
    sqlite._WRITER = tuple(weak)  # type: ignore[assignment]


def _early() -> None:
    """`commit` says that it is durable before anything is written."""
    real = writer.Journal.commit
    running: set[asyncio.Task[Any]] = set()

    async def commit(self: Any, facts: Any, changes: Any = ()) -> Any:
        task = asyncio.get_running_loop().create_task(real(self, facts, changes))
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.sleep(0)
        last = facts[-1] if facts else None
        return Committed(permit=SendPermit(last.subject_id if last else "", last.version if last else 0))

    writer.Journal.commit = commit  # type: ignore[method-assign]


def _unsynced() -> None:
    """The mark gets its name before its content is durable, and nobody makes the name durable."""
    module: Any = mark
    module.os = SimpleNamespace(**{**vars(os), "fsync": lambda _file: None})
    module.sync_folder = lambda _folder: None


def _ahead() -> None:
    """The mark tells of a commit before it is written; the gateway that was killed would not even start again."""
    module: Any = wiring
    module.refuse_older = lambda *_: None
    real = Mark.note

    def note(self: Mark, seq: int) -> None:
        real(self, seq + 1)

    Mark.note = note  # type: ignore[method-assign]


def _seen() -> None:
    """A store into mapped memory is no call: the same bytes are written where they are already, so that one is seen."""
    real = Mark.note

    def note(self: Mark, seq: int) -> None:
        real(self, seq)
        os.pwrite(self._file, self._slot(seq), self._at)

    Mark.note = note  # type: ignore[method-assign]


WEAKNESSES: dict[str, Callable[[], None]] = {
    "normal": _normal, "early": _early, "mark unsynced": _unsynced, "mark ahead": _ahead
}  # fmt: skip
"""Each takes one guard of the durability rules away."""

if __name__ == "__main__":
    sqlite_store.UNITS_PER_CHECKPOINT = UNITS_PER_CHECKPOINT
    _seen()
    weakness = sys.argv.pop(1)
    if weakness != "none":
        WEAKNESSES[weakness]()
    main()
