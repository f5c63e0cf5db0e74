"""Who is there: three hosts, gateways, two towns of tills, each behind a proxy; and the files that say so.

On SQLite there is one gateway. On PostgreSQL there are two on one database, each with a proxy before the server, too,
and a town's proxy is the balancer: it gives each connection to another gateway.
"""

import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import Engine

from proof.postgres import Cluster
from proof.processes.host import HostFile
from yuanlu.db.choosing import beside, visiting
from yuanlu.db.sqlite import integrity_problem, reader_engine
from yuanlu.keys.secret_file import create_secret
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.settings import ProfileName

TILLS_PER_HOST = 8
TOWNS = ("north", "south")
"""Each has a process of tills and a line to the gateway of its own."""
ANSWER_TIMEOUT_MS = 1_500
PACKET_LIFE_MS = 5_000
CARRY_S_MAX = 1.5
"""A proxy holds bytes up for so long at most, a host a message for 2.2 s: together less than a packet's life."""
WAIT_MS = 8_000
PACE_MS = 350
RESERVE_MIB = 1
GATEWAYS_ON_SERVER = ("a", "b")
DATABASE = "database of "
"""A proxy between a gateway and PostgreSQL is called so, with the gateway's name."""
PORTS = range(12_000, 32_000)

HOSTS = (
    HostTerms(
        name="p1", listen="", dialect="cup-pos", profile="P1", mac="unionpay-ecb", sign_in="link"
    ),
    HostTerms(
        name="p2", listen="", dialect="cup-pos", profile="P2", mac="unionpay-ecb", sign_in="terminal",
        mac_on_declines=False, reversal_repeat_code="94",
    ),
    HostTerms(
        name="p3", listen="", dialect="iso87-ascii", profile="P3", mac="ansi-x9.19", sign_in="link"
    ),
)  # fmt: skip
PROFILE_OF: dict[str, ProfileName] = {host.name: host.profile for host in HOSTS}

GATEWAY = """
[store]
url = "{store}"
reserve_mib = {reserve_mib}
[gateway]
listen = "127.0.0.1:{port}"
terminals = "../terminals.csv"
mac = "unionpay-ecb"
[keys]
file = "keys.toml"
[incidents]
look_every_ms = 500
window_ms = 3000
healthy_ms = 6000
"""

ACQUIRER = """
[acquirers.{host.name}]
kind = "iso8583-host"
address = "127.0.0.1:{port}"
dialect = "{host.dialect}"
profile = "{host.profile}"
mac = "{host.mac}"
sign_in = "{host.sign_in}"
answer_timeout_ms = {answer_timeout_ms}
packet_life_ms = {packet_life_ms}
"""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One gateway's: a folder of its own with its settings, its key file and its marks, and its ports."""

    name: str
    folder: Path
    port: int
    to_database: int
    """The port of the proxy before PostgreSQL; 0 for a file."""

    @property
    def config(self) -> Path:
        """Its settings."""
        return self.folder / "yuanlu.toml"

    @property
    def log(self) -> Path:
        """What all its lives say."""
        return self.folder.parent / f"{self.folder.name}.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One run's files and ports. `data` is the journal's folder, which may be a small disk of its own.

    With `server` the journal is a database of it, else a file.
    """

    folder: Path
    seed: int
    server: Cluster | None
    gateways: tuple[Place, ...]
    host_ports: dict[str, int]
    to_host: dict[str, int]
    """The ports of the proxies between the gateways and each host."""
    to_gateway: dict[str, int]
    """The ports of the proxies between each town and the gateways."""
    database: str = ""
    """The url of the journal on `server`, past every proxy."""

    @property
    def data(self) -> Path:
        """The journal's folder."""
        return self.folder / "data"

    @property
    def journal(self) -> Path:
        """The journal where it is a file."""
        return self.data / "journal.db"

    @property
    def is_file(self) -> bool:
        """Whether the journal is a file."""
        return self.server is None

    @property
    def clock(self) -> Path:
        """By how much the gateways' wall clock is ahead."""
        return self.folder / "clock"

    def on_journal(self, work: Callable[[Engine], Result]) -> Result:
        """Work on the journal past all gateways and proxies. Not where an event loop runs."""
        if self.server is not None:
            return beside(self.database, lambda: work(visiting(self.database, "")))
        engine = reader_engine(self.journal)
        try:
            return work(engine)
        finally:
            engine.dispose()

    def damage(self) -> str | None:
        """What the database's own check finds wrong, or None."""
        if self.server is not None:
            return self.server.damage(self.database.rpartition("/")[2])
        return integrity_problem(self.journal)

    def host_config(self, name: str) -> Path:
        """The settings of a simulated host."""
        return self.folder / f"host-{name}.json"

    def tills_config(self, town: str) -> Path:
        """The settings of a town's tills."""
        return self.folder / f"tills-{town}.toml"

    def told(self, town: str) -> Path:
        """What a town's tills were told."""
        return self.folder / f"told-{town}.jsonl"

    def closed(self, town: str) -> Path:
        """By this file a town's tills say that they owe nothing more."""
        return self.folder / f"closed-{town}"


def make_world(folder: Path, seed: int, server: Cluster | None = None) -> World:
    """Choose ports and write all files; with `server` for two gateways on a new database of it."""
    names = [host.name for host in HOSTS]
    gateways = ("",) if server is None else GATEWAYS_ON_SERVER
    ports = _free_ports(2 * len(gateways) + 2 * len(names) + len(TOWNS))
    world = World(
        folder=folder,
        seed=seed,
        server=server,
        gateways=tuple(_place(folder, name, ports.pop(), ports.pop() if server else 0) for name in gateways),
        host_ports={name: ports.pop() for name in names},
        to_host={name: ports.pop() for name in names},
        to_gateway={town: ports.pop() for town in TOWNS},
        database="" if server is None else server.new_database(),
    )
    world.data.mkdir(parents=True)
    world.clock.write_bytes(bytes(8))
    create_secret(folder / "keys.toml", os.urandom)
    for place in world.gateways:
        place.folder.mkdir()
        shutil.copy(folder / "keys.toml", place.folder / "keys.toml")
        place.config.write_text(_gateway_toml(world, place), encoding="utf-8")
    for host in HOSTS:
        world.host_config(host.name).write_bytes(msgspec.json.encode(_host_file(world, host)))
    rows = [f"{till},{merchant},{host.name},{WAIT_MS},{town}" for till, merchant, host, town in places()]
    header = "terminal_id,merchant_id,acquirer,wait_ms,region"
    (folder / "terminals.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    for town in TOWNS:
        world.tills_config(town).write_text(_tills_toml(world, town), encoding="utf-8")
    return world


def _place(folder: Path, name: str, port: int, to_database: int) -> Place:
    own = folder / (f"gateway-{name}" if name else "gateway")
    return Place(name=name, folder=own, port=port, to_database=to_database)


def terms_of(world: World, host: HostTerms) -> HostTerms:
    """As this world has the host. Two gateways that sign in for a whole link would sign each other off."""
    return host if world.is_file else msgspec.structs.replace(host, sign_in="terminal")


def places() -> list[tuple[str, str, HostTerms, str]]:
    """Every till: its name, its merchant, its host and its town."""
    hosts = [host for host in HOSTS for _ in range(TILLS_PER_HOST)]
    return [
        (f"{30000001 + n}", f"89844015311{n // 4 + 1:04}", host, TOWNS[n % len(TOWNS)]) for n, host in enumerate(hosts)
    ]


def _gateway_toml(world: World, place: Place) -> str:
    store = "sqlite:///../data/journal.db"
    if world.server is not None:
        store = world.server.url(world.database.rpartition("/")[2], place.to_database)
    text = GATEWAY.format(store=store, reserve_mib=RESERVE_MIB, port=place.port)
    return text + "".join(
        ACQUIRER.format(
            host=terms_of(world, host), port=world.to_host[host.name], answer_timeout_ms=ANSWER_TIMEOUT_MS,
            packet_life_ms=PACKET_LIFE_MS,
        )
        for host in HOSTS
    )  # fmt: skip


def _host_file(world: World, host: HostTerms) -> HostFile:
    seed = random.Random(f"{world.seed}/{host.name}").randrange(1_000_000)
    listen = f"127.0.0.1:{world.host_ports[host.name]}"
    terms = msgspec.structs.replace(terms_of(world, host), listen=listen, seed=seed)
    return HostFile(
        terms=terms, keys=str(world.folder / "keys.toml"), came_in=str(world.folder / f"came-in-{host.name}")
    )


def _tills_toml(world: World, town: str) -> str:
    whole = {
        "gateway": f"127.0.0.1:{world.to_gateway[town]}",
        "keys": "keys.toml",
        "told": world.told(town).name,
        "closed": world.closed(town).name,
        "mac": "unionpay-ecb",
        "seed": world.seed * len(TOWNS) + TOWNS.index(town),
        "seconds": 0,
        "pace_ms": PACE_MS,
        "fault_percent": 12,
        "behaviour_percent": 10,
        "code_percent": 4,
        "errand_percent": 22,
        "outage_at_s": 1e9,
        "outage_s": 0,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in whole.items()]
    for till, merchant, host, its_town in places():
        if its_town == town:
            values = {"terminal_id": till, "merchant_id": merchant, "acquirer": host.name, "dialect": host.dialect}
            lines += ["[[tills]]", *(f'{key} = "{value}"' for key, value in values.items()), f"wait_ms = {WAIT_MS}"]
    return "\n".join([*lines, ""])


def _free_ports(count: int) -> list[int]:
    """Ports nobody uses now, below those that the system gives to connections: a server that is down keeps its own."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found
