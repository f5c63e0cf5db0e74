"""A start reads what is open and nothing that is closed: the journal may be as large as it likes."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from msgspec.structs import replace
from sqlalchemy import Connection, event

from tests.store.journals import NOW, closed, leg, opened, transaction
from tests.store.places import Place
from yuanlu.db.migrating import configuration
from yuanlu.db.schema import head
from yuanlu.gateway.sessions import terminal_sessions
from yuanlu.incidents.store import active_incidents, unsettled_incidents
from yuanlu.journal import tasks
from yuanlu.journal.opening import register
from yuanlu.journal.tables import facts, transactions
from yuanlu.journal.transactions import as_row, latest_id, latest_sealed, left_in_flight
from yuanlu.kernel.clock import Moment
from yuanlu.returns.states import State
from yuanlu.returns.store import insert_leg, live_ids, restart_windows
from yuanlu.returns.tables import legs

ANOTHER_BOOT = Moment(wall_us=NOW.wall_us, boot_us=1, boot_id="another boot")
Query = Callable[[Connection], Any]

AT_START: list[tuple[str, Query]] = [
    ("the writer before", lambda c: register(c, NOW, 1)),
    ("windows after a boot", lambda c: restart_windows(c, ANOTHER_BOOT)),
    ("the highest id", latest_id),
    ("something sealed", latest_sealed),
    ("payments in flight", left_in_flight),
    ("returns of a host that is back", lambda c: live_ids(c, "h1")),
    ("due returns", lambda c: tasks._due(c, "return", "h1", NOW.wall_us, 8)),
    ("waiting returns", lambda c: tasks._waiting(c, "return", "h1", 0)),
    ("active incidents", active_incidents),
    ("incidents that are over but not settled", unsettled_incidents),
]

ONLY_OPEN = {"tasks", "writers"}
"""Tables without anything closed: a task is gone when it is done, and a writer is a row a start."""

FIRST_OF_THE_NEWEST = "SCAN transactions USING INDEX sqlite_autoindex_transactions_1"
"""From the newest id down, and it ends at the first that is sealed: the steps below show that it does."""


def plans(connection: Connection, query: Query) -> list[str]:
    """How SQLite carries out each statement of a query."""
    asked: list[tuple[str, Any]] = []

    def listen(_connection, _cursor, statement, parameters, _context, _many) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", listen)
    query(connection)
    event.remove(connection, "before_cursor_execute", listen)
    explained = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all() for text, values in asked]
    return [row[3] for rows in explained for row in rows]


def steps(connection: Connection, query: Query) -> int:
    """How many instructions SQLite's machine needs for it."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    raw = connection.connection.driver_connection
    assert raw is not None
    raw.set_progress_handler(tick, 1)
    query(connection)
    raw.set_progress_handler(None, 0)
    return count


def partial_indexes(connection: Connection) -> set[str]:
    found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
    return set(found.scalars())


def put(connection: Connection, table: Any, rows: Iterable[tuple[Any, ...]]) -> None:
    names = table.columns.keys()
    connection.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def fill(connection: Connection, many: int, state: State, first: int = 0) -> None:
    """So many payments, each with a leg: closed with the payment, or open."""
    rows = [transaction(f"t{n:06}", state, stan=f"{n:06}") for n in range(first, first + many)]
    put(connection, transactions, [as_row(replace(row, sealed=b"x")) for row in rows])
    legs_ = [leg(f"r{row.transaction_id}", row.transaction_id) for row in rows]
    if state is State.RETURNED:
        legs_ = [closed(replace(each, state=state), state) for each in legs_]
    put(connection, legs, [insert_leg(each).row for each in legs_])
    lines = [("M", row.transaction_id, 1, 9, n, 1, "X", "T", "", b"") for n, row in enumerate(rows, first)]
    put(connection, facts, lines)


@pytest.mark.parametrize(("name", "query"), AT_START, ids=[row[0] for row in AT_START])
def test_every_query_of_a_start_goes_by_an_index_of_what_is_open(file, name, query):
    with opened(file) as (_run, at), at.store.engine.begin() as connection:
        fill(connection, 50, State.RETURNED)
        fill(connection, 3, State.RETURNING, first=50)
        allowed = partial_indexes(connection)
        found = plans(connection, query)
        assert found, name
        for line in found:
            words = line.split()
            fine = words[0] == "SEARCH" or words[1] in ONLY_OPEN or words[-1] in allowed
            assert fine or (name == "something sealed" and line == FIRST_OF_THE_NEWEST), line


@pytest.mark.parametrize(("name", "query"), AT_START, ids=[row[0] for row in AT_START])
def test_a_start_takes_no_more_steps_however_much_is_closed(tmp_path, name, query):
    taken = []
    for many in (20, 2_000):
        with (
            opened(Place(url=f"sqlite:///{many}.db", folder=tmp_path)) as (_run, at),
            at.store.engine.begin() as connection,
        ):
            fill(connection, many, State.RETURNED)
            fill(connection, 3, State.RETURNING, first=many)
            taken.append(steps(connection, query))
    assert taken[0] > 0
    assert taken[1] <= taken[0] + 20, name


def test_the_check_sees_a_query_that_reads_what_is_closed(file):
    def all_of_it(connection: Connection) -> Any:
        return connection.execute(legs.select().where(legs.c.kind == "reversal")).all()

    with opened(file) as (_run, at), at.store.engine.begin() as connection:
        fill(connection, 500, State.RETURNED)
        [plan] = plans(connection, all_of_it)
        assert plan.startswith("SCAN legs")
        assert plan.split()[-1] not in partial_indexes(connection)
        assert steps(connection, all_of_it) > 500


def test_the_sessions_of_terminals_are_one_row_each(tmp_path):
    """They are all read at the start; there is one row a terminal, whatever it has paid."""
    assert [column.name for column in terminal_sessions.primary_key] == ["terminal_id"]


HEAVY = ("alembic", "mako", "sqlalchemy.orm", "asyncpg", "starlette", "uvicorn")
"""What a gateway on a file does not need before it listens; together they took a third of a start."""


def test_a_start_imports_nothing_that_it_does_not_need():
    serve = "import sys, yuanlu.cli.main, yuanlu.cli.logs, yuanlu.settings, yuanlu.wiring; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", serve], capture_output=True, text=True, check=True)
    assert "yuanlu.wiring" in done.stdout.split()
    assert set(HEAVY) & set(done.stdout.split()) == set()


def test_the_newest_migration_is_found_by_its_name():
    script = ScriptDirectory.from_config(configuration())
    assert script.get_current_head() == head()
