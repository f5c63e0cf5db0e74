"""Terminal sessions: working keys and batch number, durable, so that a restart signs nobody off."""

from dataclasses import dataclass

import structlog
from sqlalchemy import Column, Connection, Table, select

from yuanlu.db.types import STRICT_BY_KEY, Octets, Whole, Words, metadata
from yuanlu.journal.statements import Insert
from yuanlu.journal.unit import Change
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import KeyStoreError
from yuanlu.keys.working_keys import WorkingKeys

terminal_sessions = Table(
    "terminal_sessions",
    metadata,
    Column("terminal_id", Words, primary_key=True),
    Column("batch_no", Words, nullable=False),
    Column("wrapped", Octets, nullable=False),  # working keys under the key store's master key
    Column("signed_in_at_us", Whole, nullable=False),
    **STRICT_BY_KEY,
)

PUT_SESSION = Insert(table=terminal_sessions, replace=True, rank=4)
FIRST_BATCH = "000001"

_log = structlog.get_logger("gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSession:
    """What a sign-in gave a terminal."""

    batch_no: str
    keys: WorkingKeys
    signed_in_at_us: int
    """Microseconds since 1970 UTC."""


class TerminalSessions:
    """The sessions in force. Keys are unwrapped when a terminal first speaks after a restart."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._wrapped: dict[str, tuple[str, bytes, int]] = {}
        self._sessions: dict[str, TerminalSession] = {}

    def load(self, connection: Connection) -> None:
        """Read the sessions at start."""
        self._wrapped = {
            row.terminal_id: (row.batch_no, row.wrapped, row.signed_in_at_us)
            for row in connection.execute(select(terminal_sessions))
        }

    def refresh(self, connection: Connection, terminal_id: str) -> None:
        """Read one terminal's session again: it may have signed in at another gateway meanwhile."""
        query = select(terminal_sessions).where(terminal_sessions.c.terminal_id == terminal_id)
        row = connection.execute(query).first()
        known = self._sessions.get(terminal_id)
        if row is not None and (known is None or known.keys.wrapped != row.wrapped):
            self._sessions.pop(terminal_id, None)
            self._wrapped[terminal_id] = (row.batch_no, row.wrapped, row.signed_in_at_us)

    def find(self, terminal_id: str) -> TerminalSession | None:
        """The session of a terminal, or None before its first sign-in."""
        found = self._sessions.get(terminal_id)
        if found is None and terminal_id in self._wrapped:
            batch_no, wrapped, at_us = self._wrapped.pop(terminal_id)
            try:
                keys = self._keys.load_working_keys(wrapped)
            except KeyStoreError as error:
                _log.error("stored session cannot be opened; the terminal must sign in", reason=str(error))
                return None
            if keys.scope == terminal_id:
                found = self._sessions[terminal_id] = TerminalSession(
                    batch_no=batch_no, keys=keys, signed_in_at_us=at_us
                )
        return found

    def put(self, terminal_id: str, session: TerminalSession) -> None:
        """A sign-in that is durable."""
        self._sessions[terminal_id] = session

    def change(self, terminal_id: str, session: TerminalSession) -> Change:
        """The row to commit before the terminal hears of its keys."""
        return Change(
            statement=PUT_SESSION, row=(terminal_id, session.batch_no, session.keys.wrapped, session.signed_in_at_us)
        )

    def next_batch(self, terminal_id: str, offered: str) -> str:
        """The batch number in force, else the terminal's own, else the first. A closed one is not assigned again:
        `flow.settlement` gives the next.
        """
        current = self.find(terminal_id)
        if current is not None:
            return current.batch_no
        return offered if offered.strip("0") else FIRST_BATCH
