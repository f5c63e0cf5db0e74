"""`yuanlu case`: a day with one case at the command line, beside a running gateway."""

import asyncio
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import update
from typer.testing import CliRunner

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import CARD, MERCHANT, Stage, told
from yuanlu.cases.opening import case_number, open_case
from yuanlu.cases.records import Opening, Severity, Words
from yuanlu.cases.store import get_case
from yuanlu.cli.main import app
from yuanlu.contracts import ServiceLevel
from yuanlu.journal.tables import transactions
from yuanlu.journal.unit import Committed
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import YuanluError

TOML = """
[store]
url = "sqlite:///journal.db"
[gateway]
listen = "127.0.0.1:0"
terminals = "terminals.csv"
mac = "none"
[acquirers.h1]
kind = "iso8583-host"
address = "127.0.0.1:1"
dialect = "cup-pos"
profile = "P1"
mac = "none"
"""

Speaker = Callable[..., str]


async def escalated(stage: Stage) -> tuple[str, str]:
    """A payment whose reversal the host refuses for good, and its case; the gateway's own hands rest."""
    await stage.gateway.examiner.runner.stop()
    await stage.gateway.decider.runner.stop()
    stage.host.will("0200", Hush())
    stage.host.will("0400", Say(code="40"))
    payment = stage.payment()
    await stage.code(stage.sale(payment))
    await stage.becomes(payment, "ESCALATED")
    found = await stage.find(payment)
    now_us = SystemClock().wall_us()
    opening = Opening(
        transaction_id=found.transaction_id, merchant_id=MERCHANT, terminal_id=found.key.terminal_id, acquirer="h1",
        amount=found.amount, title=Words(zh="冲正被拒", en="Reversal refused"), cause="REVERSAL_FAILED",
        severity=Severity.HIGH, explanation=Words(zh="主机拒绝冲正", en="the host refuses this reversal for good"),
        evidence=("0410 code 40",), queue="returns", since_us=now_us, may_send_again=True,
    )  # fmt: skip
    number = case_number(now_us, random.Random(1).getrandbits)
    made = open_case(opening, None, number=number, terms=ServiceLevel(), now_us=now_us)
    assert isinstance(await stage.gateway.journal.commit(made.facts, made.changes), Committed)
    return number, found.transaction_id


def speaker(folder: Path) -> Speaker:
    """`say("note", case, "text", who="Li")`: what the command prints; raises what `yuanlu` would print as its error."""
    config = folder / "yuanlu.toml"
    config.write_text(TOML, "utf-8")

    def say(*words: str, who: str = "", lang: str = "en", answer: str = "") -> str:
        given = ["case", *words, "--config", str(config), "--lang", lang]
        result = CliRunner().invoke(app, given, env={"YUANLU_USER": who}, input=answer)
        if isinstance(result.exception, YuanluError):
            raise result.exception
        assert result.exit_code in (0, 1, 2), result.output
        return str(result.output) + (f" exit {result.exit_code}" if result.exit_code else "")

    return say


def test_a_day_with_a_case(run, tmp_path):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, transaction = await escalated(stage)
        listed = say("list")
        assert re.search(rf"{case}  P2  00:29:\d\d left  first line  open  CNY 12.34  returns  nobody", listed)
        assert "未分派" in say("list", "--unassigned", lang="zh")

        assert "in hand" in say("assign", case, who="Li")
        assert case in say("list", "--mine", who="Li")
        assert say("list", "--mine", who="Wang") == "no case\n"
        say("note", case, f"card {CARD.pan} was read twice", who="Li")
        slip = tmp_path / "slip.txt"
        slip.write_text("the slip", "utf-8")
        say("attach", case, str(slip), who="Li")
        say("snooze", case, "--for", "20m", "--reason", "the bank calls back", who="Li")
        assert say("list") == "no case\n"
        assert "until" in say("list", "--snoozed")
        say("wake", case, who="Li")
        say("escalate", case, "--reason", "above my limit", who="Li")
        say("handover", case, "--reason", "the pinpad restarts", who="Li")
        say("assign", case, "--queue", "returns", who="Wang")

        shown = say("show", transaction, "--save", str(tmp_path / "files"))
        assert "money: A person is on it (ESCALATED)" in shown
        assert "send the reversal once more" in shown
        assert "    0410 code 40" in shown
        assert "card ••0005 was read twice" in shown
        assert CARD.pan not in shown
        assert "附件" in say("show", case, lang="zh")
        assert (tmp_path / "files" / "1-slip.txt").read_text("utf-8") == "the slip"
        bundle = (tmp_path / "files" / "2-diagnostics.json").read_text("utf-8")
        assert json.loads(bundle)["legs"][0]["attempts"] == 1
        assert CARD.pan not in bundle
        assert CARD.track2[-10:] not in bundle

    run(told(story, tmp_path))


def test_two_people_decide_and_the_gateway_gets_the_task(run, tmp_path):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, _ = await escalated(stage)
        say("propose", case, "declare_returned", "--reference", "R-17", "--reason", "letter", who="Li")
        assert "declare returned" in say("list", "--to-approve")
        with pytest.raises(YuanluError, match="Li proposed this; a second person has to approve it"):
            say("approve", case, "--yes", who="Li")
        asked = say("approve", case, who="Wang", answer="n\n")
        assert "once approved: Return accepted by the host (RETURNED)" in asked
        assert "exit 1" in asked
        with pytest.raises(YuanluError, match="a decision still waits"):
            say("close", case, "--outcome", "returned", "--person-needed", who="Li")
        say("approve", case, "--remark", "I have seen it", who="Wang", answer="y\n")
        assert "nothing waits for approval" in say("list", "--to-approve")
        shown = say("show", case)
        assert re.search(r"D1  declare returned .* approved, not carried out yet  maker Li  checker Wang", shown)
        assert "An action was refused; nothing moved: approve: Li proposed this" in shown
        due = await stage.read(lambda c: c.exec_driver_sql("SELECT key, lane FROM tasks WHERE kind = 'decision'").all())
        assert [tuple(row) for row in due] == [(f"{case}-D1", "h1")]
        assert len(await stage.events("CASE_REFUSED")) == 2

    run(told(story, tmp_path))


def test_a_case_is_closed_only_when_the_money_is_settled_and_can_be_opened_again(run, tmp_path):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, transaction = await escalated(stage)
        closing = ("close", case, "--outcome", "no_effect", "--no-person-needed")
        with pytest.raises(YuanluError, match=r"the money is not settled yet \(ESCALATED\)"):
            say(*closing, who="Li")
        settled = update(transactions).where(transactions.c.transaction_id == transaction).values(state="NO_EFFECT")
        await stage.gateway._store.write(lambda c: c.execute(settled))  # a late answer, a file: not this story's
        assert "closed" in say(*closing, "--remark", "the bank was late", who="Li")
        assert case in say("list", "--closed")
        assert "no person was needed" in say("show", case)
        assert "open" in say("reopen", case, "--reason", "the customer calls again", who="Wang")
        found = await stage.read(lambda c: get_case(c, case))
        assert (found.outcome, found.owner) == ("", "")

    run(told(story, tmp_path))


def test_people_at_other_screens_write_while_payments_go_on(run, tmp_path):
    async def story(stage: Stage) -> None:
        speaker(tmp_path)
        case, _ = await escalated(stage)
        command = [sys.executable, "-m", "yuanlu.cli", "case", "note", case, "x", "--as", "Li"]
        silent = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        screens = [await asyncio.create_subprocess_exec(*command, **silent) for _ in range(3)]
        codes = asyncio.gather(*(screen.wait() for screen in screens))
        while not codes.done():
            assert await stage.code(stage.sale(stage.payment())) == "00"
        found = await stage.read(lambda c: get_case(c, case))
        done = [code for code in await codes if code == 0]
        assert done, "one at least is through"
        assert found.version == 1 + len(done), "who was not first at the same moment was told so"

    run(told(story, tmp_path))


REFUSED = [
    (("note", "CASE", "x"), "", "say who you are"),
    (("note", "CASE", "x"), "gateway", "the machine itself"),
    (("note", "CASE", ""), "Li", "the note is missing"),
    (("note", "C000000-00000000", "x"), "Li", "is no case; see: yuanlu case list"),
    (("attach", "CASE", "nowhere.txt"), "Li", "nowhere.txt: No such file"),
    (("snooze", "CASE", "--for", "1h"), "Li", "the reason to snooze is missing"),
    (("wake", "CASE"), "Li", "is OPEN and cannot be woken"),
    (("reopen", "CASE", "--reason", "x"), "Li", "is OPEN and cannot be opened again"),
    (("propose", "CASE", "declare_returned", "--reason", "x"), "Li", "give the bank's reference"),
    (("propose", "CASE", "manual_credit", "--reason", "x", "--amount-minor", "9999"), "Li", "is not within"),
    (("approve", "CASE", "--yes"), "Li", "no proposal that waits"),
    (("refuse", "CASE", "--reason", "x"), "Li", "no proposal that waits"),
    (("list", "--after", "x"), "", '"x" is no case'),
    (("show", "x"), "", '"x" is no case'),
]


def test_what_cannot_be_done_is_refused_with_one_clear_line(run, tmp_path):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, _ = await escalated(stage)
        for words, who, expected in REFUSED:
            given = [case if word == "CASE" else word for word in words]
            with pytest.raises(YuanluError, match=re.escape(expected)):
                say(*given, who=who)
        found = await stage.read(lambda c: get_case(c, case))
        assert found == replace(found, version=1, state=found.state), "nothing moved"

    run(told(story, tmp_path))


WRONG = [
    (["list", "--mine", "--unassigned"], "one filter only"),
    (["snooze", "C1"], "one of --for and --until"),
    (["snooze", "C1", "--for", "soon"], "30m, 2h or 1d"),
    (["snooze", "C1", "--until", "tomorrow"], "Beijing time"),
    (["close", "C1"], "--outcome is one of returned, no_effect"),
    (["close", "C1", "--outcome", "returned"], "--no-person-needed"),
    (["propose", "C1", "refund"], "KIND is one of declare_returned"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(row[0]) for row in WRONG])
def test_a_wrong_command_line_says_what_is_right(arguments, words):
    result = CliRunner().invoke(app, ["case", *arguments], env={"YUANLU_USER": "Li", "COLUMNS": "200"})
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_a_mistake_is_one_line_and_no_stack_trace(tmp_path):
    (tmp_path / "yuanlu.toml").write_text(TOML, "utf-8")
    for arguments, words in ((["list"], "no journal yet"), (["note", "C1", "x", "--as", "Li"], "does not exist yet")):
        command = [sys.executable, "-m", "yuanlu.cli", "case", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
