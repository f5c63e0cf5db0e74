"""Cases on a real database: what two people may do, what the code refuses, and what the database itself refuses."""

import asyncio
import random
import threading
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.store.case_office import Office, told
from tests.store.journals import fact, inserted, opened, transaction
from tests.unit.cases.cases import HOUR_US, LI, NOW_US, TERMS, WANG, opening
from yuanlu.cases import decisions, work
from yuanlu.cases.acting import Desk, act_as_visitor
from yuanlu.cases.errors import CaseChanged, CaseError, CaseUnknown
from yuanlu.cases.opening import open_case
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Outcome, Severity
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CASE_STEPS, DECISION_STEPS, CaseState, DecisionState
from yuanlu.cases.store import (
    attachments_of,
    content_of,
    decisions_of,
    events_of,
    find_open_decision,
    get_decision,
    insert_decision,
    state_of_money,
    update_decision,
)
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.journal.visiting import visit
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.returns.states import State


def test_a_payment_has_one_open_case_however_often_it_goes_wrong(tmp_path):
    async def story(o: Office) -> None:
        assert await o.opened(severity=Severity.CRITICAL) == o.case_id
        case = await o.case()
        assert (case.version, case.priority, case.state) == (2, 1, CaseState.OPEN)
        assert await o.timeline() == ["opened", "joined"]
        second = open_case(opening(), None, number=o.number(), terms=TERMS, now_us=o.clock.us)
        result = await o.journal.commit(second.facts, second.changes)
        assert isinstance(result, Conflict), "the database holds it, too"
        assert len(o.at.sql("SELECT * FROM cases")) == 1

    told(tmp_path, story)


def test_a_case_and_what_it_is_about_are_durable_together_or_not_at_all(tmp_path):
    async def story(o: Office) -> None:
        made = open_case(opening(transaction_id="t2"), None, number=o.number(), terms=TERMS, now_us=o.clock.us)
        row = inserted(transaction("t2", State.ESCALATED))
        assert isinstance(await o.journal.commit([fact("t1"), *made.facts], [row, *made.changes]), Conflict)
        assert not o.at.sql("SELECT * FROM cases WHERE transaction_id = 't2'")
        assert isinstance(await o.journal.commit([fact("t2"), *made.facts], [row, *made.changes]), Committed)

    told(tmp_path, story)


def test_of_two_people_who_take_a_case_at_the_same_moment_one_is_told_to_look_again(tmp_path):
    async def story(o: Office) -> None:
        both_have_read = threading.Barrier(2, timeout=10)  # the journal reads in two threads

        def take(who: Actor) -> Any:
            def build(c: Any, case: Any) -> Any:
                both_have_read.wait()
                return work.assign(case, who, who.name, NOW_US)

            return o.do(who, build)

        takes = [take(who) for who in (LI, WANG)]
        results = await asyncio.gather(*takes, return_exceptions=True)
        [won] = [each for each in results if not isinstance(each, Exception)]
        [lost] = [each for each in results if isinstance(each, CaseChanged)]
        assert "nothing was done" in str(lost)
        assert (await o.case()).owner == won.owner
        assert await o.timeline() == ["opened", "assigned", "refused"]

    told(tmp_path, story)


def test_of_two_checkers_from_two_processes_one_wins(tmp_path):
    async def story(o: Office) -> None:
        await o.propose()
        zhao = Actor(name="Zhao", via="cli/zhao")

        def no(c: Any, case: Any) -> Any:
            return decisions.refuse(case, find_open_decision(c, case.case_id), zhao, "no", o.clock.us)

        with visit(o.at.path, o.clock) as visitor:
            attempt = o.attempt(zhao, no)
            theirs = asyncio.get_running_loop().run_in_executor(
                None,
                lambda: act_as_visitor(
                    visitor, Desk(o.clock, IdentifierSource(o.clock, random.Random(2).getrandbits)), attempt
                ),
            )
            results = await asyncio.gather(theirs, o.approve(), return_exceptions=True)
        assert sum(isinstance(each, CaseError) for each in results) == 1
        assert (await o.decision()).state in (DecisionState.APPROVED, DecisionState.REFUSED)
        assert (await o.timeline()).count("refused") == 1

    told(tmp_path, story)


def test_the_maker_cannot_approve_and_the_attempt_is_on_record(tmp_path):
    async def story(o: Office) -> None:
        await o.propose(LI)
        before = await o.case()
        with pytest.raises(CaseError, match="a second person has to approve it"):
            await o.approve(Actor(name="LI", via="cli/other"))
        assert await o.case() == before, "nothing moved"
        assert (await o.decision()).state is DecisionState.PROPOSED
        assert o.facts() == ["CASE_OPENED", "CASE_DECISION_PROPOSED", "CASE_REFUSED"]
        last = (await o.journal.read(lambda c: events_of(c, o.case_id)))[-1]
        assert (last.who, last.via) == ("LI", "cli/other")
        assert "second person" in last.text
        assert not o.at.sql("SELECT * FROM tasks WHERE kind = 'decision'")

    told(tmp_path, story)


def test_an_approval_makes_the_decision_due_for_the_return_engine(tmp_path):
    async def story(o: Office) -> None:
        await o.propose()
        await o.approve()
        found = await o.decision()
        assert (found.state, found.maker, found.checker) == (DecisionState.APPROVED, "Li", "Wang")
        [task] = o.at.sql("SELECT key, lane FROM tasks WHERE kind = 'decision'")
        assert tuple(task) == (found.decision_id, "h1")
        with pytest.raises(CaseError, match="still waits"):
            await o.propose()

    told(tmp_path, story)


def test_what_one_saw_must_still_be_so(tmp_path):
    async def story(o: Office) -> None:
        seen = (await o.propose()).version
        await o.do(LI, lambda c, case: work.note(case, LI, "the bank called: it is another amount", o.clock.us))
        with pytest.raises(CaseChanged, match="not as you saw it"):
            await o.approve(seen_version=seen)

    told(tmp_path, story)


BY_HAND = [
    ("UPDATE case_decisions SET state = 'APPROVED', checker = 'Li', decided_at_us = 1", "two_people"),
    ("UPDATE case_decisions SET state = 'APPROVED', checker = ' LI ', decided_at_us = 1", "two_people"),
    ("UPDATE case_decisions SET state = 'APPROVED', decided_at_us = 1", "approved"),
    ("UPDATE case_decisions SET state = 'CARRIED_OUT', checker = 'Wang', decided_at_us = 1", "no such transition"),
    (
        "UPDATE case_decisions SET state = 'APPROVED', checker = 'Wang', decided_at_us = expires_at_us",
        "has expired",
    ),
    ("UPDATE case_decisions SET amount_minor = 1", "never changes"),
    ("UPDATE case_decisions SET maker = 'Wang'", "never changes"),
    ("DELETE FROM case_decisions", "kept"),
    ("UPDATE cases SET state = 'IN_HAND', owner = 'x'", "next version"),
    ("UPDATE cases SET state = 'IN_HAND', version = version + 1", "ck_cases_owner"),
    ("UPDATE cases SET amount_minor = 1, version = version + 1", "never changes"),
    ("UPDATE cases SET state = 'CLOSED', version = version + 1", "a decision still waits"),
    ("DELETE FROM cases", "kept"),
    ("UPDATE case_events SET text = 'x'", "append-only"),
    ("DELETE FROM case_events", "append-only"),
    ("UPDATE case_attachments SET name = 'x'", "append-only"),
    ("DELETE FROM case_attachments", "append-only"),
]


@pytest.mark.parametrize(("statement", "words"), BY_HAND, ids=[row[0] for row in BY_HAND])
def test_the_database_itself_forbids(tmp_path, statement, words):
    async def story(o: Office) -> None:
        await o.propose()
        await o.do(LI, lambda c, case: work.attach(case, LI, "slip.txt", b"x", 0, o.clock.us))
        with pytest.raises(IntegrityError, match=words):
            o.at.write(statement)

    told(tmp_path, story)


def test_the_database_takes_no_decision_that_begins_approved_or_exceeds_the_case(tmp_path):
    async def story(o: Office) -> None:
        await o.propose()
        found = await o.decision()
        state, amount = DecisionState.APPROVED, found.amount
        await o.do(WANG, lambda c, case: decisions.refuse(case, found, WANG, "no", o.clock.us))
        for changed in (
            {"state": state, "checker": "Wang", "decided_at_us": 1},
            {"amount": type(amount)(minor=amount.minor + 1, currency=amount.currency)},
            {"amount": type(amount)(minor=1, currency="840")},
        ):
            wrong = replace(found, decision_id="D2", **changed)
            assert isinstance(await o.journal.commit([], [insert_decision(wrong)]), Conflict), changed
        again = replace(found, decision_id="D3")
        assert isinstance(await o.journal.commit([], [insert_decision(again)]), Committed)
        assert isinstance(await o.journal.commit([], [insert_decision(replace(again, decision_id="D4"))]), Conflict)

    told(tmp_path, story)


def test_states_of_cases_and_decisions_move_only_along_their_tables(tmp_path):
    with opened(tmp_path / "j.db") as (run, at):
        office = Office(at)
        run(lambda: office.begin(state=State.RETURNED))
        row = at.sql("SELECT * FROM cases")[0]._mapping
        closing = "outcome = 'x', person_needed = 0, closed_at_us = 1, owner = 'x'"
        for before, after in [(a, b) for a in CaseState for b in CaseState if a is not b]:
            name = f"{before}{after}"
            made = dict(row) | {"case_id": name, "transaction_id": None, "incident": name, "state": before}
            made |= {"outcome": "x", "person_needed": 0, "closed_at_us": 1, "owner": "x"}
            with at.engine.begin() as connection:
                names = ", ".join(made)
                connection.execute(text(f"INSERT INTO cases ({names}) VALUES (:{', :'.join(made)})"), made)
            statement = f"UPDATE cases SET state = '{after}', version = 2, {closing} WHERE case_id = '{name}'"
            check(at, statement, good=after in CASE_STEPS[before])


def check(at: Any, statement: str, *, good: bool) -> None:
    if good:
        at.write(statement)
        return
    with pytest.raises(IntegrityError, match="no such transition"):
        at.write(statement)


@pytest.mark.parametrize("before", DecisionState)
def test_a_decision_moves_only_along_its_table(tmp_path, before):
    ways = {
        DecisionState.PROPOSED: [],
        DecisionState.APPROVED: [DecisionState.APPROVED],
        DecisionState.REFUSED: [DecisionState.REFUSED],
        DecisionState.EXPIRED: [DecisionState.EXPIRED],
        DecisionState.CARRIED_OUT: [DecisionState.APPROVED, DecisionState.CARRIED_OUT],
    }

    async def story(o: Office) -> None:
        await o.propose()
        found = replace(await o.decision(), checker="Wang", decided_at_us=1)
        state = DecisionState.PROPOSED
        for step in ways[before]:
            change = update_decision(replace(found, state=step), state)
            assert isinstance(await o.journal.commit([], [change]), Committed)
            state = step
        for after in set(DecisionState) - {before} - DECISION_STEPS[before]:
            change = update_decision(replace(found, state=after), before)
            assert isinstance(await o.journal.commit([], [change]), Conflict), after

    told(tmp_path, story)


def test_a_case_with_money_in_the_open_cannot_be_closed_and_one_with_settled_money_can(tmp_path):
    async def story(o: Office) -> None:
        def close(c: Any, case: Any) -> Any:
            waits = find_open_decision(c, case.case_id)
            return work.close(
                case, waits, state_of_money(c, case), LI, Outcome.RETURNED, person_needed=True, now_us=o.clock.us
            )

        with pytest.raises(CaseError, match="the money is not settled"):
            await o.do(LI, close)
        await o.journal.commit([fact("t1", 2)], [await o.settle(State.RETURNED)])
        case = await o.do(LI, close)
        assert (case.state, case.outcome, case.person_needed) == (CaseState.CLOSED, "returned", True)
        with pytest.raises(CaseError, match="is CLOSED"):
            await o.do(LI, close)
        again = await o.do(WANG, lambda c, case: work.reopen(case, WANG, "the customer calls", TERMS, o.clock.us))
        assert (again.state, again.level, again.outcome, again.person_needed) == (CaseState.OPEN, Level.L1, "", None)

    told(tmp_path, story)


def test_a_closed_case_is_opened_again_when_the_same_payment_goes_wrong_again(tmp_path):
    async def story(o: Office) -> None:
        change = await o.settle(State.RETURNED)
        end = decisions.settled(await o.case(), None, Outcome.RETURNED, o.clock.us, "a late answer")
        assert isinstance(await o.journal.commit([fact("t1", 2), *end.facts], [change, *end.changes]), Committed)
        assert (await o.case()).person_needed is False
        o.clock.us += HOUR_US
        assert await o.opened() == o.case_id
        case = await o.case()
        assert (case.state, case.level, case.since_us) == (CaseState.OPEN, Level.L1, o.clock.us)
        assert await o.timeline() == ["opened", "closed", "reopened"]

    told(tmp_path, story)


@pytest.mark.parametrize("approved", [False, True], ids=["proposed", "approved"])
def test_when_the_machine_settles_the_money_a_decision_that_waits_is_overtaken(tmp_path, approved):
    async def story(o: Office) -> None:
        await o.propose()
        if approved:
            await o.approve()
        found = await o.decision()
        end = decisions.settled(await o.case(), found, Outcome.RETURNED, o.clock.us, "a late answer")
        unit = ([fact("t1", 2), *end.facts], [await o.settle(State.RETURNED), *end.changes])
        assert isinstance(await o.journal.commit(*unit), Committed)
        assert (await o.decision()).state is (DecisionState.REFUSED if approved else DecisionState.EXPIRED)
        assert (await o.case()).state is CaseState.CLOSED
        versions = [row.version for row in o.at.sql(f"SELECT version FROM facts WHERE subject_id = '{o.case_id}'")]
        assert sorted(versions) == list(range(1, len(versions) + 1))

    told(tmp_path, story)


def test_a_decision_is_carried_out_in_the_unit_that_settles_the_money_and_the_case_closes_with_it(tmp_path):
    async def story(o: Office) -> None:
        await o.propose()
        await o.approve()
        found = await o.journal.read(lambda c: get_decision(c, f"{o.case_id}-D1"))
        done = decisions.carried_out(
            await o.case(), found, o.clock.us, "booked by the bank", closes_as=Outcome.RETURNED
        )
        early = await o.journal.commit(done.facts, done.changes)
        assert isinstance(early, Conflict), "not before the money is settled"
        unit = ([fact("t1", 2), *done.facts], [await o.settle(State.RETURNED), *done.changes])
        assert isinstance(await o.journal.commit(*unit), Committed)
        case = await o.case()
        assert (case.state, case.person_needed) == (CaseState.CLOSED, True)
        assert (await o.decision()).state is DecisionState.CARRIED_OUT
        assert (await o.timeline())[-2:] == ["decision_carried_out", "closed"]
        assert isinstance(await o.journal.commit(*unit), Conflict), "and once only"

    told(tmp_path, story)


def test_what_may_not_be_carried_out_any_more_leaves_the_case_open_for_another_proposal(tmp_path):
    async def story(o: Office) -> None:
        await o.propose()
        await o.approve()
        back = decisions.not_carried_out(await o.case(), await o.decision(), o.clock.us, "the host has answered")
        assert isinstance(await o.journal.commit(back.facts, back.changes), Committed)
        assert (await o.propose()).state is CaseState.OPEN
        assert [each.state for each in await o.journal.read(lambda c: decisions_of(c, o.case_id))] == [
            DecisionState.REFUSED,
            DecisionState.PROPOSED,
        ]

    told(tmp_path, story)


def test_the_maker_may_withdraw_what_nobody_approved(tmp_path):
    async def story(o: Office) -> None:
        await o.propose(LI)
        found = await o.decision()
        await o.do(LI, lambda c, case: decisions.refuse(case, found, LI, "a typing error", o.clock.us))
        found = await o.decision()
        assert (found.state, found.checker) == (DecisionState.REFUSED, "")

    told(tmp_path, story)


def test_a_file_is_kept_byte_by_byte_and_one_that_is_wrong_is_refused(tmp_path):
    async def story(o: Office) -> None:
        def attach(name: str, content: bytes) -> Any:
            return lambda c, case: work.attach(
                case, LI, name, content, len(attachments_of(c, case.case_id)), o.clock.us
            )

        await o.do(LI, attach("slip.jpg", bytes(range(256))))
        [file] = await o.journal.read(lambda c: attachments_of(c, o.case_id))
        assert (file.number, file.size_bytes, len(file.sha256)) == (1, 256, 64)
        assert await o.journal.read(lambda c: content_of(c, o.case_id, 1)) == bytes(range(256))
        with pytest.raises(CaseUnknown):
            await o.journal.read(lambda c: content_of(c, o.case_id, 2))
        large = bytes(work.ATTACHMENT_BYTES_MAX + 1)
        for name, content, words in (
            ("log.txt", b"card 6200000000000005 read", "full card number"),
            ("6200000000000005.jpg", b"x", "full card number"),
            ("../slip.jpg", b"x", "no path"),
            ("empty", b"", "is empty"),
            ("large.bin", large, "at most"),
        ):
            with pytest.raises(CaseError, match=words):
                await o.do(LI, attach(name, content))
        for n in range(work.ATTACHMENTS_MAX - 1):
            await o.do(LI, attach(f"{n}.txt", b"x"))
        with pytest.raises(CaseError, match="at most 20 attachments"):
            await o.do(LI, attach("more.txt", b"x"))
        assert not any("6200000000000005" in row.text for row in o.at.sql("SELECT text FROM case_events"))
        assert not any("6200000000000005" in row.note for row in o.at.sql("SELECT note FROM facts"))

    told(tmp_path, story)
