"""What the database itself forbids, whatever the code above it tries."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.store.journals import closed, fact, inserted, leg, opened, transaction
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.returns import store
from yuanlu.returns.states import TRANSITIONS, State


@pytest.mark.parametrize("statement", ["UPDATE facts SET note = 'x'", "DELETE FROM facts"])
def test_facts_are_append_only(place, statement):
    with opened(place) as (run, at):
        run(lambda: at.journal.commit([fact("a")]))
        with pytest.raises(IntegrityError, match="append-only"):
            at.write(statement)
        assert at.count() == 1


def test_states_move_only_along_the_table(place):
    with opened(place) as (run, at):
        for n, before in enumerate(State):
            for m, after in enumerate(State):
                name = f"{n:02}{m:02}00"
                run(lambda name=name, before=before: at.journal.commit([], [inserted(transaction(name, before))]))
                statement = f"UPDATE transactions SET state = '{after}' WHERE transaction_id = '{name}'"
                if before is after or after in TRANSITIONS[before]:
                    at.write(statement)
                else:
                    with pytest.raises(IntegrityError, match="no such transition"):
                        at.write(statement)


def test_an_identity_is_taken_once(place):
    with opened(place) as (run, at):

        async def story() -> None:
            rows = [transaction(name, stan="000001") for name in ("a", "b")]
            results = await asyncio.gather(*(at.journal.commit([], [inserted(row)]) for row in rows))
            assert [type(r) for r in results] == [Committed, Conflict]

        run(story)


LEGS = [
    ([leg("r1", "t1", 60)], leg("r2", "t1", 60, 2), Conflict, "a second live one"),
    ([closed(leg("r1", "t1", 60), State.RETURNED)], leg("r2", "t1", 41, 2), Conflict, "more than was paid"),
    ([closed(leg("r1", "t1", 60), State.RETURNED)], leg("r2", "t1", 40, 2), Committed, "exactly the rest"),
    ([closed(leg("r1", "t1", 100), State.NO_EFFECT)], leg("r2", "t1", 100, 2), Committed, "nothing was given back yet"),
    ([closed(leg("r1", "t1", 1), State.RETURNED)], leg("r2", "t1", 1, 1), Conflict, "the same number"),
    ([closed(leg("r1", "t1", 1), State.RETURNED)], leg("r1", "t1", 1, 2), Conflict, "the same name"),
    ([], leg("r1", "t1", 101), Conflict, "more than was paid"),
    ([], leg("r1", "t1", 0), Conflict, "nothing is no return"),
    ([], leg("r1", "nobody", 1), Conflict, "of no payment"),
    ([leg("r1", "t1", 60, state=State.ESCALATED)], leg("r2", "t1", 1, 2), Conflict, "one waits for a person"),
]


@pytest.mark.parametrize(("before", "new", "expected", "why"), LEGS, ids=[row[3] for row in LEGS])
def test_what_goes_back_is_capped_and_one_at_a_time(place, before, new, expected, why):
    with opened(place) as (run, at):

        async def story() -> None:
            await at.journal.commit([], [inserted(transaction("t1", State.APPROVED))])
            for each in before:
                assert isinstance(await at.journal.commit([], [store.insert_leg(each)]), Committed)
            assert isinstance(await at.journal.commit([], [store.insert_leg(new)]), expected), why

        run(story)


def test_two_returns_of_sixty_on_a_hundred_at_the_same_moment_do_not_both_pass(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await at.journal.commit([], [inserted(transaction("t1", State.APPROVED))])
            pair = [closed(leg(f"r{n}", "t1", 60, n), State.RETURNED) for n in (1, 2)]
            results = await asyncio.gather(*(at.journal.commit([], [store.insert_leg(each)]) for each in pair))
            assert [type(r) for r in results] == [Committed, Conflict]

        run(story)


def test_an_attempt_is_made_once_and_a_leg_keeps_its_identity(place):
    with opened(place) as (run, at):

        async def story() -> None:
            one = leg("r1", "t1")
            await at.journal.commit([], [inserted(transaction("t1")), store.insert_leg(one)])
            sends = [at.journal.commit([], [store.insert_send(one, "reversal", 1, 5)]) for _ in range(2)]
            assert [type(r) for r in await asyncio.gather(*sends)] == [Committed, Conflict]

        run(story)
        for column, value in (
            ("amount_minor", "1"),
            ("transaction_id", "'t2'"),
            ("leg_no", "2"),
            ("currency", "'840'"),
        ):
            with pytest.raises(IntegrityError, match="identity of a leg"):
                at.write(f"UPDATE legs SET {column} = {value}")


def test_an_amount_below_zero_or_in_no_currency_is_refused(place):
    with opened(place) as (run, at):
        run(lambda: at.journal.commit([], [inserted(transaction("t1"))]))
        for change in ("amount_minor = -1", "currency = 'EURO'"):
            with pytest.raises(IntegrityError):
                at.write(f"UPDATE transactions SET {change}")
        with pytest.raises(DBAPIError, match=r"TEXT value in INTEGER column|invalid input syntax for type bigint"):
            at.write("UPDATE transactions SET version = 'one'")
