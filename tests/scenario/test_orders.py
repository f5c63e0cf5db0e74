"""Money given back by decision: one proposes, another approves, the gateway carries it out."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.scenario.linked import PAN, request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import MERCHANT, SOON_S, TERMINALS, Stage, told
from tests.scenario.test_causes_and_cases import case_of, decide
from yuanlu.cases.records import DecisionKind
from yuanlu.cases.states import DecisionState
from yuanlu.cases.store import decisions_of, find_case_of
from yuanlu.cli.main import app
from yuanlu.kernel.errors import YuanluError
from yuanlu.returns.orders import orders_of

TOML = """
[store]
url = "sqlite:///journal.db"
reserve_mib = 0
[gateway]
listen = "127.0.0.1:1"
terminals = "terminals.csv"
mac = "none"
[acquirers.h1]
kind = "iso8583-host"
address = "127.0.0.1:1"
dialect = "cup-pos"
profile = "P1"
mac = "none"
"""


class Desk:
    """The command line beside the gateway of a stage."""

    def __init__(self, stage: Stage, folder: Path, more: str = "") -> None:
        self._stage = stage
        self._config = folder / "yuanlu.toml"
        self._config.write_text(TOML + more, "utf-8")

    async def say(self, *words: str, who: str = "") -> str:
        """One command in a thread of its own; what it prints, or the one line of its error."""
        line = ["return", *words, "--config", str(self._config), *(["--as", who] if who else [])]
        result = await asyncio.get_running_loop().run_in_executor(None, lambda: CliRunner().invoke(app, line))
        if isinstance(result.exception, YuanluError):
            return f"refused: {result.exception}"
        assert result.exit_code == 0, result.output
        return result.output

    async def run(self, *words: str, who: str) -> tuple[int, str]:
        """One command in a process of its own; its exit code and what it says."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "yuanlu.cli", "return", *words, "--config", str(self._config), "--as", who,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def propose(self, what: str, *more: str, who: str = "li") -> str:
        """The id of a new order."""
        said = await self.say("propose", what, "--reason", "goods came back", *more, who=who)
        assert not said.startswith("refused"), said
        return re.search(r"yuanlu return approve (\w+) --as", said)[1]  # the gateway's log lines stand beside it

    async def orders(self, payment) -> list[tuple[str, str]]:
        found = await self._stage.find(payment)
        orders = await self._stage.read(lambda c: orders_of(c, found.transaction_id))
        return [(order.kind, str(order.state)) for order in orders]

    async def becomes(self, payment, *states: str) -> None:
        async with asyncio.timeout(SOON_S):
            while [state for _, state in await self.orders(payment)] != list(states):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def desk(story, tmp_path, more: str = "", **terms):
    async def with_desk(stage: Stage) -> None:
        await story(stage, Desk(stage, tmp_path, more))

    return told(with_desk, tmp_path, **terms)


SALE = f"{TERMINALS[0]}+000001"


def test_a_whole_payment_of_today_goes_back_by_a_void_when_two_people_agree(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        order = await at.propose(SALE)
        assert stage.host.asked("0200")[1:] == []
        assert "approved" in await at.say("approve", order, who="wang")
        await at.becomes(payment, "DONE")
        [_, void] = stage.host.asked("0200")
        assert (void[3], void[11], void[60][:2], void[2]) == ("200000", "999999", "23", PAN)
        assert (await stage.find(payment)).state == "RETURNED"
        kinds = await stage.kinds(payment)
        assert kinds[2:] == [
            "RETURN_PROPOSED",
            "RETURN_APPROVED",
            "VOID_INTENT",
            "VOID_DONE",
            "RETURNED",
            "RETURN_DONE",
        ]

    run(desk(story, tmp_path))


def test_part_of_it_goes_back_by_a_refund_and_the_rest_later(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage, 1000)
        first = await at.propose(SALE, "--amount", "4.00")
        await at.say("approve", first, who="wang")
        await at.becomes(payment, "DONE")
        second = await at.propose(SALE)
        await at.say("approve", second, who="wang")
        await at.becomes(payment, "DONE", "DONE")
        assert [m[4] for m in stage.host.asked("0220")] == ["000000000400", "000000000600"]
        assert (await stage.find(payment)).state == "RETURNED"
        assert "nothing is left" in await at.say("propose", SALE, "--reason", "again", who="li")

    run(desk(story, tmp_path))


def test_a_declined_void_is_followed_by_a_refund_and_a_refund_not_served_by_a_person(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        stage.host.will("0200", Say(code="57"))
        stage.host.will("0220", Say(code="40"))
        order = await at.propose(SALE)
        await at.say("approve", order, who="wang")
        await at.becomes(payment, "ESCALATED")
        assert (await stage.find(payment)).state == "APPROVED"
        case = await case_of(stage, payment)
        assert (case.cause, case.is_complex) == ("ORDER_BY_HAND", False), "finance pays it; support has nothing to do"
        assert case.title.zh == "退回须人工办理"
        assert stage.gateway.examiner.unclassified == 0
        assert "--reference" in await at.say("close", order, who="wang")
        assert "paid" in await at.say("close", order, "--reference", "ICBC-7", who="wang")
        assert await at.orders(payment) == [("void", "DONE")]
        assert len(stage.host.asked("0220")) == 1
        assert (await stage.find(payment)).state == "RETURNED", "what was paid by hand counts"
        assert "nothing is left" in await at.say("propose", SALE, "--reason", "again", who="li")

    run(desk(story, tmp_path))


HOLD = f"{TERMINALS[0]}+000010"


def test_a_hold_whose_void_is_declined_is_a_persons_and_is_never_credited(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        hold = stage.payment(stan=10)
        assert await stage.code(request("preauth", 10, 1234)) == "00"
        stage.host.will("0100", Say(code="57"))
        order = await at.propose(HOLD)
        await at.say("approve", order, who="wang")
        await at.becomes(hold, "ESCALATED")
        assert stage.host.asked("0220") == []
        assert [str(leg.state) for leg in await stage.legs(hold)] == ["NO_EFFECT"]
        name = (await stage.find(hold)).transaction_id
        async with asyncio.timeout(SOON_S):
            while (case := await stage.read(lambda c: find_case_of(c, name))) is None:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        await decide(stage, case, DecisionKind.MANUAL_CREDIT)
        async with asyncio.timeout(SOON_S):
            while True:
                [decision] = await stage.read(lambda c: decisions_of(c, case.case_id))
                if decision.state is not DecisionState.APPROVED:
                    break
                await asyncio.sleep(0.02)
        assert str(decision.state) == "REFUSED"
        assert [str(leg.state) for leg in await stage.legs(hold)] == ["NO_EFFECT"]
        for kind in ("adjustment", "refund"):
            said = await at.say("propose", HOLD, "--kind", kind, "--reason", "r", who="li")
            assert "only held, so nothing can be credited" in said
        assert "paid" in await at.say("close", order, "--reference", "ICBC-RELEASED-7", who="wang")
        assert (await stage.find(hold)).state == "APPROVED"

    run(desk(story, tmp_path))


def test_a_completed_hold_goes_back_by_its_completion(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        assert await stage.code(request("preauth", 10, 1000)) == "00"
        assert await stage.code(request("completion", 11, 900, of=10)) == "00"
        said = await at.say("propose", HOLD, "--reason", "r", who="li")
        assert "give the completion back instead" in said
        assert len(stage.host.seen) == 2

    run(desk(story, tmp_path))


def test_a_refund_in_doubt_is_never_sent_again_and_becomes_a_persons(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        stage.host.will("0220", Hush())
        order = await at.propose(SALE, "--amount", "1")
        await at.say("approve", order, who="wang")
        await at.becomes(payment, "ESCALATED")
        assert len(stage.host.asked("0220")) == 1
        assert [str(leg.state) for leg in await stage.legs(payment)] == ["ESCALATED"]

    run(desk(story, tmp_path))


def test_the_gateway_may_stop_between_any_two_steps(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        order = await at.propose(SALE)
        stage.host.will("0200", Say(held=True))
        await at.say("approve", order, who="wang")
        await stage.until(lambda: len(stage.host.asked("0200")) == 2)
        await stage.close()
        await stage.open()
        await at.becomes(payment, "DONE")
        assert (await stage.find(payment)).state == "RETURNED"
        legs = [(leg.kind, str(leg.state)) for leg in await stage.legs(payment)]
        assert legs == [("void", "NO_EFFECT"), ("void", "RETURNED")]

    run(desk(story, tmp_path))


BAD = [
    (["propose", SALE, "--reason", "r", "--amount", "99.99"], "li", "only CNY 12.34 of it is left", "too much"),
    (["propose", SALE, "--reason", "r", "--amount", "1.234"], "li", "write it like 12.50", "no amount"),
    (["propose", SALE, "--reason", "r", "--amount", "0"], "li", "above zero", "nothing"),
    (["propose", "T0000009+000001", "--reason", "r"], "li", "is no transaction", "unknown"),
    (["propose", SALE, "--reason", "r", "--kind", "gift"], "li", "there are", "unknown kind"),
    (["approve", "nothing"], "li", "is no order", "unknown order"),
]


@pytest.mark.parametrize(("words", "who", "said", "why"), BAD, ids=[row[3] for row in BAD])
def test_a_wrong_wish_is_refused_in_words_and_nothing_moves(run, tmp_path, words, who, said, why):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        assert said in await at.say(*words, who=who)
        assert await at.orders(payment) == []
        assert await stage.legs(payment) == []

    run(desk(story, tmp_path))


def test_the_maker_cannot_approve_and_it_is_recorded_that_he_tried(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        order = await at.propose(SALE)
        assert "a second person must approve" in await at.say("approve", order, who="li")
        assert (await stage.kinds(payment))[-1] == "RETURN_REFUSED"
        assert "refused" in await at.say("refuse", order, "--why", "not ours", who="wang")
        assert "only a proposed one" in await at.say("approve", order, who="wang")
        assert await at.orders(payment) == [("void", "REFUSED")]
        assert len(stage.host.seen) == 1

    run(desk(story, tmp_path))


def test_two_proposals_at_the_same_moment_from_two_processes_never_exceed_what_was_paid(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        said = await asyncio.gather(
            *(at.run("propose", SALE, "--reason", "r", "--amount", "7", who=f"p{n}") for n in range(3))
        )
        assert sorted(code for code, _ in said) == [0, 1, 1]
        assert all("that is more than was paid" in text or "only CNY" in text for code, text in said if code)
        assert len(await at.orders(payment)) == 1

    run(desk(story, tmp_path))


def test_a_proposal_that_nobody_approves_in_time_expires(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage)
        order = await at.propose(SALE)
        for late in ("orders SET expires_at_us = proposed_at_us + 1", "tasks SET due_at_us = 1 WHERE kind = 'order'"):
            await stage.gateway._store.write(lambda c, late=late: c.exec_driver_sql(f"UPDATE {late}"))
        assert "has expired" in await at.say("approve", order, who="wang")
        await at.becomes(payment, "EXPIRED")
        again = await at.propose(SALE)
        assert again != order

    run(desk(story, tmp_path))


def test_what_people_pay_by_hand_counts_against_the_payment(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage, 1000)
        order = await at.propose(SALE, "--kind", "adjustment", "--amount", "10.00")
        await at.say("approve", order, who="wang")
        assert await stage.code(request("refund", 50, 1, rrn="000000000001")) == "22"
        await at.say("close", order, "--reference", "CUP-4711", who="zhao")
        assert (await stage.find(payment)).state == "RETURNED"
        assert await at.orders(payment) == [("adjustment", "DONE")]
        assert len(stage.host.seen) == 1

    run(desk(story, tmp_path))


def test_compensation_is_paid_on_top_and_never_from_the_original(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        payment = await sold(stage, 1000)
        order = await at.propose(SALE, "--kind", "compensation", "--amount", "50.00")
        await at.say("approve", order, who="wang")
        await at.say("close", order, "--reference", "SLIP-1", who="wang")
        assert await at.orders(payment) == [("compensation", "DONE")]
        assert (await stage.find(payment)).state == "APPROVED"
        assert await stage.legs(payment) == []

    run(desk(story, tmp_path))


def test_the_list_shows_what_is_open(run, tmp_path):
    async def story(stage: Stage, at: Desk) -> None:
        await sold(stage)
        order = await at.propose(SALE)
        listed = await at.say("list", "--lang", "zh")
        assert order in listed
        assert "goods came back" in listed
        assert MERCHANT not in listed

    run(desk(story, tmp_path))
