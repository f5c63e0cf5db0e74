"""A console does not outlive its gateway, however early that was killed."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.console.tilling import free_port
from tests.scenario.stage import TERMS, Stage, told

ENDS_S = 50.0


def written(folder: Path, port: int) -> Path:
    """The stage's settings as a file, with a console."""
    config = folder / "yuanlu.toml"
    terms = "\n".join(f"{name} = {value}" for name, value in TERMS.items())
    config.write_text(
        f'[store]\nurl = "sqlite:///journal.db"\n[gateway]\nlisten = "127.0.0.1:0"\nterminals = "terminals.csv"\n'
        f'mac = "none"\n[keys]\nfile = "keys.toml"\n[console]\nlisten = "127.0.0.1:{port}"\n'
        f'[acquirers.h1]\nkind = "iso8583-host"\naddress = "127.0.0.1:1"\ndialect = "cup-pos"\nprofile = "P1"\n'
        f'mac = "none"\n{terms}\n',
        encoding="utf-8",
    )
    return config


def a_process_that_is_gone() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    return gone.pid


def test_a_console_whose_gateway_was_killed_while_it_started_ends_by_itself(run, tmp_path):
    async def story(stage: Stage) -> None:
        config = written(tmp_path, free_port())
        command = [sys.executable, "-m", "yuanlu.cli", "console", "--config", str(config), "--watched"]
        orphan = await asyncio.create_subprocess_exec(*command, str(a_process_that_is_gone()))
        assert await asyncio.wait_for(orphan.wait(), ENDS_S) == 0

    run(told(story, tmp_path))
