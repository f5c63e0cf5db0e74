"""Incidents on a real database: what it refuses, what belongs to which, and what the report counts."""

import random
from typing import Any

import pytest
from msgspec.structs import replace as other
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.store.journals import fact, inserted, opened, transaction
from tests.unit.incidents.test_records import NOW_US, incident
from yuanlu.cases.people import GATEWAY
from yuanlu.cases.records import Words
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of_incident
from yuanlu.flow.declaring import begun, finished, settled
from yuanlu.incidents import writing
from yuanlu.incidents.records import EVERYTHING, IncidentState, Report
from yuanlu.incidents.store import (
    IncidentError,
    active_incidents,
    any_member,
    any_open,
    counted,
    ended_incidents,
    find_incident_of,
    get_incident,
    insert_member,
    next_number,
    perhaps_affected,
    unsettled_incidents,
)
from yuanlu.journal.tables import transactions
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.kernel.identifiers import first_of
from yuanlu.kernel.money import Money
from yuanlu.returns.states import State

LEVELS, CHANCE = ServiceLevels(), random.Random(1)
BY_IDENTIFIER = "(sqlite_autoindex_transactions_1|pk_transactions|ix_transactions_sought)"
"""Those that begin with the identifier: which of them a server takes for a small table is all the same."""


def declared(**changed: Any):
    why = Words(zh="因", en="why")
    return begun(incident(**changed), why, GATEWAY, LEVELS, CHANCE.getrandbits)


async def commit(at: Any, unit: Any) -> Committed | Conflict:
    return await at.journal.commit(unit.facts, unit.changes)


def told(place: Any, story: Any) -> None:
    with opened(place) as (run, at):
        run(lambda: story(at))


def test_an_incident_and_its_one_case_are_durable_together_and_a_scope_has_one_at_a_time(place):
    async def story(at: Any) -> None:
        assert isinstance(await commit(at, declared()), Committed)
        twin = declared(incident_id="I251009-02")
        assert isinstance(await commit(at, twin), Conflict)
        assert isinstance(await commit(at, declared(incident_id="I251009-02", scope=EVERYTHING)), Committed)
        found = await at.journal.read(active_incidents)
        assert [each.incident_id for each in found] == ["I251009-01", "I251009-02"]
        assert found[0] == incident()
        case = await at.journal.read(lambda c: find_case_of_incident(c, "I251009-01"))
        assert (case.cause, case.queue, case.amount.minor, case.transaction_id) == ("HOST_DOWN", "incidents", 0, None)
        assert case.title.zh == "收单主机中断（主机 h1）"
        assert await at.journal.read(lambda c: next_number(c, NOW_US)) == "I251009-03"
        assert await at.journal.read(lambda c: next_number(c, NOW_US + 86_400_000_000)) == "I251010-01"

    told(place, story)


def test_of_two_who_change_an_incident_at_once_one_is_told(place):
    async def story(at: Any) -> None:
        await commit(at, declared())
        one, two = (writing.held(incident(), who, "r", NOW_US) for who in ("Li", "Wang"))
        assert isinstance(await commit(at, one), Committed)
        assert isinstance(await commit(at, two), Conflict)
        [found] = await at.journal.read(active_incidents)
        assert (found.held_by, found.version) == ("Li", 2)
        assert [row.kind for row in at.sql("SELECT kind FROM facts WHERE subject_id = 'I251009-01'")] == [
            "INCIDENT_DECLARED", "INCIDENT_HELD",
        ]  # fmt: skip

    told(place, story)


FORBIDDEN = [
    ("UPDATE incidents SET state = 'ACTIVE', version = 9 WHERE state = 'ENDED'", "no such transition", "back"),
    ("UPDATE incidents SET held_by = 'Li'", "next version", "without a version"),
    ("UPDATE incidents SET kind = 'peak', version = 9", "never changes", "another kind"),
    ("UPDATE incidents SET declared_by = 'Wang', version = 9", "never changes", "another declarer"),
    ("UPDATE incidents SET held_by = 'Li', version = 9 WHERE state = 'ENDED'", "ck_incidents_ended", "held when over"),
    ("UPDATE incidents SET open_count = 1, version = 9 WHERE incident_id = 'I251009-03'", "report is final", "final"),
    ("DELETE FROM incidents", "incidents are kept", "deleted"),
    ("UPDATE incident_members SET incident_id = 'I251009-03'", "append-only", "moved to another"),
    ("DELETE FROM incident_members", "append-only", "forgotten"),
    (
        "INSERT INTO incident_members VALUES ('t1', 'I251009-02')",
        "UNIQUE|unique constraint",
        "a second incident of one transaction",
    ),
    ("INSERT INTO incident_members VALUES ('t2', 'I251009-01')", "is over", "explained by what is over"),
]


@pytest.mark.parametrize(("statement", "message", "why"), FORBIDDEN, ids=[row[2] for row in FORBIDDEN])
def test_the_database_itself_forbids(place, statement, message, why):
    async def story(at: Any) -> None:
        await at.journal.commit([fact("t1")], [inserted(transaction("t1", State.RETURNING))])
        await commit(at, declared())
        await at.journal.commit([], [insert_member("I251009-01", "t1")])
        over = writing.ended(incident(), "Li", "r", Report(transactions=1, open=1), NOW_US)
        await commit(at, over)
        await commit(at, declared(incident_id="I251009-02"))
        await commit(at, declared(incident_id="I251009-03", scope=EVERYTHING))
        done = incident(incident_id="I251009-03", scope=EVERYTHING)
        await commit(at, writing.ended(done, "Li", "r", Report(), NOW_US))
        with pytest.raises(IntegrityError, match=message):
            at.write(statement)

    told(place, story)


def test_the_report_counts_what_the_incident_explains_and_it_is_settled_when_nothing_is_open(place):
    async def story(at: Any) -> None:
        dollars = other(transaction("t4", State.NO_EFFECT), amount=Money(minor=500, currency="840"))
        rows = [transaction("t1", State.RETURNED), transaction("t2", State.RETURNING), transaction("t3"), dollars]
        await at.journal.commit([fact(row.transaction_id) for row in rows], [inserted(row) for row in rows])
        await commit(at, declared())
        assert not await at.journal.read(lambda c: any_member(c, "I251009-01"))
        for name in ("t1", "t2", "t4"):
            await at.journal.commit([], [insert_member("I251009-01", name)])
        report = await at.journal.read(lambda c: counted(c, "I251009-01"))
        assert report == Report(transactions=3, terminals=1, amounts="CNY 2.00, USD 5.00", returned=1, open=1)
        found = await at.journal.read(lambda c: find_incident_of(c, "t2"))
        assert found.incident_id == "I251009-01"
        assert await at.journal.read(lambda c: find_incident_of(c, "t3")) is None

        case = await at.journal.read(lambda c: find_case_of_incident(c, "I251009-01"))
        await commit(at, finished(incident(), case, report, "detection", "well again", NOW_US))
        assert await at.journal.read(lambda c: find_case_of_incident(c, "I251009-01")) is not None
        assert await at.journal.read(unsettled_incidents) == []
        at.write("UPDATE transactions SET state = 'RETURNED' WHERE transaction_id = 't2'")
        assert not await at.journal.read(lambda c: any_open(c, "I251009-01"))
        [over] = await at.journal.read(unsettled_incidents)
        final = await at.journal.read(lambda c: counted(c, "I251009-01"))
        await commit(at, settled(over, case, final, NOW_US))
        assert await at.journal.read(lambda c: find_case_of_incident(c, "I251009-01")) is None
        [last] = await at.journal.read(lambda c: ended_incidents(c, 10))
        assert (last.state, last.report.open, last.version) == (IncidentState.ENDED, 0, 3)
        assert await at.journal.read(unsettled_incidents) == []

    told(place, story)


def test_what_went_wrong_since_then_is_found_by_its_identifier(place):
    async def story(at: Any) -> None:
        names = {
            first_of(NOW_US - 1_000)[:-1] + "Z": State.RETURNING, first_of(NOW_US): State.DECLINED,
            first_of(NOW_US + 1_000): State.APPROVED, first_of(NOW_US + 2_000): State.RETURNING,
        }  # fmt: skip
        rows = [transaction(name, state) for name, state in names.items()]
        await at.journal.commit([fact(row.transaction_id) for row in rows], [inserted(row) for row in rows])
        found = await at.journal.read(lambda c: perhaps_affected(c, NOW_US))
        assert [row.transaction_id for row in found] == [first_of(NOW_US), first_of(NOW_US + 2_000)]
        since = select(transactions.c.state).where(transactions.c.transaction_id >= first_of(NOW_US))
        at.found_by(since, BY_IDENTIFIER)

    told(place, story)


def test_an_unknown_number_is_refused_in_words(place):
    async def story(at: Any) -> None:
        with pytest.raises(IncidentError, match="yuanlu incident list"):
            await at.journal.read(lambda c: get_incident(c, "I1"))

    told(place, story)
