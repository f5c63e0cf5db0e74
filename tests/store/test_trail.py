"""The trail of people's actions reads what people wrote, not all that ever happened."""

import pytest
from sqlalchemy.dialects import sqlite

from tests.store.journals import opened
from tests.store.places import sqlite_place
from yuanlu.people.trail import (
    Wanted,
    closed_orders,
    numbers,
    sent_again,
    told_of_incidents,
    told_of_wordings,
    touched_orders,
)

LOOKS = [
    (touched_orders, "orders"), (closed_orders, "orders"), (told_of_incidents, "incidents"),
    (sent_again, "notifications"), (numbers, "facts"), (told_of_wordings, "facts"),
]  # fmt: skip


@pytest.mark.parametrize("merchant_id", ["", "898440153110001"])
@pytest.mark.parametrize(("look", "then"), LOOKS, ids=[look.__name__ for look, _ in LOOKS])
def test_facts_are_found_by_the_visits_of_the_time(tmp_path, look, then, merchant_id):
    query = look(Wanted(since_us=1, until_us=2, merchant_id=merchant_id))
    text = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with opened(sqlite_place(tmp_path)) as (_, at):
        plan = [row[3] for row in at.aside(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all())]
    assert [line for line in plan if line.startswith("SEARCH facts") and "(writer_id=?)" in line], plan
    assert [line for line in plan if line.startswith(f"SEARCH {then}")], plan
    assert {line for line in plan if line.startswith("SCAN")} == {"SCAN writers"}, "one row for each visit"
