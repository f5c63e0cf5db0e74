"""What the commands of `yuanlu case` show: read beside the gateway, in words."""

import getpass
import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from yuanlu.cases.errors import CaseError
from yuanlu.cases.pages import View, page, waiting
from yuanlu.cases.people import Actor, person
from yuanlu.cases.records import Case
from yuanlu.cases.store import attachments_of, content_of, find_case_of, find_open_decision, get_case, state_of_money
from yuanlu.cases.writing import Written
from yuanlu.cli.case_texts import case_text, line, preview, waiting_line
from yuanlu.kernel.clock import SystemClock
from yuanlu.people import casework
from yuanlu.people.database import on_database, reading
from yuanlu.people.words import language_of
from yuanlu.settings import Settings


def actor(name: str) -> Actor:
    """The person who acts, with the system's own user beside the name; CaseError without a name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no entry for this user
        user = str(os.getuid())
    return person(name, f"cli/{user}")


def perform(
    settings: Settings,
    name: str,
    case_id: str,
    tried: str,
    build: Callable[[casework.At], Written],
    lang: str,
    seen_version: int | None = None,
) -> str:
    """Do it and say how the case stands; CaseError when it is refused, which then is on record."""
    done = casework.perform(settings, actor(name), case_id, tried, build, seen_version)
    return line(done, SystemClock().wall_us(), language_of(lang))


@on_database
def list_text(settings: Settings, view: View, key: str, after: str, limit: int, lang: str) -> str:
    """One page of cases."""
    language, now_us = language_of(lang), SystemClock().wall_us()
    with reading(settings) as connection:
        found = page(connection, view, key, after, limit)
    lines = [line(case, now_us, language) for case in found]
    if len(found) == limit:
        lines.append(("下一页" if language == "zh" else "next page") + f": --after {found[-1].case_id}")
    return "\n".join(lines) or ("没有工单" if language == "zh" else "no case")


@on_database
def waiting_text(settings: Settings, limit: int, lang: str) -> str:
    """What waits for a second person."""
    language, now_us = language_of(lang), SystemClock().wall_us()
    with reading(settings) as connection:
        found = waiting(connection, limit)
    lines = [waiting_line(case, decision, now_us, language) for case, decision in found]
    return "\n".join(lines) or ("没有待复核的申请" if language == "zh" else "nothing waits for approval")


@on_database
def show(settings: Settings, case_id: str, folder: Path | None, lang: str) -> str:
    """All of one case, asked for by its number or its transaction; its files go to `folder`."""
    with reading(settings) as connection:
        case = find_case_of(connection, case_id) or get_case(connection, case_id)
        if folder is not None:
            _save(connection, case, folder)
        return case_text(connection, case, SystemClock().wall_us(), language_of(lang))


def _save(connection: Connection, case: Case, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in attachments_of(connection, case.case_id):
            (folder / f"{each.number}-{each.name}").write_bytes(content_of(connection, case.case_id, each.number))
    except OSError as error:
        raise CaseError(f"the files cannot be written to {folder}: {error}") from None


def write_evidence(settings: Settings, name: str, case_id: str, output: Path | None, language: str) -> str:
    """Make a case's evidence pack as a new file; says its name and digest. CaseError when it cannot be written."""
    from yuanlu.evidence.exporting import exported  # noqa: PLC0415

    who = actor(name)
    if output is not None and output.exists():
        raise CaseError(f"{output} is there already; evidence is not written over, name another file")
    done = exported(settings, who, case_id, language)
    path = output or Path(done.name)
    try:
        with path.open("xb") as file:
            file.write(done.pdf)
    except OSError as error:
        raise CaseError(f"the evidence pack cannot be written to {path}: {error.strerror}") from None
    return f"{path}  {len(done.pdf):,} B  sha256 {done.sha256}"


@on_database
def proposal(settings: Settings, case_id: str, lang: str) -> tuple[str, int | None]:
    """What the second person has to see before he decides, and the version of the case that this shows; "" for no
    proposal, which the action itself refuses.
    """
    with reading(settings) as connection:
        case = get_case(connection, case_id)
        decision = find_open_decision(connection, case_id)
        if decision is None:
            return "", None
        money = state_of_money(connection, case)
    return preview(case, decision, money, SystemClock().wall_us(), language_of(lang)), case.version
