"""`yuanlu case evidence`: a case as a PDF, from the command line beside a running gateway."""

import hashlib
import re
from io import BytesIO

import pytest
from pypdf import PdfReader
from pysqlite3 import dbapi2

from tests.scenario.stage import CARD, Stage, told
from tests.scenario.test_case_commands import escalated, speaker
from yuanlu.cases.errors import CaseError, CaseUnknown
from yuanlu.db import sqlite
from yuanlu.db.errors import StoreError


def test_the_command_writes_the_pack_says_its_digest_and_records_who_made_it(run, tmp_path):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, _ = await escalated(stage)
        file = tmp_path / "pack.pdf"
        said = say("evidence", case, "-o", str(file), who="Li", lang="zh")
        assert re.fullmatch(
            rf"{re.escape(str(file))}  [\d,]+ B  sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}\n", said
        )
        text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(file.read_bytes())).pages)
        assert "交易异常处理证据材料" in text
        assert "0410 code 40" in text
        assert CARD.pan not in text
        assert "Li  Evidence pack exported: PDF zh, SHA-256" in say("show", case)

    run(told(story, tmp_path))


def test_without_a_file_it_is_named_after_case_and_time_and_english_is_asked_for(run, tmp_path, monkeypatch):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, _ = await escalated(stage)
        monkeypatch.chdir(tmp_path)
        say("evidence", case, who="Li", lang="en")
        [file] = tmp_path.glob(f"{case}-*+0800-en.pdf")
        assert "Evidence of an abnormal payment" in PdfReader(file).pages[0].extract_text()

    run(told(story, tmp_path))


def test_nobody_makes_one_nameless_for_no_case_or_over_another_file(run, tmp_path):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, _ = await escalated(stage)
        file = tmp_path / "pack.pdf"
        with pytest.raises(CaseError, match="no action is anonymous"):
            say("evidence", case, "-o", str(file))
        with pytest.raises(CaseUnknown, match="is no case"):
            say("evidence", "C000000-00000000", "-o", str(file), who="Li")
        file.write_text("the first", "utf-8")
        with pytest.raises(CaseError, match="evidence is not written over"):
            say("evidence", case, "-o", str(file), who="Li")
        with pytest.raises(CaseError, match="cannot be written"):
            say("evidence", case, "-o", str(tmp_path / "none" / "pack.pdf"), who="Li")
        assert file.read_text("utf-8") == "the first"
        assert "give zh or en" in say("evidence", case, who="Li", lang="fr")

    run(told(story, tmp_path))


def test_what_cannot_be_recorded_is_not_given_away(run, tmp_path, monkeypatch):
    async def story(stage: Stage) -> None:
        say = speaker(tmp_path)
        case, _ = await escalated(stage)
        monkeypatch.setattr(sqlite, "LOCKED_TRIES", 1)
        file = tmp_path / "pack.pdf"
        other = dbapi2.connect(str(tmp_path / "journal.db"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(StoreError, match="nothing was done"):
                say("evidence", case, "-o", str(file), who="Li")
        finally:
            other.close()
        assert not file.exists()
        assert "Evidence pack exported" not in say("show", case)

    run(told(story, tmp_path))
