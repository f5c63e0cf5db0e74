"""A journal with an escalated payment, its case, and the people and the clock that work on it."""

import random
from typing import Any

from tests.store.journals import fact, inserted, opened, transaction, until
from tests.unit.cases.cases import LI, NOW_US, TERMS, WANG, opening
from yuanlu.cases import decisions
from yuanlu.cases.acting import Attempt, Desk, act
from yuanlu.cases.clock import CaseClock
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.records import DecisionKind
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import (
    decisions_of,
    events_of,
    find_case_of,
    find_open_decision,
    get_case,
    state_of_money,
)
from yuanlu.journal.statements import Update
from yuanlu.journal.tables import transactions
from yuanlu.journal.unit import Change, Committed
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.returns.states import State

SET_MONEY = Update(table=transactions, sets=("state", "version"), match=("transaction_id", "version"))
K = DecisionKind


class HandClock:
    """A clock that the story moves."""

    def __init__(self) -> None:
        self.us = NOW_US

    def now(self) -> Moment:
        return Moment(wall_us=self.us, boot_us=self.us - NOW_US, boot_id="boot")

    def wall_us(self) -> int:
        return self.us


class Office:
    """A journal with one escalated payment, its case, and the people who work on it."""

    def __init__(self, at: Any) -> None:
        self.at = at
        self.journal = at.journal
        self.clock = HandClock()
        self.chance = random.Random(1)
        self.desk = Desk(self.clock, IdentifierSource(self.clock, self.chance.getrandbits))
        self.case_id = ""

    async def begin(self, name: str = "t1", state: State = State.ESCALATED, **more: Any) -> str:
        """A payment in this state, and its case."""
        await self.journal.commit([fact(name)], [inserted(transaction(name, state, amount=128_000))])
        self.case_id = await self.opened(transaction_id=name, **more)
        return self.case_id

    async def opened(self, **more: Any) -> str:
        """A case, or what becomes of the one there is; as the gateway does it."""
        given = opening(since_us=self.clock.us, **more)
        before = await self.journal.read(lambda c: find_case_of(c, given.transaction_id or ""))
        made = open_case(given, before, number=self.number(), terms=TERMS, now_us=self.clock.us)
        assert isinstance(await self.journal.commit(made.facts, made.changes), Committed)
        return made.case.case_id

    def number(self) -> str:
        return case_number(self.clock.us, self.chance.getrandbits)

    def attempt(self, who: Any, build: Any, **more: Any) -> Attempt:
        return Attempt(case_id=self.case_id, who=who, tried="try", build=build, **more)

    async def do(self, who: Any, build: Any, **more: Any) -> Any:
        return (await act(self.journal, self.desk, self.attempt(who, build, **more))).case

    def propose(self, who: Any = LI, kind: DecisionKind = K.DECLARE_RETURNED) -> Any:
        return self.do(
            who,
            lambda c, case: decisions.propose(
                case, decisions_of(c, case.case_id), state_of_money(c, case), who, kind, "the bank's letter", TERMS,
                self.clock.us, bank_reference="R-17",
            ),
        )  # fmt: skip

    def approve(self, who: Any = WANG, **more: Any) -> Any:
        def build(c: Any, case: Any) -> Any:
            found = find_open_decision(c, case.case_id)
            return decisions.approve(case, found, state_of_money(c, case), who, TERMS, self.clock.us)

        return self.do(who, build, **more)

    async def case(self) -> Any:
        return await self.journal.read(lambda c: get_case(c, self.case_id))

    async def decision(self) -> Any:
        return (await self.journal.read(lambda c: decisions_of(c, self.case_id)))[-1]

    async def timeline(self) -> list[str]:
        return [str(event.kind) for event in await self.journal.read(lambda c: events_of(c, self.case_id))]

    def facts(self) -> list[str]:
        return [row.kind for row in self.at.sql("SELECT kind FROM facts WHERE kind LIKE 'CASE_%' ORDER BY writer_seq")]

    async def settle(self, state: State) -> Change:
        """The transaction's own change, as the return engine makes it."""
        return Change(statement=SET_MONEY, row=(state.value, 2, "t1", 1))


def told(place: Any, story: Any, **more: Any) -> None:
    with opened(place) as (run, at):
        office = Office(at)

        async def whole() -> None:
            await office.begin(**more)
            await story(office)

        run(whole)


async def ticks(o: Office, until_us: int, legs: Any = None) -> None:
    """The case clock runs while the hand-moved clock goes to `until_us`."""
    case_clock = CaseClock(
        journal=o.journal,
        clock=o.clock,
        levels=ServiceLevels(),
        legs=legs or (lambda c, name: []),
    )
    case_clock.runner.start()
    o.clock.us = until_us
    case_clock.runner.nudge("cases")
    await until(lambda: not o.at.sql(f"SELECT 1 FROM tasks WHERE kind = 'case' AND due_at_us <= {until_us}"))
    await case_clock.runner.stop()
