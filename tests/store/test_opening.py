"""Opening a database: ours or not, sound or not, alone or not."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pysqlite3 import dbapi2
from sqlalchemy import Text, text

from tests.store.journals import NOW, fact, opened, transaction
from tests.store.places import sqlite_place
from yuanlu.db import schema, sqlite
from yuanlu.db.errors import StoreError, StoreLocked
from yuanlu.db.integrity import main as integrity_main
from yuanlu.db.migrating import migrate
from yuanlu.db.schema import head, prepare, upgrade
from yuanlu.db.sqlite import (
    StoreLock,
    database_path,
    integrity_problem,
    reader_engine,
    refuse_vulnerable_sqlite,
    writer_engine,
)
from yuanlu.db.types import metadata
from yuanlu.journal.opening import register, sign_off
from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import as_row
from yuanlu.kernel.errors import ConfigurationError
from yuanlu.returns.states import State
from yuanlu.returns.store import legs_of, restart_windows
from yuanlu.returns.tables import legs

PRAGMAS = {"synchronous": 3, "journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 1_000}

SOURCE = Path(schema.__file__).parents[1]


def made(path):
    engine = writer_engine(path)
    prepare(engine, str(path))
    return engine


def shape(engine):
    """Tables, columns, keys and indexes, as SQLite itself describes them."""
    with engine.connect() as connection:

        def rows(statement):
            return [tuple(row) for row in connection.execute(text(statement))]

        tables = sorted(r[1:] for r in rows("PRAGMA main.table_list") if not r[1].startswith(("sqlite_", "alembic_")))
        found = {"tables": tables}
        for name in [table[0] for table in tables]:
            indexes = sorted(r[1:] for r in rows(f"PRAGMA index_list({name})"))
            found[name] = (
                rows(f"PRAGMA table_info({name})"),
                rows(f"PRAGMA foreign_key_list({name})"),
                indexes,
                [rows(f"PRAGMA index_xinfo({index[0]})") for index in indexes],
            )
        where = "SELECT name, replace(sql, '\n', '') FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'"
        found["partial"] = sorted(rows(where))
        return found


def test_the_migration_makes_what_the_packages_declare(tmp_path):
    for path in SOURCE.rglob("*.py"):
        if path.name.endswith("tables.py") or path.name == "sessions.py":  # whatever declares a table
            importlib.import_module(".".join(path.relative_to(SOURCE.parent).with_suffix("").parts))
    migrated, declared = made(tmp_path / "m.db"), writer_engine(tmp_path / "d.db")
    with declared.begin() as connection:
        metadata.create_all(connection)
    one, other = shape(migrated), shape(declared)
    for part in one.keys() | other.keys():
        assert one.get(part) == other.get(part), part
    for engine in (migrated, declared):
        engine.dispose()


def test_every_table_is_strict(tmp_path):
    engine = made(tmp_path / "j.db")
    assert all(table[-1] == 1 for table in shape(engine)["tables"])
    engine.dispose()


def test_the_pragmas_are_in_force_and_read_back(tmp_path, monkeypatch):
    engine = made(tmp_path / "j.db")
    with engine.connect() as connection:
        assert {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in PRAGMAS} == PRAGMAS
    engine.dispose()
    monkeypatch.setattr(sqlite, "_WRITER", (("synchronous", "EXTRA", 2),))
    with pytest.raises(StoreError, match="did not accept synchronous=EXTRA"):
        writer_engine(tmp_path / "j.db")


@pytest.mark.parametrize("version", [(3, 6, 23), (3, 45, 1), (3, 51, 2)])
def test_an_sqlite_that_can_lose_a_wal_database_is_refused(version):
    with pytest.raises(StoreError, match="can corrupt a WAL database"):
        refuse_vulnerable_sqlite(version)
    refuse_vulnerable_sqlite((3, 51, 3))
    refuse_vulnerable_sqlite(dbapi2.sqlite_version_info)


def test_a_second_gateway_is_kept_out_and_told_who_is_in(tmp_path):
    first = StoreLock(tmp_path / "j.db")
    with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
        StoreLock(tmp_path / "j.db")
    first.close()
    StoreLock(tmp_path / "j.db").close()


def test_a_reader_cannot_write(tmp_path):
    made(tmp_path / "j.db").dispose()
    engine = reader_engine(tmp_path / "j.db")
    with engine.connect() as connection, pytest.raises(Exception, match=r"readonly|read-only|query_only"):
        connection.execute(text("DELETE FROM tasks"))
    engine.dispose()


def set_version(path, version):
    connection = dbapi2.connect(str(path))
    connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.commit()
    connection.close()


def test_a_newer_database_asks_for_the_newer_program(tmp_path):
    path = tmp_path / "j.db"
    made(path).dispose()
    set_version(path, "9999")
    engine = writer_engine(path)
    with pytest.raises(StoreError, match=r"newer version .9999. than this program"):
        prepare(engine, str(path))
    engine.dispose()


def test_an_older_database_asks_for_an_upgrade(tmp_path):
    path = tmp_path / "j.db"
    made(path).dispose()
    set_version(path, "0000")
    engine = writer_engine(path)
    with pytest.raises(StoreError, match=r"older version .0000.*yuanlu db upgrade"):
        prepare(engine, str(path))
    engine.dispose()


def test_a_database_of_somebody_else_is_left_alone(tmp_path):
    path = tmp_path / "j.db"
    connection = dbapi2.connect(str(path))
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    engine = writer_engine(path)
    with pytest.raises(StoreError, match="holds other tables"):
        prepare(engine, str(path))
    engine.dispose()


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path):
    path = tmp_path / "j.db"
    path.write_bytes(b"this is not a database at all, whatever its name says" * 40)
    with pytest.raises(StoreError, match=r"j\.db cannot be"):
        writer_engine(path)


def test_damage_is_found(tmp_path, monkeypatch, capsys):
    path = tmp_path / "j.db"
    with opened(sqlite_place(tmp_path)) as (run, at):
        run(lambda: at.journal.commit([fact(f"s{n:05}") for n in range(3_000)]))
    assert integrity_problem(path) is None
    monkeypatch.setattr("sys.argv", ["x", str(path)])
    assert integrity_main() == 0
    content = bytearray(path.read_bytes())
    for page in range(12, len(content) // 4096 - 1, 3):
        content[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
    path.write_bytes(content)
    assert integrity_problem(path)
    assert integrity_main() == 1
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "none")])
    assert integrity_main() == 2
    assert "sound" in capsys.readouterr().out


def test_a_check_whose_gateway_was_killed_ends_without_a_stack_trace(tmp_path):
    made(tmp_path / "j.db").dispose()
    check_it = [sys.executable, "-m", "yuanlu.db.integrity", str(tmp_path / "j.db")]
    with subprocess.Popen(check_it, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as check:
        assert check.stdout is not None
        check.stdout.close()
        assert check.stderr is not None
        assert check.stderr.read() == b""
    assert check.returncode == 0


def test_an_upgrade_of_the_newest_changes_nothing(tmp_path):
    engine = made(tmp_path / "j.db")
    before = shape(engine)
    upgrade(engine, "j.db")
    assert shape(engine) == before
    prepare(engine, "j.db")
    assert shape(engine) == before
    assert head() == max(path.name[1:5] for path in (SOURCE / "db/migrations/versions").glob("r*.py"))
    engine.dispose()


def test_a_journal_of_the_first_version_is_refused_until_it_is_upgraded_and_then_keeps_its_returns(tmp_path):
    engine = writer_engine(tmp_path / "j.db")
    with engine.begin() as connection:
        migrate(connection, "0001")
        old = [
            column.name
            for column in legs.columns
            if column.name not in ("unanswered_boot_us", "message_id", "order_id")
        ]
        first = dict(zip(transactions.columns.keys(), as_row(transaction("t1")), strict=True))
        del first["original_id"], first["approved_minor"], first["cause"]
        connection.execute(text(f"INSERT INTO transactions ({', '.join(first)}) VALUES (:{', :'.join(first)})"), first)
        row = dict.fromkeys(old, 0) | {
            "return_id": "r1", "transaction_id": "t1", "amount_minor": 100, "live": 1, "attempts": 1,
            "original_boot_id": "an earlier boot", "state": State.RETURNING, "closed_at_us": None,
        }  # fmt: skip
        texts = {name: str(row[name]) for name in old if isinstance(legs.c[name].type, Text)}
        connection.execute(text(f"INSERT INTO legs ({', '.join(old)}) VALUES (:{', :'.join(old)})"), row | texts)
    with pytest.raises(StoreError, match="yuanlu db upgrade"):
        prepare(engine, "j.db")
    upgrade(engine, "j.db")
    prepare(engine, "j.db")
    with engine.begin() as connection:
        restart_windows(connection, NOW)
        [leg] = legs_of(connection, "t1")
    assert (leg.unanswered_boot_us, leg.attempts) == (NOW.boot_us, 1)
    engine.dispose()


def test_writers_are_numbered_and_an_unclean_end_is_noticed(tmp_path):
    engine = made(tmp_path / "j.db")
    with engine.begin() as connection:
        first = register(connection, NOW, 1)
        second = register(connection, NOW, 2)
        sign_off(connection, second.writer_id, NOW)
        third = register(connection, NOW, 3)
    assert [(w.writer_id, w.clean) for w in (first, second, third)] == [(1, True), (2, False), (3, True)]
    engine.dispose()


@pytest.mark.parametrize("url", ["postgresql://h/d", "sqlite://", "sqlite:///", "sqlite:///:memory:", "j.db"])
def test_a_journal_must_be_a_file(url):
    with pytest.raises(ConfigurationError, match=r"\[store\] url"):
        database_path(url, "/f")


def test_a_relative_file_starts_at_the_configurations_folder():
    assert str(database_path("sqlite:///var/j.db", "/f")) == "/f/var/j.db"
    assert str(database_path("sqlite:////var/j.db", "/f")) == "/var/j.db"
