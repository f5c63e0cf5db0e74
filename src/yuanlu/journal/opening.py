"""Open a journal: lock, check, register as a writer."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from yuanlu.journal.tables import writers
from yuanlu.journal.tasks import release_all
from yuanlu.kernel.clock import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """This process as a writer; `clean` is False when the one before ended without saying so."""

    writer_id: int
    clean: bool


def register(connection: Connection, now: Moment, process_id: int) -> Writer:
    """A new writer, with a sequence of its own. No lease of a former one counts any more."""
    last = connection.execute(select(writers).order_by(writers.c.writer_id.desc()).limit(1)).first()
    writer_id = last.writer_id + 1 if last is not None else 1
    connection.execute(
        insert(writers).values(
            writer_id=writer_id, boot_id=now.boot_id, process_id=process_id, started_at_us=now.wall_us
        )
    )
    release_all(connection, now.wall_us)
    return Writer(writer_id=writer_id, clean=last is None or last.stopped_at_us is not None)


def sign_off(connection: Connection, writer_id: int, now: Moment) -> None:
    """This writer stopped in good order."""
    connection.execute(update(writers).where(writers.c.writer_id == writer_id).values(stopped_at_us=now.wall_us))
