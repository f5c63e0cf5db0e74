"""How far this gateway's journal had come when it last told anybody anything: a file beside the key file.

A database that is restored from an older backup, or a standby that is promoted without the last commits, does not know
that hosts have taken money since. So after each commit, and before anything is sent on its strength, the writer's
number and sequence are written into a small file away from the database; each start compares. The file is mapped and
not synced: it outlives a killed process and a lost database server, and after a power loss it may lag, but never be
ahead. (A `pwrite` for each commit waits for the disk whenever a sync is under way, and halved the throughput.)

No power cut leaves a mark that cannot be read. A new one gets its name when its content is durable, and older ones go
when that name is. Two slots take turns, each in a sector of its own and with a checksum: whichever is torn, the other
counts.
"""

import fcntl
import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from yuanlu.db.errors import StoreError
from yuanlu.db.sqlite import sync_folder
from yuanlu.journal.store import Writer
from yuanlu.journal.tables import facts, writers

_NUMBERS = struct.Struct("=3Q")
"""The writer, when it started, and how far it has come: all that a mark of before the slots holds."""

_CHECK_BYTES = 4
_SLOT_BYTES = _NUMBERS.size + _CHECK_BYTES
_SLOTS_AT = (0, 512)
"""A disk writes sectors of 512 bytes or more."""

_FILE_BYTES = _SLOTS_AT[-1] + _SLOT_BYTES


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
        """Make the file, durably. Raises StoreError when it cannot be written."""
        self.path = Path(f"{key_file}.mark-{writer.writer_id}")
        self._writer = (writer.writer_id, writer.started_at_us)
        self._at, self._next_at = _SLOTS_AT
        draft = Path(f"{self.path}.new")
        try:
            self._file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(self._file, self._slot(0).ljust(self._next_at, b"\0") + self._slot(0), 0)
            os.fsync(self._file)
            draft.rename(self.path)
            sync_folder(self.path.parent)
            self._map = mmap.mmap(self._file, _FILE_BYTES)
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be written ({error}); the key file's folder must be writable"
            ) from None

    def note(self, seq: int) -> None:
        """All up to this number is durable, and may be told from now on."""
        self._at, self._next_at = self._next_at, self._at
        self._map[self._at : self._at + _SLOT_BYTES] = self._slot(seq)

    def _slot(self, seq: int) -> bytes:
        numbers = _NUMBERS.pack(*self._writer, seq)
        return numbers + zlib.crc32(numbers).to_bytes(_CHECK_BYTES, sys.byteorder)

    def close(self) -> None:
        """The file stays, for the next start."""
        self._map.close()
        os.close(self._file)


def read_marks(key_file: Path) -> list[Reached]:
    """All marks beside the key file, those of gateways that run beside us, too. Raises StoreError for a damaged one.

    Read before the database is, which can then only be ahead.
    """
    found = []
    for path in sorted(key_file.parent.glob(f"{key_file.name}.mark-*[0-9]")):  # not a draft that a power cut left
        reached = max(_whole(path.read_bytes()), key=lambda numbers: numbers[2], default=None)
        if reached is None:
            raise StoreError(f"{path} is damaged; compare the journal's end with the hosts' files, then remove it")
        writer_id, started_at_us, seq = reached
        found.append(Reached(path=path, writer_id=writer_id, started_at_us=started_at_us, seq=seq))
    return found


def _whole(content: bytes) -> Iterator[tuple[int, int, int]]:
    """The numbers of each slot that is not torn."""
    if len(content) == _NUMBERS.size:
        yield _NUMBERS.unpack(content)
        return
    for at in _SLOTS_AT:
        numbers, check = content[at : at + _NUMBERS.size], content[at + _NUMBERS.size : at + _SLOT_BYTES]
        if len(check) == _CHECK_BYTES and zlib.crc32(numbers) == int.from_bytes(check, sys.byteorder):
            yield _NUMBERS.unpack(numbers)


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
