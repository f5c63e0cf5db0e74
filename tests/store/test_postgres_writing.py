"""How the writer's statements reach PostgreSQL: what they cost the server."""

import asyncio
from functools import partial

from msgspec.structs import replace
from sqlalchemy.util import await_, greenlet_spawn

from tests.store.journals import fact, inserted, opened, transaction
from yuanlu.journal.postgres_session import PostgresSession, text_of
from yuanlu.journal.statements import Statement
from yuanlu.journal.tasks import CLAIM_TASK, DROP_TASK, MOVE_TASK, WAKE_TASK
from yuanlu.journal.transactions import SET_CAUSE, SET_OUTCOME, SET_STATE, SET_VERSION
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.returns.store import DELETE_SEND, DROP_WATCH, RESTART_WINDOW, UPDATE_LEG

ROWS = 64
CHANGES = (
    SET_OUTCOME, SET_STATE, SET_VERSION, SET_CAUSE, WAKE_TASK, MOVE_TASK, CLAIM_TASK, DROP_TASK, UPDATE_LEG,
    RESTART_WINDOW, DELETE_SEND, DROP_WATCH,
)  # fmt: skip


async def plan_of(session: PostgresSession, statement: Statement) -> str:
    """How the writer's own session would find the rows."""
    columns: list[list[None]] = [[None] * ROWS for _ in range(statement.width)]

    def explain() -> str:
        rows = await_(session.connection.fetch(f"EXPLAIN {text_of(statement)}", *columns))
        return "\n".join(row[0] for row in rows)

    return await greenlet_spawn(explain)


def test_a_new_database_that_nobody_has_counted_yet_is_not_read_as_a_whole_for_each_batch(server):
    """Seen: the plan of a payment's outcome, made while the table was empty, read all of it with every commit."""
    with opened(server) as (run, at):
        run(lambda: at.journal.commit([fact("t1")], [inserted(transaction("t1"))]))
        plans = [run(partial(plan_of, at.store._session, statement)) for statement in CHANGES]
    for plan in plans:
        assert "Index" in plan
        assert "Seq Scan" not in plan, plan
        assert "Join" not in plan, plan


def test_new_rows_are_copied_and_a_key_that_is_taken_fails_its_own_unit_alone(server):
    """A COPY that is refused takes its whole batch with it: then the units go one by one."""
    with opened(server) as (run, at):

        async def story() -> list[type]:
            await at.journal.commit([fact("t20")], [inserted(transaction("t20"))])
            units = [at.journal.commit([fact(f"t{n}")], [inserted(transaction(f"t{n}"))]) for n in range(40)]
            return [type(result) for result in await asyncio.gather(*units)]

        assert run(story) == [Conflict if n == 20 else Committed for n in range(40)]
        assert at.numbers() == list(range(1, 41))
        assert at.sql("SELECT count(*) FROM transactions") == [(40,)]


def test_a_character_that_the_server_cannot_hold_is_replaced_also_among_many(server):
    with opened(server) as (run, at):

        async def story() -> set[type]:
            units = [at.journal.commit([replace(fact(f"t{n}"), note=f"{n}\x00")]) for n in range(40)]
            return {type(result) for result in await asyncio.gather(*units)}

        assert run(story) == {Committed}
        assert at.sql("SELECT count(*), count(DISTINCT note) FROM facts WHERE note LIKE '%\ufffd'") == [(40, 40)]
