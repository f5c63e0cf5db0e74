"""What the commands of `yuanlu case` do: read beside the gateway, or write for a moment and show what came of it."""

import getpass
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from yuanlu.cases.acting import Attempt, Desk, act_as_visitor
from yuanlu.cases.errors import CaseError
from yuanlu.cases.pages import View, page, waiting
from yuanlu.cases.people import Actor, person
from yuanlu.cases.records import Case, Decision
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import (
    attachments_of,
    content_of,
    decisions_of,
    find_case_of,
    find_open_decision,
    get_case,
    state_of_money,
)
from yuanlu.cases.writing import Written
from yuanlu.cli.case_texts import case_text, line, preview, waiting_line
from yuanlu.cli.database import on_database
from yuanlu.cli.words import language_of
from yuanlu.contracts import ServiceLevel
from yuanlu.db import choosing
from yuanlu.db.errors import StoreError
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.returns.store import legs_of
from yuanlu.settings import Settings


@dataclass(frozen=True, kw_only=True)
class At:
    """What an action is built from: the case as it stands, who acts, and when."""

    connection: Connection
    case: Case
    who: Actor
    now_us: int
    levels: ServiceLevels

    @property
    def terms(self) -> ServiceLevel:
        """The times agreed with the case's merchant."""
        return self.levels.of(self.case.merchant_id)

    @property
    def decision(self) -> Decision | None:
        """What waits to be decided or carried out."""
        return find_open_decision(self.connection, self.case.case_id)

    @property
    def decisions(self) -> list[Decision]:
        """All that was ever proposed."""
        return decisions_of(self.connection, self.case.case_id)

    @property
    def money(self) -> str:
        """The state of the case's transaction."""
        return state_of_money(self.connection, self.case)

    @property
    def attached(self) -> int:
        """How many files there are."""
        return len(attachments_of(self.connection, self.case.case_id))

    @property
    def legs(self) -> list[dict[str, Any]]:
        """The returns of the case's transaction, for the bundle."""
        found = legs_of(self.connection, self.case.transaction_id) if self.case.transaction_id else []
        return [asdict(leg) for leg in found]


def actor(name: str) -> Actor:
    """The person who acts, with the system's own user beside the name; CaseError without a name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no entry for this user
        user = str(os.getuid())
    return person(name, f"cli/{user}")


@contextmanager
def reading(settings: Settings) -> Iterator[Connection]:
    """A connection for short queries; StoreError when there is no journal or it cannot be read."""
    engine = choosing.reading(settings.store.url, settings.folder)
    try:
        with engine.connect() as connection:
            yield connection
    except DatabaseError as error:
        raise StoreError(f"the journal cannot be read: {error.orig}") from None
    finally:
        engine.dispose()


@on_database
def perform(
    settings: Settings,
    name: str,
    case_id: str,
    tried: str,
    build: Callable[[At], Written],
    lang: str,
    seen_version: int | None = None,
) -> str:
    """Do it and say how the case stands; CaseError when it is refused, which then is on record."""
    who = actor(name)
    clock, levels = SystemClock(), ServiceLevels(agreements=settings.agreements())
    attempt = Attempt(
        case_id=case_id,
        who=who,
        tried=tried,
        build=lambda c, case: build(At(connection=c, case=case, who=who, now_us=clock.wall_us(), levels=levels)),
        seen_version=seen_version,
    )
    desk = Desk(clock, IdentifierSource(clock, secrets.randbits))
    try:
        with visit(settings.store.url, settings.folder, clock) as visitor:
            done = act_as_visitor(visitor, desk, attempt)
    except (DatabaseError, *choosing.DRIVER_ERRORS) as error:
        said = error.orig if isinstance(error, DatabaseError) else error
        raise StoreError(f"the journal could not be written ({said}); look at the case before you try again") from None
    return line(done.case, clock.wall_us(), language_of(lang))


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
