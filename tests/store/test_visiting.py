"""A command that writes beside the running gateway."""

import asyncio

import pytest

from tests.store.journals import NOW, fact, inserted, leg, opened, transaction
from yuanlu.db.choosing import beside
from yuanlu.db.errors import StoreError
from yuanlu.journal.opening import register
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.returns.states import State
from yuanlu.returns.store import insert_leg

CLOCK = SystemClock()


def test_a_visitor_and_the_gateway_write_in_turn_each_with_a_sequence_of_its_own(place):
    with opened(place) as (run, at):

        async def story() -> None:
            for round_ in range(5):
                mine = asyncio.gather(*(at.journal.commit([fact(f"g{round_}-{n}")]) for n in range(20)))
                names = [f"v{round_}-{n}" for n in range(2)]
                both = await at.visit(CLOCK, lambda v, names=names: [v.commit([fact(name)]) for name in names])
                assert all(isinstance(each, Committed) for each in [*both, *await mine])

        run(story)
        rows = at.sql("SELECT writer_id, writer_seq FROM facts ORDER BY writer_id, writer_seq")
        by_writer: dict[int, list[int]] = {}
        for writer_id, seq in rows:
            by_writer.setdefault(writer_id, []).append(seq)
        assert {writer: len(seqs) for writer, seqs in by_writer.items()} == {1: 100} | dict.fromkeys(range(2, 7), 2)
        assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in by_writer.values())


def test_of_two_returns_at_the_same_moment_from_two_processes_one_is_refused(place):
    with opened(place) as (run, at):

        async def story() -> None:
            await at.journal.commit([fact("t1")], [inserted(transaction("t1", State.RETURNING))])
            theirs = at.visit(CLOCK, lambda v: v.commit([fact("t1", 2)], [insert_leg(leg("a", "t1"))]))
            mine = at.journal.commit([fact("t1", 2)], [insert_leg(leg("b", "t1"))])
            outcomes = await asyncio.gather(theirs, mine)
            assert {type(each) for each in outcomes} == {Committed, Conflict}

        run(story)
        assert len(at.sql("SELECT return_id FROM legs")) == 1


def test_a_visit_between_hides_no_unclean_end_of_the_gateway(place):
    with opened(place) as (run, at):
        run(lambda: at.visit(CLOCK, lambda v: v.commit([fact("v")])))
        assert not at.aside(lambda c: register(c, NOW, 2)).clean


def test_without_a_journal_there_is_nothing_to_visit(place):
    def plain() -> None:
        with visit(place.url, str(place.folder), CLOCK):
            raise AssertionError("there was one")

    with pytest.raises(StoreError, match="yuanlu serve"):
        beside(place.url, plain)
