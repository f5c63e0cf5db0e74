"""A page of transactions reads no more than it has to."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from tests.store.journals import fact, inserted, opened, transaction
from tests.store.places import sqlite_place
from yuanlu.journal.listing import Filter, page, page_query
from yuanlu.kernel.identifiers import first_of

DAY_US = 86_400_000_000
KEY = "SEARCH transactions USING INDEX sqlite_autoindex_transactions_1"
PAGES = [
    (Filter(), f"{KEY} (transaction_id<?)", "all, by time"),
    (Filter(since_us=DAY_US, until_us=2 * DAY_US), f"{KEY} (transaction_id>? AND transaction_id<?)", "a day's"),
    (Filter(merchant_id="m"), "(merchant_id=? AND subject_id<?)", "a merchant's, by the facts' key"),
    (Filter(merchant_id="m", since_us=DAY_US), "(merchant_id=? AND subject_id>? AND subject_id<?)", "since then"),
    (Filter(merchant_id="m", rrn="1"), "ix_transactions_rrn", "by its reference number"),
    (Filter(merchant_id="m", terminal_ids=("t",)), "(terminal_id=? AND merchant_id=?)", "a terminal's"),
    (Filter(merchant_id="m", causes=("NO_ANSWER",)), "ix_transactions_abnormal", "abnormal ones are few"),
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
    sorts = wanted.rrn or wanted.terminal_ids
    assert sorts or not [line for line in plan if "TEMP B-TREE" in line]


SECOND_US = 1_000_000
NOON_US = 20_000 * DAY_US + DAY_US // 2
OF = [("M", "T0000001", ""), ("M", "T0000002", "NO_ANSWER"), ("N", "T0000003", "")]


def payments():
    """Twelve, a second apart: merchant M has two terminals, the second of which goes wrong, merchant N one."""
    for n in range(12):
        merchant_id, terminal_id, cause = OF[n % 3]
        name = first_of(NOON_US + n * SECOND_US)[:-2] + f"{n:02}"
        key = replace(transaction(name).key, merchant_id=merchant_id, terminal_id=terminal_id)
        first = replace(fact(name), merchant_id=merchant_id)
        yield first, inserted(replace(transaction(name), key=key, rrn=f"R{n}", cause=cause))


ASKED = [
    (Filter(), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], "all"),
    (Filter(merchant_id="M"), [10, 9, 7, 6, 4, 3, 1, 0], "a merchant's"),
    (Filter(merchant_id="M", since_us=NOON_US + 3 * SECOND_US, until_us=NOON_US + 7 * SECOND_US), [6, 4, 3], "then"),
    (Filter(since_us=NOON_US + 3 * SECOND_US, until_us=NOON_US + 7 * SECOND_US), [6, 5, 4, 3], "all of then"),
    (Filter(merchant_id="M", terminal_ids=("T0000001",)), [9, 6, 3, 0], "a terminal's"),
    (Filter(merchant_id="N", terminal_ids=("T0000001",)), [], "another merchant's terminal"),
    (Filter(merchant_id="M", causes=("NO_ANSWER",)), [10, 7, 4, 1], "with this cause"),
    (Filter(merchant_id="N", abnormal=True), [], "none went wrong"),
    (Filter(merchant_id="M", rrn="R4"), [4], "by its number"),
    (Filter(merchant_id="N", rrn="R4"), [], "another merchant's number"),
    (Filter(merchant_id="M", states=("DECLINED",)), [], "nothing is in this state"),
]


def test_every_way_to_read_finds_the_same_page_by_page(place):
    with opened(place) as (run, at):

        async def story() -> None:
            rows = list(payments())
            await at.journal.commit([first for first, _ in rows], [change for _, change in rows])
            for wanted, numbers, why in ASKED:
                found, after = [], ""
                while more := await at.journal.read(lambda c, w=wanted, a=after: page(c, w, a, 3)):
                    found += more
                    after = more[-1].transaction_id
                assert [int(each.rrn[1:]) for each in found] == numbers, why

        run(story)


RARE = [
    ({"card_last4": "9999"}, "a card's last digits"),
    ({"amount_from": 100, "amount_to": 200}, "an amount"),
    ({"stan": "000001"}, "a trace number, anywhere"),
    ({"kinds": ("void",)}, "a rare kind"),
    ({"acquirer": "h1"}, "a host with little traffic"),
]


@pytest.mark.parametrize(("given", "why"), RARE, ids=[row[1] for row in RARE])
def test_what_few_payments_have_is_sought_in_a_narrow_index_and_not_row_by_row(tmp_path, given, why):
    wanted = Filter(since_us=DAY_US, until_us=2_000_000_000_000_000, **given)
    plan = plan_of(tmp_path, page_query(wanted, "Z", 51))
    assert [step for step in plan if "COVERING INDEX ix_transactions_sought (transaction_id>? AND" in step], (why, plan)
    assert [step for step in plan if "ix_transactions_sought" not in step and "(transaction_id=?)" in step], plan
