"""`yuanlu notification`: who was told what, at the command line, beside a running gateway."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.scenario.messages import NUMBER, arrives, comes_true, given, spoken, texts, told
from tests.scenario.scripted_host import Hush
from tests.scenario.stage import Stage
from tests.scenario.stage import told as on_a_stage
from tests.scenario.test_case_commands import TOML
from yuanlu.cli.main import app
from yuanlu.kernel.errors import YuanluError


async def say(folder: Path, *words: str) -> str:
    """One command in a thread of its own; what it prints, or the one line of its error."""
    (folder / "yuanlu.toml").write_text(TOML, "utf-8")
    line = [*words, "--config", str(folder / "yuanlu.toml")]
    result = await asyncio.get_running_loop().run_in_executor(None, lambda: CliRunner().invoke(app, line))
    if isinstance(result.exception, YuanluError):
        return f"refused: {result.exception}"
    assert result.exit_code == 0, result.output
    return result.output


async def told_once(stage: Stage):
    stage.host.will("0200", Hush())
    stage.host.will("0400", *[Hush()] * 60)
    payment = stage.payment()
    assert await stage.code(stage.sale(payment)) == "98"
    await given(stage, payment)
    await arrives(lambda: len(texts(stage)) == 1)

    async def recorded() -> bool:
        return any(each.attempts for each in await told(stage, payment))

    await comes_true(recorded)
    return payment


def test_who_was_told_what_is_listed_shown_and_sent_again(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await told_once(stage)
        found = await stage.find(payment)
        [message] = await told(stage, payment)
        listed = await say(tmp_path, "notification", "list", "--about", found.transaction_id, "--lang", "en")
        assert f"{message.message_id}  " in listed
        assert "Told, and delivered  cardholder 138****0000  outcome_unknown@1" in listed
        assert NUMBER not in listed
        assert "nobody was told" in await say(tmp_path, "notification", "list", "--waiting", "--lang", "en")
        shown = await say(tmp_path, "notification", "show", message.message_id, "--lang", "zh")
        assert "交易结果待确认" in shown
        assert "phone 已接收" in shown
        assert "通知已送达" in await say(tmp_path, "show", found.transaction_id, "--lang", "zh")
        again = await say(tmp_path, "notification", "resend", message.message_id, "--as", "Li")
        assert message.message_id in again
        await arrives(lambda: len(texts(stage)) == 2)

    run(on_a_stage(story, tmp_path, more=spoken()))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "01NOBODY"), "is no message"),
        (("resend", "01NOBODY", "--as", "Li"), "is no message"),
        (("resend", "01NOBODY"), "no action is anonymous"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_clear_line(run, tmp_path, words, message):
    async def story(stage: Stage) -> None:
        assert message in await say(tmp_path, "notification", *words)

    run(on_a_stage(story, tmp_path, more=spoken()))


def test_the_templates_are_printed_with_their_lengths_and_as_providers_register_them():
    printed = CliRunner().invoke(app, ["notification", "preview"]).output
    assert "return_delayed@1 zh  70 characters, 1 SMS" in printed
    assert "case_escalated.support@1 en" in printed
    registered = CliRunner().invoke(app, ["notification", "preview", "return_confirmed", "--register"]).output
    assert "aliyun-sms   银行确认：${amount}于${time}退回${card}。" in registered
    assert "tencent-sms  银行确认：{1}于{2}退回{3}。" in registered
    assert "【" not in registered, "the provider signs"
    unknown = CliRunner().invoke(app, ["notification", "preview", "hello"])
    assert "is no template; there are: outcome_unknown" in str(unknown.exception)
