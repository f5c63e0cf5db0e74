"""`make proof` as a whole: one line a level, a last line, exit code 1 when one fails; the page says what was run."""

import json
from pathlib import Path

import pytest

from proof import report
from proof.report import LEVELS, Part, marks, run_all, write

GOOD = Part(level="L0", what="what holds", short="timeit -n 1 -r 1 pass", release="timeit -n 2 -r 1 pass")
BAD = Part(level="L1", what="what does not", short="timeit no_such_name", release="timeit no_such_name")


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(report, "FOLDER", tmp_path / "proof")
    monkeypatch.setattr(report, "PARTS", (GOOD,))
    monkeypatch.setattr(report, "missing_tools", list)
    program_is(monkeypatch, "the same")
    return tmp_path


def program_is(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(report, "_program", lambda: name)
    monkeypatch.setattr(report, "_commit", lambda: f"commit-of-{name}")


def page_in(folder: Path) -> Path:
    page = folder / "proof.md"
    page.write_text("# Proof\n" + "\n".join("\n".join(marks(form)) for form in report.FORMS) + "\nthe end\n", "utf-8")
    return page


def test_each_level_has_one_line_and_the_last_says_whether_all_holds(capsys):
    assert run_all(release=False, only=(), page=None) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("L0           ok")
    assert "1 loop" in first
    assert last.startswith("proof, on every push: all holds")


def test_a_level_that_fails_shows_all_that_it_said_and_the_exit_code_is_1(capsys, monkeypatch):
    monkeypatch.setattr(report, "PARTS", (GOOD, BAD))
    assert run_all(release=False, only=(), page=None) == 1
    said = capsys.readouterr().out
    assert "Traceback" in said
    assert "NameError" in said
    assert "FAILED: L1;" in said.splitlines()[-1]


def test_a_tool_that_is_missing_fails_the_run(capsys, monkeypatch):
    monkeypatch.setattr(report, "missing_tools", lambda: ["strace is not installed"])
    assert run_all(release=False, only=(), page=None) == 1
    assert "FAILED: strace is not installed" in capsys.readouterr().out


def test_the_long_form_goes_on_where_it_was_stopped_and_runs_anew_what_failed(place, monkeypatch):
    monkeypatch.setattr(report, "PARTS", (GOOD, BAD))
    assert run_all(release=True, only=["L0"], page=None) == 0
    noted = json.loads((place / "proof" / "release.json").read_text("utf-8"))["done"]
    assert set(noted) == {"L0"}
    (place / "proof" / "L0-release.log").unlink()
    assert run_all(release=True, only=(), page=None) == 1
    assert not (place / "proof" / "L0-release.log").exists(), "it was not run again"
    assert run_all(release=True, only=["L1"], page=None) == 1
    program_is(monkeypatch, "another")
    run_all(release=True, only=["L0"], page=None)
    assert (place / "proof" / "L0-release.log").exists()


def test_levels_of_the_long_form_that_ran_on_different_days_stand_side_by_side_each_with_its_commit(place, monkeypatch):
    other = Part(level="L5", what="another", short="timeit -n 1 -r 1 pass", release="timeit -n 3 -r 1 pass")
    monkeypatch.setattr(report, "PARTS", (GOOD, other))
    monkeypatch.setattr(report, "LEVELS", ("L0", "L5"))
    page = page_in(place)
    program_is(monkeypatch, "Monday")
    assert run_all(release=True, only=["L0"], page=page) == 0
    program_is(monkeypatch, "Tuesday")
    monkeypatch.setattr(report, "_surroundings", lambda: "another machine")
    assert run_all(release=True, only=["L5"], page=page) == 0
    first, second = [line for line in page.read_text("utf-8").splitlines() if line.startswith("| ")][-2:]
    assert "2 loops" in first
    assert "| commit-of-Monday |" in first
    assert "3 loops" in second
    assert "| commit-of-Tuesday |" in second
    assert "\nL5 on another machine.\n" in page.read_text("utf-8")


def test_the_short_form_holds_what_one_program_did(place, monkeypatch):
    monkeypatch.setattr(report, "PARTS", (GOOD, BAD))
    page = page_in(place)
    run_all(release=False, only=["L0"], page=page)
    program_is(monkeypatch, "another")
    run_all(release=False, only=["L1"], page=page)
    assert "| `python -m timeit -n 1 -r 1 pass` | **not run on this program** | – | – |" in page.read_text("utf-8")


def test_a_level_during_which_the_program_changed_is_not_done(place, monkeypatch):
    names = iter(("before", "after"))
    monkeypatch.setattr(report, "_program", lambda: next(names))
    done = report.run_part(GOOD, "release")
    assert (done.code, done.program, done.commit) == (0, "", "commit-of-the same with changes")


def test_each_form_has_its_table_and_what_was_not_run_is_said(place, monkeypatch):
    monkeypatch.setattr(report, "PARTS", (GOOD, BAD))
    page = page_in(place)
    run_all(release=False, only=["L0"], page=page)
    run_all(release=True, only=["L1"], page=page)
    run_all(release=False, only=["L0"], page=page)
    text = page.read_text("utf-8")
    short, _, long = text.partition(marks("release")[0])
    assert short.count("| L0 |") == long.count("| L0 |") == 1
    assert "| L1 | what does not | `python -m timeit no_such_name` | **not run on this program** | – | – |" in short
    assert "**failed**: NameError" in long
    assert "| **not run** | – | – | – |" in long
    assert text.endswith("the end\n")


def test_a_page_without_marks_is_not_guessed_at(place):
    (place / "page.md").write_text("nothing", "utf-8")
    with pytest.raises(ValueError, match="no marks"):
        write(place / "page.md", "short", "text")


def test_the_page_of_this_proof_has_its_marks_and_every_level_has_a_name_of_its_own():
    text = (Path(__file__).parents[3] / "docs" / "proof.md").read_text("utf-8")
    assert all(mark in text for form in report.FORMS for mark in marks(form))
    assert len(set(LEVELS)) == len(LEVELS)
