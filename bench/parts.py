"""The parts of the benchmark: each runs its trials and gives named figures, one value a run."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import codec, deciding
from bench.console import beside_gateway, pages
from bench.load import at_share
from bench.on_postgres import on_postgres
from bench.recovery import recovery
from bench.trial import FOLDER, Plan, TrialFailed, events, measured, trial

MANY, FEW, IDLE = 256, 32, 5_000
PROGRESS = 100_000
SETTLE_S = 2.0
REVERSAL_TIMEOUT_MS = 500
REVERSALS_DONE_S = 10.0

Runs = dict[str, list[float]]


def run_codec(*, quick: bool) -> Runs:
    """The codec alone, against pyiso8583."""
    return {name: [value] for name, value in codec.run().items()}


def run_deciding(*, quick: bool) -> Runs:
    """Cause and way back of one abnormal transaction, together."""
    return {name: [value] for name, value in deciding.run().items()}


def run_gateway(*, quick: bool) -> Runs:
    """Payments a second from 256 terminals: as it is, with commits off, with MACs on both sides, with PINs too."""
    runs: Runs = {}
    for _ in range(1 if quick else 5):
        durable = _into(runs, "gateway", _plan(quick))
        volatile = _into(runs, "gateway_without_commits", _plan(quick, gateway="without commits"))
        _put(runs, "durable_ratio", durable / volatile)
        _into(runs, "gateway_mac", _plan(quick, mac=True))
        if not quick:
            _into(runs, "gateway_mac_pin", _plan(quick, mac=True, pin=True))
    for name in ("gateway", "gateway_without_commits", "gateway_mac", "gateway_mac_pin"):
        if f"{name}_tps" in runs:
            suffix = name.removeprefix("gateway")
            runs[f"gateway_tps_256{suffix}"] = runs.pop(f"{name}_tps")
    return runs


def run_latency(*, quick: bool) -> Runs:
    """From 32 terminals, each sending as soon as it is answered: milliseconds from request to answer."""
    runs: Runs = {}
    for _ in range(1 if quick else 5):
        plan = Plan(terminals=FEW, warm_s=1.0, measure_s=2.0 if quick else 4.0)
        with trial(plan) as running:
            seen = measured(running)
        for share in ("p50", "p99", "p999"):
            _put(runs, f"latency_ms_{share}_32", seen[f"{share}_ms"])
        _put(runs, "gateway_tps_32", seen["tps"])
    return runs


def run_reversal(*, quick: bool) -> Runs:
    """The host leaves one sale in 20 unanswered: milliseconds from the gateway's time-out until its leg is RETURNED."""
    runs: Runs = {}
    for _ in range(1 if quick else 3):
        plan = Plan(
            terminals=FEW, warm_s=0.5, measure_s=4.0 if quick else 8.0, silent_one_in=20,
            answer_timeout_ms=REVERSAL_TIMEOUT_MS,
        )  # fmt: skip
        with trial(plan) as running:
            measured(running)
            taken = _reversal_ms(running.journal)
        _put(runs, "reversals", len(taken))
        _put(runs, "reversal_ms_p50", at_share(taken, 0.5))
        _put(runs, "reversal_ms_p99", at_share(taken, 0.99))
        _put(runs, "reversal_ms_max", taken[-1])
    return runs


def _reversal_ms(journal: Path) -> list[float]:
    """From the journal, once all are returned: leg closed less original sent less the host's time-out."""
    until_s = time.monotonic() + REVERSALS_DONE_S
    while time.monotonic() < until_s:
        time.sleep(0.2)
        connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        rows = connection.execute("SELECT state, closed_at_us - original_sent_at_us FROM legs").fetchall()
        connection.close()
        if rows and all(state == "RETURNED" for state, _ in rows):
            return sorted(us / 1000 - REVERSAL_TIMEOUT_MS for _, us in rows)
    raise TrialFailed(f"not every payment without an answer was returned after {REVERSALS_DONE_S:.0f} s")


def run_idle(*, quick: bool) -> Runs:
    """Memory of a gateway with 5,000 terminals that signed in, paid once with MACs, and say nothing more."""
    with trial(Plan(terminals=IDLE, mac=True, once=True)) as running:
        empty_mib = running.rss_mib()
        load = running.load()
        idle = next(events(load), None)
        if idle is None or idle["other"]:
            raise TrialFailed(f"not every terminal paid: {idle}")
        time.sleep(SETTLE_S)
        full_mib = running.rss_mib()
        load.kill()
    return {"idle_0_rss_mib": [empty_mib], "idle_5000_rss_mib": [full_mib]}


def run_memory(*, quick: bool) -> Runs:
    """A soak from 256 terminals: memory after each 100,000 payments; a million in full, 300,000 when quick."""
    payments = 300_000 if quick else 1_000_000
    plan = Plan(terminals=MANY, payments=payments, progress_every=PROGRESS)
    rss_mib: list[float] = []
    with trial(plan) as running:
        for event in events(running.load()):
            if event["event"] == "progress":
                rss_mib.append(running.rss_mib())
            if event["event"] == "result" and event["other"]:
                raise TrialFailed(f"not every payment was approved: {event['other']}")
        running.check()
    if len(rss_mib) < 2:
        raise TrialFailed("the load ended before its time")
    growth = (rss_mib[-1] - rss_mib[0]) / (len(rss_mib) - 1)
    return {"memory_rss_mib_each_100k": rss_mib, "memory_growth_mib_per_100k": [growth]}


def run_recovery(*, quick: bool) -> Runs:
    """After kill -9 with a million payments, 100,000 of them in return; a tenth when quick: seconds from the start."""
    return {name: [value] for name, value in recovery(quick=quick).items()}


def run_console(*, quick: bool) -> Runs:
    """Every main page over a million payments, a twentieth when quick; and the gateway with a live monitor open."""
    runs = {name: [value] for name, value in pages(quick=quick).items()}
    for _ in range(1 if quick else 5):
        for name, value in beside_gateway(terminals=MANY, measure_s=2.5 if quick else 4.0).items():
            _put(runs, name, value)
    return runs


def run_postgres(*, quick: bool) -> Runs:
    """Payments a second from 256 terminals on a PostgreSQL of its own: with one gateway, and with two that share it."""
    runs: Runs = {}
    for _ in range(1 if quick else 5):
        for name, value in on_postgres(terminals=MANY, measure_s=2.5 if quick else 4.0).items():
            _put(runs, name, value)
    return runs


def profile(*, mac: bool) -> None:
    """The gateway under cProfile; the texts go to var/bench/profile-*.txt."""
    for path in FOLDER.glob("profile-*.txt"):
        path.unlink()
    with trial(Plan(terminals=MANY, mac=mac, gateway="profiled", measure_s=6.0), keep=FOLDER) as running:
        measured(running)
    if not any(FOLDER.glob("profile-*.txt")):
        raise TrialFailed("the gateway did not stop in good order, so it wrote no profile")


def _plan(quick: bool, *, mac: bool = False, pin: bool = False, gateway: str = "product") -> Plan:
    return Plan(terminals=MANY, mac=mac, pin=pin, gateway=gateway, measure_s=2.5 if quick else 4.0)


def _into(runs: Runs, name: str, plan: Plan) -> float:
    """Run a plan and note payments a second, the gateway's CPU for each, and the waiting time."""
    with trial(plan) as running:
        seen = measured(running)
    _put(runs, f"{name}_tps", seen["tps"])
    _put(runs, f"{name}_cpu_us", seen["cpu_us"])
    _put(runs, f"{name}_ms_p99", seen["p99_ms"])
    return float(seen["tps"])


def _put(runs: Runs, name: str, value: float) -> None:
    runs.setdefault(name, []).append(value)


PARTS: Mapping[str, Callable[..., Runs]] = {
    "codec": run_codec,
    "deciding": run_deciding,
    "gateway": run_gateway,
    "latency": run_latency,
    "reversal": run_reversal,
    "idle": run_idle,
    "memory": run_memory,
    "recovery": run_recovery,
    "postgres": run_postgres,
    "console": run_console,
}
DEFAULT = ("codec", "deciding", "gateway", "postgres", "latency", "reversal", "idle")
"""What runs when no part is named; the soak, the recovery and the console take minutes and are asked for by name."""
