"""Group commit on the real SQLite: durable together, failing alone."""

import asyncio
import sqlite3
import threading

import pytest
from pysqlite3 import dbapi2

from tests.store.journals import Halted, fact, inserted, opened, transaction, until
from yuanlu.journal.transactions import SET_VERSION
from yuanlu.journal.unit import Change, Committed, Conflict, SendingRefused, SendPermit


def test_a_conflict_fails_its_own_caller_and_nobody_else_and_leaves_no_gap(place):
    with opened(place) as (run, at):

        async def story() -> None:
            assert isinstance(await at.journal.commit([fact("a")]), Committed)
            units = [[fact("b")], [fact("c"), fact("a")], [fact("d")], [fact("d")], [fact("e"), fact("e", 2)]]
            results = await asyncio.gather(*(at.journal.commit(unit) for unit in units))
            assert [type(r) for r in results] == [Committed, Conflict, Committed, Conflict, Committed]
            assert isinstance(await at.journal.commit([fact("f")]), Committed)

        run(story)
        assert at.numbers() == list(range(1, 7))
        assert [row.subject_id for row in at.sql("SELECT subject_id FROM facts ORDER BY writer_seq")] == list("abdeef")


def test_many_units_share_few_commits(place):
    with opened(place) as (run, at):

        async def story() -> None:
            names = [f"s{n:04}" for n in range(2_000)]
            results = await asyncio.gather(*(at.journal.commit([fact(name)]) for name in names))
            assert {type(result) for result in results} == {Committed}

        run(story)
        assert at.count() == 2_000
        assert at.journal.commits <= 5
        assert at.journal.units == 2_000


def test_a_compare_and_set_that_finds_another_version_is_a_conflict(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await at.journal.commit([fact("t1")], [inserted(transaction("t1"))])
            move = Change(statement=SET_VERSION, row=(2, "t1", 1))
            results = await asyncio.gather(*(at.journal.commit([fact("t1", 2)], [move]) for _ in range(3)))
            assert [type(r) for r in results] == [Committed, Conflict, Conflict]

        run(story)
        assert at.numbers() == [1, 2]


def test_the_permit_of_a_commit_sends_once_and_only_for_its_subject(place):
    with opened(place) as (run, at):

        async def story() -> SendPermit:
            committed = await at.journal.commit([fact("a"), fact("a", 2)])
            assert isinstance(committed, Committed)
            return committed.permit

        permit = run(story)
        assert (permit.subject_id, permit.version) == ("a", 2)
        with pytest.raises(SendingRefused):
            permit.spend("b")
        permit.spend("a")
        with pytest.raises(SendingRefused):
            permit.spend("a")


def test_a_caller_that_gives_up_disturbs_nobody(place):
    with opened(place) as (run, at):

        async def story() -> None:
            gone = asyncio.create_task(at.journal.commit([fact("a")]))
            await asyncio.sleep(0)
            gone.cancel()
            assert isinstance(await at.journal.commit([fact("b")]), Committed)

        run(story)
        assert at.count() == 2


def test_a_full_disk_releases_the_reserve_tries_again_and_leaves_no_gap(file):
    with opened(file, reserve_bytes=1) as (run, at):
        run(lambda: at.journal.commit([fact("a")]))
        connection = at.store.connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
        released = at.journal.room.release

        def release() -> None:
            released()
            connection.execute("PRAGMA max_page_count=100000")

        at.journal.room.release = release
        big = [fact(f"b{n}") for n in range(200)]
        assert isinstance(run(lambda: at.journal.commit(big)), Committed)
        assert at.journal.room.low
        assert at.numbers() == list(range(1, 202))


def test_another_process_that_writes_for_a_while_is_waited_for(file):
    with opened(file) as (run, at):
        other = dbapi2.connect(str(file.folder / "j.db"), isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(1.3, lambda: other.execute("ROLLBACK"))
        timer.start()
        assert isinstance(run(lambda: at.journal.commit([fact("a")])), Committed)
        timer.join()
        other.close()


def test_a_commit_whose_outcome_is_unknown_halts_the_process(place):
    with opened(place) as (run, at):
        append = at.store.append

        async def broken(batch) -> None:
            raise OSError("disk I/O error")

        async def story() -> None:
            at.store.append = broken
            task = asyncio.create_task(at.journal.commit([fact("a")]))
            await asyncio.sleep(0)
            with pytest.raises(Halted, match="disk I/O error"):
                await at.journal._running
            task.cancel()
            at.journal._running = None
            at.journal._pending.clear()
            at.store.append = append

        run(story)


def test_listeners_hear_when_commits_fall_behind_and_when_they_have_caught_up(place):
    with opened(place) as (run, at):
        heard: list[bool] = []
        at.journal.on_pressure(heard.append)
        append = at.store.append

        done = asyncio.Event()

        async def slow(batch):
            await done.wait()
            return await append(batch)

        at.store.append = slow

        async def story() -> None:
            first = asyncio.create_task(at.journal.commit([fact("a")]))
            await asyncio.sleep(0.03)
            second = asyncio.create_task(at.journal.commit([fact("b")]))
            await until(lambda: heard == [True])
            done.set()
            await asyncio.gather(first, second)

        run(story)
        assert heard == [True, False]
        assert not at.journal.behind


def test_readers_see_only_what_is_committed_and_cannot_write(place):
    with opened(place) as (run, at):
        run(lambda: at.journal.commit([fact("a")]))
        with pytest.raises(Exception, match=r"readonly|query_only|read-only"):
            run(lambda: at.journal.read(lambda c: c.exec_driver_sql("DELETE FROM tasks")))
        assert at.count() == 1
    assert sqlite3.sqlite_version
