"""Enter a journal as a writer, and leave it."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select, text, update

from yuanlu.journal.store import Writer
from yuanlu.journal.tables import writers
from yuanlu.journal.tasks import release_all
from yuanlu.kernel.clock import Moment

GATEWAY, VISITOR = "gateway", "visitor"
"""The one that serves, and a command that writes for a moment."""


def register(connection: Connection, now: Moment, process_id: int) -> Writer:
    """A new writer, with a sequence of its own. No lease of a former one counts any more."""
    query = select(writers).where(writers.c.role == GATEWAY).order_by(writers.c.writer_id.desc()).limit(1)
    last = connection.execute(query).first()
    writer_id = enter(connection, now, process_id, GATEWAY)
    release_all(connection, now.wall_us)
    return Writer(writer_id=writer_id, started_at_us=now.wall_us, clean=last is None or last.stopped_at_us is not None)


def enter(connection: Connection, now: Moment, process_id: int, role: str = VISITOR) -> int:
    """The number of a new writer."""
    if connection.dialect.name == "postgresql":  # two that enter at once must not take the same number
        connection.execute(text("LOCK TABLE writers IN SHARE ROW EXCLUSIVE MODE"))
    writer_id = 1 + (connection.execute(select(func.max(writers.c.writer_id))).scalar() or 0)
    connection.execute(
        insert(writers).values(
            writer_id=writer_id, boot_id=now.boot_id, process_id=process_id, started_at_us=now.wall_us, role=role
        )
    )
    return writer_id


def gateways_gone(connection: Connection, live: str) -> list[int]:
    """Gateways that ended without saying so; `live` is the query for the numbers of those at work."""
    query = select(writers.c.writer_id).where(
        writers.c.role == GATEWAY, writers.c.stopped_at_us.is_(None), text(f"writer_id NOT IN ({live})")
    )
    return list(connection.execute(query).scalars())


def mark_gone(connection: Connection, gone: Sequence[int], now_us: int) -> None:
    """What they left is taken over."""
    connection.execute(
        update(writers)
        .where(writers.c.writer_id.in_(gone), writers.c.stopped_at_us.is_(None))
        .values(stopped_at_us=now_us)
    )


def sign_off(connection: Connection, writer_id: int, now: Moment) -> None:
    """This writer stopped in good order."""
    connection.execute(update(writers).where(writers.c.writer_id == writer_id).values(stopped_at_us=now.wall_us))
