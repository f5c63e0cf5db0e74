"""A page of transactions reads no more than it has to."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from tests.store.journals import opened
from tests.store.places import sqlite_place
from yuanlu.journal import listing
from yuanlu.journal.listing import Filter
from yuanlu.journal.lists import Wanted, page_query

PAGES = [
    (Wanted(), "SEARCH transactions USING INDEX sqlite_autoindex_transactions_1 (transaction_id<?)", "all, by time"),
    (Wanted(merchant_id="m"), "(merchant_id=? AND subject_id<?)", "a merchant's, by the facts' key"),
    (Wanted(merchant_id="m", rrn="1"), "ix_transactions_rrn", "by its reference number"),
]


def plan_of(folder: Path, query: Select[Any]) -> list[str]:
    """The steps of a query, as SQLite plans it."""
    text = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    with opened(sqlite_place(folder)) as (_, at):
        return [row[3] for row in at.aside(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all())]


@pytest.mark.parametrize(("wanted", "step", "why"), PAGES, ids=[row[2] for row in PAGES])
def test_a_page_is_one_range_of_an_index(tmp_path, wanted, step, why):
    plan = plan_of(tmp_path, page_query(wanted, "Z", 51))
    assert step in plan[0], why
    assert not [line for line in plan if "SCAN" in line]
    assert wanted.rrn or not [line for line in plan if "TEMP B-TREE" in line]


RARE = [
    ({"card_last4": "9999"}, "a card's last digits"),
    ({"amount_from": 100, "amount_to": 200}, "an amount"),
    ({"stan": "000001"}, "a trace number, anywhere"),
    ({"kinds": ("void",)}, "a rare kind"),
    ({"acquirer": "h1"}, "a host with little traffic"),
]


@pytest.mark.parametrize(("given", "why"), RARE, ids=[row[1] for row in RARE])
def test_what_few_payments_have_is_sought_in_a_narrow_index_and_not_row_by_row(tmp_path, given, why):
    wanted = Filter(since_us=0, until_us=2_000_000_000_000_000, **given)
    plan = plan_of(tmp_path, listing.page_query(wanted, "Z", 51))
    assert [step for step in plan if "COVERING INDEX ix_transactions_sought (transaction_id>? AND" in step], (why, plan)
    assert [step for step in plan if "ix_transactions_sought" not in step and "(transaction_id=?)" in step], plan
