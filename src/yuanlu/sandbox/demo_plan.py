"""What the demo runs: five hosts, one for each profile, their tills, and the files that say so."""

import csv
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yuanlu.settings import DialectName, Mac, ProfileName

ANSWER_TIMEOUT_MS = 1_500
PACKET_LIFE_MS = 3_000
WAIT_MS = 8_000
"""A till waits this long, so the gateway has 3 seconds: it answers 5 seconds before."""

RUN_FILES = (
    "journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock", "told.jsonl", "tills.closed", "report.json",
    "inbox.jsonl",
)  # fmt: skip
LOG_FILES = ("gateway.log", "hosts.log", "tills.log")

ROUND_S = 30.0
"""How long one round of the script lasts when the demo runs until Ctrl-C."""
OUTAGE_SHARE = 0.8
OUTAGE_S = 2.0
REGION = slice(8, 24)
"""The tills that lose their network together: of three merchants and two hosts."""
REGION_NAME = "north"
INCIDENTS = {"look_every_ms": 500, "window_ms": 3_000, "healthy_ms": 6_000}
"""A day's mishaps come within seconds here, so that what fails together must fail within seconds, too."""
RECIPIENTS: tuple[dict[str, object], ...] = (
    {"name": "support", "audience": "support"},
    {"name": "finance", "events": [
        "transaction.duplicate.found", "return.delayed", "compensation.paid", "case.escalated", "incident.began",
        "incident.ended",
    ]},
)  # fmt: skip
"""Who is told, in the sandbox's inbox. A shop's finance does not hear of each of a thousand faults."""
REGION_HOST = "p2"
"""The host that goes down at the same time."""
VIRTUAL_PREFIX = "3000000"
"""Terminals of the virtual POS, one at each host."""
LOSES_A_SALE = frozenset({"20000003", "20000028"})
"""Tills that have forgotten one sale by the evening, so that not every batch agrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """One host of the demo and how many tills it has."""

    name: str
    profile: ProfileName
    dialect: DialectName
    mac: Mac
    sign_in: str
    tills: int
    seed: int


HOSTS = (
    HostPlan(name="p1", profile="P1", dialect="cup-pos", mac="unionpay-ecb", sign_in="link", tills=16, seed=101),
    HostPlan(name="p2", profile="P2", dialect="cup-pos", mac="unionpay-ecb", sign_in="terminal", tills=14, seed=102),
    HostPlan(name="p3", profile="P3", dialect="iso87-ascii", mac="ansi-x9.19", sign_in="link", tills=14, seed=103),
    HostPlan(name="p4", profile="P4", dialect="cup-pos", mac="none", sign_in="link", tills=3, seed=104),
    HostPlan(name="p5", profile="P5", dialect="cup-pos", mac="unionpay-ecb", sign_in="link", tills=3, seed=105),
)
PROFILE_OF: Mapping[str, ProfileName] = {host.name: host.profile for host in HOSTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """One run: where its files are, how long its tills sell, and on which free ports everything listens."""

    folder: Path
    seconds: float
    seed: int
    gateway_port: int
    control_port: int
    console_port: int
    host_ports: tuple[int, ...]

    @property
    def round_s(self) -> float:
        """How long the script of faults and outages takes."""
        return self.seconds or ROUND_S

    @property
    def outage_at_s(self) -> float:
        """When the region's network fails, counted from the start of the tills."""
        return self.round_s * OUTAGE_SHARE

    @property
    def closed(self) -> Path:
        """The file by which the tills say that they have stopped selling."""
        return self.folder / "tills.closed"

    @property
    def config(self) -> Path:
        """The gateway's settings."""
        return self.folder / "demo.toml"

    @property
    def journal(self) -> Path:
        """The gateway's database."""
        return self.folder / "journal.db"

    @property
    def inbox(self) -> Path:
        """What people were told."""
        return self.folder / "inbox.jsonl"

    @property
    def told(self) -> Path:
        """What the tills were told."""
        return self.folder / "told.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class TillPlace:
    """A till and where it belongs."""

    terminal_id: str
    merchant_id: str
    host: HostPlan
    in_region: bool


def make_plan(folder: Path, *, seconds: float, seed: int) -> DemoPlan:
    """Choose free ports on loopback."""
    ports = _free_ports(3 + len(HOSTS))
    return DemoPlan(
        folder=folder,
        seconds=seconds,
        seed=seed,
        gateway_port=ports[0],
        control_port=ports[1],
        console_port=ports[2],
        host_ports=tuple(ports[3:]),
    )


def _free_ports(count: int) -> list[int]:
    """Ports nobody uses now; all are held until all are known, so that none comes up twice."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def till_places() -> list[TillPlace]:
    """Every till of the demo, ten to a merchant."""
    hosts = [host for host in HOSTS for _ in range(host.tills)]
    return [
        TillPlace(
            terminal_id=f"{20000001 + n}",
            merchant_id=f"89844015311{n // 10 + 1:04}",
            host=host,
            in_region=REGION.start <= n < REGION.stop,
        )
        for n, host in enumerate(hosts)
    ]


def _merchants() -> list[str]:
    return sorted({place.merchant_id for place in till_places()})


def write_files(plan: DemoPlan) -> None:
    """Clear away the last run's files, and write this run's."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    for name in RUN_FILES + LOG_FILES:
        (plan.folder / name).unlink(missing_ok=True)
    for mark in plan.folder.glob("*.mark-*"):  # the journal begins anew
        mark.unlink()
    plan.config.write_text(_gateway_toml(plan), encoding="utf-8")
    (plan.folder / "hosts.toml").write_text(_hosts_toml(plan), encoding="utf-8")
    (plan.folder / "tills.toml").write_text(_tills_toml(plan), encoding="utf-8")
    with (plan.folder / "terminals.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("terminal_id", "merchant_id", "acquirer", "wait_ms", "region", "virtual"))
        for place in till_places():
            region = REGION_NAME if place.in_region else ""
            rows.writerow((place.terminal_id, place.merchant_id, place.host.name, WAIT_MS, region, ""))
        for number, host in enumerate(HOSTS, 1):
            rows.writerow((f"{VIRTUAL_PREFIX}{number}", till_places()[0].merchant_id, host.name, WAIT_MS, "", "1"))


def _table(name: str, values: Mapping[str, object]) -> str:
    """A TOML table; JSON's strings, numbers and booleans are TOML's, too."""
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join([name, *lines, ""]) + "\n" if name else "\n".join(lines) + "\n\n"


def _gateway_toml(plan: DemoPlan) -> str:
    tables = [
        "# Written by `yuanlu demo`; every run writes it anew.\n\n",
        _table("[store]", {"url": "sqlite:///journal.db"}),
        _table(
            "[gateway]",
            {
                "listen": f"127.0.0.1:{plan.gateway_port}",
                "terminals": "terminals.csv",
                "mac": "unionpay-ecb",
            },
        ),
        _table("[keys]", {"file": "keys.toml"}),
        _table("[incidents]", INCIDENTS),
        _table("[notification]", {"brand": "原路演示", "sms": ["inbox"]}),
        _table("[notification.channels.inbox]", {"kind": "sandbox", "file": plan.inbox.name}),
        *(
            _table(f"[notification.shops.{name}]", {"name": f"演示{n}店"})
            for n, name in enumerate(_merchants(), start=1)
        ),
        *(_table("[[notification.recipients]]", {"via": ["inbox"], "to": who["name"]} | who) for who in RECIPIENTS),
        _table(
            "[console]",
            {
                "listen": f"127.0.0.1:{plan.console_port}",
                "second_factor": "optional",
                "sandbox_control": f"127.0.0.1:{plan.control_port}",
            },
        ),
    ]
    for host, port in zip(HOSTS, plan.host_ports, strict=True):
        values = {
            "kind": "iso8583-host",
            "address": f"127.0.0.1:{port}",
            "dialect": host.dialect,
            "profile": host.profile,
            "mac": host.mac,
            "sign_in": host.sign_in,
            "answer_timeout_ms": ANSWER_TIMEOUT_MS,
            "packet_life_ms": PACKET_LIFE_MS,
        }
        tables.append(_table(f"[acquirers.{host.name}]", values))
    return "".join(tables)


def _hosts_toml(plan: DemoPlan) -> str:
    tables = [_table("", {"control": f"127.0.0.1:{plan.control_port}", "keys": "keys.toml"})]
    for host, port in zip(HOSTS, plan.host_ports, strict=True):
        values = {
            "name": host.name,
            "listen": f"127.0.0.1:{port}",
            "dialect": host.dialect,
            "profile": host.profile,
            "mac": host.mac,
            "sign_in": host.sign_in,
            "seed": plan.seed * 1000 + host.seed,
            "mac_on_declines": host.profile != "P2",
            "reversal_repeat_code": "94" if host.profile == "P2" else "00",
        }
        tables.append(_table("[[hosts]]", values))
    return "".join(tables)


def _tills_toml(plan: DemoPlan) -> str:
    tables = [
        _table(
            "",
            {
                "gateway": f"127.0.0.1:{plan.gateway_port}",
                "keys": "keys.toml",
                "told": plan.told.name,
                "closed": plan.closed.name,
                "mac": "unionpay-ecb",
                "seed": plan.seed,
                "seconds": plan.seconds,
                "pace_ms": 500,
                "fault_percent": 10,
                "behaviour_percent": 8,
                "code_percent": 4,
                "errand_percent": 22,
                "outage_at_s": plan.outage_at_s,
                "outage_s": OUTAGE_S,
            },
        )
    ]
    for place in till_places():
        values = {
            "terminal_id": place.terminal_id,
            "merchant_id": place.merchant_id,
            "acquirer": place.host.name,
            "dialect": place.host.dialect,
            "wait_ms": WAIT_MS,
            "in_region": place.in_region,
            "loses_a_sale": place.terminal_id in LOSES_A_SALE,
        }
        tables.append(_table("[[tills]]", values))
    return "".join(tables)
