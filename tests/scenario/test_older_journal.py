"""A journal that does not know what hosts were told: an older backup, or a standby without the last commits."""

import asyncio
import shutil
import struct
from pathlib import Path

import msgspec
import pytest

from tests.postgres import cluster
from tests.scenario.stage import Stage, told
from yuanlu.db.errors import StoreError
from yuanlu.journal.mark import read_marks
from yuanlu.settings import Store

pytestmark = pytest.mark.usefixtures("each_database")


async def backed_up(stage: Stage) -> str:
    """The url of a copy of the journal as it is now; the gateway is stopped."""
    url = stage.settings.store.url
    if url.startswith("sqlite"):
        folder = Path(stage.settings.folder)
        shutil.copy(folder / "journal.db", folder / "backup.db")
        return "sqlite:///backup.db"
    return await asyncio.to_thread(cluster().new_database, "--template", url.rpartition("/")[2])


def on(stage: Stage, url: str) -> None:
    stage.settings = msgspec.structs.replace(stage.settings, store=Store(url=url, reserve_mib=0))


def marks(stage: Stage) -> list[Path]:
    return list(Path(stage.settings.folder).glob("keys.toml.mark-*"))


def test_a_journal_restored_from_before_the_last_payment_is_refused_until_a_person_says_so(run, tmp_path):
    async def story(stage: Stage) -> None:
        newest = stage.settings.store.url
        assert await stage.code(stage.sale(stage.payment())) == "00"
        await stage.close()
        backup = await backed_up(stage)
        await stage.open()
        assert await stage.code(stage.sale(stage.payment())) == "00"
        await stage.close()

        on(stage, backup)
        for _ in range(2):
            with pytest.raises(
                StoreError, match=r"older than what this gateway has told hosts: writer 2 had come to 2"
            ):
                await stage.open()
        on(stage, newest)
        await stage.open()
        assert await stage.transactions() == 2
        await stage.close()

        on(stage, backup)
        for mark in marks(stage):
            mark.unlink()
        await stage.open()
        assert await stage.transactions() == 1

    run(told(story, tmp_path))


def test_the_last_commits_alone_are_missed_too_and_the_same_journal_is_not(run, tmp_path):
    async def story(stage: Stage) -> None:
        assert await stage.code(stage.sale(stage.payment())) == "00"
        await stage.close()
        await stage.open()
        [mark] = marks(stage)
        assert await stage.code(stage.sale(stage.payment())) == "00"
        [reached] = read_marks(tmp_path / "keys.toml")
        assert (reached.path, reached.seq) == (mark, 2)
        await stage.close()

        last = "UPDATE writers SET writer_id = 77 WHERE writer_id = 2"
        await stage.open()
        await stage.gateway._store.write(lambda c: c.exec_driver_sql(last))  # as if it had never been
        mark.write_bytes(struct.pack("=3Q", 2, 0, 2))
        await stage.close()
        with pytest.raises(StoreError, match="writer 2 had come to 2, the journal ends at 0"):
            await stage.open()
        mark.unlink()
        await stage.open()

    run(told(story, tmp_path))


def test_a_damaged_mark_is_no_reason_to_go_on(run, tmp_path):
    async def story(stage: Stage) -> None:
        await stage.close()
        (tmp_path / "keys.toml.mark-9").write_text("half a l", "ascii")
        with pytest.raises(StoreError, match=r"mark-9 is damaged"):
            await stage.open()
        (tmp_path / "keys.toml.mark-9").unlink()
        await stage.open()

    run(told(story, tmp_path))
