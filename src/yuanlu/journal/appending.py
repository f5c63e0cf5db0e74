"""Units of facts and changes into the database: one transaction for a whole batch, and a conflict fails one unit only.

Used by the gateway's writer, and by a command that writes for a moment beside it (`journal.visiting`). Each is a
writer of its own, with a number and a gap-free sequence.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from pysqlite3 import dbapi2

from yuanlu.journal.statements import Delete, Insert, Row, Statement, Update, execute
from yuanlu.journal.tables import facts as facts_table
from yuanlu.journal.unit import Change, Committed, Conflict, Fact, SendPermit

INSERT_FACT = Insert(table=facts_table, rank=9)

_log = structlog.get_logger("journal")


class Unit(Protocol):
    """What one caller wants committed, all or nothing."""

    @property
    def facts(self) -> Sequence[Fact]: ...

    @property
    def changes(self) -> Sequence[Change]: ...


class Appender:
    """One writer on its own connection; called by one thread at a time."""

    def __init__(self, connection: Any, writer_id: int) -> None:
        self.connection = connection
        self._writer_id = writer_id
        self._seq = 0

    def append(self, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        """One durable transaction. Raises what the database raises; then nothing of the batch happened, or it is
        unknown whether it did: `roll_back` and the caller's rules.
        """
        cursor = self.connection.cursor()
        _begin(cursor)
        seq = self._seq
        try:
            if self._write_together(cursor, batch):
                results: list[Committed | Conflict] = [_committed(unit) for unit in batch]
            else:
                self._seq = seq
                self.roll_back()
                _begin(cursor)
                results = [self._write_alone(cursor, unit) for unit in batch]
            cursor.execute("COMMIT")
        except dbapi2.OperationalError:
            self._seq = seq
            raise
        return results

    def roll_back(self) -> None:
        """Give up what is open."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _write_together(self, cursor: Any, batch: Sequence[Unit]) -> bool:
        """All units' rows grouped by statement; False if any row conflicts."""
        groups: dict[Statement, list[Row]] = {}
        for unit in batch:
            for change in unit.changes:
                groups.setdefault(change.statement, []).append(change.row)
        rows = [self._fact_row(fact) for unit in batch for fact in unit.facts]
        try:
            for statement in sorted(groups, key=_order):
                if not execute(cursor, statement, groups[statement]):
                    return False
            return execute(cursor, INSERT_FACT, rows)
        except dbapi2.IntegrityError:
            return False

    def _write_alone(self, cursor: Any, unit: Unit) -> Committed | Conflict:
        """One unit under a savepoint, its changes in the order given."""
        seq = self._seq
        cursor.execute("SAVEPOINT unit")
        try:
            for change in unit.changes:
                if not execute(cursor, change.statement, [change.row]):
                    raise dbapi2.IntegrityError(f"{change.statement.table.name} changed meanwhile")
            execute(cursor, INSERT_FACT, [self._fact_row(fact) for fact in unit.facts])
        except dbapi2.IntegrityError as error:
            cursor.execute("ROLLBACK TO unit")
            cursor.execute("RELEASE unit")
            self._seq = seq
            return Conflict(reason=str(error))
        cursor.execute("RELEASE unit")
        return _committed(unit)

    def _fact_row(self, fact: Fact) -> Row:
        self._seq += 1
        return (
            fact.merchant_id, fact.subject_id, fact.version, self._writer_id, self._seq,
            fact.at_us, fact.kind, fact.terminal_id, fact.note, fact.frames,
        )  # fmt: skip


def _begin(cursor: Any) -> None:
    """Another process may write for a moment; a refused BEGIN means that nothing happened, so it is tried again."""
    while True:
        try:
            cursor.execute("BEGIN IMMEDIATE")
        except dbapi2.OperationalError as error:
            if "locked" not in str(error):
                raise
            _log.warning("another process holds the journal; waiting for it")
        else:
            return


def _order(statement: Insert | Update | Delete) -> int:
    return statement.rank


def _committed(unit: Unit) -> Committed:
    if not unit.facts:
        return Committed(permit=SendPermit("", 0, unit))
    last = unit.facts[-1]
    return Committed(permit=SendPermit(last.subject_id, last.version, unit))
