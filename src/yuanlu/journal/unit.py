"""What is committed together, and what comes of it."""

from collections.abc import Callable

from msgspec import Struct

from yuanlu.journal.statements import Row, Statement
from yuanlu.kernel.errors import YuanluError


class Fact(Struct, frozen=True, kw_only=True):
    """One thing that happened to a subject. Append-only.

    `version` counts the subject's facts from 1: inserting it is the compare-and-set. `note` says in a few words
    what the frames do not; `frames` is the blob of `journal.frames`, masked.
    """

    merchant_id: str
    subject_id: str
    version: int
    kind: str
    at_us: int
    terminal_id: str
    note: str = ""
    frames: bytes = b""


class Change(Struct, frozen=True, kw_only=True):
    """One row for a statement of the package that owns the table. It must affect exactly one row."""

    statement: Statement
    row: Row


class SendingRefused(YuanluError):
    """A frame was about to leave without its own durable intent: a programmer's error, never a user's."""


class SendPermit(Struct, eq=False):
    """The commit's token: the right to send one frame, once, for the fact that was made durable.

    Only the journal makes one. The acquirer link's send asks for it and spends it (invariant I6).
    """

    subject_id: str
    version: int
    _spent: bool = False
    _in_time: Callable[[], None] | None = None

    def limit(self, in_time: Callable[[], None]) -> None:
        """Call `in_time` when it is spent; it does not come back when it is too late."""
        self._in_time = in_time

    def spend(self, subject_id: str) -> None:
        """Use the right up; SendingRefused if it is used already or belongs to another subject."""
        if self._spent or subject_id != self.subject_id:
            raise SendingRefused(f"no unspent intent of {subject_id} is durable")
        if self._in_time is not None:
            self._in_time()
        self._spent = True


class Committed(Struct, frozen=True, kw_only=True):
    """It is durable. `permit` sends what the unit's last fact announces."""

    permit: SendPermit


class Conflict(Struct, frozen=True, kw_only=True):
    """Nothing of the unit happened: another was first, or a rule of the database forbids it."""

    reason: str
