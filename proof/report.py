"""All parts of the proof, one after the other, and what came of them, as a page.

Each part is a command of its own, so that a person can run it alone, and its last line says what was run and found. Of
each the console gets one line; all that it says is in `var/proof`, and is shown when it fails. What is done is noted
there. The page has a table for each form, and says of what has not been run that it has not.

The short form is one program's: what another one did is forgotten. The long form takes hours, and `--only` cuts it into
levels for different days: each row names the commit that it ran on. What is done on this program is not run again.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pysqlite3 import dbapi2

from proof.postgres import programs
from proof.tools import ToolMissing, need

FOLDER = Path("var/proof")
PROGRAM = ("src", "proof")
"""The folders whose content is what was proven."""
PACKAGES = ("SQLAlchemy", "pysqlite3", "asyncpg", "uvloop", "msgspec")
FORMS = {"short": "on every push", "release": "before a release"}
NOT_RUN = {"short": "not run on this program", "release": "not run"}
CHANGED = " with changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One command in its two forms."""

    level: str
    what: str
    short: str
    release: str

    def command(self, form: str) -> str:
        """What is run after `python -m`."""
        return self.release if form == "release" else self.short


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
        short="proof.processes --kills 70", release="proof.processes --kills 1500",
    ),
    Part(
        level="L4-postgres", what="two gateways on one PostgreSQL, and that server, killed in the same way",
        short="proof.processes --database postgres --kills 30",
        release="proof.processes --database postgres --kills 500",
    ),
    Part(level="L5", what="each guard taken away once", short="proof guards", release="proof guards --seeds 20000"),
    Part(level="parsers", what="fuzzed", short="proof.fuzz --seconds 5", release="proof.fuzz --seconds 600"),
)  # fmt: skip
LEVELS = tuple(part.level for part in PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of one part: its last line, its exit code, how long it took, when it ended; and of what: the program,
    "" when that has no name, the commit, and what it ran on.
    """

    command: str
    summary: str
    code: int
    seconds: float
    on: str = ""
    program: str = ""
    commit: str = ""
    surroundings: str = ""


def run_all(*, release: bool, only: Collection[str], page: Path | None) -> int:
    """Run every part, or only these levels; 1 when one failed. `page` gets the report, part by part."""
    form = "release" if release else "short"
    wrong = missing_tools()
    for why in wrong:
        print(f"missing      {why}", flush=True)
    noted = _noted(form)
    began = time.monotonic()
    for part in PARTS:
        if only and part.level not in only:
            continue
        if not (release and _is_done(part.command(form), noted.get(part.level))):
            noted[part.level] = run_part(part, form)
            _note(form, noted)
        if noted[part.level].code:
            wrong.append(part.level)
        print(_line(part, noted[part.level]), flush=True)
        if page is not None:
            write(page, form, report(form, noted))
    minutes = (time.monotonic() - began) / 60
    print(f"proof, {FORMS[form]}: {'FAILED: ' + ', '.join(wrong) if wrong else 'all holds'}; {minutes:.1f} minutes")
    return int(bool(wrong))


def _is_done(command: str, before: Done | None) -> bool:
    """Whether this very program has done this already."""
    return before is not None and before.code == 0 and before.command == command and before.program == _program() != ""


def missing_tools() -> list[str]:
    """What of the system is not there and cannot be installed; the parts that need it do not run, or not wholly."""
    found = []
    for look in (lambda: need("strace"), lambda: need("fiu-run", "fiu-utils"), programs):
        try:
            look()
        except ToolMissing as error:
            found.append(str(error))
    return found


def run_part(part: Part, form: str) -> Done:
    """One part as a process of its own. What it says goes to its log, and to the console when it fails."""
    command, began = part.command(form), time.monotonic()
    program, commit = _program(), _commit()
    log = FOLDER / f"{part.level}-{form}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        ended = subprocess.run(
            [sys.executable, "-m", *command.split()], stdout=file, stderr=subprocess.STDOUT, check=False
        )
    said = log.read_text(encoding="utf-8", errors="replace")
    if ended.returncode:
        print(f"— python -m {command}\n{said}", flush=True)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if program and _program() != program:  # somebody worked on it meanwhile
        program, commit = "", commit + CHANGED
    return Done(
        command=command, summary=lines[-1] if lines else "it said nothing", code=ended.returncode,
        seconds=round(time.monotonic() - began, 1), on=f"{datetime.now(UTC):%Y-%m-%d}",
        program=program, commit=commit, surroundings=_surroundings(),
    )  # fmt: skip


def _line(part: Part, done: Done) -> str:
    verdict = "ok    " if done.code == 0 else "FAILED"
    return f"{part.level:12} {verdict} {done.seconds:6,.0f} s  {done.summary}"


def report(form: str, done: Mapping[str, Done]) -> str:
    """What was run, on what, and what came of it, as Markdown."""
    long = form == "release"
    at = _ran_on(done) if long else [f"At commit {_commit()}: {_surroundings()}."]
    columns = ("level", "what", "command", "result", *(("commit",) if long else ()), "on", "time")
    lines = [*at, "", f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for part in PARTS:
        each = done.get(part.level)
        if each is None:
            ran = (f"**{NOT_RUN[form]}**", *("–" for _ in columns[4:]))
        else:
            verdict = each.summary if each.code == 0 else f"**failed**: {each.summary}"
            when = (each.on, f"{each.seconds:,.0f} s")
            ran = (verdict.replace("|", "/"), *((each.commit,) if long else ()), *when)
        lines.append(f"| {' | '.join((part.level, part.what, f'`python -m {part.command(form)}`', *ran))} |")
    lines += ["", f"Together {sum(each.seconds for each in done.values()) / 60:.1f} minutes."]
    return "\n".join(lines)


def _ran_on(done: Mapping[str, Done]) -> list[str]:
    """On what the levels of different days ran."""
    levels: dict[str, list[str]] = {}
    for level in LEVELS:
        if level in done:
            levels.setdefault(done[level].surroundings, []).append(level)
    return [f"{', '.join(names)} on {surroundings}." for surroundings, names in levels.items()]


def _surroundings() -> str:
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    databases = f"SQLite {dbapi2.sqlite_version}, {_server()}"
    return (
        f"Python {platform.python_version()}, {databases}, {packages}, "
        f"Linux {platform.release()}, {os.cpu_count()} cores ({_cpu()})"
    )


def marks(form: str) -> tuple[str, str]:
    """Between which comments of the page a form's table stands."""
    return f"<!-- {FORMS[form]}: written by `python -m proof all --write` -->", f"<!-- end of {FORMS[form]} -->"


def write(page: Path, form: str, text: str) -> None:
    """Put the report between its marks; the rest of the page stays. Raises ValueError for a page without them."""
    begin, end = marks(form)
    whole = page.read_text(encoding="utf-8")
    if begin not in whole or end not in whole:
        raise ValueError(f'{page} has no marks for "{FORMS[form]}"')
    head, _, rest = whole.partition(begin)
    _, _, tail = rest.partition(end)
    page.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def _server() -> str:
    try:
        said = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True, check=False)
    except ToolMissing:
        return "no PostgreSQL"
    return said.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _git(*arguments: str) -> str:
    """What git says, "" where there is none."""
    asked = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _is_changed() -> bool:
    return bool(_git("status", "--porcelain", "--", *PROGRAM))


def _commit() -> str:
    return f"{_git('rev-parse', '--short', 'HEAD') or 'unknown'}{CHANGED if _is_changed() else ''}"


def _program() -> str:
    """What was proven: the program and the proof, whatever else a commit changes. "" when that cannot be said."""
    return "" if _is_changed() else " ".join(_git("rev-parse", f"HEAD:{folder}") for folder in PROGRAM)


def _noted(form: str) -> dict[str, Done]:
    """What earlier runs have done: in the short form those of the same program, in the long one those of any."""
    path, program = FOLDER / f"{form}.json", _program()
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))["done"]
    done = {name: Done(**each) for name, each in kept.items()}
    return {name: each for name, each in done.items() if form == "release" or each.program == program != ""}


def _note(form: str, done: Mapping[str, Done]) -> None:
    path = FOLDER / f"{form}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"done": {name: asdict(each) for name, each in done.items()}}, indent=2), "utf-8")
