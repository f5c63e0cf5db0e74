import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysqlite3 import dbapi2
from sqlalchemy import Column, MetaData, Table

from yuanlu.db.types import Whole, Words
from yuanlu.journal.statements import CHUNKS, Delete, Insert, Update, chunks, execute

T = Table("t", MetaData(), Column("k", Whole, primary_key=True), Column("v", Words), Column("n", Whole))
INSERT, PUT = Insert(table=T), Insert(table=T, replace=True)
SET = Update(table=T, sets=("v", "n"), match=("k", "n"))
DROP = Delete(table=T, match=("k", "n"))


@pytest.fixture
def cursor():
    connection = dbapi2.connect(":memory:")
    connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT, n INTEGER)")
    yield connection.cursor()
    connection.close()


@given(st.integers(0, 400))
def test_rows_are_cut_into_few_sizes_and_none_is_lost(count):
    rows = [(n,) for n in range(count)]
    runs = list(chunks(rows))
    assert [row for run in runs for row in run] == rows
    assert {len(run) for run in runs} <= set(CHUNKS)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 15, 16, 63, 64, 65, 85, 128, 200])
def test_statements_write_any_number_of_rows(cursor, count):
    assert execute(cursor, INSERT, [(k, f"v{k}", 1) for k in range(count)])
    assert execute(cursor, SET, [(f"w{k}", 2, k, 1) for k in range(count)])
    assert cursor.execute("SELECT k, v, n FROM t").fetchall() == [(k, f"w{k}", 2) for k in range(count)]
    assert execute(cursor, PUT, [(k, "x", 3) for k in range(count + 1)])
    assert execute(cursor, DROP, [(k, 3) for k in range(count + 1)])
    assert cursor.execute("SELECT count(*) FROM t").fetchone() == (0,)


@pytest.mark.parametrize("count", [1, 4, 20])
def test_a_row_that_does_not_match_exactly_once_is_noticed(cursor, count):
    execute(cursor, INSERT, [(k, "", 1) for k in range(count)])
    rows = [("w", 2, k, 1) for k in range(count)]
    assert not execute(cursor, SET, [*rows[:-1], ("w", 2, count - 1, 99)])
    assert not execute(cursor, DROP, [(k, 77) for k in range(count)])


def test_two_changes_of_one_row_in_one_statement_count_as_a_conflict(cursor):
    execute(cursor, INSERT, [(k, "", 1) for k in range(4)])
    assert not execute(cursor, SET, [("a", 2, 0, 1), ("b", 3, 0, 2), ("a", 2, 1, 1), ("a", 2, 2, 1)])
