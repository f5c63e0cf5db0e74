"""A real journal on a real file, and rows for it."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

from msgspec.structs import replace
from sqlalchemy import Connection, select, text

from tests.store.places import Place
from yuanlu.db.choosing import beside, visiting
from yuanlu.journal.choosing import open_store
from yuanlu.journal.store import Store
from yuanlu.journal.tables import facts
from yuanlu.journal.transactions import INSERT_TRANSACTION, Transaction, as_row
from yuanlu.journal.unit import Change, Fact
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Moment, SystemClock
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.kernel.money import Money
from yuanlu.returns.policy import Leg
from yuanlu.returns.states import State

NOW = Moment(wall_us=1_760_000_000_000_000, boot_us=5_000_000, boot_id="boot")


class Halted(Exception):
    """The journal asked for the end of the process."""


def halt(reason: str) -> NoReturn:
    raise Halted(reason)


class Opened:
    """A journal, and ways past all its code."""

    def __init__(self, place: Place, store: Store) -> None:
        self.place = place
        self.store = store
        self.journal = Journal(store=store, clock=SystemClock(), halt=halt)
        self._elsewhere = ThreadPoolExecutor(1, "elsewhere")

    def aside(self, work: Callable[[Connection], Any]) -> Any:
        """Plain work on a connection of its own, in one transaction, as if in a process of its own."""
        return self._elsewhere.submit(lambda: beside(self.place.url, lambda: self._aside(work))).result()

    def _aside(self, work: Callable[[Connection], Any]) -> Any:
        engine = visiting(self.place.url, str(self.place.folder))
        try:
            with engine.begin() as connection:
                return work(connection)
        finally:
            engine.dispose()

    def sql(self, statement: str) -> list[Any]:
        """The rows of a query."""
        return self.aside(lambda c: list(c.execute(text(statement)).all()))

    def write(self, statement: str) -> None:
        """A statement past all our code: what does the database itself forbid?"""
        self.aside(lambda c: c.execute(text(statement)))

    async def visit(self, clock: Any, work: Callable[[Visitor], Any]) -> Any:
        """What a command does that writes for a moment, as if in a process of its own."""

        def plain() -> Any:
            with visit(self.place.url, str(self.place.folder), clock) as visitor:
                return work(visitor)

        return await asyncio.to_thread(lambda: beside(self.place.url, plain))

    def found_by(self, query: Any, index: str) -> None:
        """Exactly what would run is read off this index, and needs no sorting."""
        sqlite = self.place.url.startswith("sqlite")

        def explain(connection: Connection) -> str:
            words = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
            if not sqlite:  # a small table would be read as a whole: here it is asked what is possible
                connection.execute(text("SET LOCAL enable_seqscan = off"))
                connection.execute(text("SET LOCAL enable_bitmapscan = off"))
            whole = query.compile(connection, compile_kwargs={"literal_binds": True})
            return "; ".join(str(tuple(row)) for row in connection.exec_driver_sql(f"{words} {whole}"))

        plan = self.aside(explain)
        assert re.search(rf"(USING INDEX|Scan (Backward )?using) {index}\b", plan), plan
        assert "TEMP B-TREE" not in plan, plan
        assert "Sort" not in plan, plan

    def numbers(self) -> list[int]:
        return self.aside(lambda c: list(c.execute(select(facts.c.writer_seq).order_by(facts.c.writer_seq)).scalars()))

    def count(self) -> int:
        return int(self.sql("SELECT count(*) FROM facts")[0][0])


@contextmanager
def opened(place: Place, reserve_bytes: int = 0):
    """Open a journal on a loop of its own and run stories on it: `with opened(place) as (run, at): …`."""
    with asyncio.Runner() as runner:
        at = Opened(place, runner.run(open_store(place.url, str(place.folder), reserve_bytes, NOW)))

        def run(story: Callable[[], Any]) -> Any:
            async def bounded() -> Any:
                async with asyncio.timeout(40):
                    return await story()

            return runner.run(bounded())

        try:
            yield run, at
        finally:
            runner.run(at.journal.close())
            runner.run(at.store.close(NOW))


def fact(subject: str, version: int = 1, kind: str = "X") -> Fact:
    return Fact(merchant_id="M", subject_id=subject, version=version, kind=kind, at_us=1, terminal_id="T")


def transaction(name: str, state: State = State.SEND_INTENT, amount: int = 100, stan: str = "") -> Transaction:
    key = TransactionKey(
        terminal_id="T0000001", merchant_id="M", batch_no="000001", stan=stan or name, mti_class="0200"
    )
    return Transaction(
        transaction_id=name, key=key, acquirer="h1", kind="sale", state=state, version=1,
        amount=Money(minor=amount, currency="156"), card_token="c", card_bin="", card_last4="",
        sealed=None, received_at_us=1, changed_at_us=1,
    )  # fmt: skip


def inserted(row: Transaction) -> Change:
    return Change(statement=INSERT_TRANSACTION, row=as_row(row))


def leg(name: str, of: str, amount: int = 100, leg_no: int = 1, state: State = State.RETURNING) -> Leg:
    return Leg(
        return_id=name, transaction_id=of, acquirer="h1", kind="reversal", leg_no=leg_no, state=state,
        amount_minor=amount, currency="156", reason="98", original_answer="", original_sent_at_us=1,
        original_boot_us=1, original_boot_id="boot", opened_at_us=1,
    )  # fmt: skip


def closed(of: Leg, state: State) -> Leg:
    return replace(of, state=state, closed_at_us=2)


async def until(happened: Callable[[], bool]) -> None:
    """Wait until something is so; the story's own limit ends it when it never is."""
    while not happened():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.005)
