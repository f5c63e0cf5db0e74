"""No PostgreSQL on this machine: tests say so loudly, and where CI runs them they fail."""

import subprocess
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proof import postgres, tools
from proof.postgres import NoPostgres, programs
from tests import postgres as for_tests
from tests.conftest import pytest_terminal_summary


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """A Debian machine without the package, whose mirror does not answer; returns what was run on it."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 100, "", "E: Unable to locate package\n")

    monkeypatch.setattr(postgres, "INSTALLED", tmp_path)
    monkeypatch.setattr(postgres.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.setattr(tools.os, "geteuid", lambda: 0)
    monkeypatch.setattr(tools.subprocess, "run", run)
    monkeypatch.setattr(for_tests, "cluster", for_tests.cluster.__wrapped__)  # that of this run stays as it is
    for each in (tools._installed, tools._updated):
        monkeypatch.setattr(tools, each.__name__, cache(each.__wrapped__))
    return ran


class Summary:
    """What stands at the end of a test run."""

    def __init__(self, skipped: list[str]) -> None:
        self.stats = {"skipped": [SimpleNamespace(longrepr=("t.py", 1, f"Skipped: {why}")) for why in skipped]}
        self.lines: list[str] = []

    def write_sep(self, _sep: str, title: str, **_: Any) -> None:
        self.lines.append(title)

    def write_line(self, line: str) -> None:
        self.lines.append(line)


def test_without_a_server_the_test_is_skipped_and_the_end_of_the_run_says_so(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install postgresql") as skipped:
        for_tests.postgres_for_test()
    summary = Summary([str(skipped.value)] * 3 + ["not for this dialect"])
    pytest_terminal_summary(summary)
    assert len(summary.lines) == 2
    assert summary.lines[0] == "NOT TESTED ON POSTGRESQL: 3 tests"
    assert "no PostgreSQL 15 or later" in summary.lines[1]


def test_where_ci_runs_it_a_missing_server_fails_and_is_never_skipped(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no PostgreSQL 15 or later"):
        for_tests.postgres_for_test()


def test_it_is_installed_once_where_that_is_allowed_and_not_tried_by_every_test(machine):
    for _ in range(3):
        with pytest.raises(NoPostgres, match="Unable to locate package"):
            programs()
    assert [command[1] for command in machine] == ["update"]


def test_a_user_who_may_not_install_it_is_told_what_to_run(monkeypatch, machine):
    monkeypatch.setattr(tools.os, "geteuid", lambda: 1000)
    with pytest.raises(NoPostgres, match=r"apt-get install postgresql \(only root may install it\)"):
        programs()
    assert machine == []


def test_a_server_that_the_installation_brought_is_used(monkeypatch, tmp_path):
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if "install" in command:
            (tmp_path / "15" / "bin").mkdir(parents=True)
            (tmp_path / "15" / "bin" / "initdb").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(tools.subprocess, "run", run)
    assert programs() == tmp_path / "15" / "bin"


def test_a_server_that_is_too_old_is_no_server(tmp_path):
    (tmp_path / "14" / "bin").mkdir(parents=True)
    (tmp_path / "14" / "bin" / "initdb").touch()
    with pytest.raises(NoPostgres, match="no PostgreSQL 15 or later"):
        programs()
