"""What people do to cases: build an action from the case as it stands, commit it, or record why it is refused."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from yuanlu.cases.acting import Attempt, Desk, act_as_visitor
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case, Decision
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import attachments_of, decisions_of, find_open_decision, state_of_money
from yuanlu.cases.writing import Written
from yuanlu.contracts import ServiceLevel
from yuanlu.db import choosing
from yuanlu.db.errors import StoreError
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.people.database import on_database
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


@on_database
def perform(
    settings: Settings,
    who: Actor,
    case_id: str,
    tried: str,
    build: Callable[[At], Written],
    seen_version: int | None = None,
) -> Case:
    """Do it; the case as it then stands. CaseError when it is refused, which then is on record."""
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
            return act_as_visitor(visitor, desk, attempt).case
    except (DatabaseError, *choosing.DRIVER_ERRORS) as error:
        said = error.orig if isinstance(error, DatabaseError) else error
        raise StoreError(f"the journal could not be written ({said}); look at the case before you try again") from None
