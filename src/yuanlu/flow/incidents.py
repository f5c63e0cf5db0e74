"""The incident desk: hears what fails and what succeeds, declares incidents and ends them, and holds sales.

A success costs the hot path a few additions, a failure a little more; everything else is done in a look, once a
second. An incident is a row and facts in the journal, so it outlives a restart, and what a person declares or holds at
the command line is seen by the next look. Rules: `docs/how-to/incidents.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.iso8583_host import Iso8583Host
from yuanlu.acquirers.outcome import Answered, Doubt, NoAnswer, NotSent, Outcome
from yuanlu.cases.people import GATEWAY
from yuanlu.cases.records import Case
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.cases.store import find_case_of_incident
from yuanlu.causes.evidence import CANNOT_WORK, Evidence, Failing, IncidentKind, Unsent
from yuanlu.flow.declaring import Unit, begun, finished, others, quiet, seen, settled
from yuanlu.incidents.detection import Crowd, Health, Sign, Tally, Verdict, Window
from yuanlu.incidents.records import DETECTION, Incident, Place, Report, Scope, ScopeKind, issuer_or_wallet
from yuanlu.incidents.store import (
    active_incidents,
    any_member,
    counted,
    next_number,
    perhaps_affected,
    unsettled_incidents,
)
from yuanlu.incidents.symptoms import Loss, PowerCut, Start, Symptoms, keep
from yuanlu.journal import tasks
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Committed, Conflict
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock, Moment
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.settings import Incidents

TROUBLE = CANNOT_WORK - {"09", "90"}
"""Codes of a host that cannot work; not that the customer is still typing, nor that its day is just changing."""

WELL_AGAIN = "the place is well again"

_log = structlog.get_logger("incidents")


NOBODY = Crowd()


@dataclass(slots=True, kw_only=True)
class Known:
    """An active incident, how its place has been since, and the most that failed there together."""

    incident: Incident
    health: Health
    crowd: Crowd = NOBODY
    told_quiet: bool = False


class IncidentDesk:
    """One per gateway."""

    def __init__(
        self, *, journal: Journal, clock: Clock, hosts: Mapping[str, Iso8583Host], settings: Incidents,
        regions: Mapping[str, str], levels: ServiceLevels, random_bits: Callable[[int], int],
        go_on: Callable[[str], Awaitable[None]],
    ) -> None:  # fmt: skip
        """`regions` are those of the terminals; `go_on` lets what waits for a host go on, when it is well again."""
        self._journal = journal
        self._clock = clock
        self._hosts = hosts
        self._settings = settings
        self._regions = regions
        self._levels = levels
        self._random_bits = random_bits
        self._go_on = go_on
        self._window = Window(settings)
        self._by_card_bin = self._window.by_card_bin
        self._symptoms = Symptoms()
        self._blamed: dict[str, Verdict] = {}
        self._tallies: dict[tuple[str, str], tuple[Tally, ...]] = {}
        self._known: dict[Scope, Known] = {}
        self._unseen: list[Incident] = []
        self._holds = False
        self._down_since_us: dict[str, int] = {}
        self._listens_from_us = clock.now().boot_us + settings.window_ms * 1000

    # What the flow tells.

    def heard(self, found: Transaction, outcome: Outcome) -> None:
        """What came of sending a request to its host."""
        match outcome:
            case Answered(code=code, authenticated=authenticated):
                if self._symptoms.any_wrong and authenticated:
                    self._symptoms.right_mac(found.acquirer)
                if code in TROUBLE:
                    self._failed(found.key, found.acquirer, found.received_at_us, found.card_bin)
                    return
                key = found.key.terminal_id, found.acquirer
                for tally in self._tallies.get(key) or self._tallies_of(key, found.key):
                    tally.good += 1
                decides = self._by_card_bin.get(found.card_bin)
                if decides is not None:
                    decides.good += 1
            case NoAnswer() | NotSent():
                self._missed(found, outcome)

    def _missed(self, found: Transaction, outcome: NoAnswer | NotSent) -> None:
        """No answer. Only a time-out can be the fault of who decides behind the host."""
        match outcome:
            case NotSent(reason=reason) if reason != Unsent.LINK_FAILED:
                return  # a matter of this payment alone
            case NoAnswer(doubt=Doubt.BAD_MAC):
                at_us = self._clock.wall_us()
                self._symptoms.wrong_mac(found.acquirer, found.transaction_id, found.received_at_us, at_us)
            case NoAnswer() | NotSent():
                pass
        timed_out = isinstance(outcome, NoAnswer) and outcome.doubt is Doubt.TIMEOUT
        self._failed(found.key, found.acquirer, found.received_at_us, found.card_bin if timed_out else "")

    def refused(self, key: TransactionKey, host: str) -> None:
        """A host that is down: the payment was declined before anything was sent."""
        self._failed(key, host, self._clock.wall_us())

    def foreign(self, terminal_id: str) -> None:
        """An answer of a host names this terminal, and fits no request of it."""
        self._symptoms.foreign(terminal_id, self._clock.wall_us())

    def restarted(self, terminal_id: str, merchant_id: str) -> None:
        """A terminal signed in anew."""
        start = Start(self._clock.wall_us(), self._good_of(merchant_id))
        self._symptoms.restarted(merchant_id, terminal_id, start)

    def undelivered(self, found: Transaction) -> None:
        """The host approved, and the terminal could not be told, or says that it was not.

        Not counted just after our own start: it then tells of our own stop.
        """
        if self._clock.now().boot_us >= self._listens_from_us:
            self._failed(found.key, "", found.received_at_us)
            shop = found.key.merchant_id
            loss = Loss(found.received_at_us, self._clock.wall_us(), self._good_of(shop))
            self._symptoms.undelivered(shop, found.key.terminal_id, loss)

    def _good_of(self, merchant_id: str) -> int:
        return self._window.tally(Scope(kind=ScopeKind.MERCHANT, name=merchant_id)).good

    def _failed(self, key: TransactionKey, host: str, since_us: int, card_bin: str = "") -> None:
        self._window.failed(self._place(key, host, card_bin), self._clock.now().boot_us, since_us)

    def _tallies_of(self, known_as: tuple[str, str], key: TransactionKey) -> tuple[Tally, ...]:
        place = self._place(key, known_as[1])
        return self._tallies.setdefault(known_as, tuple([self._window.tally(scope) for scope in place.scopes]))

    def _place(self, key: TransactionKey, host: str, card_bin: str = "") -> Place:
        region = self._regions.get(key.terminal_id, "")
        return Place(
            terminal_id=key.terminal_id, merchant_id=key.merchant_id, host=host, region=region, card_bin=card_bin
        )  # fmt: skip

    # What the flow asks.

    def holding(self, key: TransactionKey, host: str, card_bin: str) -> Incident | None:
        """The incident for which such a new sale at this place is declined; None when it is taken."""
        if not self._holds:
            return None
        covering = (known.incident for known in self._covering(self._place(key, host, card_bin)))
        return next((incident for incident in covering if incident.holds_sales), None)

    def covering(self, found: Transaction) -> Incident | None:
        """The active incident that this transaction falls into: what a person declared first, then the widest."""
        for known in self._covering(self._place(found.key, found.acquirer, found.card_bin)):
            if known.incident.began_at_us <= found.received_at_us:
                return known.incident
        return None

    def _covering(self, place: Place) -> list[Known]:
        if not self._known:
            return []
        found = [self._known[scope] for scope in place.scopes if scope in self._known]
        return sorted(found, key=lambda known: not known.incident.by_person)

    def told(self, evidence: Evidence, found: Transaction, incident: Incident | None) -> Evidence:
        """The evidence with who else fails at its time, what was seen of its host, and its incident if there is one."""
        began_us = found.received_at_us
        waited_us = (
            self._hosts[found.acquirer].terms.settings.answer_timeout_ms * 1000 if found.acquirer in self._hosts else 0
        )
        evidence = replace(
            evidence,
            mac_failures=self._symptoms.wrong_macs(found.transaction_id),
            foreign_answers=self._symptoms.foreign_answers(found.key.terminal_id, began_us, began_us + waited_us),
            failing=self._beside(found) if evidence.affected else evidence.failing,
        )
        if incident is None:
            return evidence
        known = self._known.get(incident.scope)
        crowd = known.crowd if known is not None and known.incident.incident_id == incident.incident_id else NOBODY
        failing = replace(evidence.failing, **others(incident.scope, crowd))
        return replace(evidence, incident=incident.kind, failing=failing)

    def _beside(self, found: Transaction) -> Failing:
        """What can have struck it and others alike, about the time when it came."""
        self._look_at_links(self._clock.now())
        at_us, near_us = found.received_at_us, self._settings.window_ms * 1000
        key, decides = found.key, issuer_or_wallet(found.card_bin)
        verdict = None if decides is None else self._window.to_blame.get(decides)
        if verdict is not None and at_us >= verdict.since_us:
            keep(self._blamed, found.transaction_id, verdict)
        verdict = self._blamed.get(found.transaction_id)
        return Failing(
            host_reconnects=self._symptoms.losses(found.acquirer, at_us - near_us, at_us + near_us),
            merchant_restarts=self._symptoms.restarts_beside(key.merchant_id, key.terminal_id, at_us),
            **({} if verdict is None else others(verdict.scope, verdict.crowd)),
        )

    # Its own work.

    async def watch(self) -> None:
        """Look for ever; a look that fails is told and comes again."""
        while True:
            try:
                await self.look()
            except Exception:
                _log.exception("a look at incidents failed")
            await asyncio.sleep(self._settings.look_every_ms / 1000)

    async def look(self) -> None:
        """Declare what fails, end what is well again, settle what is over."""
        await self.load()
        now = self._clock.now()
        while self._unseen:
            await self._look_again(self._unseen.pop(), now)
        self._look_at_links(now)
        for verdict in self._window.failing(now.boot_us, self._down_since_us, self._known.keys()):
            await self._declare(verdict, now)
        for cut in self._symptoms.power_cuts():
            await self._declare_power_cut(cut, now)
        for known in list(self._known.values()):
            known.health.look(self._sign(known.incident.scope), now.boot_us, self._settings)
            known.crowd = known.crowd.grown(self._window.crowd(known.incident.scope))
            if await self._is_over(known, now.boot_us):
                await self._end(known.incident, now)
            else:
                await self._tell_quiet(known, now)
        for incident in await self._journal.read(unsettled_incidents):
            await self._settle(incident, now)

    async def load(self) -> None:
        """What is active by the journal: also what a person has just declared, held, released or ended."""
        now_us = self._clock.now().boot_us
        active = await self._journal.read(active_incidents)
        before, self._known = self._known, {}
        for incident in active:
            known = before.get(incident.scope)
            if known is None or known.incident.incident_id != incident.incident_id:
                known = self._new(incident, now_us)
                self._unseen.append(incident)
            known.incident = incident
            self._known[incident.scope] = known
        for scope in before.keys() - self._known.keys():  # a person has ended it
            self._window.forgive(scope)
        self._holds = any(incident.holds_sales for incident in active)

    def _new(self, incident: Incident, now_us: int) -> Known:
        health = Health(self._window.tally(incident.scope), self._sign(incident.scope), now_us)
        return Known(incident=incident, health=health)

    def _sign(self, scope: Scope) -> Sign | None:
        host = self._hosts.get(scope.name) if scope.kind is ScopeKind.HOST else None
        return None if host is None else Sign(up=host.link.up, received=host.link.counters.received)

    def _look_at_links(self, now: Moment) -> None:
        for name, host in self._hosts.items():
            self._symptoms.link(name, host.link.counters.losses, now.wall_us)
            if host.link.up:
                self._down_since_us.pop(name, None)
            else:
                self._down_since_us.setdefault(name, now.boot_us)

    async def _declare_power_cut(self, cut: PowerCut, now: Moment) -> None:
        """Unless a wider incident, or one that is known there, explains it."""
        region = self._regions.get(cut.terminal_id, "")
        place = Place(terminal_id=cut.terminal_id, merchant_id=cut.merchant_id, host="", region=region)
        if self._known.keys().isdisjoint(place.scopes):
            crowd = Crowd(terminals=cut.terminals, merchants=1)
            scope = Scope(kind=ScopeKind.MERCHANT, name=cut.merchant_id)
            verdict = Verdict(kind=IncidentKind.POWER_CUT, scope=scope, crowd=crowd, since_us=cut.since_us)
            await self._declare(verdict, now)

    async def _declare(self, verdict: Verdict, now: Moment) -> None:
        said = seen(verdict)
        held = verdict.scope.kind is ScopeKind.HOST and self._settings.hold_when_host_down
        incident = Incident(
            incident_id=await self._journal.read(partial(next_number, now_us=now.wall_us)),
            kind=verdict.kind,
            scope=verdict.scope,
            declared_by=DETECTION,
            reason=f"{said.zh} / {said.en}",
            began_at_us=verdict.since_us,
            declared_at_us=now.wall_us,
            held_by=DETECTION if held else "",
        )
        if await self._commit(begun(incident, said, GATEWAY, self._levels, self._random_bits)):
            _log.warning("incident declared", incident=incident.incident_id, scope=str(incident.scope), reason=said.en)
            self._known[incident.scope] = self._new(incident, now.boot_us)
            self._holds = self._holds or held
            await self._look_again(incident, now)

    async def _look_again(self, incident: Incident, now: Moment) -> None:
        """What went wrong there before the incident was declared is examined once more."""
        wakes = await self._journal.read(partial(self._wakes, incident=incident, now_us=now.wall_us))
        await asyncio.gather(*(self._journal.commit([], [change]) for change in wakes))

    def _wakes(self, connection: Connection, incident: Incident, now_us: int) -> list[Change]:
        found = []
        for row in perhaps_affected(connection, incident.began_at_us):
            place = Place(
                terminal_id=row.terminal_id, merchant_id=row.merchant_id, host=row.acquirer,
                region=self._regions.get(row.terminal_id, ""), card_bin=row.card_bin,
            )  # fmt: skip
            if incident.scope in place.scopes:
                # Also where somebody is looking at this moment: he began before he could know of the incident.
                found.append(tasks.examine(row.transaction_id, now_us))
        return found

    async def _is_over(self, known: Known, now_us: int) -> bool:
        """Whether it ends by itself. What a person holds he releases, and what he declared must have struck first."""
        incident = known.incident
        if incident.held_by not in ("", DETECTION) or not known.health.well(now_us, self._settings):
            return False
        struck = partial(any_member, incident_id=incident.incident_id)
        return not incident.by_person or await self._journal.read(struck)

    async def _tell_quiet(self, known: Known, now: Moment) -> None:
        """Nothing comes from there any more: it cannot show that it is well, so people hear of it, once."""
        quiet_us = known.health.quiet_us(now.boot_us)
        if quiet_us < self._settings.quiet_ms * 1000:
            known.told_quiet = False
        elif not known.told_quiet:
            case = await self._journal.read(partial(find_case_of_incident, incident=known.incident.incident_id))
            told = case is None or await self._commit(quiet(known.incident, case, quiet_us, now.wall_us))
            known.told_quiet = told

    async def _end(self, incident: Incident, now: Moment) -> None:
        report, case = await self._journal.read(partial(_reported, incident_id=incident.incident_id))
        if await self._commit(finished(incident, case, report, DETECTION, WELL_AGAIN, now.wall_us)):
            _log.warning("incident ended", incident=incident.incident_id, transactions=report.transactions)
            del self._known[incident.scope]
            self._window.forgive(incident.scope)
            if incident.scope.kind is ScopeKind.HOST and incident.scope.name in self._hosts:
                await self._go_on(incident.scope.name)

    async def _settle(self, incident: Incident, now: Moment) -> None:
        report, case = await self._journal.read(partial(_reported, incident_id=incident.incident_id))
        if not report.open:
            await self._commit(settled(incident, case, report, now.wall_us))

    async def _commit(self, unit: Unit) -> bool:
        """False when somebody else was first: the next look sees what he did."""
        done: Committed | Conflict = await self._journal.commit(unit.facts, unit.changes)
        return isinstance(done, Committed)


def _reported(connection: Connection, incident_id: str) -> tuple[Report, Case | None]:
    return counted(connection, incident_id), find_case_of_incident(connection, incident_id)
