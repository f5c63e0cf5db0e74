"""What staff see beside a running gateway: status, a payment's timeline, the configuration."""

import subprocess
import sys

import msgspec
import pytest

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import CARD, Stage, told
from yuanlu.cli.reading import NothingFound, config_text, show_text, status_text
from yuanlu.db.errors import StoreError


def test_status_counts_what_there_is_and_lists_what_is_open(run, tmp_path):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(), Hush())
        stage.host.will("0400", Say(code="40"))
        good, bad = stage.payment(), stage.payment()
        assert await stage.code(stage.sale(good)) == "00"
        assert await stage.code(stage.sale(bad)) == "98"
        await stage.becomes(bad, "ESCALATED")
        english = ("Open returns: 1", "the host refuses this reversal for good")
        for language, words in (("en", english), ("zh", ("未完成的退回: 1", "主机最终拒绝此冲正"))):
            text = status_text(stage.settings, language)
            assert all(word in text for word in words)
            assert "T0000001+000002" in text
            assert CARD.pan not in text

    run(told(story, tmp_path))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_payment_is_found_by_terminal_and_trace_by_reference_and_by_id(run, tmp_path, language):
    async def story(stage: Stage) -> None:
        payment = stage.payment()
        await stage.code(stage.sale(payment))
        await stage.code(stage.reversal(payment))
        await stage.becomes(payment, "RETURNED")
        found = await stage.find(payment)
        by_trace = show_text(stage.settings, "T0000001+000001", language, frames=True)
        assert by_trace == show_text(stage.settings, found.transaction_id, language, frames=True)
        assert by_trace == show_text(stage.settings, "000000000001", language, frames=True)
        head = {"en": ("Sale", "STAN 000001", "gateway → host"), "zh": ("消费", "流水号 000001", "网关 → 主机")}[
            language
        ]
        assert all(each in by_trace for each in head)
        assert "••0005" in by_trace
        assert CARD.pan not in by_trace
        assert CARD.track2 not in by_trace
        with pytest.raises(NothingFound, match="is no transaction"):
            show_text(stage.settings, "nothing", language, frames=False)

    run(told(story, tmp_path))


def test_the_configuration_is_said_in_words_with_its_warnings(run, tmp_path):
    async def story(stage: Stage) -> None:
        text = config_text(stage.settings)
        assert "8 terminals" in text
        assert "profile P1" in text
        assert "breaks the promise" in text

    run(told(story, tmp_path, answer_timeout_ms=400, packet_life_ms=300))


def test_without_a_journal_there_is_a_clear_answer(run, tmp_path):
    async def story(stage: Stage) -> None:
        (tmp_path / "elsewhere").mkdir()
        elsewhere = msgspec.structs.replace(stage.settings, folder=str(tmp_path / "elsewhere"))
        for ask in (lambda: status_text(elsewhere, "en"), lambda: show_text(elsewhere, "x", "en", frames=False)):
            with pytest.raises(StoreError, match="no journal yet"):
                ask()

    run(told(story, tmp_path))


MISTAKES = [
    (["serve", "--config", "none.toml"], 1, "no such file"),
    (["status", "-c", "none.toml"], 1, "no such file"),
    (["decode", "xyz"], 1, "neither hex"),
    (["decode", "6000060000"], 1, ""),
    (["replay", "none.hex", "--to", "127.0.0.1:1"], 1, "neither hex"),
    (["frobnicate"], 2, "frobnicate"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "words"), MISTAKES, ids=lambda value: " ".join(value)[:20] if isinstance(value, list) else ""
)
def test_a_mistake_on_the_command_line_is_one_line_and_no_stack_trace(tmp_path, arguments, code, words):
    command = [sys.executable, "-m", "yuanlu.cli", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
