"""What the return engine does with each kind of host: the table of `docs/returns.md` §4.5 on real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.scenario.scripted_host import HangUp, Hush, Line, Say
from tests.scenario.stage import LIFE_S, SOON_S, Stage, told
from yuanlu.journal.writer import Journal
from yuanlu.returns.policy import MINUTES_BEFORE_CASE
from yuanlu.returns.ways import Open
from yuanlu.sandbox.till_messages import Payment

ASCII = {"profile": "P3", "dialect": "iso87-ascii"}


async def unanswered_sale(stage: Stage, *reversal_lines: Line | list[Line]) -> Payment:
    """A sale that the host never answers, and what it will say to the reversals."""
    stage.host.will("0200", Hush())
    stage.host.will("0400", *reversal_lines)
    payment = stage.payment()
    assert await stage.code(stage.sale(payment)) == "98"
    return payment


def test_p1_takes_not_found_as_no_effect_at_once_and_watches_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, Say(code="25"))
        await stage.becomes(payment, "NO_EFFECT")
        assert len(stage.host.asked("0400")) == 1
        assert await stage.watched(payment)

    run(told(story, tmp_path))


def test_p2_repeats_after_the_packet_life_before_it_believes_not_found(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, Say(code="25"), Say(code="25"))
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.later(LIFE_S - SOON_S)
        await asyncio.sleep(0.1)
        assert (await stage.find(payment)).state == "RETURNING", "the sale may still be on its way"
        assert len(stage.host.asked("0400")) == 1
        stage.later(SOON_S)
        await stage.becomes(payment, "NO_EFFECT")
        assert len(stage.host.asked("0400")) == 2
        assert await stage.watched(payment)

    run(told(story, tmp_path, profile="P2"))


async def late_after_not_found(stage: Stage, then: Line) -> Payment:
    """The reversal overtakes its sale and finds nothing; the sale is approved after all, and its life ends."""
    stage.host.will("0200", Say(late=True))
    stage.host.will("0400", Say(code="25"), then)
    payment = stage.payment()
    assert await stage.code(stage.sale(payment)) == "98"
    await stage.has(payment, "REVERSAL_ANSWER")
    stage.host.let_go()
    await stage.has(payment, "LATE_ANSWER")
    stage.later(LIFE_S)
    return payment


def test_p2_returns_the_money_when_the_overtaken_original_arrives_after_all(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await late_after_not_found(stage, Say())
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 2

    run(told(story, tmp_path, profile="P2"))


def test_p2_hands_an_approval_that_the_host_then_denies_to_a_person(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await late_after_not_found(stage, Say(code="25"))
        await stage.becomes(payment, "ESCALATED")

    run(told(story, tmp_path, profile="P2"))


def test_an_approval_after_no_effect_opens_the_payment_again_and_is_returned(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, Say(code="25"), Say(code="25"))
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.later(LIFE_S)
        await stage.becomes(payment, "NO_EFFECT")
        stage.host.send_all(stage.late(stage.host.asked("0200")[0], Say()))
        await stage.becomes(payment, "RETURNED")
        assert "REOPENED" in await stage.kinds(payment)
        assert [leg.state for leg in await stage.legs(payment)] == ["NO_EFFECT", "RETURNED"]

    run(told(story, tmp_path, profile="P2"))


def test_an_approval_after_a_decline_opens_the_payment_again_and_is_returned(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "51"
        stage.host.send_all(stage.late(stage.host.asked("0200")[0], Say()))
        await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path))


@pytest.mark.parametrize("change", [{4: "000000000001"}, {42: "000000000000009"}, {41: "T0000002"}])
def test_a_late_decline_of_another_payment_does_not_close_this_one(run, tmp_path, change):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, Say(code="25"), Say())
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.host.send_all(stage.late(stage.host.asked("0200")[0], Say(code="51", fields=change)))
        await stage.until(lambda: stage.gateway.hosts["h1"].link.counters.unmatched == 1)
        stage.later(LIFE_S)
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 2

    run(told(story, tmp_path, profile="P2"))


def test_p3_asks_before_it_repeats_and_repeats_marked_as_a_repeat(run, tmp_path):
    async def story(stage: Stage) -> None:
        approved = Say(fields={48: "ST=APPROVED"})
        stage.host.will("0600", approved, approved)
        payment = await unanswered_sale(stage, Hush())
        await stage.has(payment, "INQUIRY_ANSWER")
        stage.later(LIFE_S)
        await stage.becomes(payment, "RETURNED")
        assert [m.mti for m in stage.host.seen] == ["0200", "0400", "0600", "0600", "0401"]
        assert stage.host.asked("0600")[0][90][:10] == "0200000001"

    run(told(story, tmp_path, **ASCII))


def test_p3_believes_reversed_and_does_not_repeat(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0600", Say(fields={48: "ST=REVERSED"}))
        payment = await unanswered_sale(stage, Hush())
        await stage.becomes(payment, "RETURNED")
        assert [m.mti for m in stage.host.seen] == ["0200", "0400", "0600"]

    run(told(story, tmp_path, **ASCII))


def test_p3_believes_unknown_only_after_the_packet_life(run, tmp_path):
    async def story(stage: Stage) -> None:
        unknown = Say(fields={48: "ST=UNKNOWN"})
        stage.host.will("0600", unknown, unknown)
        payment = await unanswered_sale(stage, Say(code="25"))
        await stage.has(payment, "INQUIRY_ANSWER")
        assert (await stage.find(payment)).state == "RETURNING"
        stage.later(LIFE_S)
        await stage.becomes(payment, "NO_EFFECT")
        assert [m.mti for m in stage.host.seen] == ["0200", "0400", "0600", "0600"]

    run(told(story, tmp_path, **ASCII))


@pytest.mark.parametrize("profile", ["P4", "P5"])
def test_p4_and_p5_spend_their_one_send_after_the_packet_life_and_watch_it(run, tmp_path, profile):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage)
        await stage.put_off(payment)
        stage.later(LIFE_S - SOON_S)
        await asyncio.sleep(0.1)
        assert stage.host.asked("0400") == []
        stage.later(SOON_S)
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 1
        assert await stage.watched(payment)

    run(told(story, tmp_path, profile=profile))


@pytest.mark.parametrize(
    ("profile", "line"), [("P4", Hush()), ("P4", Say(code="25")), ("P5", Hush()), ("P4", HangUp())]
)
def test_p4_and_p5_never_send_twice_and_hand_over_to_a_person(run, tmp_path, profile, line):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, line)
        await stage.put_off(payment)
        stage.later(LIFE_S)
        await stage.becomes(payment, "ESCALATED")
        await stage.relink()
        await asyncio.sleep(0.1)
        assert len(stage.host.asked("0400")) == 1
        assert (await stage.legs(payment))[0].explanation
        assert await stage.watched(payment)

    run(told(story, tmp_path, profile=profile))


def test_p4_with_a_late_decline_sends_nothing(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code="51", late=True))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.put_off(payment)
        stage.host.let_go()
        await stage.becomes(payment, "NO_EFFECT")
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path, profile="P4"))


def test_p4_with_a_late_approval_reverses_at_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(late=True))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.put_off(payment)
        stage.host.let_go()
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 1

    run(told(story, tmp_path, profile="P4"))


class Meanwhile:
    """The journal of a driver to whom something happens between a look and what comes of it, once."""

    def __init__(self, journal: Journal, happens: Callable[[], Awaitable[None]]) -> None:
        self._journal = journal
        self._happens: Callable[[], Awaitable[None]] | None = happens
        self.commit = journal.commit
        self.writer_id = journal.writer_id

    async def read(self, query: Callable[..., Any]) -> Any:
        seen = await self._journal.read(query)
        if self._happens is not None and isinstance(seen, Open):
            happens, self._happens = self._happens, None
            await happens()
        return seen


@pytest.mark.parametrize("profile", ["P4", "P5"])
@pytest.mark.parametrize(("code", "end", "reversals"), [("00", "RETURNED", 1), ("51", "NO_EFFECT", 0)])
def test_a_late_answer_that_comes_while_the_driver_looks_is_acted_on_at_once(
    run, tmp_path, profile, code, end, reversals
):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(code=code, late=True))
        payment = stage.payment()

        async def the_answer_comes() -> None:
            stage.host.let_go()
            await stage.has(payment, "LATE_ANSWER")

        engine = stage.gateway.returns
        engine._journal = Meanwhile(engine._journal, the_answer_comes)
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, end)
        assert len(stage.host.asked("0400")) == reversals

    run(told(story, tmp_path, profile=profile))


def test_a_person_is_told_in_time_although_the_payment_changed_while_the_driver_looked(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, Hush())
        await stage.put_off(payment)
        await stage.host.stop()
        await stage.until(lambda: not stage.gateway.hosts["h1"].link.up)

        async def the_till_reverses_it() -> None:
            await (await stage.line()).send(stage.reversal(payment))
            await stage.has(payment, "JOINED")

        engine = stage.gateway.returns
        engine._journal = Meanwhile(engine._journal, the_till_reverses_it)
        stage.later(MINUTES_BEFORE_CASE * 60)
        await stage.becomes(payment, "ESCALATED")

    run(told(story, tmp_path, profile="P2"))


def test_a_definite_late_answer_closes_what_waits_for_a_person(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, Say(late=True))
        await stage.put_off(payment)
        stage.later(LIFE_S)
        await stage.becomes(payment, "ESCALATED")
        stage.host.let_go()
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 1

    run(told(story, tmp_path, profile="P4"))


DEFINITE = [
    ("94", "ESCALATED", "a duplicate, but of what: this was the first"),
    ("22", "ESCALATED", "a linked transaction was there before"),
    ("40", "ESCALATED", "refused for good"),
    ("13", "ESCALATED", "refused for good"),
]


@pytest.mark.parametrize(("code", "state", "why"), DEFINITE)
def test_what_needs_a_person_is_handed_over_at_once(run, tmp_path, code, state, why):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, Say(code=code))
        await stage.becomes(payment, state)
        await stage.relink()
        await asyncio.sleep(0.1)
        assert len(stage.host.asked("0400")) == 1, why

    run(told(story, tmp_path))


@pytest.mark.parametrize("first", [Hush(), Say(code="96"), Say(code="09"), HangUp()], ids=str)
@pytest.mark.parametrize("second", ["00", "94"])
def test_a_reversal_without_a_definite_answer_is_repeated_and_a_duplicate_then_means_returned(
    run, tmp_path, first, second
):
    async def story(stage: Stage) -> None:
        payment = await unanswered_sale(stage, first, Say(code=second))
        await stage.has(payment, "REVERSAL_ANSWER")
        if not isinstance(first, HangUp):
            await stage.relink()
        await stage.becomes(payment, "RETURNED")
        one, two = stage.host.asked("0400")
        assert one.fields() | {39: ""} == two.fields() | {39: ""}

    run(told(story, tmp_path))


def test_returns_wait_for_a_host_that_is_down_and_are_sent_when_it_is_up(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", *[Say(held=True)] * 4)
        payments = [stage.payment(terminal=n, stan=1) for n in range(4)]
        asks = [asyncio.ensure_future(stage.code(stage.sale(payment))) for payment in payments]
        await stage.until(lambda: len(stage.host.asked("0200")) == 4)
        await stage.host.stop()
        assert await asyncio.gather(*asks) == ["98"] * 4
        await asyncio.sleep(0.1)
        assert [leg.attempts for payment in payments for leg in await stage.legs(payment)] == [0] * 4
        await stage.host.start()
        for payment in payments:
            await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 4

    run(told(story, tmp_path))
