"""Open one image as after a power cut, with the real code, and hold it against what had been promised.

An image has the journal in `data`, and beside that folder the marks of how far it had come.
"""

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from proof.powerloss.disk import Image
from proof.powerloss.promises import Promise
from yuanlu.db.errors import StoreError
from yuanlu.db.sqlite import database_path, integrity_problem, writer_engine
from yuanlu.journal.frames import unpack
from yuanlu.journal.mark import Reached, read_marks, refuse_older


def lay_out(image: Image, recorded: str, place: Path) -> None:
    """Write the image's files into `place` and its folder `data`, which are emptied first."""
    for left in [*place.iterdir(), *(place / "data").iterdir()]:
        if left.is_file():
            left.unlink()
    for name, content in image.items():
        (place / name.removeprefix(f"{recorded}/")).write_bytes(content)


def problems(place: Path, promised: Sequence[Promise]) -> list[str]:
    """What is wrong with the image in `place` after a power cut; empty when all is as promised."""
    path = database_path("sqlite:///journal.db", str(place / "data"))
    wanted = Counter(promise.key for promise in promised)
    try:
        marks = read_marks(place / "keys.toml")
    except StoreError as error:
        return [str(error)]
    if promised and promised[-1].writer_id > max((mark.writer_id for mark in marks), default=0):
        return [f"writer {promised[-1].writer_id} had sent frames, and no mark knows of it"]
    if not path.exists() or not path.stat().st_size:
        if marks:
            return ["the journal is gone, and a mark knows of one"]
        return [f"the journal is gone, and {sum(wanted.values())} frames had been sent"] if wanted else []
    try:
        engine = writer_engine(path)
    except (StoreError, DatabaseError) as error:
        return [f"it cannot be opened: {error}"]
    try:
        with contextlib.closing(engine.raw_connection()):
            pass
        damage = integrity_problem(path)
        if damage is not None:
            return [f"the database is damaged: {damage}"]
        with engine.connect() as connection:
            if not _has_tables(connection):
                if marks:
                    return ["the journal is empty, and a mark knows of one that is not"]
                return [f"the journal is empty, and {sum(wanted.values())} frames had been sent"] if wanted else []
            return [*_lost(connection, wanted), *_torn(connection), *_behind(connection, marks)]
    finally:
        engine.dispose()


def _has_tables(connection: Connection) -> bool:
    return bool(connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'facts'")).first())


def _lost(connection: Connection, wanted: Counter[tuple[str, bytes]]) -> list[str]:
    """Frames that were sent and are not in the journal."""
    rows = connection.execute(text("SELECT frames FROM facts WHERE length(frames) > 0"))
    stored = Counter((each.direction.value.decode(), each.masked) for row in rows for each in unpack(row.frames))
    return [
        f"{'to a terminal' if direction == 't' else 'to the host'} went {count} times {frame.hex()}, and the journal "
        f"has it {stored[direction, frame]} times"
        for (direction, frame), count in wanted.items()
        if stored[direction, frame] < count
    ]


def _behind(connection: Connection, marks: Sequence[Reached]) -> list[str]:
    """The gateway would take this journal for an older one, and a person had to come."""
    try:
        refuse_older(connection, "the journal", marks)
    except StoreError as error:
        return [str(error)]
    return []


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
