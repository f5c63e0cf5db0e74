"""Advices on real sockets: taken over at once, forwarded until the host has answered, never reversed."""

import asyncio

import pytest

from tests.scenario.linked import PAN, request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.settling import flags, settlement
from tests.scenario.stage import MERCHANT, SOON_S, TERMINALS, Stage, told
from yuanlu.acquirers import advices
from yuanlu.cases.store import find_case_of
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal import transactions
from yuanlu.returns.tables import watches
from yuanlu.sandbox.till_line import open_line


async def by_stan(stage: Stage, stan: int):
    [found] = await stage.read(lambda c: transactions.search(c, f"{TERMINALS[0]}+{stan:06}"))
    return found


async def becomes(stage: Stage, stan: int, state: str) -> None:
    async with asyncio.timeout(SOON_S):
        while (await by_stan(stage, stan)).state != state:  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.01)


async def kinds(stage: Stage, stan: int) -> list[str]:
    found = await by_stan(stage, stan)
    return [row.kind for row in await stage.read(lambda c: transactions.facts_of(c, MERCHANT, found.transaction_id))]


@pytest.fixture
def soon(monkeypatch):
    """Repeats without their pauses."""
    monkeypatch.setattr(advices, "PAUSE_FIRST_S", 0)


ADVICES = [
    ("completion_advice", 10, "a completion that has been charged"),
    ("offline_sale", 0, "a sale made without asking"),
    ("adjustment_advice", 10, "an adjustment"),
    ("tip_advice", 10, "a tip"),
    ("offline_upload", 0, "a sale out of an electronic purse"),
    ("script_result", 10, "what the chip made of the issuer's script"),
]


@pytest.mark.parametrize(("kind", "of", "why"), ADVICES, ids=[row[0] for row in ADVICES])
def test_an_advice_is_answered_at_once_and_forwarded_unchanged(run, tmp_path, kind, of, why):
    async def story(stage: Stage) -> None:
        mti = "0620" if kind == "script_result" else "0220"
        stage.host.will(mti, Say(held=True))
        answer = await stage.ask(request(kind, 20, 500, of=of, f35=f"{PAN}=30122010000000", f14="3012"))
        assert (answer.mti, answer[39]) == (f"{mti[:2]}30", "00"), why
        await stage.until(lambda: stage.host.holding == 1)
        assert (await by_stan(stage, 20)).state == "SEND_INTENT"
        stage.host.let_go()
        await becomes(stage, 20, "APPROVED")
        [sent] = stage.host.asked(mti)
        assert (sent[2], sent[4], sent[11], sent[14]) == (PAN, "000000000500", "000020", "3012")
        assert not sent.has(35)
        assert await kinds(stage, 20) == ["SEND_INTENT", "ADVICE_SENT", "APPROVED"]

    run(told(story, tmp_path))


def test_silence_and_open_codes_are_followed_by_the_same_message_again(run, tmp_path, soon):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Hush(), Say(code="91"), Say(code="98"), Say(code="94"))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await becomes(stage, 20, "APPROVED")
        sent = stage.host.asked("0220")
        assert len(sent) == 4
        assert len({message.raw for message in sent}) == 1
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_repeated_advice_is_answered_again_and_forwarded_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        frame = request("offline_sale", 20, 500)
        assert await stage.code(frame) == "00"
        await becomes(stage, 20, "APPROVED")
        await sold(stage)  # a newer trace number: repeats of advices stay welcome
        assert [await stage.code(frame) for _ in range(2)] == ["00", "00"]
        assert len(stage.host.asked("0220")) == 1
        assert await stage.code(request("offline_sale", 20, 501)) == "94"
        assert await stage.code(request("tip_advice", 20, 500)) == "94"

    run(told(story, tmp_path))


def test_twins_at_the_same_moment_are_one_advice(run, tmp_path):
    async def story(stage: Stage) -> None:
        frame = request("offline_sale", 20, 500)
        assert await asyncio.gather(*(stage.code(frame) for _ in range(4))) == ["00"] * 4
        await becomes(stage, 20, "APPROVED")
        assert len(stage.host.asked("0220")) == 1

    run(told(story, tmp_path))


@pytest.mark.parametrize("code", ["30", "40", "57"])
def test_a_refused_advice_is_a_persons(run, tmp_path, code):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(code=code))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await becomes(stage, 20, "DECLINED")
        assert len(stage.host.asked("0220")) == 1
        watched = await stage.read(lambda c: c.execute(watches.select()).all())
        assert [f"answered {code}" in row.reason for row in watched] == [True]
        refused = (await by_stan(stage, 20)).transaction_id
        async with asyncio.timeout(SOON_S):
            while await stage.read(lambda c: find_case_of(c, refused)) is None:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)

    run(told(story, tmp_path))


def test_an_advice_waits_for_a_host_that_is_down_and_survives_a_restart(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.host.stop()
        await stage.until(lambda: not stage.gateway.hosts["h1"].link.up)
        assert await stage.code(request("offline_sale", 20, 500, f48="000000000100")) == "00"
        await stage.close()
        await stage.host.start()
        await stage.open()
        await becomes(stage, 20, "APPROVED")
        [sent] = stage.host.asked("0220")
        assert (sent[2], sent[48]) == (PAN, "000000000100")
        assert "RETURN_INTENT" not in await kinds(stage, 20)

    run(told(story, tmp_path))


def test_a_restart_after_the_sending_sends_the_same_once_more(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(held=True))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await stage.until(lambda: len(stage.host.asked("0220")) == 1)
        await stage.close()
        await stage.open()
        await becomes(stage, 20, "APPROVED")
        first, second = stage.host.asked("0220")
        assert first.raw == second.raw

    run(told(story, tmp_path))


def test_stale_keys_sign_in_and_the_advice_goes_again(run, tmp_path, soon):
    async def story(stage: Stage) -> None:
        host = stage.gateway.hosts["h1"]
        await stage.until(lambda: host._sessions.current(host._own.terminal_id) is not None)
        stage.host.forget_keys()
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await becomes(stage, 20, "APPROVED")
        assert len(stage.host.asked("0220")) == 2

    terms = {"mac": "unionpay-ecb", "sign_in": "link", "own_terminal_id": "GW000001", "own_merchant_id": MERCHANT}
    run(told(story, tmp_path, **terms))


def test_an_advice_is_never_reversed(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        await becomes(stage, 20, "APPROVED")
        assert await stage.code(request("offline_sale", 20, 500, mti="0400")) == "12"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))


def test_a_completion_by_advice_ends_its_pre_authorisation(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        assert await stage.code(request("completion_advice", 20, 900, of=10)) == "00"
        await becomes(stage, 20, "APPROVED")
        assert (await kinds(stage, 10))[-2:] == ["COMPLETION_ADVICE_INTENT", "COMPLETION_ADVICE_DONE"]
        assert await stage.code(request("preauth_void", 21, 1000, of=10)) == "22"
        assert await stage.code(request("completion", 22, 900, of=10)) == "22"

    run(told(story, tmp_path))


def test_a_settlement_counts_an_advice_from_the_moment_it_is_taken_over(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0220", Say(held=True))
        assert await stage.code(request("offline_sale", 20, 500)) == "00"
        assert flags(await stage.ask(settlement(stage, [500]))) == ("00", "1", "1")
        await stage.until(lambda: stage.host.holding == 1)
        assert (await by_stan(stage, 20)).state == "SEND_INTENT"
        stage.host.let_go()
        await becomes(stage, 20, "CAPTURED")

    run(told(story, tmp_path))


def test_the_1987_dialect_tells_advices_by_its_condition_code(run, tmp_path):
    async def story(stage: Stage) -> None:
        fields = {
            2: PAN, 3: "000000", 4: "000000000500", 11: "000020", 25: "00", 41: TERMINALS[0], 42: MERCHANT, 49: "156",
        }  # fmt: skip
        iso = codec_for("iso87-ascii")
        assert await stage.code(iso.encode(mti="0220", fields=fields)) == "00"
        await becomes(stage, 20, "APPROVED")
        assert (await by_stan(stage, 20)).kind == "offline_sale"
        assert await stage.code(iso.encode(mti="0220", fields=fields | {11: "000021", 25: "06"})) == "00"
        await becomes(stage, 21, "APPROVED")
        assert (await by_stan(stage, 21)).kind == "completion_advice"
        cup = codec_for("cup-pos")
        other = await open_line(stage.address, cup)
        frame = cup.encode(mti="0220", fields=fields | {11: "000022", 60: "30000001000"})
        assert await stage.code(frame, other) == "58"
        other.cut()

    run(told(story, tmp_path, dialect="iso87-ascii"))
