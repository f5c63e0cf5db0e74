"""Reading the facts since the last look, writer by writer: (writer, sequence) has no gap, so nothing is missed.

Whoever follows the journal keeps a table of his own, one row for each writer that may still write: reading costs
payments nothing. A writer that has signed off and is read to its end needs no row any more; the row of writer 0 says up
to which writer all are known.
"""

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from yuanlu.journal.tables import facts, writers

ALL = 0
FACTS_MAX = 500


class Step(Struct, frozen=True, kw_only=True):
    """One writer's cursor: from where to where. `after` is None when the writer is done with."""

    writer_id: int
    before: int | None
    after: int | None


class News(Struct, frozen=True, kw_only=True):
    """Facts in the order of each writer, and how the cursors move when they are taken."""

    rows: list[Any]
    steps: list[Step]
    moved: bool = False
    """Whether any cursor moves."""


class Follower:
    """One who follows: the table of his cursors (`writer_id`, `writer_seq`), and the kinds of fact he wants."""

    def __init__(self, cursors: Table, kinds: Collection[str] = ()) -> None:
        """All kinds, if none is named."""
        self._cursors = cursors
        self._kinds = list(kinds)

    def started(self, connection: Connection) -> bool:
        """Whether it is read already."""
        own = select(self._cursors.c.writer_id).where(self._cursors.c.writer_id == ALL)
        return connection.execute(own).first() is not None

    def start(self, connection: Connection) -> None:
        """Read from now on; what was before is no news. Does nothing when it is read already."""
        table = self._cursors
        if self.started(connection):
            return
        last = connection.execute(select(func.max(writers.c.writer_id))).scalar() or 0
        rows = [(ALL, last)]
        at_work = select(writers.c.writer_id).where(writers.c.stopped_at_us.is_(None))
        for writer_id in connection.execute(at_work).scalars():
            rows.append((writer_id, _end(connection, writer_id)))
        for writer_id, seq in rows:
            connection.execute(insert(table).values(writer_id=writer_id, writer_seq=seq))

    def news(self, connection: Connection) -> News:
        """What has happened since; nothing before `start`."""
        known = {row.writer_id: row.writer_seq for row in connection.execute(select(self._cursors))}
        if ALL not in known:
            return News(rows=[], steps=[])
        low = known.pop(ALL)
        query = select(writers.c.writer_id, writers.c.stopped_at_us).where(
            (writers.c.writer_id > low) | writers.c.writer_id.in_(list(known))
        )
        everyone = connection.execute(query.order_by(writers.c.writer_id)).all()
        rows: list[Any] = []
        steps: list[Step] = []
        through = low
        for writer in everyone:
            room = FACTS_MAX - len(rows)
            if not room:
                break
            before = known.get(writer.writer_id)
            found, after = self._since(connection, writer.writer_id, before or 0, room)
            rows += found
            done = writer.stopped_at_us is not None and len(found) < room  # it has signed off, and is read to its end
            if done or before != after:
                steps.append(Step(writer_id=writer.writer_id, before=before, after=None if done else after))
            through = max(through, writer.writer_id)
        last = Step(writer_id=ALL, before=None, after=through)
        return News(rows=rows, steps=[*steps, last], moved=bool(steps) or through != low)

    def _since(self, connection: Connection, writer_id: int, seq: int, limit: int) -> tuple[list[Any], int]:
        """At most so many, and up to where they are read; by the unique index of (writer_id, writer_seq)."""
        end, fact = _end(connection, writer_id), facts.c
        query = (
            select(
                fact.merchant_id, fact.subject_id, fact.version, fact.kind, fact.at_us, fact.terminal_id,
                fact.writer_seq,
            )
            .where(fact.writer_id == writer_id, fact.writer_seq > seq, fact.writer_seq <= end)
            .order_by(fact.writer_seq)
            .limit(limit)
        )  # fmt: skip
        query = query.where(fact.kind.in_(self._kinds)) if self._kinds else query
        rows = list(connection.execute(query))
        return rows, rows[-1].writer_seq if len(rows) == limit else max(end, seq)

    def advance(self, connection: Connection, steps: list[Step]) -> bool:
        """Move the cursors; False, and nothing is to be kept, when somebody else was first."""
        return all(self._moved(connection, step) for step in steps)

    def _moved(self, connection: Connection, step: Step) -> bool:
        table = self._cursors
        own, seq = table.c.writer_id == step.writer_id, table.c.writer_seq
        if step.writer_id == ALL:
            connection.execute(update(table).where(own, seq < step.after).values(writer_seq=step.after))
            return True
        if step.before is None:
            if connection.execute(select(seq).where(own)).first() is not None:
                return False
            if step.after is not None:
                connection.execute(insert(table).values(writer_id=step.writer_id, writer_seq=step.after))
            return True
        as_read = (own, seq == step.before)
        changed = (
            connection.execute(delete(table).where(*as_read))
            if step.after is None
            else connection.execute(update(table).where(*as_read).values(writer_seq=step.after))
        )
        return bool(changed.rowcount)


def _end(connection: Connection, writer_id: int) -> int:
    return connection.execute(select(func.max(facts.c.writer_seq)).where(facts.c.writer_id == writer_id)).scalar() or 0
