"""What a gateway finds around itself at a start: a clock that is hours off, a disk it cannot write, another gateway."""

import asyncio
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from pysqlite3 import dbapi2
from sqlalchemy import select
from typer.testing import CliRunner

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import LIFE_S, SOON_S, Stage, told
from yuanlu.cli.main import app
from yuanlu.db.migrating import migrate
from yuanlu.db.schema import head, prepare
from yuanlu.db.sqlite import StoreError, visitor_engine, writer_engine
from yuanlu.journal.tables import transactions
from yuanlu.kernel.clock import Clock, Moment, SystemClock, local_time
from yuanlu.sandbox.till_messages import Payment
from yuanlu.wiring import open_gateway, open_store

HOUR_US = 3_600_000_000
NOBODY = 65_534


class OffClock:
    """The stage's clocks, the wall clock put forward or back by hand."""

    def __init__(self, true: Clock, hours: int) -> None:
        self._true = true
        self.off_us = hours * HOUR_US

    def wall_us(self) -> int:
        return self._true.wall_us() + self.off_us

    def now(self) -> Moment:
        now = self._true.now()
        return Moment(wall_us=now.wall_us + self.off_us, boot_us=now.boot_us, boot_id=now.boot_id)


async def open_off(stage: Stage, hours: int) -> None:
    """A start under a clock that is so many hours off."""
    stage.gateway = await open_gateway(stage.settings, OffClock(stage.clock, hours))
    stage.address = await stage.gateway.start()
    await stage.until(lambda: stage.gateway.hosts["h1"].link.up)


async def ids(stage: Stage) -> list[str]:
    """All transactions as they came, by the journal's own count."""
    query = select(transactions.c.transaction_id).order_by(transactions.c.stan)
    return list(await stage.read(lambda c: c.execute(query).scalars().all()))


@pytest.mark.parametrize(("first", "then"), [(7, -7), (-7, 7), (0, -30), (0, 30)])
def test_ids_rise_over_restarts_however_the_clock_is_put(run, tmp_path, first, then):
    async def story(stage: Stage) -> None:
        for hours in (first, then, 0):
            await stage.close()
            await open_off(stage, hours)
            for _ in range(2):
                assert await stage.code(stage.sale(stage.payment())) == "00"
        made = await ids(stage)
        assert len(made) == 6
        assert all(one < other for one, other in pairwise(made))

    run(told(story, tmp_path))


def cut_over_in(hours: int) -> str:
    """The host's cut-over, so many hours from now."""
    return local_time(SystemClock().wall_us() + hours * HOUR_US).strftime("%H:%M")


async def found_nothing(stage: Stage) -> Payment:
    """A sale without an answer, whose reversal found nothing: final only a packet life after the sale."""
    stage.host.will("0200", Hush())
    stage.host.will("0400", *[Say(code="25")] * 20)
    payment = stage.payment()
    assert await stage.code(stage.sale(payment)) == "98"
    await stage.has(payment, "REVERSAL_ANSWER")
    return payment


@pytest.mark.parametrize("hours", [9, -9])
def test_not_found_is_not_final_sooner_under_a_clock_that_was_put(run, tmp_path, hours):
    async def story(stage: Stage) -> None:
        payment = await found_nothing(stage)
        await stage.close()
        await open_off(stage, hours)
        stage.later(LIFE_S - SOON_S)
        await asyncio.sleep(0.3)
        assert (await stage.find(payment)).state == "RETURNING"
        stage.later(SOON_S)
        await stage.becomes(payment, "NO_EFFECT")

    run(told(story, tmp_path, profile="P2", cut_over=cut_over_in(12)))


def test_not_found_under_a_clock_put_into_the_hosts_next_day_is_a_persons(run, tmp_path):
    """Nobody can tell such a clock from a night that passed, and after a cut-over "not found" proves nothing."""

    async def story(stage: Stage) -> None:
        payment = await found_nothing(stage)
        await stage.close()
        await open_off(stage, 9)
        stage.later(LIFE_S)
        await stage.becomes(payment, "ESCALATED")

    run(told(story, tmp_path, profile="P2", cut_over=cut_over_in(5)))


@pytest.mark.parametrize("hours", [9, -9])
def test_a_return_that_waits_goes_on_soon_under_a_clock_that_was_put(run, tmp_path, hours):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Say(code="96"))
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.until(lambda: len(stage.host.asked("0400")) == 1)
        await stage.close()
        await open_off(stage, hours)
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0400")) == 2

    run(told(story, tmp_path, cut_over=cut_over_in(12)))


def test_a_second_gateway_on_the_same_file_is_kept_out_and_the_first_serves_on(run, tmp_path):
    async def story(stage: Stage) -> None:
        config = tmp_path / "yuanlu.toml"
        config.write_text(TOML, "utf-8")
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "yuanlu.cli", "serve", "--config", str(config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await second.communicate()
        assert second.returncode == 1
        assert f"is in use by another gateway (process {os.getpid()})" in said.decode()
        assert "Traceback" not in said.decode()
        assert await stage.code(stage.sale(stage.payment())) == "00"

    run(told(story, tmp_path))


TOML = """
[store]
url = "sqlite:///journal.db"
reserve_mib = 0
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


@pytest.mark.parametrize(
    ("version", "code", "said"),
    [
        ("0001", 1, "is of an older version (0001); back it up and run: yuanlu db upgrade"),
        ("9999", 1, "is of a newer version (9999) than this program; install the newer program"),
    ],
)
def test_a_database_of_another_version_is_refused_in_one_line_and_left_as_it_is(run, tmp_path, version, code, said):
    async def story(stage: Stage) -> None:
        assert await stage.code(stage.sale(stage.payment())) == "00"
        await stage.close()
        set_version(tmp_path / "journal.db", version)
        before = (tmp_path / "journal.db").read_bytes()
        config = tmp_path / "yuanlu.toml"
        config.write_text(TOML, "utf-8")
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "yuanlu.cli", "serve", "--config", str(config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await second.communicate()
        assert (second.returncode, said in output.decode()) == (code, True), output.decode()
        assert "Traceback" not in output.decode()
        assert (tmp_path / "journal.db").read_bytes() == before
        set_version(tmp_path / "journal.db", head())
        await stage.open()

    run(told(story, tmp_path))


def test_an_older_database_is_upgraded_by_the_command_that_its_refusal_names(tmp_path):
    engine = writer_engine(tmp_path / "journal.db")
    with engine.begin() as connection:
        migrate(connection, "0009")
    with pytest.raises(StoreError, match=r"older version .0009.*yuanlu db upgrade"):
        prepare(engine, "journal.db")
    engine.dispose()
    (tmp_path / "yuanlu.toml").write_text(TOML, "utf-8")
    result = CliRunner().invoke(app, ["db", "upgrade", "--config", str(tmp_path / "yuanlu.toml")])
    assert result.exit_code == 0, result.output
    asyncio.run(opened_and_closed(tmp_path))


def set_version(path: Path, version: str) -> None:
    connection = dbapi2.connect(str(path))
    connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.close()


# A disk or file that can only be read.


def opened_by_nobody(folder: Path) -> str:
    """What a start says that runs as a user without rights; "" when it opened the journal."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # later Pythons warn of forks beside threads
        child = os.fork()
    if child == 0:
        said = "it ended without a word"
        try:
            if os.geteuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            asyncio.run(open_store(settings_of(folder), SystemClock()))
            said = ""
        except StoreError as error:
            said = str(error)
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said


def settings_of(folder: Path):
    return SimpleNamespace(store=SimpleNamespace(url="sqlite:///journal.db", reserve_mib=0), folder=str(folder))


async def opened_and_closed(folder: Path) -> None:
    store = await open_store(settings_of(folder), SystemClock())
    await store.close(SystemClock().now())


@pytest.fixture
def folder() -> Iterator[Path]:
    """A journal in a folder that every user may reach, closed in good order."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        asyncio.run(opened_and_closed(place))
        for path in place.iterdir():
            path.chmod(0o666)
        yield place
        place.chmod(0o777)


READ_ONLY = [
    ("journal.db", "the file"),
    ("journal.db-wal", "its log"),
    (".", "the folder"),
]


@pytest.mark.parametrize(("name", "why"), READ_ONLY, ids=[row[1] for row in READ_ONLY])
def test_what_can_only_be_read_is_refused_by_name_and_nobody_is_sent_to_a_backup(folder, name, why):
    assert opened_by_nobody(folder) == ""
    for path in folder.iterdir():
        path.chmod(0o666)
    locked = folder / name
    if not locked.exists():
        locked.write_bytes(b"")
    locked.chmod(0o555 if locked.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.chown(locked, 0, 0)
    said = opened_by_nobody(folder)
    assert f"{locked} cannot be written" in said, why
    assert "backup" not in said


def test_a_command_beside_the_gateway_that_may_not_write_says_so(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _mode: not str(path).endswith("journal.db"))
    with pytest.raises(StoreError, match=r"journal\.db cannot be written"):
        visitor_engine(folder / "journal.db")


@pytest.mark.usefixtures("on_postgres")
@pytest.mark.parametrize("hours", [3, -3])
def test_a_clock_hours_off_the_servers_is_refused_and_leaves_nothing_behind(run, tmp_path, hours):
    """Due times and deadlines of several gateways are compared."""

    async def story(stage: Stage) -> None:
        await stage.close()
        with pytest.raises(StoreError, match=r"differ by 10[78][0-9]{2} s; set both right"):
            await open_off(stage, hours)
        await stage.open()
        assert await stage.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM writers").scalar()) >= 2
        assert await stage.gateway.journal.gone() == []
        assert await stage.gateway.journal.live() == {stage.gateway.journal.writer_id}

    run(told(story, tmp_path))
