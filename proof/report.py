"""All parts of the proof, one after the other, and what came of them, as a page.

Each part is a command of its own, so that a person can run it alone, and its last line says what was run and found. The
long form notes what is done in `var/proof/release.json` and goes on there after a stop, as long as the program is the
same.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pysqlite3 import dbapi2

NOTED = Path("var/proof/release.json")
BEGIN, END = "<!-- the last run: written by `python -m proof all` -->", "<!-- end of the last run -->"
PACKAGES = ("SQLAlchemy", "pysqlite3-binary", "asyncpg", "uvloop", "msgspec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One command in its two forms."""

    level: str
    what: str
    short: str
    release: str


PARTS = (
    Part(
        level="L0", what="seeded worlds around the real deciding code",
        short="proof model --seeds 20000 --jobs 2", release="proof model --seeds 1000000 --jobs 2",
    ),
    Part(
        level="L1", what="every crash point of many stories, stopped once and twice",
        short="proof crashes", release="proof crashes --whole",
    ),
    Part(
        level="L2", what="states of the disk after a power cut, rebuilt from recorded system calls",
        short="proof powerloss --images 10000", release="proof powerloss --images 1000000",
    ),
    Part(
        level="L3", what="the real asyncio stack in virtual time, each seed another order",
        short="proof schedules --count 1000", release="proof schedules --count 100000",
    ),
    Part(
        level="L4", what="real processes killed under load, behind a network that fails",
        short="proof.processes --kills 100", release="proof.processes --kills 2000",
    ),
    Part(level="L5", what="each guard taken away once", short="proof guards", release="proof guards --seeds 20000"),
    Part(level="parsers", what="fuzzed", short="proof.fuzz --seconds 5", release="proof.fuzz --seconds 600"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of one part: its last line, its exit code, how long it took."""

    command: str
    summary: str
    code: int
    seconds: float


def run_all(*, release: bool, page: Path | None) -> int:
    """Run every part; 1 when one failed. `page` gets the report between its two marks."""
    noted = _noted() if release else {}
    done = []
    for part in PARTS:
        command = part.release if release else part.short
        before = noted.get(command)
        each = before if before is not None and before.code == 0 else _run(command)
        done.append(each)
        noted[command] = each
        if release:
            _note(noted)
    text = report(done)
    print(text)
    if page is not None:
        write(page, text)
    return int(any(each.code for each in done))


def _run(command: str) -> Done:
    """One part as a process of its own, its output passed on."""
    began = time.monotonic()
    print(f"— python -m {command}", flush=True)
    last = ""
    arguments = [sys.executable, "-m", *command.split()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return Done(command=command, summary=last, code=process.returncode, seconds=round(time.monotonic() - began, 1))


def report(done: list[Done]) -> str:
    """What was run, on what, and what came of it, as Markdown."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    lines = [
        f"Run on {datetime.now(UTC):%Y-%m-%d} at {_revision()}: Python {platform.python_version()}, SQLite "
        f"{dbapi2.sqlite_version}, {versions}, Linux {platform.release()}, {os.cpu_count()} cores.",
        "",
        "| level | what | command | result | time |",
        "| --- | --- | --- | --- | --- |",
    ]
    for part, each in zip(PARTS, done, strict=True):
        verdict = each.summary if each.code == 0 else f"**failed**: {each.summary}"
        lines.append(f"| {part.level} | {part.what} | `python -m {each.command}` | {verdict} | {each.seconds:,.0f} s |")
    lines.append("")
    lines.append(f"All together: {sum(each.seconds for each in done) / 60:.1f} minutes.")
    return "\n".join(lines)


def write(page: Path, text: str) -> None:
    """Put the report between the two marks of a page."""
    whole = page.read_text(encoding="utf-8")
    head, _, rest = whole.partition(BEGIN)
    _, _, tail = rest.partition(END)
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


def _revision() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return f"commit {asked.stdout.strip()}" if asked.returncode == 0 else "an unknown commit"


def _noted() -> dict[str, Done]:
    """What an earlier run of the same program has done."""
    if not NOTED.exists():
        return {}
    kept = json.loads(NOTED.read_text(encoding="utf-8"))
    return {name: Done(**each) for name, each in kept["done"].items()} if kept["revision"] == _revision() else {}


def _note(done: dict[str, Done]) -> None:
    NOTED.parent.mkdir(parents=True, exist_ok=True)
    kept = {"revision": _revision(), "done": {name: asdict(each) for name, each in done.items()}}
    NOTED.write_text(json.dumps(kept, indent=2), encoding="utf-8")
