"""The press: a process of its own gives the same bytes, and its failure is one error with words."""

import sys

import pytest

from tests.unit.evidence.papers import pack
from yuanlu.evidence import press
from yuanlu.evidence.document import TypesettingFailed
from yuanlu.evidence.press import pressed
from yuanlu.evidence.typesetting import typeset


def test_the_press_gives_the_bytes_that_typesetting_gives():
    assert pressed(pack()) == typeset(pack())


def test_the_console_itself_needs_no_typst():
    child = "import sys, yuanlu.evidence.exporting; sys.exit('typst' in sys.modules)"
    assert press.subprocess.run([sys.executable, "-c", child], check=False).returncode == 0


@pytest.mark.parametrize(
    ("child", "said"),
    [
        ("import sys; sys.stderr.write('first\\nwhy not\\n'); sys.exit(1)", "^why not$"),
        ("import os; os.kill(os.getpid(), 9)", "exit code -9"),
        ("import time; time.sleep(60)", "not set within 1 s"),
    ],
)
def test_a_press_that_fails_is_one_error_with_words(monkeypatch, tmp_path, child, said):
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!{sys.executable}\n{child}\n", "utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setattr(press.sys, "executable", str(stand_in))
    monkeypatch.setattr(press, "PRESS_S_MAX", 1)
    with pytest.raises(TypesettingFailed, match=said):
        pressed(pack())
