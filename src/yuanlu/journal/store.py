"""What the journal needs of a database: the contract of `journal.sqlite_store` and `journal.postgres_store`.

A store is the database as one serving process has it open: it appends batches, answers short reads, and says goodbye.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from yuanlu.journal.appending import Unit
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.kernel.clock import Moment

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """This process as a writer; `clean` is False when the one before ended without saying so."""

    writer_id: int
    started_at_us: int
    clean: bool


class Room(Protocol):
    """Is there room left to write? New sales are declined first."""

    low: bool
    """True: new sales are to be declined."""

    def look(self) -> bool:
        """Measure anew; returns `low`."""
        ...


class Store(Protocol):
    """One database of either kind, opened by one serving process."""

    @property
    def name(self) -> str:
        """The database, for people; never with a password."""
        ...

    @property
    def permit_s(self) -> float | None:
        """How long after a commit something may leave on its permit; None where nobody else could take us for dead."""
        ...

    @property
    def writer(self) -> Writer:
        """This process as a writer."""
        ...

    @property
    def sequence(self) -> int:
        """The number of our last fact that is durable."""
        ...

    @property
    def room(self) -> Room:
        """Whether new sales still fit."""
        ...

    async def append(self, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        """One durable transaction for the whole batch. Whatever it raises, the outcome is unknown."""
        ...

    async def settle(self, units: int) -> None:
        """Between two commits, after one of so many units. What it raises means that durability is in doubt."""
        ...

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """Run a short query beside the writer; it cannot write."""
        ...

    async def live(self) -> set[int] | None:
        """The numbers of all writers at work now, ours among them; None where there can be no other."""
        ...

    async def gone(self) -> list[int]:
        """Gateways that ended without saying so, and whose work nobody has taken over yet."""
        ...

    async def release(self, gone: Sequence[int], now_us: int) -> None:
        """Free what these still hold, and write down that they are gone: the last step of taking over."""
        ...

    async def server_us(self) -> int | None:
        """The database's own wall clock in microseconds since 1970; None where it has none but ours."""
        ...

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """A short transaction of its own, for opening and closing: it appends no facts."""
        ...

    async def problem(self) -> str:
        """What the database's own check finds wrong after an unclean stop, "" when it is sound. May take minutes."""
        ...

    async def close(self, now: Moment) -> None:
        """Sign off and let go of the database."""
        ...
