"""What only PostgreSQL can do to a journal."""

import asyncio

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tests.postgres import Cluster, cluster, postgres_for_test
from tests.store.journals import NOW, Halted, fact, inserted, leg, opened, transaction, until
from tests.store.places import Place, sqlite_place
from yuanlu import wiring
from yuanlu.console import app as console
from yuanlu.console import tracing
from yuanlu.db.choosing import beside, visiting
from yuanlu.db.errors import StoreError
from yuanlu.db.types import metadata
from yuanlu.journal import tasks
from yuanlu.journal.choosing import open_store
from yuanlu.journal.postgres_store import is_lost
from yuanlu.journal.transactions import SET_VERSION
from yuanlu.journal.unit import Change, Committed, Conflict
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Moment, SystemClock
from yuanlu.returns.states import State
from yuanlu.returns.store import insert_leg


def halted(reason: str) -> None:
    raise Halted(reason)


class Pair:
    """Two gateways' journals on one database."""

    def __init__(self, place: Place) -> None:
        self.place = place

    async def __aenter__(self) -> tuple[Journal, Journal]:
        self.stores = [await open_store(self.place.url, str(self.place.folder), 0, NOW) for _ in range(2)]
        one, other = (Journal(store=store, clock=SystemClock(), halt=halted) for store in self.stores)
        return one, other

    async def __aexit__(self, *_: object) -> None:
        for store in self.stores:
            await store.close(NOW)


def test_two_gateways_append_side_by_side_each_with_a_sequence_of_its_own(server):
    with opened(server) as (run, at):

        async def story() -> None:
            async with Pair(server) as journals:
                units = [each.commit([fact(f"{each.writer_id}-{n}")]) for n in range(200) for each in journals]
                assert {type(result) for result in await asyncio.gather(*units)} == {Committed}

        run(story)
        rows = at.sql("SELECT writer_id, array_agg(writer_seq ORDER BY writer_seq) FROM facts GROUP BY writer_id")
        assert {row[0]: row[1] for row in rows} == {writer: list(range(1, 201)) for writer in (2, 3)}


def test_of_two_returns_of_sixty_on_a_hundred_from_two_gateways_one_is_refused(server):
    with opened(server) as (run, at):

        async def story() -> None:
            async with Pair(server) as journals:
                for n in range(20):
                    payment = f"t{n:05}"
                    await at.journal.commit([fact(payment)], [inserted(transaction(payment, State.APPROVED))])
                    both = [
                        journal.commit([], [insert_leg(leg(f"{payment}-{k}", payment, 60, k, State.RETURNED))])
                        for k, journal in enumerate(journals, 1)
                    ]
                    assert {type(each) for each in await asyncio.gather(*both)} == {Committed, Conflict}

        run(story)
        assert len(at.sql("SELECT 1 FROM legs")) == 20


def test_a_version_is_taken_by_one_gateway_only(server):
    with opened(server) as (run, at):

        async def story() -> None:
            await at.journal.commit([fact("t1")], [inserted(transaction("t1"))])
            async with Pair(server) as journals:
                move = Change(statement=SET_VERSION, row=(2, "t1", 1))
                both = [journal.commit([fact("t1", 2)], [move]) for journal in journals]
                assert {type(each) for each in await asyncio.gather(*both)} == {Committed, Conflict}

        run(story)


def test_batches_that_cross_are_tried_again_and_none_is_lost(server):
    """Each wants the rows that the other holds: the server ends one for certain, and that one tries again."""
    with opened(server) as (run, at):
        names = [f"t{n:05}" for n in range(300)]
        run(lambda: at.journal.commit([], [inserted(transaction(name)) for name in names]))

        async def story() -> None:
            async with Pair(server) as (one, other):
                there = [Change(statement=SET_VERSION, row=(2, name, 1)) for name in names]
                back = [Change(statement=SET_VERSION, row=(2, name, 1)) for name in reversed(names)]
                # Two units each, so that they are written one by one after the conflict, in the order given.
                both = [one.commit([], there), one.commit([], there), other.commit([], back), other.commit([], back)]
                results = await asyncio.gather(*both)
                assert sorted(type(each).__name__ for each in results) == ["Committed", *["Conflict"] * 3]

        run(story)
        assert at.sql("SELECT DISTINCT version FROM transactions") == [(2,)]


def test_a_server_without_room_declines_new_sales_until_the_batch_gets_through(server):
    with opened(server) as (run, at):
        at.write(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$"
        )
        at.write("CREATE TRIGGER full_disk BEFORE INSERT ON facts EXECUTE FUNCTION full_disk()")

        async def story() -> None:
            waiting = asyncio.create_task(at.journal.commit([fact("a")]))
            await until(at.journal.room.look)
            at.write("DROP TRIGGER full_disk ON facts")
            assert isinstance(await waiting, Committed)
            assert not at.journal.room.low

        run(story)
        assert at.numbers() == [1]


def test_a_character_that_the_server_cannot_hold_is_replaced_and_the_unit_is_kept(server):
    with opened(server) as (run, at):
        odd = Change(statement=inserted(transaction("t1")).statement, row=inserted(transaction("t1")).row)
        odd = Change(statement=odd.statement, row=tuple("a\x00b" if value == "c" else value for value in odd.row))
        assert isinstance(run(lambda: at.journal.commit([fact("t1")], [odd])), Committed)
        assert at.sql("SELECT card_token FROM transactions") == [("a\ufffdb",)]


def test_a_session_that_is_lost_in_mid_commit_halts_the_process(server):
    with opened(server) as (run, at):

        async def story() -> None:
            at.write("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                     "AND datname = current_database()")  # fmt: skip
            task = asyncio.create_task(at.journal.commit([fact("a")]))
            await asyncio.sleep(0)
            with pytest.raises(Halted, match="could not commit"):
                await at.journal._running
            task.cancel()
            at.journal._running = None
            at.journal._pending.clear()

        run(story)
        assert at.count() == 0


def test_a_server_that_is_gone_while_we_read_halts_the_process(server):
    with opened(server) as (run, at):
        run(lambda: at.journal.read(lambda c: c.exec_driver_sql("SELECT 1").scalar()))
        at.write("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                 "AND datname = current_database()")  # fmt: skip
        with pytest.raises(Halted, match="cannot be read"):
            run(lambda: at.journal.read(lambda c: c.exec_driver_sql("SELECT 1").scalar()))


SAYINGS = [
    (asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"), True),
    (asyncpg.InterfaceError("connection is closed"), True),
    (asyncpg.UndefinedTableError("no such table"), False),
]


@pytest.mark.parametrize(("said", "lost"), SAYINGS)
def test_a_session_that_is_gone_is_known_by_all_that_the_driver_says_of_it(said, lost):
    """A start said the first of these with a stack trace, seen under kills of the server."""
    wrapped = RuntimeError()
    wrapped.__cause__ = said
    assert is_lost(DBAPIError("SELECT 1", {}, wrapped)) is lost


def test_who_is_at_work_is_seen_and_who_dies_is_missed_at_once(server):
    with opened(server) as (run, at):

        async def story() -> None:
            async with Pair(server) as (one, other):
                assert await at.store.live() == {1, 2, 3}
                at.write(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                    f"AND objid = {other.writer_id}"
                )
                async with asyncio.timeout(15):
                    while await at.store.live() != {1, one.writer_id}:  # noqa: ASYNC110 - no event tells of it
                        await asyncio.sleep(0.01)

        run(story)


def test_what_a_stop_cut_short_is_free_for_the_others_at_once(server):
    with opened(server) as (run, at):

        async def story() -> None:
            await at.journal.commit([], [tasks.put("k", "a", "h1", 1)])
            async with Pair(server) as (stopping, _):
                claim = tasks.claim("k", "a", 0, stopping.writer_id, 2**62)
                assert isinstance(await stopping.commit([], [claim]), Committed)
                assert not await at.journal.read(lambda c: tasks._due(c, "k", "h1", NOW.wall_us, 1))

            assert await at.journal.read(lambda c: tasks._due(c, "k", "h1", NOW.wall_us, 1))
            assert await at.store.gone() == [], "both have signed off"

        run(story)


UNSAFE = [
    ("synchronous_commit", "off", "synchronous_commit = off: a commit would be acknowledged"),
    ("synchronous_commit", "local", "synchronous_commit = local"),
]


@pytest.mark.parametrize(("setting", "value", "message"), UNSAFE)
def test_a_server_that_acknowledges_too_early_is_refused(server, setting, value, message):
    with opened(server) as (_run, at):
        at.write(f"ALTER DATABASE {server.url.rpartition('/')[2]} SET {setting} = {value}")
    with pytest.raises(StoreError, match=message):
        asyncio.run(open_store(server.url, "", 0, NOW))


@pytest.mark.parametrize("setting", ["fsync=off", "full_page_writes=off", "data_sync_retry=on"])
def test_a_server_that_can_lose_what_it_holds_is_refused(server, setting):
    assert server
    unsafe = Cluster(setting)
    try:
        with pytest.raises(StoreError, match=setting.replace("=", " = ")):
            asyncio.run(open_store(unsafe.new_database(), "", 0, NOW))
    finally:
        unsafe.remove()


def test_a_database_in_a_languages_own_order_is_refused(server):
    assert server
    chinese = cluster().new_database("--template=template0", "--locale-provider=icu", "--icu-locale=zh")
    with pytest.raises(StoreError, match=r"orders text by ICU.*--locale=C"):
        asyncio.run(open_store(chinese, "", 0, NOW))


@pytest.mark.parametrize("url", ["postgresql://yuanlu@127.0.0.1:1/j", "postgresql://yuanlu:secret@127.0.0.1:1/j"])
def test_a_server_that_does_not_answer_is_one_clear_error_without_the_password(url):
    with pytest.raises(StoreError, match=r"postgresql://yuanlu@127.0.0.1:1/j cannot be reached") as refused:
        asyncio.run(open_store(url, "", 0, NOW))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("version", "message"), [("9999", "newer version"), ("0000", "yuanlu db upgrade")])
def test_a_database_of_another_version_is_refused(server, version, message):
    with opened(server) as (_run, at):
        at.write(f"UPDATE alembic_version SET version_num = '{version}'")
    with pytest.raises(StoreError, match=message):
        asyncio.run(open_store(server.url, "", 0, NOW))


def test_two_that_start_at_once_on_an_empty_database_make_its_tables_once(server):
    async def story() -> None:
        stores = await asyncio.gather(*(open_store(server.url, "", 0, NOW) for _ in range(3)))
        assert {store.writer.writer_id for store in stores} == {1, 2, 3}
        for store in stores:
            await store.close(NOW)

    asyncio.run(story())


def test_the_migration_makes_what_the_packages_declare_and_every_rule(server, tmp_path):
    assert all((wiring, console, tracing))  # these know every package, so every table
    with opened(server) as (_run, at), opened(sqlite_place(tmp_path)) as (_, file):
        assert at.aside(lambda c: compare_metadata(MigrationContext.configure(c), metadata)) == []
        ours = at.sql("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        theirs = file.sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        assert {row[0] for row in ours} == {row[0] for row in theirs}
        assert len(ours) == len(theirs) > 25


def checks(connection: Connection) -> set[tuple[str, str]]:
    """Every check, key and reference of our tables, in the server's own words."""
    named = "SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint"
    ours = f"{named} WHERE conrelid <> 0 AND connamespace = 'public'::regnamespace"
    return {(row[0], row[1]) for row in connection.execute(text(ours)) if not row[0].startswith("alembic")}


def test_the_migration_makes_every_check_that_the_packages_declare(server):
    assert all((wiring, console, tracing))  # these know every package, so every table
    bare = postgres_for_test()

    def declared() -> set[tuple[str, str]]:
        with visiting(bare, "").begin() as connection:
            metadata.create_all(connection)
            return checks(connection)

    with opened(server) as (_run, at):
        assert at.aside(checks) == beside(bare, declared)


class Asleep:
    """A clock of a machine that goes to sleep when the story says so."""

    slept_us = 0

    def wall_us(self) -> int:
        return NOW.wall_us

    def now(self) -> Moment:
        return Moment(wall_us=NOW.wall_us, boot_us=NOW.boot_us + self.slept_us, boot_id="boot")


@pytest.mark.parametrize(("slept_s", "sends"), [(4, True), (6, False)])
def test_a_process_that_was_held_up_after_its_commit_sends_nothing_more(server, slept_s, sends):
    with opened(server) as (run, at):

        async def story() -> None:
            clock = Asleep()
            journal = Journal(store=at.store, clock=clock, halt=halted)
            committed = await journal.commit([fact("a")])
            assert isinstance(committed, Committed)
            clock.slept_us = slept_s * 1_000_000
            if sends:
                committed.permit.spend("a")
                return
            with pytest.raises(Halted, match=r"held up for 6\.0 s between a commit and its sending"):
                committed.permit.spend("a")

        run(story)


def test_reads_that_are_given_up_leave_every_connection_good_and_hold_up_no_end(server):
    """A terminal that goes away, or a stop, cancels whoever waits for a read."""
    with opened(server) as (run, at):

        async def story() -> None:
            for n in range(60):
                reads = [asyncio.create_task(at.journal.read(slow)) for _ in range(10)]
                await asyncio.sleep(n / 4000)
                for read in reads:
                    read.cancel()
                await asyncio.gather(*reads, return_exceptions=True)
                assert await at.journal.read(slow) == 1

        run(story)


def slow(connection: Connection) -> int:
    return connection.execute(text("SELECT 1 FROM pg_sleep(0.005)")).scalar_one()
