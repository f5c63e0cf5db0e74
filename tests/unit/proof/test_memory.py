"""The model's journal is worth its likeness to the real one: the same units, the same verdicts and rows."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from proof.model import memory as memory_module
from proof.model.memory import TABLES, Memory
from proof.model.plan import plan_of
from proof.model.run import modelled
from proof.model.world import World
from yuanlu.db.schema import prepare
from yuanlu.db.sqlite import writer_engine
from yuanlu.db.types import metadata
from yuanlu.journal.appending import Appender
from yuanlu.journal.sqlite_session import SqliteSession
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.journal.visiting import VisitorsUnit

Played = tuple[Sequence[Fact], Sequence[Change], int, str]


def played(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Played], Memory]:
    """Every unit of a world with what became of it."""
    units: list[Played] = []
    real = memory_module.Memory.apply

    def noting(
        self: Memory, facts: Sequence[Fact], changes: Sequence[Change], writer_id: int, now_s: float
    ) -> str:  # fmt: skip
        broken = real(self, facts, changes, writer_id, now_s)
        units.append((facts, changes, writer_id, broken))
        return broken

    monkeypatch.setattr(memory_module.Memory, "apply", noting)
    with modelled():
        world = World(plan_of(seed))
        world.run()
    return units, world.memory


def worlds_without_restarts() -> list[int]:
    """What a start does to the tables is no unit; a few worlds with conflicts, people, batches and both dialects."""
    wanted = {"people give back", "till refunds", "till voids", "till repeats", "till closes its batch"}
    found = []
    for seed in range(3_000):
        faults = plan_of(seed).faults
        if not {"crash", "crash at a commit"} & faults.keys() and len(wanted & faults.keys()) >= 3:
            found.append(seed)
    return found[:12]


@pytest.mark.parametrize("seed", worlds_without_restarts())
def test_sqlite_says_the_same_to_every_unit_and_holds_the_same_rows(seed, tmp_path, monkeypatch):
    units, memory = played(seed, monkeypatch)
    engine = writer_engine(tmp_path / "yuanlu.db")
    prepare(engine, "yuanlu.db")
    pooled = engine.raw_connection()
    appenders: dict[int, Appender] = {}
    for facts, changes, writer_id, broken in units:
        appender = appenders.setdefault(writer_id, Appender(SqliteSession(pooled.driver_connection), writer_id))
        [result] = appender.append([VisitorsUnit(facts=facts, changes=changes)])
        assert isinstance(result, Conflict) == bool(broken), (broken, result)
    with engine.connect() as connection:
        for name in TABLES:
            table = metadata.tables[name]
            stored = {tuple(row) for row in connection.execute(select(table))}
            held = {tuple(row[column.name] for column in table.columns) for row in memory.tables[name].values()}
            assert held == stored, name
    pooled.close()
    engine.dispose()
