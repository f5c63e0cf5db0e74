"""Open one image as after a power cut, with the real code, and hold it against what had been promised.

An image has the journal in `data`, and beside that folder the marks of how far it had come. SQLite recovers each image
anew. What it then holds is the database file and the frames of its log up to the last commit: where an image equals
another in these, byte by byte, it holds the same journal, and what was read of that one is known.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DatabaseError

from proof.powerloss.disk import Image
from proof.powerloss.promises import Promised
from yuanlu.db.errors import StoreError
from yuanlu.db.sqlite import database_path, integrity_problem, writer_engine
from yuanlu.journal.frames import unpack
from yuanlu.journal.mark import Reached, read_marks, refuse_older

LOG_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
PAGE_SIZE_AT = slice(8, 12)
"""Of SQLite's write-ahead log (sqlite.org/fileformat2.html, section 4)."""

JOURNALS_KEPT = 16
"""The journals that are remembered: images of one moment have few, and soon nobody has them any more."""


@dataclass(slots=True, kw_only=True, eq=False)
class Journal:
    """What one recovered journal holds. `wrong` is what is wrong with it whatever was promised."""

    file: bytes
    log: bytes
    has_tables: bool = False
    wrong: list[str] = field(default_factory=list)
    stored: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    behind: dict[tuple[tuple[int, int, int], ...], list[str]] = field(default_factory=dict)
    """What the marks say of it, by the marks."""


def lay_out(image: Image, recorded: str, place: Path) -> None:
    """Make the image's files all that is in `place` and its folder `data`.

    They are new files: SQLite knows one again by its inode, and so would whoever has not let go of the image before.
    """
    for folder in (place, place / "data"):
        for left in os.scandir(folder):
            if left.is_file():
                os.unlink(left.path)
    for name, content in image.items():
        file = os.open(place / name.removeprefix(f"{recorded}/"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, content)
        finally:
            os.close(file)


class Checker:
    """Checks one image after the other in the folder `place`; `recorded` is the folder as the recording names it."""

    def __init__(self, recorded: str, place: Path) -> None:
        self._recorded, self._place = recorded, place
        self._path = database_path("sqlite:///journal.db", str(place / "data"))
        self._engine: Engine | None = None
        self._known: list[Journal] = []

    def problems(self, image: Image, promised: Promised) -> list[str]:
        """What is wrong with this image after a power cut; empty when all is as promised."""
        lay_out(image, self._recorded, self._place)
        frames = promised.frames.total()
        try:
            marks = read_marks(self._place / "keys.toml")
        except StoreError as error:
            return [str(error)]
        if promised.writer_id > max((mark.writer_id for mark in marks), default=0):
            return [f"writer {promised.writer_id} had sent frames, and no mark knows of it"]
        if not image.get(f"{self._recorded}/data/journal.db"):
            if marks:
                return ["the journal is gone, and a mark knows of one"]
            return [f"the journal is gone, and {frames} frames had been sent"] if frames else []
        try:
            engine = self._opened()
        except (StoreError, DatabaseError) as error:
            return [f"it cannot be opened: {error}"]
        try:
            with engine.connect() as connection:
                journal = self._journal(connection, image)
                if journal.wrong:
                    return journal.wrong
                if not journal.has_tables:
                    if marks:
                        return ["the journal is empty, and a mark knows of one that is not"]
                    return [f"the journal is empty, and {frames} frames had been sent"] if frames else []
                return [*_lost(journal, promised), *_behind(connection, journal, marks)]
        finally:
            engine.dispose()

    def _opened(self) -> Engine:
        """The gateway's own engine, connected: SQLite has recovered the image. Raises StoreError, DatabaseError."""
        if self._engine is None:
            self._engine = writer_engine(self._path)
        else:
            with self._engine.connect():
                pass
        return self._engine

    def _journal(self, connection: Connection, image: Image) -> Journal:
        """What this image holds, read if none of the last ones held the same."""
        file = image[f"{self._recorded}/data/journal.db"]
        log = _valid(connection, image.get(f"{self._recorded}/data/journal.db-wal", b""))
        for place, known in enumerate(self._known):
            if known.log == log and known.file == file:
                self._known.insert(0, self._known.pop(place))
                return known
        journal = _read(connection, self._path, Journal(file=file, log=log))
        self._known = [journal, *self._known[: JOURNALS_KEPT - 1]]
        return journal


def _valid(connection: Connection, log: bytes) -> bytes:
    """As much of the log as SQLite took when it recovered."""
    raw = connection.connection.driver_connection
    assert raw is not None
    _, frames, _ = raw.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
    if frames <= 0:
        return b""
    page_bytes = int.from_bytes(log[PAGE_SIZE_AT])
    return log[: LOG_HEADER_BYTES + frames * (FRAME_HEADER_BYTES + page_bytes)]


def _read(connection: Connection, path: Path, journal: Journal) -> Journal:
    """Everything that is asked of a journal, whatever was promised."""
    damage = integrity_problem(path)
    if damage is not None:
        journal.wrong.append(f"the database is damaged: {damage}")
        return journal
    journal.has_tables = _has_tables(connection)
    if journal.has_tables:
        rows = connection.execute(text("SELECT frames FROM facts WHERE length(frames) > 0"))
        journal.stored.update(
            (each.direction.value.decode(), each.masked) for row in rows for each in unpack(row.frames)
        )
        journal.wrong += _torn(connection)
    return journal


def _has_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'facts'")).first())


def _lost(journal: Journal, promised: Promised) -> list[str]:
    """Frames that were sent and are not in the journal."""
    stored = journal.stored
    return [
        f"{'to a terminal' if direction == 't' else 'to the host'} went {count} times {frame.hex()}, and the journal "
        f"has it {stored[direction, frame]} times"
        for (direction, frame), count in promised.frames.items()
        if stored[direction, frame] < count
    ]


def _behind(connection: Connection, journal: Journal, marks: Sequence[Reached]) -> list[str]:
    """The gateway would take this journal for an older one, and a person had to come."""
    said = tuple((mark.writer_id, mark.started_at_us, mark.seq) for mark in marks)
    if said not in journal.behind:
        try:
            refuse_older(connection, "the journal", marks)
        except StoreError as error:
            journal.behind[said] = [str(error)]
        else:
            journal.behind[said] = []
    return journal.behind[said]


def _torn(connection: Connection) -> list[str]:
    """Units that are there in part: a writer's sequence with a gap, a state that its facts do not reach."""
    found = []
    gaps = connection.execute(
        text("SELECT writer_id, count(*) n, max(writer_seq) top FROM facts GROUP BY writer_id HAVING n <> top")
    )
    found += [f"writer {row.writer_id}: {row.n} facts, and the last is number {row.top}" for row in gaps]
    behind = connection.execute(
        text(
            "SELECT t.transaction_id, t.version, max(f.version) latest FROM transactions t LEFT JOIN facts f"
            " ON f.merchant_id = t.merchant_id AND f.subject_id = t.transaction_id"
            " GROUP BY t.transaction_id HAVING latest IS NULL OR latest <> t.version"
        )
    )
    found += [f"transaction {row.transaction_id} is at {row.version}, its facts at {row.latest}" for row in behind]
    return found
