"""Open one image as after a power cut, with the real code, and hold it against what had been promised."""

import contextlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from proof.powerloss.disk import Image
from proof.powerloss.promises import Promise
from yuanlu.db.errors import StoreError
from yuanlu.db.sqlite import database_path, integrity_problem, writer_engine
from yuanlu.journal.frames import unpack


def lay_out(image: Image, recorded: str, folder: Path) -> None:
    """Write the image's files into `folder`, which is emptied first."""
    for left in folder.iterdir():
        left.unlink()
    for name, content in image.items():
        (folder / name.removeprefix(f"{recorded}/")).write_bytes(content)


def problems(folder: Path, promised: Iterable[Promise]) -> list[str]:
    """What is wrong with the journal in `folder` after a power cut; empty when all is as promised."""
    path = database_path("sqlite:///journal.db", str(folder))
    wanted = Counter(promise.key for promise in promised)
    if not path.exists() or not path.stat().st_size:
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
                return [f"the journal is empty, and {sum(wanted.values())} frames had been sent"] if wanted else []
            return [*_lost(connection, wanted), *_torn(connection)]
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
