"""One trial: a fresh journal, a host, a gateway and a load, each a process of its own, and what the load saw."""

import contextlib
import csv
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.host import HostTerms
from bench.load import LoadTerms
from bench.sale import ACQUIRER, MAC, identity
from yuanlu.kernel.errors import YuanluError
from yuanlu.keys.software import SoftwareKeyStore

FOLDER = Path("var/bench")
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
POLL_S = 0.05
MIB = 1 << 20
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
GATEWAYS = {
    "product": ("yuanlu.cli", "serve", "--config"),
    "without commits": ("bench.gateway_without_commits",),
    "profiled": ("bench.gateway_profiled",),
}
CONSOLE = '[console]\nlisten = "127.0.0.1:{port}"\nsecond_factor = "optional"\n'


class TrialFailed(YuanluError):
    """A process of the trial ended, did not start, or the answers were not what they must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to try. `measure_s` or `payments` ends it; `silent_one_in` sales stay unanswered (0: none).

    Gateways that share a journal have one `url`, one `key_file`, and each its own terminals, counted from
    `first_terminal`.
    """

    terminals: int
    mac: bool = False
    pin: bool = False
    gateway: str = "product"
    warm_s: float = 1.5
    measure_s: float = 4.0
    payments: int = 0
    progress_every: int = 0
    silent_one_in: int = 0
    answer_timeout_ms: int = 20_000
    once: bool = False
    first_terminal: int = 0
    url: str = "sqlite:///journal.db"
    key_file: Path | None = None
    """None: one of its own."""
    console: bool = False
    """A console beside the gateway, which starts it."""


class Trial:
    """The processes, while they run."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.gateway_port, self._host_port, self.console_port = _free_ports(3)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.gateway: subprocess.Popen[bytes] | None = None

    @property
    def journal(self) -> Path:
        """The gateway's database."""
        return self.folder / "journal.db"

    def start(self) -> None:
        """Write the files, start host and gateway, wait until both listen."""
        mac = MAC if self.plan.mac else "none"
        keys = self.folder / "keys.toml"
        if self.plan.key_file is not None:
            shutil.copy(self.plan.key_file, keys)
        SoftwareKeyStore.open(keys, mode="sandbox", random_bytes=secrets.token_bytes, create=True)
        self._write_files(mac)
        terms = HostTerms(port=self._host_port, mac=mac, keys=str(keys), silent_one_in=self.plan.silent_one_in)
        self._spawn("host", "bench.host", msgspec.json.encode(terms).decode())
        self.wait_for(self._host_port)
        self.start_gateway()

    def start_gateway(self) -> None:
        """Returns when it listens."""
        module, *arguments = GATEWAYS[self.plan.gateway]
        self.gateway = self._spawn("gateway", module, *arguments, str(self.folder / "bench.toml"))
        self.wait_for(self.gateway_port)

    def start_console(self) -> subprocess.Popen[bytes]:
        """A console alone, on a journal whose gateway is gone; returns when it listens."""
        console = self._spawn("console", "yuanlu.cli", "console", "--config", str(self.folder / "bench.toml"))
        self.wait_for(self.console_port)
        return console

    def console_pid(self) -> int:
        """The console that the gateway started."""
        assert self.gateway is not None
        return int(Path(f"/proc/{self.gateway.pid}/task/{self.gateway.pid}/children").read_text().split()[0])

    def kill_gateway(self) -> None:
        """As a crash does."""
        assert self.gateway is not None
        self.gateway.kill()
        self.gateway.wait()
        self._processes.remove(self.gateway)
        self.gateway = None

    def load(self) -> subprocess.Popen[bytes]:
        """Start the load; its lines are on its standard output."""
        plan = self.plan
        terms = LoadTerms(
            port=self.gateway_port, terminals=plan.terminals, mac=MAC if plan.mac else "none", pin=plan.pin,
            keys=str(self.folder / "keys.toml"), warm_s=plan.warm_s, measure_s=plan.measure_s, payments=plan.payments,
            progress_every=plan.progress_every, once=plan.once, first_terminal=plan.first_terminal,
        )  # fmt: skip
        return self._spawn("load", "bench.load", msgspec.json.encode(terms).decode(), piped=True)

    def stop(self) -> None:
        """The gateway in good order, everything else at once."""
        if self.gateway is not None and self.gateway.poll() is None:
            self.gateway.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.gateway.wait(STOP_TIMEOUT_S)
        for process in self._processes:
            process.kill()
            process.wait()

    def check(self) -> None:
        """Raise TrialFailed if host or gateway is gone."""
        for process in filter(None, (self._processes[0], self.gateway)):
            if process.poll() is not None:
                logs = "\n".join(path.read_text()[-1500:] for path in sorted(self.folder.glob("*.log")))
                raise TrialFailed(f"a process ended with {process.returncode}\n{logs}")

    def cpu_s(self) -> float:
        """CPU seconds of the gateway so far, all threads."""
        assert self.gateway is not None
        return cpu_s_of(self.gateway.pid)

    def rss_mib(self) -> float:
        """The gateway's resident memory."""
        assert self.gateway is not None
        status = Path(f"/proc/{self.gateway.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def _spawn(self, name: str, module: str, *arguments: str, piped: bool = False) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def wait_for(self, port: int) -> None:
        """Until something listens there. TrialFailed when nothing does, or a process is gone."""
        until_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
                return
            self.check()
            time.sleep(POLL_S)
        raise TrialFailed(f"nothing listens on port {port} after {START_TIMEOUT_S:.0f} s")

    def _write_files(self, mac: str) -> None:
        sign_in = "link" if self.plan.mac else "none"
        console = CONSOLE.format(port=self.console_port) if self.plan.console else ""
        (self.folder / "bench.toml").write_text(
            f'[store]\nurl = "{self.plan.url}"\n'
            f'[gateway]\nlisten = "127.0.0.1:{self.gateway_port}"\nterminals = "terminals.csv"\nmac = "{mac}"\n'
            f'[keys]\nfile = "keys.toml"\n[log]\nlevel = "warning"\n'
            f'[acquirers.{ACQUIRER}]\nkind = "iso8583-host"\naddress = "127.0.0.1:{self._host_port}"\n'
            f'dialect = "cup-pos"\nprofile = "P1"\nmac = "{mac}"\nsign_in = "{sign_in}"\n'
            f"answer_timeout_ms = {self.plan.answer_timeout_ms}\nbreaker_timeouts = 1000000\n{console}",
            encoding="utf-8",
        )
        with (self.folder / "terminals.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("terminal_id", "merchant_id", "acquirer"))
            for number in range(self.plan.terminals):
                till = identity(self.plan.first_terminal + number, mac)
                rows.writerow((till.terminal_id, till.merchant_id, ACQUIRER))


def cpu_s_of(pid: int) -> float:
    """CPU seconds of a process so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@contextlib.contextmanager
def trial(plan: Plan, *, keep: Path | None = None) -> Iterator[Trial]:
    """Host and gateway of a plan, listening; everything is removed afterwards, but for `keep`: text files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="trial-", dir=FOLDER)).resolve()
    running = Trial(plan, folder)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        if keep is not None:
            for path in folder.glob("*.txt"):
                shutil.copy(path, keep / f"profile-{path.name}")
        shutil.rmtree(folder)


def events(load: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """What the load tells, as it tells it."""
    assert load.stdout is not None
    for line in load.stdout:
        yield json.loads(line)


def measured(running: Trial) -> dict[str, Any]:
    """Run the load of a trial to its end: its result, and `cpu_us`, the gateway's CPU for one payment."""
    cpu_s, result = [0.0, 0.0], None
    for event in events(running.load()):
        match event["event"]:
            case "begin":
                cpu_s[0] = running.cpu_s()
            case "end":
                cpu_s[1] = running.cpu_s()
            case "result":
                result = event
    running.check()
    if result is None:
        raise TrialFailed((running.folder / "load.log").read_text()[-2000:] or "the load told no result")
    if result["other"] and not running.plan.silent_one_in:
        raise TrialFailed(f"not every payment was approved: {result['other']}")
    return {**result, "cpu_us": (cpu_s[1] - cpu_s[0]) * 1e6 / result["payments"]}


def _free_ports(count: int) -> list[int]:
    """Ports nobody uses now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
