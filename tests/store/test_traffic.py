"""The live monitor's traffic: true to the second, and the same five minutes are not counted again each second."""

from collections import Counter

from msgspec.structs import replace
from sqlalchemy import Connection, update

from tests.store.journals import opened, transaction
from tests.store.places import sqlite_place
from tests.store.test_starting import put, steps
from yuanlu.journal.tables import transactions
from yuanlu.journal.transactions import as_row
from yuanlu.kernel.identifiers import first_of
from yuanlu.people.traffic import SECONDS, Traffic

SECOND_US = 1_000_000
NOW_US = 1_790_000_000 * SECOND_US


def pay(connection: Connection, at_s: int, many: int, *, merchant_id: str = "M", batch: str = "000001") -> list[str]:
    """So many payments in the second `at_s` after the story's beginning; their ids."""
    rows = []
    for n in range(many):
        at_us = NOW_US + at_s * SECOND_US + n
        one = transaction(first_of(at_us)[:10] + f"{batch}{n:010}", stan=f"{n:06}")
        key = replace(one.key, merchant_id=merchant_id, batch_no=f"{abs(at_s):03}{batch[-3:]}")
        rows.append(replace(one, key=key, received_at_us=at_us))
    put(connection, transactions, [as_row(each) for each in rows])
    return [each.transaction_id for each in rows]


def goes_wrong(connection: Connection, name: str) -> None:
    connection.execute(update(transactions).where(transactions.c.transaction_id == name).values(cause="NO_ANSWER"))


def seen(traffic: Traffic, connection: Connection, at_s: int) -> dict[int, tuple[int, int]]:
    """What a look shows: payments and abnormal ones by second of the story."""
    found = traffic.look(connection, NOW_US + at_s * SECOND_US)
    return {each.at_s - NOW_US // SECOND_US: (each.payments, each.abnormal) for each in found}


def test_every_look_shows_the_last_five_minutes_as_they_are(place):
    def story(connection: Connection) -> None:
        traffic = Traffic("")
        old = pay(connection, -SECONDS + 1, 3)
        pay(connection, -60, 2)
        assert seen(traffic, connection, 0) == {-SECONDS + 1: (3, 0), -60: (2, 0)}
        goes_wrong(connection, old[0])
        late = pay(connection, 0, 4)
        assert seen(traffic, connection, 1) == {-SECONDS + 1: (3, 1), -60: (2, 0), 0: (4, 0)}
        goes_wrong(connection, late[0])
        pay(connection, 0, 2, merchant_id="N", batch="000002")  # committed a little later than others of that second
        pay(connection, 1, 1)
        assert seen(traffic, connection, 2) == {-60: (2, 0), 0: (6, 1), 1: (1, 0)}

    with opened(place) as (_run, at):
        at.aside(story)


def test_a_merchants_look_counts_that_merchants_payments(place):
    def story(connection: Connection) -> None:
        traffic = Traffic("N")
        pay(connection, -5, 3)
        goes_wrong(connection, pay(connection, -5, 2, merchant_id="N", batch="000002")[0])
        assert seen(traffic, connection, 0) == {-5: (2, 1)}

    with opened(place) as (_run, at):
        at.aside(story)


def test_a_look_reads_what_is_new_and_not_the_five_minutes_again(tmp_path):
    with opened(sqlite_place(tmp_path)) as (_run, at), at.store.engine.begin() as connection:
        traffic, taken = Traffic(""), Counter[str]()
        for at_s in range(-200, -20):
            pay(connection, at_s, 20)
        taken["first"] = steps(connection, lambda c: traffic.look(c, NOW_US))
        pay(connection, 0, 20)
        taken["second"] = steps(connection, lambda c: traffic.look(c, NOW_US + SECOND_US))
        assert taken["first"] > 3_600, "that is what all of them cost"
        assert taken["second"] < taken["first"] / 20
