"""A page of transactions reads no more than it has to."""

import pytest
from sqlalchemy.dialects import sqlite

from tests.store.journals import opened
from tests.store.places import sqlite_place
from yuanlu.journal.lists import Wanted, page_query

PAGES = [
    (Wanted(), "SEARCH transactions USING INDEX sqlite_autoindex_transactions_1 (transaction_id<?)", "all, by time"),
    (Wanted(merchant_id="m"), "(merchant_id=? AND subject_id<?)", "a merchant's, by the facts' key"),
    (Wanted(merchant_id="m", rrn="1"), "ix_transactions_rrn", "by its reference number"),
]


@pytest.mark.parametrize(("wanted", "step", "why"), PAGES, ids=[row[2] for row in PAGES])
def test_a_page_is_one_range_of_an_index(tmp_path, wanted, step, why):
    query = page_query(wanted, "Z", 51).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with opened(sqlite_place(tmp_path)) as (_, at):
        plan = [row[3] for row in at.aside(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all())]
    assert step in plan[0], why
    assert not [line for line in plan if "SCAN" in line]
    assert wanted.rrn or not [line for line in plan if "TEMP B-TREE" in line]
