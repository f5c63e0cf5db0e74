"""A real journal on a real file, and rows for it."""

import asyncio
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Engine, func, select, text

from yuanlu.db.schema import prepare
from yuanlu.db.sqlite import Checkpointer, reader_engine, writer_engine
from yuanlu.journal.disk import DiskReserve
from yuanlu.journal.opening import register
from yuanlu.journal.tables import facts
from yuanlu.journal.transactions import INSERT_TRANSACTION, Transaction, as_row
from yuanlu.journal.unit import Change, Fact
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Moment
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
    """A journal and its engines."""

    def __init__(self, path: Path, reserve_bytes: int) -> None:
        self.path = path
        self.engine: Engine = writer_engine(path)
        prepare(self.engine, str(path))
        with self.engine.begin() as connection:
            self.writer = register(connection, NOW, 1)
        self.readers = reader_engine(path)
        self.reserve = DiskReserve(path, reserve_bytes)
        self.checkpointer = Checkpointer(path)
        self.journal = Journal(
            engine=self.engine,
            readers=self.readers,
            writer_id=self.writer.writer_id,
            reserve=self.reserve,
            checkpointer=self.checkpointer,
            halt=halt,
        )

    def sql(self, statement: str) -> list[Any]:
        """Rows by a connection of its own."""
        with self.readers.connect() as connection:
            return list(connection.execute(text(statement)).all())

    def write(self, statement: str) -> None:
        """A statement past all our code: what does the database itself forbid?"""
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def numbers(self) -> list[int]:
        with self.readers.connect() as connection:
            return list(connection.execute(select(facts.c.writer_seq).order_by(facts.c.writer_seq)).scalars())

    def count(self) -> int:
        with self.readers.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(facts)).scalar_one())


@contextmanager
def opened(path: Path, reserve_bytes: int = 0):
    """Open a journal on a loop of its own and run stories on it: `with opened(path) as (run, at): …`."""
    with asyncio.Runner() as runner:
        at = Opened(path, reserve_bytes)

        def run(story: Callable[[], Any]) -> Any:
            async def bounded() -> Any:
                async with asyncio.timeout(20):
                    return await story()

            return runner.run(bounded())

        try:
            yield run, at
        finally:
            runner.run(at.journal.close())
            at.engine.dispose()
            at.readers.dispose()
            at.checkpointer.close()


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
