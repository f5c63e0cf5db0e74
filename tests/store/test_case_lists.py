"""The pages of the work list: their order, and the index that each is read off."""

from typing import Any

from sqlalchemy import Text, text

from tests.store.case_office import Office, told
from tests.store.journals import fact, inserted, opened, transaction
from tests.unit.cases.cases import MINUTE_US, NOW_US, TERMS, opening
from yuanlu.cases.opening import open_case
from yuanlu.cases.pages import (
    Narrowing,
    View,
    beside,
    beside_query,
    counts,
    groups,
    open_at_query,
    open_at_terminals,
    page,
    page_query,
    waiting,
    waiting_query,
)
from yuanlu.cases.records import Severity
from yuanlu.cases.store import find_case_of_incident
from yuanlu.cases.tables import cases
from yuanlu.journal.glances import lately, lately_query
from yuanlu.journal.unit import Conflict
from yuanlu.returns.states import State


def test_an_incident_has_a_case_of_its_own_and_payments_below_it(place):
    async def story(o: Office) -> None:
        outage = opening(transaction_id=None, incident="net-7")
        made = open_case(outage, None, number=o.number(), terms=TERMS, now_us=o.clock.us)
        await o.journal.commit(made.facts, made.changes)
        again = open_case(outage, None, number=o.number(), terms=TERMS, now_us=o.clock.us)
        assert isinstance(await o.journal.commit(again.facts, again.changes), Conflict)
        found = await o.journal.read(lambda c: find_case_of_incident(c, "net-7"))
        assert found == made.case
        below = await o.journal.read(lambda c: page(c, View.INCIDENT, "net-7"))
        assert [case.case_id for case in below] == sorted([o.case_id, made.case.case_id])

    told(place, story, incident="net-7")


def test_the_list_goes_by_priority_then_deadline_page_by_page(place):
    async def story(o: Office) -> None:
        made = {}
        for n, severity in enumerate([Severity.LOW, Severity.CRITICAL, Severity.HIGH, Severity.CRITICAL]):
            o.clock.us += MINUTE_US
            await o.journal.commit([fact(f"p{n}")], [inserted(transaction(f"p{n}", State.ESCALATED))])
            made[n] = await o.opened(transaction_id=f"p{n}", severity=severity)
        order = [made[1], made[3], o.case_id, made[2], made[0]]
        first = await o.journal.read(lambda c: page(c, View.BOARD, limit=3))
        rest = await o.journal.read(lambda c: page(c, View.BOARD, after_id=first[-1].case_id))
        assert [case.case_id for case in first + rest] == order
        whole = await o.journal.read(lambda c: page(c, View.QUEUE, "returns", after_id=order[0]))
        assert [case.case_id for case in whole] == order[1:]
        assert await o.journal.read(lambda c: page(c, View.QUEUE, "other")) == []
        assert len(await o.journal.read(lambda c: page(c, View.OWNER, ""))) == 5
        await o.propose()
        [(case, proposal)] = await o.journal.read(waiting)
        assert (case.case_id, proposal.maker) == (o.case_id, "Li")

    told(place, story)


PLANS = [
    (View.BOARD, "ix_cases_board"),
    (View.QUEUE, "ix_cases_queue"),
    (View.OWNER, "ix_cases_owner"),
    (View.INCIDENT, "ix_cases_incident"),
    (View.SNOOZED, "ix_cases_snoozed"),
    (View.CLOSED, "ix_cases_closed"),
]


def test_every_page_is_read_off_its_index_without_sorting(place):
    async def story(o: Office) -> None:
        case = await o.case()
        for view, index in PLANS:
            for after in (None, case):
                query = page_query(view, "returns", after)
                o.at.found_by(query, index)

    told(place, story)


def test_a_narrowed_list_and_the_neighbours_of_a_case_are_read_off_the_same_index(place):
    async def story(o: Office) -> None:
        case = await o.case()
        within = Narrowing(merchant_id=case.merchant_id, terminal_id=case.terminal_id, causes=(case.cause,), priority=2)
        for view, index in PLANS:
            o.at.found_by(page_query(view, "returns", case, within=within), index)
        for view, index in PLANS[:4]:
            for before in (True, False):
                o.at.found_by(beside_query(view, "returns", case, within, before=before), index)
        o.at.found_by(waiting_query(), "ix_case_decisions_waiting")
        await o.propose()
        for merchant_id, number in ((case.merchant_id, 1), ("another", 0)):
            mine = Narrowing(merchant_id=merchant_id)
            assert len(await o.journal.read(lambda c, w=mine: waiting(c, within=w))) == number
            assert len(await o.journal.read(lambda c, w=mine: page(c, View.BOARD, within=w))) == number

    told(place, story)


def test_a_list_is_walked_forth_and_back_counted_and_grouped(place):
    async def story(o: Office) -> None:
        for n, severity in enumerate([Severity.LOW, Severity.CRITICAL]):
            await o.journal.commit([fact(f"p{n}")], [inserted(transaction(f"p{n}", State.ESCALATED))])
            await o.opened(transaction_id=f"p{n}", severity=severity, incident="net-7")
        everything = await o.journal.read(lambda c: page(c, View.BOARD))
        ids = [case.case_id for case in everything]
        for n, case in enumerate(everything):
            sides = await o.journal.read(lambda c, case=case: beside(c, View.BOARD, "", case, Narrowing()))
            assert sides == (ids[n - 1] if n else "", ids[n + 1] if n < 2 else "")
        await o.propose()
        found = await o.journal.read(lambda c: counts(c, "Li", "", o.clock.us))
        assert (found.everything, found.unassigned, found.mine, found.late, found.to_approve, found.snoozed) == (
            3, 3, 0, 0, 1, 0,
        )  # fmt: skip
        late = await o.journal.read(
            lambda c: counts(c, "Li", everything[0].merchant_id, o.clock.us + 86_400_000_000 * 9)
        )
        assert late.late == 3
        assert (await o.journal.read(lambda c: counts(c, "Li", "another", o.clock.us))).everything == 0
        assert [(g.incident, g.cases, g.priority) for g in await o.journal.read(groups)] == [
            ("net-7", 2, 1),
            ("", 1, 2),
        ]
        terminal = everything[0].terminal_id
        assert await o.journal.read(lambda c: open_at_terminals(c, [terminal, "T9"])) == {terminal: 3}
        o.at.found_by(open_at_query([terminal, "T9"]), "ix_cases_terminal")

    told(place, story)


def test_what_terminals_did_lately_is_a_range_of_the_primary_key(place):
    async def story(o: Office) -> None:
        explain = "EXPLAIN QUERY PLAN" if o.at.place.url.startswith("sqlite") else "EXPLAIN"

        def plan(connection: Any) -> str:
            if explain == "EXPLAIN":
                connection.execute(text("SET LOCAL enable_seqscan = off"))
            whole = lately_query(o.clock.us).compile(connection, compile_kwargs={"literal_binds": True})
            return "; ".join(str(tuple(row)) for row in connection.exec_driver_sql(f"{explain} {whole}"))

        said = o.at.aside(plan)
        assert "SCAN transactions" not in said
        assert "Seq Scan" not in said
        assert await o.journal.read(lambda c: lately(c, o.clock.us)) == {}
        sale = transaction("p9", State.APPROVED, stan="000009")
        await o.journal.commit([fact("p9")], [inserted(sale)])
        [(terminal, found)] = (await o.journal.read(lambda c: lately(c, 0))).items()
        assert (terminal, found.payments, found.abnormal) == (sale.key.terminal_id, 1, 0)

    told(place, story)


def test_a_hundred_thousand_open_cases_are_found_by_the_index(place):
    with opened(place) as (run, at):
        fill(at, 100_000)

        async def story() -> None:
            first = await at.journal.read(lambda c: page(c, View.QUEUE, "q3"))
            later = await at.journal.read(lambda c: page(c, View.QUEUE, "q3", after_id=first[-1].case_id))
            keys = [(case.priority, case.deadline_at_us, case.case_id) for case in first + later]
            assert len(keys) == 100
            assert keys == sorted(set(keys))
            for after in (None, first[-1]):
                at.found_by(page_query(View.QUEUE, "q3", after), "ix_cases_queue")

        run(story)


def fill(at: Any, number: int) -> None:
    """So many open cases of incidents, over eight queues, in one statement."""
    made = open_case(opening(transaction_id=None, incident="x"), None, number="x", terms=TERMS, now_us=NOW_US)
    names = [column.name for column in made.changes[0].statement.table.columns]
    values = dict(zip(names, made.changes[0].row, strict=True))
    varied = {
        "case_id": "'C' || (1000000 + n)", "incident": "'i' || n", "queue": "'q' || (n % 8)",
        "priority": "1 + n % 4", "deadline_at_us": f"{NOW_US} + (n * 7919) % 86400000000",
        "owner": "CASE WHEN n % 3 > 0 THEN '' ELSE 'p' || (n % 40) END",
    }  # fmt: skip
    kinds = {column.name: "TEXT" if isinstance(column.type, Text) else "BIGINT" for column in cases.columns}
    columns = ", ".join(varied.get(name, f"CAST(:{name} AS {kinds[name]})") for name in names)
    rest = {name: value for name, value in values.items() if name not in varied}
    statement = text(
        "WITH RECURSIVE k(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM k WHERE n < :most) "
        f"INSERT INTO cases ({', '.join(names)}) SELECT {columns} FROM k"
    )
    at.aside(lambda c: c.execute(statement, rest | {"most": number}))
