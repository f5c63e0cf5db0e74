"""The writer's connection to SQLite."""

from collections.abc import Sequence
from typing import Any

import structlog
from pysqlite3 import dbapi2

from yuanlu.journal.appending import Refused
from yuanlu.journal.statements import Row, Statement, execute

_log = structlog.get_logger("journal")


class SqliteSession:
    """`journal.appending.Session` on a pysqlite3 connection; `dbapi2.OperationalError` passes through."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._cursor: Any = None

    def begin(self) -> None:
        """Another process may write for a moment; a refused BEGIN means that nothing happened, so it is tried again."""
        self._cursor = self.connection.cursor()
        while True:
            try:
                self._cursor.execute("BEGIN IMMEDIATE")
            except dbapi2.OperationalError as error:
                if "locked" not in str(error):
                    raise
                _log.warning("another process holds the journal; waiting for it")
            else:
                return

    def execute(self, statement: Statement, rows: Sequence[Row]) -> bool:
        """Run it for all rows; True when each row affected exactly one in the database. Raises Refused."""
        try:
            return execute(self._cursor, statement, rows)
        except dbapi2.IntegrityError as error:
            raise Refused(str(error)) from None

    def save(self) -> None:
        """Begin one unit, which can be undone alone."""
        self._cursor.execute("SAVEPOINT unit")

    def keep(self) -> None:
        """The unit stands."""
        self._cursor.execute("RELEASE unit")

    def undo(self) -> None:
        """Nothing of the unit happened."""
        self._cursor.execute("ROLLBACK TO unit")
        self._cursor.execute("RELEASE unit")

    def commit(self) -> None:
        """Make it durable."""
        self._cursor.execute("COMMIT")

    def roll_back(self) -> None:
        """Give up what is open, if anything is."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
