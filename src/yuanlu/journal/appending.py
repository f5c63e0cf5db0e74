"""Units of facts and changes into the database: one transaction for a whole batch, and a conflict fails one unit only.

Used by the gateway's writer, and by a command that writes for a moment beside it (`journal.visiting`). Each is a
writer of its own, with a number and a gap-free sequence. The same code appends to both kinds of database; what
differs is their `Session`.
"""

from collections.abc import Sequence
from typing import Protocol

from yuanlu.journal.statements import Delete, Insert, Row, Statement, Update
from yuanlu.journal.tables import facts as facts_table
from yuanlu.journal.unit import Change, Committed, Conflict, Fact, SendPermit

INSERT_FACT = Insert(table=facts_table, rank=9)


class Refused(Exception):
    """The database forbids these rows: a key is taken, or a rule of ours says no. The transaction goes on only from
    its savepoint.
    """


class Session(Protocol):
    """The writer's own connection, in plain calls."""

    def begin(self) -> None:
        """Start a transaction; waits while another process is in the way."""
        ...

    def execute(self, statement: Statement, rows: Sequence[Row]) -> bool:
        """Run it for all rows; True when each row affected exactly one in the database. Raises Refused."""
        ...

    def save(self) -> None:
        """Begin one unit, which can be undone alone."""
        ...

    def keep(self) -> None:
        """The unit stands."""
        ...

    def undo(self) -> None:
        """Nothing of the unit happened."""
        ...

    def commit(self) -> None:
        """Make it durable. Whatever it raises, the outcome is unknown."""
        ...

    def roll_back(self) -> None:
        """Give up what is open, if anything is."""
        ...


class Unit(Protocol):
    """What one caller wants committed, all or nothing."""

    @property
    def facts(self) -> Sequence[Fact]: ...

    @property
    def changes(self) -> Sequence[Change]: ...


class Appender:
    """One writer on its own connection; called by one thread at a time."""

    def __init__(self, session: Session, writer_id: int) -> None:
        self._session = session
        self._writer_id = writer_id
        self._seq = 0

    @property
    def sequence(self) -> int:
        """The number of the last fact appended."""
        return self._seq

    def append(self, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        """One durable transaction. Raises what the database raises; then nothing of the batch happened, or it is
        unknown whether it did: `roll_back` and the caller's rules.
        """
        session, seq = self._session, self._seq
        try:
            session.begin()
            if self._write_together(batch):
                results: list[Committed | Conflict] = [_committed(unit) for unit in batch]
            else:
                self._seq = seq
                session.roll_back()
                session.begin()
                results = [self._write_alone(unit) for unit in batch]
            session.commit()
        except Exception:
            self._seq = seq
            raise
        return results

    def roll_back(self) -> None:
        """Give up what is open."""
        self._session.roll_back()

    def _write_together(self, batch: Sequence[Unit]) -> bool:
        """All units' rows grouped by statement; False if any row conflicts."""
        groups: dict[Statement, list[Row]] = {}
        for unit in batch:
            for change in unit.changes:
                groups.setdefault(change.statement, []).append(change.row)
        rows = [self._fact_row(fact) for unit in batch for fact in unit.facts]
        try:
            for statement in sorted(groups, key=_order):
                if not self._session.execute(statement, groups[statement]):
                    return False
            return self._session.execute(INSERT_FACT, rows)
        except Refused:
            return False

    def _write_alone(self, unit: Unit) -> Committed | Conflict:
        """One unit under a savepoint, its changes in the order given."""
        session, seq = self._session, self._seq
        session.save()
        try:
            for change in unit.changes:
                if not session.execute(change.statement, [change.row]):
                    raise Refused(f"{change.statement.table.name} changed meanwhile")
            session.execute(INSERT_FACT, [self._fact_row(fact) for fact in unit.facts])
        except Refused as refused:
            session.undo()
            self._seq = seq
            return Conflict(reason=str(refused))
        session.keep()
        return _committed(unit)

    def _fact_row(self, fact: Fact) -> Row:
        self._seq += 1
        return (
            fact.merchant_id, fact.subject_id, fact.version, self._writer_id, self._seq,
            fact.at_us, fact.kind, fact.terminal_id, fact.note, fact.frames,
        )  # fmt: skip


def _order(statement: Insert | Update | Delete) -> int:
    return statement.rank


def _committed(unit: Unit) -> Committed:
    if not unit.facts:
        return Committed(permit=SendPermit("", 0))
    last = unit.facts[-1]
    return Committed(permit=SendPermit(last.subject_id, last.version))
