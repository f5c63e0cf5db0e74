"""A command that writes beside the running gateway."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from pysqlite3 import dbapi2
from sqlalchemy import Connection, text

from tests.store.journals import NOW, fact, inserted, leg, opened, transaction
from tests.store.places import sqlite_place
from yuanlu.console.store import ConsoleStore
from yuanlu.db import sqlite
from yuanlu.db.choosing import beside
from yuanlu.db.errors import StoreError
from yuanlu.db.sqlite import BUSY_TIMEOUT_MS, database_path
from yuanlu.journal.opening import register
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.returns.states import State
from yuanlu.returns.store import insert_leg
from yuanlu.settings import Gateway, Settings, Store

CLOCK = SystemClock()


def test_a_visitor_and_the_gateway_write_in_turn_each_with_a_sequence_of_its_own(place):
    with opened(place) as (run, at):

        async def story() -> None:
            for round_ in range(5):
                mine = asyncio.gather(*(at.journal.commit([fact(f"g{round_}-{n}")]) for n in range(20)))
                names = [f"v{round_}-{n}" for n in range(2)]
                both = await at.visit(CLOCK, lambda v, names=names: [v.commit([fact(name)]) for name in names])
                assert all(isinstance(each, Committed) for each in [*both, *await mine])

        run(story)
        rows = at.sql("SELECT writer_id, writer_seq FROM facts ORDER BY writer_id, writer_seq")
        by_writer: dict[int, list[int]] = {}
        for writer_id, seq in rows:
            by_writer.setdefault(writer_id, []).append(seq)
        assert {writer: len(seqs) for writer, seqs in by_writer.items()} == {1: 100} | dict.fromkeys(range(2, 7), 2)
        assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in by_writer.values())


def test_of_two_returns_at_the_same_moment_from_two_processes_one_is_refused(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await at.journal.commit([fact("t1")], [inserted(transaction("t1", State.RETURNING))])
            theirs = at.visit(CLOCK, lambda v: v.commit([fact("t1", 2)], [insert_leg(leg("a", "t1"))]))
            mine = at.journal.commit([fact("t1", 2)], [insert_leg(leg("b", "t1"))])
            outcomes = await asyncio.gather(theirs, mine)
            assert {type(each) for each in outcomes} == {Committed, Conflict}

        run(story)
        assert len(at.sql("SELECT return_id FROM legs")) == 1


def test_a_visit_between_hides_no_unclean_end_of_the_gateway(place):
    with opened(place) as (run, at):
        run(lambda: at.visit(CLOCK, lambda v: v.commit([fact("v")])))
        assert not at.aside(lambda c: register(c, NOW, 2)).clean


def test_without_a_journal_there_is_nothing_to_visit(place):
    def plain() -> None:
        with visit(place.url, str(place.folder), CLOCK):
            raise AssertionError("there was one")

    with pytest.raises(StoreError, match="yuanlu serve"):
        beside(place.url, plain)


@contextmanager
def held(at, for_s: float = 60.0) -> Iterator[None]:
    """Another process writes, and is slow about it: so long, or as long as this lasts."""
    path = database_path(at.place.url, str(at.place.folder))
    other = dbapi2.connect(str(path), check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ends = threading.Timer(for_s, other.rollback)
    ends.start()
    try:
        yield
    finally:
        ends.cancel()
        ends.join()
        other.close()


def test_a_visitor_waits_for_who_holds_the_database_longer_than_sqlite_does(tmp_path):
    with opened(sqlite_place(tmp_path)) as (run, at), held(at, for_s=1.5 * BUSY_TIMEOUT_MS / 1000):
        assert isinstance(run(lambda: at.visit(CLOCK, lambda v: v.commit([fact("v")]))), Committed)


def test_a_row_that_is_no_fact_waits_too(tmp_path):
    def work(connection: Connection) -> int:
        return connection.execute(text("UPDATE writers SET process_id = process_id")).rowcount

    with opened(sqlite_place(tmp_path)) as (run, at):
        run(lambda: at.visit(CLOCK, lambda v: v.commit([fact("v")])))
        settings = Settings(
            store=Store(url=at.place.url), gateway=Gateway(listen="127.0.0.1:0", terminals="none", mac="none"),
            acquirers={}, folder=str(at.place.folder),
        )  # fmt: skip

        async def written() -> int:
            store = ConsoleStore(settings)
            try:
                return await store.write(work)
            finally:
                await store.close()

        with held(at, for_s=1.5 * BUSY_TIMEOUT_MS / 1000):
            assert asyncio.run(written()) == 2


def test_what_a_visitor_has_done_is_done_even_if_it_cannot_sign_off(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "LOCKED_TRIES", 1)
    with opened(sqlite_place(tmp_path)) as (run, at):

        def work(visitor: Visitor) -> Committed | Conflict:
            done = visitor.commit([fact("v")])
            holding.enter_context(held(at))
            return done

        with ExitStack() as holding:
            assert isinstance(run(lambda: at.visit(CLOCK, work)), Committed)
        [left] = at.sql("SELECT stopped_at_us FROM writers WHERE role = 'visitor'")
        assert left.stopped_at_us is None


def test_who_finds_the_database_held_for_good_is_told_so_and_nothing_was_done(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "LOCKED_TRIES", 2)
    with opened(sqlite_place(tmp_path)) as (run, at):
        with held(at), pytest.raises(StoreError, match="held by another process; nothing was done"):
            run(lambda: at.visit(CLOCK, lambda v: v.commit([fact("v")])))
        assert at.count() == 0
