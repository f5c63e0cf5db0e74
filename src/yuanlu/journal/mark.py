"""How far this gateway's journal had come when it last told anybody anything: a file beside the key file.

A database that is restored from an older backup, or a standby that is promoted without the last commits, does not know
that hosts have taken money since. So after each commit, and before anything is sent on its strength, the writer's
number and sequence are written into a small file away from the database; each start compares. The file is mapped and
not synced: it outlives a killed process and a lost database server, and after a power loss it may lag, but never be
ahead. (A `pwrite` for each commit waits for the disk whenever a sync is under way, and halved the throughput.)
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from yuanlu.db.errors import StoreError
from yuanlu.journal.store import Writer
from yuanlu.journal.tables import facts, writers

_NUMBERS = struct.Struct("=3Q")
"""The writer, when it started, and how far it has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a mark says: this writer, which started then, had come to this number of its sequence."""

    path: Path
    writer_id: int
    started_at_us: int
    seq: int


class Mark:
    """The mark of a running gateway; held under a lock, so that no other start takes it for a dead one's."""

    def __init__(self, key_file: Path, writer: Writer) -> None:
        """Make the file. Raises StoreError when it cannot be written."""
        self.path = Path(f"{key_file}.mark-{writer.writer_id}")
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(self._file, _NUMBERS.pack(writer.writer_id, writer.started_at_us, 0), 0)
            os.fsync(self._file)
            self._map = mmap.mmap(self._file, _NUMBERS.size)
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error}); the key file's folder must be writable"
            ) from None
        self._numbers = memoryview(self._map).cast("Q")

    def note(self, seq: int) -> None:
        """All up to this number is durable, and may be told from now on. Eight aligned bytes, so never half of it."""
        self._numbers[2] = seq

    def close(self) -> None:
        """The file stays, for the next start."""
        self._numbers.release()
        self._map.close()
        os.close(self._file)


def read_marks(key_file: Path) -> list[Reached]:
    """All marks beside the key file, those of gateways that run beside us, too. Raises StoreError for a damaged one.

    Read before the database is, which can then only be ahead.
    """
    found = []
    for path in sorted(key_file.parent.glob(f"{key_file.name}.mark-*")):
        content = path.read_bytes()
        if len(content) != _NUMBERS.size:
            raise StoreError(f"{path} is damaged; compare the journal's end with the hosts' files, then remove it")
        writer_id, started_at_us, seq = _NUMBERS.unpack(content)
        found.append(Reached(path=path, writer_id=writer_id, started_at_us=started_at_us, seq=seq))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A mark that is ahead of the journal, which ends at `reached` for this writer."""

    mark: Reached
    reached: int

    def __str__(self) -> str:
        return f"writer {self.mark.writer_id} had come to {self.mark.seq}, the journal ends at {self.reached}"


def behind(connection: Connection, marks: Sequence[Reached]) -> list[Behind]:
    """Where the journal lacks what hosts and terminals were told."""
    found = []
    for mark in marks:
        known = connection.execute(
            select(writers.c.writer_id).where(
                writers.c.writer_id == mark.writer_id, writers.c.started_at_us == mark.started_at_us
            )
        ).first()
        last = select(func.max(facts.c.writer_seq)).where(facts.c.writer_id == mark.writer_id)
        reached = (connection.execute(last).scalar() or 0) if known is not None else 0
        if known is None or reached < mark.seq:
            found.append(Behind(mark=mark, reached=reached))
    return found


def refuse_older(connection: Connection, name: str, marks: Sequence[Reached]) -> None:
    """StoreError when the journal lacks what hosts and terminals were told."""
    for each in behind(connection, marks):
        raise StoreError(
            f"{name} is older than what this gateway has told hosts: {each}. Bring back the newest journal; only if it "
            "is lost for good: yuanlu db accept-restored (see 'An older journal' in docs/operations.md)"
        )


def remove_old(marks: Sequence[Reached]) -> None:
    """What has been compared, and belongs to nobody who runs, has done its duty: our own mark stands for it."""
    for mark in marks:
        with mark.path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            mark.path.unlink(missing_ok=True)
