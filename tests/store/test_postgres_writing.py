"""How the writer's statements reach PostgreSQL: what they cost the server."""

from functools import partial

from sqlalchemy.util import await_, greenlet_spawn

from tests.store.journals import fact, inserted, opened, transaction
from yuanlu.journal.postgres_session import PostgresSession, text_of
from yuanlu.journal.statements import Statement
from yuanlu.journal.tasks import CLAIM_TASK, DROP_TASK, MOVE_TASK, WAKE_TASK
from yuanlu.journal.transactions import SET_CAUSE, SET_OUTCOME, SET_STATE, SET_VERSION
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
