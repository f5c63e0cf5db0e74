"""Builds every object once; the only place that knows them all.

`open_gateway` is what `yuanlu serve` runs: open the journal, recover, connect to the hosts, listen.
"""

import asyncio
import gc
import os
import random
import resource
import secrets
import sys
from collections.abc import Callable
from typing import NoReturn

import structlog

from yuanlu.acquirers.iso8583_host import Iso8583Host
from yuanlu.acquirers.link import HostLink
from yuanlu.acquirers.sessions import STAN_MAX, Sessions
from yuanlu.acquirers.terms import HostTerms
from yuanlu.cases.clock import CaseClock
from yuanlu.cases.service_levels import ServiceLevels
from yuanlu.db.postgres import refuse_other_time
from yuanlu.fleet.lines import Lines
from yuanlu.flow.advices import Forwarder
from yuanlu.flow.around import Around
from yuanlu.flow.asking import Asker
from yuanlu.flow.clearing_days import ClearingDays
from yuanlu.flow.contacting import ContactBook
from yuanlu.flow.deciding import Decider
from yuanlu.flow.examining import Examiner
from yuanlu.flow.giving import Giver
from yuanlu.flow.incidents import IncidentDesk
from yuanlu.flow.late import unmatched_answer
from yuanlu.flow.payment import Desk
from yuanlu.flow.recovery import recover, take_over
from yuanlu.flow.settlement import Settler
from yuanlu.flow.telling import teller_of
from yuanlu.gateway.desk import FrontDesk
from yuanlu.gateway.metrics import GatewayMetrics, MetricsServer
from yuanlu.gateway.prompts import Prompts
from yuanlu.gateway.server import TerminalServer
from yuanlu.gateway.sessions import TerminalSessions
from yuanlu.iso8583.codec import codec_for
from yuanlu.journal import choosing
from yuanlu.journal.mark import Mark, read_marks, refuse_older, remove_old
from yuanlu.journal.store import Store
from yuanlu.journal.tasks import TaskRunner
from yuanlu.journal.transactions import latest_id, latest_sealed
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock, SystemClock
from yuanlu.kernel.errors import ConfigurationError, YuanluError
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import SealBroken
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.tls import host_tls, terminal_tls
from yuanlu.notices import with_files
from yuanlu.returns.engine import ReturnEngine
from yuanlu.returns.steps import sealing_context
from yuanlu.returns.store import leg_rows, restart_windows
from yuanlu.settings import Acquirer, Settings, parse_address
from yuanlu.terminals import Terminal, read_terminals

DISK_LOOK_EVERY_S = 0.5
OTHERS_LOOK_EVERY_S = 1.0
MIB = 1 << 20
SWITCH_INTERVAL_S = 0.00003
"""How long the event loop may hold the interpreter while the journal's writer waits for it; Python's own default,
5 ms, starves the writer under load (`docs/performance.md`)."""

GARBAGE_THRESHOLDS = (10_000, 50, 1_000)
"""New objects before a collection, and so on up; Python's own, 700, costs a tenth of the loop's time."""

HALTED = 70
"""Exit code after an error whose outcome is unknown; the restart re-reads what is true."""

_log = structlog.get_logger("yuanlu")


def halt(reason: str) -> NoReturn:
    """Stop at once, without tidying up: nothing more may be written or told on wrong knowledge."""
    _log.critical("halted", reason=reason)
    sys.stderr.flush()
    os._exit(HALTED)


async def open_store(settings: Settings, clock: Clock) -> Store:
    """Lock, check and prepare the database. Raises StoreError or ConfigurationError saying what to do."""
    store = await choosing.open_store(
        settings.store.url, settings.folder, settings.store.reserve_mib * MIB, clock.now()
    )
    server_us = await store.server_us()
    if server_us is not None:
        try:
            refuse_other_time(store.name, server_us, clock.wall_us())
        except YuanluError:
            await store.close(clock.now())
            raise
    if await store.live() is None:  # among several, each return's window starts again when it changes machines
        await store.write(lambda c: restart_windows(c, clock.now()))
    return store


async def open_keys(settings: Settings, store: Store | None = None) -> SoftwareKeyStore:
    """The key store. A new secret is made only for a journal without sealed data, which needs the old one.

    Raises ConfigurationError for a key file that is missing or belongs to another journal.
    """
    path = settings.path(settings.keys.file)
    sealed = None if store is None else await store.read(latest_sealed)
    if sealed is not None and not path.exists():
        raise ConfigurationError(
            f"{path}: the key file is missing, but the journal holds data sealed under it; put it back from its backup"
        )
    keys = SoftwareKeyStore.open(path, mode=settings.keys.mode, random_bytes=secrets.token_bytes, create=sealed is None)
    if sealed is not None:
        try:
            keys.unseal(sealed[1], sealing_context(sealed[0]))
        except SealBroken:
            raise ConfigurationError(
                f"{path} is not the key file of this journal; put the right one back from its backup"
            ) from None
    return keys


class GatewayProcess:
    """Everything of one `yuanlu serve`, in the order in which it starts and stops."""

    def __init__(
        self, settings: Settings, terminals: dict[str, Terminal], store: Store, keys: KeyStore, clock: Clock,
        chance: random.Random, latest_id: str = "", mark: Mark | None = None,
    ) -> None:  # fmt: skip
        """`latest_id` is the highest transaction id so far: new ones rise beyond it, whatever the clock says."""
        self._clock = clock
        self._chance = chance
        self._settings = settings
        self._store = store
        self.journal = Journal(store=store, clock=clock, halt=halt, mark=mark)
        self._strays: set[asyncio.Task[None]] = set()
        self.hosts = {name: self._host(name, acquirer, keys) for name, acquirer in settings.acquirers.items()}
        self.returns = ReturnEngine(journal=self.journal, clock=clock, keys=keys, hosts=self.hosts, jitter=chance)
        agreements = settings.agreements()
        levels = ServiceLevels(agreements=agreements)
        self.incidents = IncidentDesk(
            journal=self.journal, clock=clock, hosts=self.hosts, settings=settings.incidents,
            regions={name: terminal.region for name, terminal in terminals.items() if terminal.region},
            levels=levels, random_bits=chance.getrandbits, go_on=self.returns.host_is_back,
        )  # fmt: skip
        self.desk = Desk(
            journal=self.journal,
            returns=self.returns,
            incidents=self.incidents,
            hosts=self.hosts,
            keys=keys,
            clock=clock,
            identifiers=IdentifierSource(clock, chance.getrandbits, latest_id),
            around=self._around(),
            repeat_window_us=settings.gateway.repeat_window_ms * 1000,
        )
        self.giver = Giver(self.desk, agreements)
        self.settler = Settler(self.desk, agreements, chance.getrandbits)
        self.forwarder = Forwarder(self.desk)
        notification = with_files(settings.notification, settings.path)
        self.teller = teller_of(self.desk, agreements, notification, chance.random)
        self.contacts = ContactBook(self.journal, keys, clock, self.desk.identifiers)
        self.examiner = Examiner(
            desk=self.desk, levels=levels, agreements=agreements, random_bits=chance.getrandbits, teller=self.teller
        )
        self.asker = Asker(self.desk)
        self.decider = Decider(self.desk)
        self.clearing_days = ClearingDays(self.desk, levels, chance.getrandbits)
        self.case_clock = CaseClock(journal=self.journal, clock=clock, levels=levels, legs=leg_rows)
        self._sessions = TerminalSessions(keys)
        self.server = TerminalServer(settings=settings.gateway, desk=self._front(terminals), tls=terminal_tls(settings))
        self.journal.on_pressure(self.server.on_pressure)
        self._background: list[asyncio.Task[None]] = []
        self.metrics = self._metrics()

    def _metrics(self) -> MetricsServer | None:
        where = self._settings.gateway.metrics
        if not where:
            return None
        numbers = GatewayMetrics(self.server.counters, self.journal, self.hosts)
        return MetricsServer(parse_address(where, "[gateway] metrics"), numbers)

    def _around(self) -> Around:
        return Around(
            terms={name: host.terms for name, host in self.hosts.items()},
            lines=Lines(self._clock),
            signs_in=self._settings.gateway.mac != "none",
        )

    def _front(self, terminals: dict[str, Terminal]) -> FrontDesk:
        gateway = self._settings.gateway
        return FrontDesk(
            desk=self.desk,
            settler=self.settler,
            forwarder=self.forwarder,
            terminals=terminals,
            sessions=self._sessions,
            mac=gateway.mac,
            in_flight_max=gateway.in_flight_max,
            in_flight_per_terminal_max=gateway.in_flight_per_terminal_max,
            prompts=Prompts(on=gateway.guidance == "field63"),
        )

    def _host(self, name: str, acquirer: Acquirer, keys: KeyStore) -> Iso8583Host:
        codec = codec_for(acquirer.dialect)
        link = HostLink(
            name=name,
            address=parse_address(acquirer.address, f"[acquirers.{name}] address"),
            connections=acquirer.connections,
            codec=codec,
            tls=host_tls(self._settings, acquirer),
            jitter=self._chance,
            on_unmatched=lambda message: self._in_background(unmatched_answer(self.desk, name, message)),
            on_up=lambda: self._link_is_up(name),
        )
        sessions = Sessions(
            name=name,
            settings=acquirer,
            link=link,
            codec=codec,
            keys=keys,
            first_stan=self._chance.randrange(STAN_MAX),
        )
        return Iso8583Host(
            terms=HostTerms(name=name, settings=acquirer), codec=codec, link=link, sessions=sessions, keys=keys
        )

    def _runners(self) -> tuple[TaskRunner, ...]:
        """Whoever does due work: returns, orders, causes, cases."""
        return (
            self.returns.runner,
            self.giver.runner,
            self.settler.runner,
            self.forwarder.runner,
            self.asker.runner,
            self.examiner.runner,
            self.teller.runner,
            self.teller.deliverer.runner,
            self.decider.runner,
            self.clearing_days.runner,
            self.case_clock.runner,
        )

    def _link_is_up(self, name: str) -> None:
        """From this very moment its returns wait until the oldest can go first."""
        self.returns.runner.hold(name)
        self._in_background(self._came_up(name))

    async def _came_up(self, name: str) -> None:
        """A host is reachable: sign in, then what waited for it goes on."""
        try:
            await self.hosts[name].came_up()
            await self.returns.host_is_back(name)
        finally:
            self.returns.runner.release(name)
        for worker in (self.giver, self.asker, self.forwarder):
            await worker.runner.wake_lane(name)

    async def start(self) -> tuple[str, int]:
        """Recover, connect, drive what is open, listen; returns the address."""
        self.journal.room.look()
        await self.journal.read(self._sessions.load)
        await self.incidents.load()
        await recover(self.desk)
        await self.clearing_days.begin()
        for host in self.hosts.values():
            host.link.start()
        for runner in self._runners():
            runner.start()
        address = await self.server.start()
        if self.metrics is not None:
            await self.metrics.start()
        loop = asyncio.get_running_loop()
        self._background = [
            loop.create_task(self._watch_disk()),
            loop.create_task(self.incidents.watch()),
            *([loop.create_task(self._watch_others())] if self.journal.shared else []),
            *self._echoes(),
        ]
        if not self._store.writer.clean:
            self._background.append(loop.create_task(self._check_integrity()))
        return address

    async def stop(self) -> None:
        """Stop listening, let the journal finish, sign off."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.server.stop()
        if self.metrics is not None:
            await self.metrics.stop()
        for runner in self._runners():
            await runner.stop()
        await self.teller.deliverer.sending.stop()
        for host in self.hosts.values():
            await host.link.stop()
        await asyncio.gather(*self._strays, return_exceptions=True)
        await self.journal.close()
        await self._store.close(self._clock.now())

    def _in_background(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._strays.add(task)
        task.add_done_callback(self._strays.discard)

    async def _watch_disk(self) -> None:
        while True:
            was = self.journal.room.low
            if self.journal.room.look() != was:
                _log.warning("disk space changed", new_sales="declined" if self.journal.room.low else "taken")
            await asyncio.sleep(DISK_LOOK_EVERY_S)

    async def _watch_others(self) -> None:
        """Say that we live, and take over from those that do not. A failure is told and comes again."""
        while True:
            try:
                await self.journal.commit([])
                if await take_over(self.desk):
                    for runner in self._runners():
                        runner.nudge_all()
            except Exception:
                _log.exception("a look at the other gateways failed")
            await asyncio.sleep(OTHERS_LOOK_EVERY_S)

    def _echoes(self) -> list[asyncio.Task[None]]:
        loop = asyncio.get_running_loop()
        return [
            loop.create_task(self._echo(host)) for host in self.hosts.values() if host.terms.settings.echo_interval_ms
        ]

    async def _echo(self, host: Iso8583Host) -> None:
        while True:
            await asyncio.sleep(host.terms.settings.echo_interval_ms / 1000)
            if host.link.up and not await host.echo():
                _log.warning("no answer to the echo test", acquirer=host.terms.name)

    async def _check_integrity(self) -> None:
        """After an unclean stop: the database's own check, while we serve."""
        problem = await self._store.problem()
        if problem:
            halt(f"the database is damaged: {problem}; restore it from a backup")
        _log.info("database checked after an unclean stop")


def allow_open_files() -> None:
    """As many connections as the system lets us have; the usual soft limit, 1024, is too few for terminals."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def open_gateway(
    settings: Settings, clock: Clock | None = None, chance: random.Random | None = None
) -> GatewayProcess:
    """Everything that can fail before the first frame fails here, with a message that says what to do.

    `clock` and `chance` are the system's, unless a proof brings its own.
    """
    clock, chance = clock or SystemClock(), chance or random.SystemRandom()
    terminals = read_terminals(settings.path(settings.gateway.terminals), settings.acquirers)
    terminal_tls(settings)
    key_file = settings.path(settings.keys.file)
    marks = read_marks(key_file)
    store = await open_store(settings, clock)
    try:
        await store.read(lambda c: refuse_older(c, store.name, marks))
        keys = await open_keys(settings, store)
        mark = Mark(key_file, store.writer)
        remove_old([each for each in marks if each.path != mark.path])
    except YuanluError:
        await store.close(clock.now())
        raise
    return GatewayProcess(settings, terminals, store, keys, clock, chance, await store.read(latest_id), mark)


def settle_garbage_collector() -> None:
    """What is loaded now stays: look at it no more, and for cycles, which a payment does not make, less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


async def serve(settings: Settings, stop: asyncio.Event, announce: Callable[[str, int], None]) -> None:
    """Run a gateway until `stop` is set."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    allow_open_files()
    gateway = await open_gateway(settings)
    try:
        address = await gateway.start()
        settle_garbage_collector()
        announce(*address)
        await stop.wait()
    finally:
        await gateway.stop()
    _log.info("stopped", **gateway.server.counters.as_dict())
