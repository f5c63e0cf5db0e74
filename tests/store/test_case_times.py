"""What time does to cases on a real database: the ladder, sleep, expiry, and the hand-over to support."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from tests.store.case_office import Office, ticks, told
from tests.store.journals import fact
from tests.unit.cases.cases import HOUR_US, LI, MINUTE_US, NOW_US, TERMS, WANG
from yuanlu.cases import decisions, work
from yuanlu.cases.bundle import bundle
from yuanlu.cases.clock import CaseClock
from yuanlu.cases.errors import CaseError
from yuanlu.cases.pages import View, page
from yuanlu.cases.people import GATEWAY
from yuanlu.cases.records import Outcome
from yuanlu.cases.service_levels import Level, ServiceLevels
from yuanlu.cases.states import CaseState, DecisionState
from yuanlu.cases.store import (
    content_of,
    events_of,
    get_case,
)
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal import tasks
from yuanlu.journal.frames import Direction, pack
from yuanlu.journal.tasks import TaskRunner
from yuanlu.journal.unit import Committed, Conflict, Fact
from yuanlu.returns.states import State


def test_an_expired_proposal_is_not_approved_and_time_takes_it_away(place):
    async def story(o: Office) -> None:
        await o.propose()
        o.clock.us += 4 * HOUR_US
        with pytest.raises(CaseError, match="the proposal expired at"):
            await o.approve()
        await ticks(o, until_us=o.clock.us)
        assert (await o.decision()).state is DecisionState.EXPIRED
        assert "decision_expired" in await o.timeline()
        with pytest.raises(CaseError, match="has expired, or was answered"):
            await o.approve()

    told(place, story)


def test_a_snoozed_case_leaves_the_list_and_comes_back(place):
    async def story(o: Office) -> None:
        def snooze(until_us: int, reason: str = "the bank calls back") -> Any:
            return o.do(LI, lambda c, case: work.snooze(case, None, LI, until_us, reason, TERMS, o.clock.us))

        for wrong in (o.clock.us, o.clock.us + 18 * HOUR_US):
            with pytest.raises(CaseError, match="it can sleep until 2025-10-10 10:00"):
                await snooze(wrong)
        with pytest.raises(CaseError, match="the reason to snooze is missing"):
            await snooze(o.clock.us + HOUR_US, "")
        await snooze(o.clock.us + HOUR_US)
        assert await o.journal.read(lambda c: page(c, View.BOARD)) == []
        assert [case.case_id for case in await o.journal.read(lambda c: page(c, View.SNOOZED))] == [o.case_id]
        with pytest.raises(CaseError, match="is SNOOZED and cannot be assigned"):
            await o.do(WANG, lambda c, case: work.assign(case, WANG, "Wang", o.clock.us))
        await ticks(o, until_us=o.clock.us + HOUR_US)
        case = await o.case()
        assert (case.state, case.slept_us, case.level) == (CaseState.OPEN, HOUR_US, Level.L1)
        assert case.deadline_at_us == NOW_US + 90 * MINUTE_US
        assert [each.case_id for each in await o.journal.read(lambda c: page(c, View.BOARD))] == [o.case_id]

    told(place, story)


def test_the_clock_moves_a_case_up_the_ladder_and_no_further(place):
    async def story(o: Office) -> None:
        await ticks(o, NOW_US + 29 * MINUTE_US)
        assert (await o.case()).level is Level.L1
        await ticks(o, NOW_US + 31 * MINUTE_US)
        assert (await o.case()).level is Level.L2
        await ticks(o, NOW_US + 20 * HOUR_US)
        case = await o.case()
        assert (case.level, case.state) == (Level.MANAGER, CaseState.OPEN)
        assert await o.timeline() == ["opened", "escalated", "escalated", "escalated"]
        assert {event.who for event in await o.journal.read(lambda c: events_of(c, o.case_id))} == {GATEWAY.name}
        assert not o.at.sql("SELECT * FROM tasks WHERE kind = 'case'"), "from here on only people move it"

    told(place, story)


def test_the_clock_leaves_a_closed_case_alone_and_forgets_its_task(place):
    async def story(o: Office) -> None:
        end = decisions.settled(await o.case(), None, Outcome.RETURNED, o.clock.us, "")
        unit = ([fact("t1", 2), *end.facts], [await o.settle(State.RETURNED), *end.changes])
        assert isinstance(await o.journal.commit(*unit), Committed)
        await ticks(o, NOW_US + 20 * HOUR_US)
        assert await o.timeline() == ["opened", "closed"]
        assert not o.at.sql("SELECT * FROM tasks WHERE kind = 'case'")

    told(place, story)


def test_a_person_who_acts_while_the_clock_looks_does_not_lose_the_clock(place):
    async def story(o: Office) -> None:
        case_clock = CaseClock(
            journal=o.journal,
            clock=o.clock,
            levels=ServiceLevels(),
            legs=lambda c, name: [],
        )
        o.clock.us += 31 * MINUTE_US
        claim = tasks.claim("case", o.case_id, 0, 1, o.clock.us + HOUR_US)
        await o.journal.commit([], [claim])
        planned = await o.journal.read(lambda c: case_clock.plan(c, o.case_id, o.clock.us))
        await o.do(LI, lambda c, case: work.note(case, LI, "first", o.clock.us))
        assert planned.step is not None
        stale = await o.journal.commit(planned.step.facts, planned.step.changes)
        assert isinstance(stale, Conflict), "the note was first"
        await case_clock.look(tasks.Claimed(kind="case", key=o.case_id, lane="cases", epoch=1))
        assert await o.timeline() == ["opened", "note", "escalated"]

    told(place, story)


def test_a_runner_of_another_kind_does_not_touch_cases(place):
    async def story(o: Office) -> None:
        async def handle(task: Any) -> None:
            raise AssertionError(task)

        runner = TaskRunner(kind="return", lanes={"cases": 1}, journal=o.journal, clock=o.clock, handle=handle)
        runner.start()
        await asyncio.sleep(0.02)
        await runner.stop()

    told(place, story)


FRAME = bytes.fromhex(
    "600006000060310031110802007020048000C080101662000000000000050000000000000012500000010120"
    "003230303030303031383938343430313533313130303031313536001422000001000600"
)


def test_a_complex_case_goes_to_support_at_once_with_a_bundle_that_holds_no_secret(place):
    async def story(o: Office) -> None:
        message = codec_for("cup-pos").decode(FRAME)
        seen = Fact(
            merchant_id="M", subject_id="t1", version=2, kind="RETURN_REVERSAL", at_us=o.clock.us, terminal_id="T",
            frames=pack(Direction.TO_HOST, "cup-pos", message.raw),
        )  # fmt: skip
        await o.journal.commit([seen])
        legs = [{"return_id": "r1", "attempts": 2, "opened_at_us": NOW_US}]
        await ticks(o, o.clock.us, legs=lambda c, name: legs if name == "t1" else [])
        case = await o.case()
        assert (case.state, case.queue, case.owner) == (CaseState.SUPPORT, "support", "")
        assert case.ticket.startswith(o.case_id)
        content = await o.journal.read(lambda c: content_of(c, o.case_id, 1))
        document = json.loads(content)
        assert document["legs"][0]["attempts"] == 2
        assert document["facts"][1]["frames"][0]["fields"]["2"] == "620000******0005"
        assert document["transaction"]["state"] == "ESCALATED"
        assert document["allowed"] == ["declare_returned", "declare_no_effect", "manual_credit"]
        assert set(document["versions"]) == {"yuanlu", "python", "system", "database", "schema"}
        assert b"6200000000000005" not in content
        assert b"card_token" not in content
        with pytest.raises(CaseError, match="not possible now"):
            await o.propose()
        back = await o.do(LI, lambda c, case: work.assign(case, LI, "Li", o.clock.us))
        assert (back.state, back.owner) == (CaseState.IN_HAND, "Li")
        await ticks(o, o.clock.us)
        assert (await o.case()).state is CaseState.IN_HAND, "support has had it once"

    told(place, story, is_complex=True)


def test_a_bundle_stays_within_the_size_of_an_attachment(place):
    async def story(o: Office) -> None:
        long = [replace(fact("t1", n), note="x" * 40_000) for n in range(2, 300)]
        await o.journal.commit(long)
        content = await o.journal.read(lambda c: bundle(c, get_case(c, o.case_id), [], o.clock.us))
        document = json.loads(content)
        assert len(content) <= work.ATTACHMENT_BYTES_MAX
        assert document["facts_in_all"] == 299
        assert document["facts"][-1]["version"] == 299, "the newest are kept"

    told(place, story)
