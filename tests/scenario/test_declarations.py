"""What people declare about a terminal or a payment, at the command line beside a running gateway."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.scenario.linked import request, sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import CARD, SOON_S, TERMINALS, Stage, told
from tests.scenario.test_causes_and_cases import case_of, explained
from tests.scenario.test_orders import TOML
from yuanlu.cli.main import app
from yuanlu.cli.reading import status_text
from yuanlu.kernel.errors import YuanluError
from yuanlu.returns.orders import Order, orders_of

SALE = f"{TERMINALS[0]}+000001"
Say_ = Callable[..., Awaitable[str]]


def speaker(folder: Path) -> Say_:
    """`await say("case", "handed-over", …, who="li")`: what it prints, or the one line of its error."""
    config = folder / "yuanlu.toml"
    config.write_text(TOML, "utf-8")

    async def say(*words: str, who: str = "li", lang: str = "en") -> str:
        spoken = ["--lang", lang] if words[0] != "return" else []
        line = [*words, "--config", str(config), *spoken, *(["--as", who] if who else [])]
        result = await asyncio.get_running_loop().run_in_executor(None, lambda: CliRunner().invoke(app, line))
        if isinstance(result.exception, YuanluError):
            return f"refused: {result.exception}"
        assert result.exit_code == 0, result.output
        return result.output

    return say


def with_people(story: Callable[[Stage, Say_], Awaitable[None]], folder: Path, **terms: object):
    async def beside(stage: Stage) -> None:
        await story(stage, speaker(folder))

    return told(beside, folder, **terms)


async def unanswered(stage: Stage, *reversal: object):
    """A sale that the host never answers, and what it says to the reversal."""
    stage.host.will("0200", Hush())
    stage.host.will("0400", *reversal)
    payment = stage.payment()
    assert await stage.code(stage.sale(payment)) == "98"
    return payment


async def process(folder: Path, *words: str) -> asyncio.subprocess.Process:
    """One command in a process of its own: two of them run at the same time."""
    line = [sys.executable, "-m", "yuanlu.cli", *words, "--config", str(folder / "yuanlu.toml"), "--lang", "en"]
    out = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    return await asyncio.create_subprocess_exec(*line, **out)


async def orders(stage: Stage, payment) -> list[Order]:
    found = await stage.find(payment)
    return await stage.read(lambda c: orders_of(c, found.transaction_id))


@pytest.mark.parametrize("given", ["goods", "cash"])
def test_goods_handed_over_are_a_case_and_a_repayment_by_two_people_while_the_reversal_goes_on(run, tmp_path, given):
    async def story(stage: Stage, say: Say_) -> None:
        payment = await unanswered(stage, Hush(), Say())
        said = await say("case", "handed-over", SALE, given)
        [order] = await orders(stage, payment)
        assert order.order_id in said
        assert (order.kind, order.paid_from, order.amount.minor) == ("repayment", "contract", 1234)
        assert (str(order.state), order.maker, order.automatic) == ("PROPOSED", "li", False)
        case = await case_of(stage, payment)
        assert (case.cause, case.priority) == ("HANDED_OVER_WHILE_RETURNING", 1)
        assert case.case_id in said

        stage.later(6)  # the pause before a reversal is repeated
        await stage.becomes(payment, "RETURNED")
        await explained(stage, payment, "HANDED_OVER_WHILE_RETURNING")
        assert len(stage.host.asked("0400")) == 2, "the reversal went on as if nothing had been said"
        assert (await case_of(stage, payment)).state == "OPEN", "only people close it"

        assert "a second person must approve" in await say("return", "approve", order.order_id)
        assert "approved" in await say("return", "approve", order.order_id, who="wang")
        assert "paid" in await say("return", "close", order.order_id, "--reference", "ICBC-9", who="wang")
        [order] = await orders(stage, payment)
        assert (str(order.state), order.checker, order.reference) == ("DONE", "wang", "ICBC-9")
        assert (await stage.find(payment)).state == "RETURNED"
        closing = ("case", "close", case.case_id, "--outcome", "returned", "--person-needed")
        assert "closed" in await say(*closing)

    run(with_people(story, tmp_path))


def test_it_is_declared_once(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        payment = await unanswered(stage, Say())
        await stage.becomes(payment, "RETURNED")
        screens = [await process(tmp_path, "case", "handed-over", SALE, "goods", "--as", who) for who in ("li", "wang")]
        both = [(await screen.communicate())[0].decode() for screen in screens]
        assert sorted("nothing changed" in said for said in both) == [False, True], both
        assert len(await orders(stage, payment)) == 1
        assert (await stage.kinds(payment)).count("OBSERVED") == 1
        assert "此前已声明" in await say("case", "handed-over", SALE, "goods", lang="zh")
        assert "has declared goods for this payment already" in await say("case", "handed-over", SALE, "cash")

    run(with_people(story, tmp_path))


def test_it_joins_the_case_that_is_open(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        payment = await unanswered(stage, Say(code="40"))
        case = await case_of(stage, payment)
        assert case.case_id in await say("case", "handed-over", SALE, "goods")
        joined = await case_of(stage, payment)
        assert (joined.case_id, joined.priority) == (case.case_id, 1)

    run(with_people(story, tmp_path))


def test_a_void_is_nothing_that_was_sold(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        await sold(stage)
        assert await stage.code(request("void", 50, 1234, of=1)) == "00"
        assert "a void is no payment" in await say("case", "handed-over", f"{TERMINALS[0]}+000050", "goods")

    run(with_people(story, tmp_path))


def test_a_payment_that_stands_has_nothing_to_be_paid_again(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        payment = await sold(stage)
        assert "the payment stands (APPROVED)" in await say("case", "handed-over", SALE, "goods")
        assert await orders(stage, payment) == []
        assert await stage.kinds(payment) == ["SEND_INTENT", "APPROVED"]

    run(with_people(story, tmp_path))


REFUSED = [
    (("case", "handed-over", "T0000009+1", "goods"), "is no payment: give its id", "no such payment"),
    (("case", "handed-over", SALE, "money"), "say goods or cash", "no such thing"),
    (("case", "clearing", SALE, "both", "--reference", "f/1"), "say only_ours, only_theirs", "no such difference"),
    (("case", "clearing", SALE, "twice"), "--reference FILE/LINE", "no reference"),
    (("case", "clearing", SALE, "twice", "--reference", CARD.pan), "looks like a card number", "a card as reference"),
    (("terminal", "report", "T0000099", "moved"), "is no terminal of terminals.csv", "no such terminal"),
    (
        ("terminal", "report", TERMINALS[0], "exploded"),
        "is no kind of observation; there are restarted",
        "no such kind",
    ),
    (("terminal", "report", TERMINALS[0], "signal", "high"), "a whole number from 0 to 100", "no such value"),
    (("terminal", "report", TERMINALS[0], "moved", "--stan", "000777"), "has no payment with trace number", "no STAN"),
    (
        ("terminal", "report", TERMINALS[0], "hardware_fault", "6200 0000 0000 0005"),
        "card numbers are not kept",
        "card",
    ),
]


def test_what_does_not_fit_is_refused_in_words_and_leaves_nothing_behind(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        await sold(stage)
        for words, text, why in REFUSED:
            said = await say(*words)
            assert said.startswith("refused: "), why
            assert text in said, why
        assert "no action is anonymous" in await say("terminal", "report", TERMINALS[0], "moved", who="")
        assert await stage.events("OBSERVED") == []

    run(with_people(story, tmp_path))


def test_a_clearing_file_that_differs_is_why_and_a_case(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        payment = await sold(stage)
        assert "differs (only_ours)" in await say("case", "clearing", SALE, "only_ours", "--reference", "IND261123/77")
        await explained(stage, payment, "CLEARING_DIFFERS")
        case = await case_of(stage, payment)
        assert case.cause == "CLEARING_DIFFERS"
        assert "li: clearing only_ours, IND261123/77" in await stage.events("OBSERVED")
        closing = ("case", "close", case.case_id, "--outcome", "payment_stands", "--person-needed")
        assert "closed" in await say(*closing)
        await say("terminal", "report", TERMINALS[0], "slip_failed", "--stan", "000001")
        await explained_again(stage, payment, "SLIP_NOT_PRINTED")
        assert (await case_of(stage, payment, "CLOSED")).case_id == case.case_id, "a person has judged it"

    run(with_people(story, tmp_path))


async def explained_again(stage: Stage, payment, cause: str) -> None:
    async with asyncio.timeout(SOON_S):
        while (await stage.find(payment)).cause != cause:  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.02)


def test_a_person_reports_a_terminal_that_was_opened(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        payment = await sold(stage)
        said = await say("terminal", "report", TERMINALS[0], "tampered", lang="zh")
        assert said == f"{TERMINALS[0]}  已记录：tampered；涉及交易 1 笔\n"
        await explained(stage, payment, "TERMINAL_TAMPERED")
        assert await stage.events("OBSERVED") == ["li: tampered 1"]
        assert "recorded: tampered 0; payments concerned: 0" in await say(
            "terminal", "report", TERMINALS[0], "tampered", "0", who="wang"
        )

    run(with_people(story, tmp_path))


def test_status_counts_what_waits_for_people(run, tmp_path):
    async def story(stage: Stage, say: Say_) -> None:
        payment = await unanswered(stage, Say())
        await stage.becomes(payment, "RETURNED")
        for line in ("open orders: 0", "open cases: 0", "active incidents: 0"):
            assert line in status_text(stage.settings, "en")
        await say("case", "handed-over", SALE, "goods")
        await say("incident", "declare", "peak", "--all", "--reason", "Spring Festival")
        text = status_text(stage.settings, "en")
        for line in ("open orders: 1", "open cases: 2", "active incidents: 1"):
            assert line in text, "an incident has a case of its own"
        assert "进行中的事件: 1" in status_text(stage.settings, "zh")

    run(with_people(story, tmp_path))
