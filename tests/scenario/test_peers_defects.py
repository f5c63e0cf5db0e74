"""Defects that other payment systems had, replayed against ours: the situation, not their code."""

import asyncio

import pytest

from tests.scenario.linked import one_passes, request, sold
from tests.scenario.scripted_host import HangUp, Hush, Say
from tests.scenario.stage import MERCHANT, SOON_S, TERMINALS, Stage, told
from tests.scenario.test_orders import SALE, desk
from yuanlu.acquirers import advices
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal import transactions
from yuanlu.journal.transactions import Transaction
from yuanlu.returns.tables import watches

RRN = "000000000001"
DAY_US = 86_400_000_000
PROPOSE_60 = ("propose", SALE, "--amount", "0.60", "--kind", "refund", "--reason", "goods came back")


@pytest.fixture
def soon(monkeypatch):
    """Repeats without their pauses."""
    monkeypatch.setattr(advices, "PAUSE_FIRST_S", 0)


async def by_stan(stage: Stage, stan: int, terminal: str = TERMINALS[0]) -> Transaction:
    [found] = await stage.read(lambda c: transactions.search(c, f"{terminal}+{stan:06}"))
    return found


async def becomes(stage: Stage, stan: int, state: str) -> None:
    async with asyncio.timeout(SOON_S):
        while (await by_stan(stage, stan)).state != state:  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.01)


async def legs(stage: Stage, payment) -> list[tuple[str, str, int]]:
    """Kind, state and amount of each giving-back, first to last."""
    return [(leg.kind, str(leg.state), leg.amount_minor) for leg in await stage.legs(payment)]


def refunded(stage: Stage) -> list[int]:
    """The amounts that the host was asked to refund."""
    return [int(message[4]) for message in stage.host.asked("0220")]


# Two refunds at the same moment.


@pytest.mark.parametrize(("first", "second"), [(60, 60), (40, 60), (100, 1), (50, 51)])
def test_two_refunds_in_flight_together_never_exceed_what_was_paid(run, tmp_path, first, second):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        lines = [await stage.line(), await stage.line()]
        frames = [request("refund", 50 + n, amount, rrn=RRN) for n, amount in enumerate((first, second))]
        asks = [stage.code(frame, line) for frame, line in zip(frames, lines, strict=True)]
        codes = await one_passes(stage, "0220", asks)
        assert sorted(codes) == ["00", "22"], "one at a time, whatever they add up to"
        [passed] = [amount for amount, code in zip((first, second), codes, strict=True) if code == "00"]
        assert await legs(stage, payment) == [("refund", "RETURNED", passed)]
        assert refunded(stage) == [passed]

    run(told(story, tmp_path))


def test_two_tills_that_refund_60_of_a_sale_of_100_at_the_same_moment_are_one(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        asks = [stage.code(request("refund", 50, 60, rrn=RRN, terminal=till)) for till in TERMINALS[:2]]
        assert sorted(await one_passes(stage, "0220", asks)) == ["00", "22"]
        assert await legs(stage, payment) == [("refund", "RETURNED", 60)]

    run(told(story, tmp_path))


def test_a_refund_of_60_at_the_till_and_one_of_60_decided_at_the_desk_are_one(run, tmp_path):
    """The desk's commands are processes of their own; whoever comes first, 60 goes back once."""

    async def story(stage: Stage, at) -> None:
        payment = await sold(stage, 100)
        stage.host.will("0220", *[Say(held=True)] * 2)
        proposed = await asyncio.gather(*(at.run(*PROPOSE_60, who=who) for who in ("li", "zhao")))
        assert sorted(exit_code for exit_code, _ in proposed) == [0, 1]
        [order] = [said.split()[0] for exit_code, said in proposed if exit_code == 0]
        at_the_till = asyncio.ensure_future(stage.code(request("refund", 50, 60, rrn=RRN)))
        approved, _ = await at.run("approve", order, who="wang")
        await stage.until(lambda: stage.host.holding == 1)
        stage.host.let_go()
        code = await at_the_till
        async with asyncio.timeout(SOON_S):
            while (ends := await at.orders(payment))[0][1] in ("PROPOSED", "RUNNING") and approved == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (code == "00") + (ends == [("refund", "DONE")]) == 1, (code, approved, ends)
        assert await legs(stage, payment) == [("refund", "RETURNED", 60)]
        assert refunded(stage) == [60]

    run(desk(story, tmp_path))


def test_a_refund_of_60_that_is_under_way_at_the_till_cannot_be_proposed_at_the_desk(run, tmp_path):
    async def story(stage: Stage, at) -> None:
        payment = await sold(stage, 100)
        stage.host.will("0220", Say(held=True))
        line = await stage.line()
        await line.send(request("refund", 50, 60, rrn=RRN))
        await stage.until(lambda: refunded(stage) == [60])
        exit_code, said = await at.run(*PROPOSE_60, who="li")
        assert (exit_code, "only CNY 0.40 of it is left" in said) == (1, True)
        assert await legs(stage, payment) == [("refund", "RETURNING", 60)]

    run(desk(story, tmp_path))


# A second refund that is refused.


@pytest.mark.parametrize("code", ["57", "61", "96"])
def test_a_second_refund_that_the_host_refuses_leaves_the_first_as_it_was(run, tmp_path, code):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        assert await stage.code(request("refund", 50, 60, rrn=RRN)) == "00"
        first = (await by_stan(stage, 50)).version
        stage.host.will("0220", Say(code=code))
        answered = await stage.code(request("refund", 51, 40, rrn=RRN))
        open_yet = code == "96"  # nobody knows, so it counts until evidence decides
        assert answered == ("98" if open_yet else code)
        second = ("refund", "ESCALATED" if open_yet else "NO_EFFECT", 40)
        assert await legs(stage, payment) == [("refund", "RETURNED", 60), second]
        found = await by_stan(stage, 50)
        assert (found.state, found.version) == ("APPROVED", first)
        assert (await stage.find(payment)).state == "APPROVED"
        assert stage.host.asked("0400") == []
        third = await stage.code(request("refund", 52, 40, rrn=RRN))
        assert third == ("22" if open_yet else "00")
        assert (await stage.find(payment)).state == ("APPROVED" if open_yet else "RETURNED")

    run(told(story, tmp_path))


def test_a_second_refund_that_we_refuse_leaves_the_first_as_it_was(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        assert await stage.code(request("refund", 50, 60, rrn=RRN)) == "00"
        before = await stage.find(payment), await by_stan(stage, 50)
        assert await stage.code(request("refund", 51, 60, rrn=RRN)) == "61"
        assert (await stage.find(payment), await by_stan(stage, 50)) == before
        assert await legs(stage, payment) == [("refund", "RETURNED", 60)]
        assert await stage.code(request("refund", 52, 40, rrn=RRN)) == "00"
        assert refunded(stage) == [60, 40]

    run(told(story, tmp_path))


# A second capture while the first is unknown.


def test_a_second_completion_with_the_same_key_while_the_first_is_unknown_does_not_pass(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        stage.host.will("0200", Hush())
        stage.host.will("0400", *[Hush()] * 20)
        completion = request("completion", 11, 1000, of=10)
        assert await stage.code(completion) == "98"
        assert (await by_stan(stage, 11)).state == "RETURNING"
        assert await stage.code(completion) == "98"
        assert await stage.code(request("completion", 11, 900, of=10)) == "94"
        assert await stage.code(request("completion", 12, 1000, of=10)) == "22"
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_a_second_completion_with_the_same_key_while_the_first_is_on_its_way_is_told_the_same(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        stage.host.will("0200", Say(held=True))
        completion = request("completion", 11, 1000, of=10)
        asked = asyncio.gather(*(stage.code(completion) for _ in range(3)))
        await stage.hear_of_it(3)
        stage.host.let_go()
        assert await asked == ["00"] * 3
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_a_second_completion_with_the_same_key_after_a_crash_does_not_pass(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        stage.host.will("0200", Say(held=True))
        completion = request("completion", 11, 1000, of=10)
        await (await stage.line()).send(completion)
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        stage.host.will("0400", *[Hush()] * 20)
        await stage.stop_short()
        await stage.open()
        assert await stage.code(completion) == "98"
        assert await stage.code(request("completion", 12, 1000, of=10)) == "22"
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


# The store-and-forward queue.


def advice_1987(stan: int, **more: str) -> bytes:
    """A completion by advice in the 1987 dialect, which marks repeats."""
    fields = {
        2: "6200000000000005", 3: "000000", 4: "000000000500", 11: f"{stan:06}", 25: "00", 41: TERMINALS[0],
        42: MERCHANT, 49: "156",
    }  # fmt: skip
    return codec_for("iso87-ascii").encode(mti="0220", fields=fields)


def test_every_repeat_of_an_advice_is_marked_as_a_repeat(run, tmp_path, soon):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Hush())
        stage.host.will("0221", Say(code="91"), HangUp(), Say(code="94"))
        assert await stage.code(advice_1987(20)) == "00"
        await becomes(stage, 20, "APPROVED")
        sent = [message for message in stage.host.seen if message.mti.startswith("02")]
        assert [message.mti for message in sent] == ["0220", "0221", "0221", "0221"]
        assert len({message.raw[4:] for message in sent}) == 1, "but for the mark it is the same message"

    run(told(story, tmp_path, dialect="iso87-ascii"))


def test_the_first_sending_after_a_crash_is_marked_as_a_repeat(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(held=True))
        assert await stage.code(advice_1987(20)) == "00"
        await stage.until(lambda: len(stage.host.asked("0220")) == 1)
        await stage.close()
        await stage.open()
        await becomes(stage, 20, "APPROVED")
        assert (len(stage.host.asked("0220")), len(stage.host.asked("0221"))) == (1, 1)

    run(told(story, tmp_path, dialect="iso87-ascii"))


LOOK_ALIKES = [
    ("01", "DECLINED", "begins like 00"),
    ("0A", "DECLINED", "begins like 00"),
    ("20", "DECLINED", "ends like 00"),
    ("12", "DECLINED", "begins like 10 and 11"),
    ("A1", "DECLINED", "begins like A2 and A0"),
    ("99", "SEND_INTENT", "nines like 94, but it means stale keys"),
    ("49", "DECLINED", "94 the other way round"),
    ("9A", "DECLINED", "begins like 90"),
    ("00", "APPROVED", "approved"),
    ("11", "APPROVED", "approved, a very important person"),
]


@pytest.mark.parametrize(("code", "state", "why"), LOOK_ALIKES, ids=[row[0] for row in LOOK_ALIKES])
def test_a_response_code_means_what_all_of_it_says(run, tmp_path, code, state, why):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(code=code))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        async with asyncio.timeout(SOON_S):
            while len(await stage.events("ADVICE_ANSWER")) + len(await stage.events(state)) < 1 + (  # noqa: ASYNC110
                state == "SEND_INTENT"
            ):
                await asyncio.sleep(0.01)
        assert (await by_stan(stage, 20)).state == state, why

    run(told(story, tmp_path))


def test_the_first_entry_of_the_queue_does_not_block_the_others(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Hush(), Say(code="96"))
        for stan in range(20, 26):
            assert await stage.code(request("offline_sale", stan, 500)) == "00"
        for stan in range(22, 26):
            await becomes(stage, stan, "APPROVED")
        assert {(await by_stan(stage, stan)).state for stan in (20, 21)} == {"SEND_INTENT"}

    run(told(story, tmp_path, reversals_in_flight_max=1))


def test_an_entry_that_cannot_even_be_made_into_a_message_does_not_block_the_others(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.host.stop()
        await stage.until(lambda: not stage.gateway.hosts["h1"].link.up)
        for stan in range(20, 23):
            assert await stage.code(request("offline_sale", stan, 500)) == "00"
        broken = (await by_stan(stage, 20)).transaction_id
        with stage.gateway._store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE transactions SET sealed = x'00' WHERE transaction_id = ?", (broken,))
        await stage.host.start()
        await becomes(stage, 21, "APPROVED")
        await becomes(stage, 22, "APPROVED")
        assert (await by_stan(stage, 20)).state == "SEND_INTENT", "kept, for who repairs it"

    run(told(story, tmp_path, reversals_in_flight_max=1))


def test_an_entry_however_old_is_not_dropped(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.host.stop()
        await stage.until(lambda: not stage.gateway.hosts["h1"].link.up)
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await stage.close()
        with stage.gateway._store.engine.begin() as connection:
            for statement in (
                "UPDATE transactions SET received_at_us = received_at_us - ?, changed_at_us = changed_at_us - ?",
                "UPDATE tasks SET due_at_us = due_at_us - ? + 0 * ?",
            ):
                connection.exec_driver_sql(statement, (400 * DAY_US, 400 * DAY_US))
        await stage.host.start()
        await stage.open()
        await becomes(stage, 20, "APPROVED")
        assert len(stage.host.asked("0220")) == 1

    run(told(story, tmp_path))


def test_what_was_refused_for_good_is_never_sent_again(run, tmp_path, soon):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(code="14"))
        frame = request("offline_sale", 20, 500)
        assert await stage.code(frame) == "00"
        await becomes(stage, 20, "DECLINED")
        await stage.relink()
        assert await stage.code(frame) == "00", "its till may repeat it"
        await stage.close()
        await stage.open()
        assert await stage.code(request("offline_sale", 21, 500)) == "00"
        await becomes(stage, 21, "APPROVED")
        assert [message[11] for message in stage.host.asked("0220")] == ["000020", "000021"]
        [watched] = await stage.read(lambda c: c.execute(watches.select()).all())
        assert "answered 14" in watched.reason

    run(told(story, tmp_path))
