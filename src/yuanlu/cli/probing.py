"""`yuanlu probe`: trial messages to one host, journaled in a file of their own."""

import random
import secrets
from pathlib import Path

from yuanlu.acquirers.probe import ProbeError, observe, verdict
from yuanlu.acquirers.sessions import Identity
from yuanlu.db.postgres import is_postgres
from yuanlu.db.sqlite import database_path
from yuanlu.iso8583.codec import Codec, codec_for
from yuanlu.journal.unit import Conflict, Fact, SendPermit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import ConfigurationError
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.settings import Settings, Store
from yuanlu.terminals import Terminal, read_terminals
from yuanlu.wiring import GatewayProcess, open_keys, open_store

STAN_FIRST = 900_000


async def run_probe(
    settings: Settings, acquirer: str, terminal_id: str, amount_minor: int, pan: str, credited: int | None
) -> str:
    """Carry out the probe and say what was seen and which profile the host earns."""
    if acquirer not in settings.acquirers:
        raise ConfigurationError(f"no [acquirers.{acquirer}]; there are: {', '.join(sorted(settings.acquirers))}")
    terminals = read_terminals(settings.path(settings.gateway.terminals), settings.acquirers)
    if terminal_id not in terminals:
        raise ConfigurationError(f"terminal {terminal_id} is not in {settings.gateway.terminals}")
    if not pan.isdecimal():
        raise ConfigurationError("give the test card's number with --pan or YUANLU_PROBE_PAN")
    own_file = _beside_the_journal(settings).with_suffix(f".probe-{acquirer}.db")
    own = _with_store(settings, own_file, acquirer)
    clock = SystemClock()
    store, keys = await open_store(own, clock), await open_keys(settings)
    gateway = GatewayProcess(own, {}, store, keys, clock, random.SystemRandom())
    try:
        return await _probe(gateway, own, acquirer, terminals[terminal_id], amount_minor, pan, credited)
    finally:
        await gateway.stop()


def _beside_the_journal(settings: Settings) -> Path:
    """The journal's own file, or where there is none one like it in the configuration's folder."""
    if is_postgres(settings.store.url):
        return Path(settings.folder) / "journal.db"
    return database_path(settings.store.url, settings.folder)


def _with_store(settings: Settings, path: Path, acquirer: str) -> Settings:
    """The same settings over a journal of the probe's own, and with this one acquirer."""
    return Settings(
        store=Store(url=f"sqlite:///{path}"),
        gateway=settings.gateway,
        acquirers={acquirer: settings.acquirers[acquirer]},
        keys=settings.keys,
        log=settings.log,
        folder=settings.folder,
    )


async def _probe(
    gateway: GatewayProcess, settings: Settings, acquirer: str, terminal: Terminal, amount_minor: int, pan: str,
    credited: int | None,
) -> str:  # fmt: skip
    host = gateway.hosts[acquirer]
    host.link.start()
    clock = SystemClock()
    identifiers = IdentifierSource(clock, random.SystemRandom().getrandbits)
    first_stan = STAN_FIRST + secrets.randbelow(90_000)

    async def permit(what: str) -> SendPermit:
        fact = Fact(
            merchant_id=terminal.merchant_id, subject_id=identifiers.new(), version=1, kind="PROBE",
            at_us=clock.now().wall_us, terminal_id=terminal.terminal_id, note=what,
        )  # fmt: skip
        committed = await gateway.journal.commit([fact])
        if isinstance(committed, Conflict):
            raise ProbeError(f"the probe's journal refused: {committed.reason}")
        return committed.permit

    codec = codec_for(settings.acquirers[acquirer].dialect)
    seen = await observe(
        host,
        permit,
        lambda number: _sale(codec, terminal, first_stan + number, amount_minor, pan),
        Identity(terminal_id=terminal.terminal_id, merchant_id=terminal.merchant_id),
        credited,
    )
    judged = verdict(seen, host.terms.reversal_meaning)
    configured = settings.acquirers[acquirer].profile
    agrees = "as configured" if judged.profile == configured else f"but it is configured as {configured}"
    return "\n".join([*(f"- {reason}" for reason in judged.because), f"{acquirer} earns {judged.profile}, {agrees}."])


def _sale(codec: Codec, terminal: Terminal, stan: int, amount_minor: int, pan: str) -> bytes:
    """A sale with a keyed card number, as a terminal sends it."""
    fields: dict[int, str | bytes] = {
        2: pan,
        3: "000000",
        4: f"{amount_minor:012}",
        11: f"{stan:06}",
        22: "012" if codec.dialect.extended else "0120",
        25: "00",
        41: terminal.terminal_id,
        42: terminal.merchant_id,
        49: "156",
    }
    if not codec.dialect.extended:
        fields[60] = "22000001000600"
    return codec.encode(mti="0200", fields=fields)
