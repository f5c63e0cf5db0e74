"""Reports about payments that may not be ours: read, build, commit beside the gateway."""

import secrets

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of, find_case_of_incident
from yuanlu.fleet.observations import ObservationWrong
from yuanlu.flow.outside import Sighting, case_about, fact_of, name_of
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Conflict
from yuanlu.journal.visiting import visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.people.database import on_database
from yuanlu.settings import Settings

TRIES = 5


class Reported(Struct, frozen=True, kw_only=True):
    """What became of a report."""

    observation_id: str
    case: Case


@on_database
def sighted(settings: Settings, sighting: Sighting, found: Transaction | None, who: Actor) -> Reported:
    """The report with its case, durable together; said again while the case is open, it joins it. `found` is the
    payment, where it is ours. Raises ObservationWrong when the case keeps changing.
    """
    clock, levels = SystemClock(), ServiceLevels(agreements=settings.agreements())
    observation_id = IdentifierSource(clock, secrets.randbits).new()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            now_us = clock.wall_us()
            with visitor.reading() as connection:
                before = _before(connection, sighting, found)
            written = case_about(
                sighting, found, before, terms=levels.of(sighting.merchant_id), random_bits=secrets.randbits,
                now_us=now_us, who=who,
            )  # fmt: skip
            fact = fact_of(sighting, who, observation_id, now_us)
            if not isinstance(visitor.commit([fact, *written.facts], written.changes), Conflict):
                return Reported(observation_id=observation_id, case=written.case)
    raise ObservationWrong("the case keeps changing; report it again in a moment")


def _before(connection: Connection, sighting: Sighting, found: Transaction | None) -> Case | None:
    if found is not None:
        return find_case_of(connection, found.transaction_id)
    return find_case_of_incident(connection, name_of(sighting.merchant_id, sighting.reference))
