"""The gateway on PostgreSQL: a server of its own on this machine, and one gateway or two.

Two gateways are two whole trials on one database, each with its own host, load and half of the terminals; what both
sell together is compared with what one sells with all of them. The server is as durable as the product demands, with
room for its pages and its log, which the defaults of Debian's package are too small for.
"""

import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bench.trial import TICKS_PER_S, Plan, measured, trial
from proof.postgres import Cluster
from yuanlu.keys.software import SoftwareKeyStore

SETTINGS = ("shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=15min")


def on_postgres(*, terminals: int, measure_s: float) -> dict[str, float]:
    """The figures of one run."""
    server = Cluster(*SETTINGS)
    try:
        plan = Plan(terminals=terminals, measure_s=measure_s)
        one = _together(server, [plan])
        half = terminals // 2
        two = _together(
            server,
            [Plan(terminals=half, first_terminal=first, measure_s=measure_s) for first in (0, half)],
        )
    finally:
        server.remove()
    return {
        "gateway_tps_256_postgres": one["tps"],
        "gateway_postgres_cpu_us": one["cpu_us"],
        "postgres_server_cpu_us": one["server_cpu_us"],
        "gateway_postgres_ms_p99": one["p99_ms"],
        "gateway_tps_256_postgres_two": two["tps"],
        "gateway_postgres_two_cpu_us": two["cpu_us"],
        "postgres_server_two_cpu_us": two["server_cpu_us"],
        "gateway_postgres_two_ms_p99": two["p99_ms"],
        "postgres_two_gateways_ratio": two["tps"] / one["tps"],
    }


def _together(server: Cluster, plans: list[Plan]) -> dict[str, float]:
    """These trials at the same time on a new database: payments a second of all, and the dearest of the rest."""
    url = server.new_database()
    key_file = server.folder / "keys.toml"
    SoftwareKeyStore.open(key_file, mode="sandbox", random_bytes=secrets.token_bytes, create=True)
    with ExitStack() as stack, ThreadPoolExecutor(len(plans)) as threads:
        trials = [stack.enter_context(trial(replace(plan, url=url, key_file=key_file))) for plan in plans]
        before_s = cpu_s(server)
        seen = list(threads.map(measured, trials))
        spent_s = cpu_s(server) - before_s
    # Warming up is in the server's time, too, so it is shared among all payments, the warm ones included.
    return {
        "tps": sum(each["tps"] for each in seen),
        "cpu_us": max(each["cpu_us"] for each in seen),
        "p99_ms": max(each["p99_ms"] for each in seen),
        "server_cpu_us": spent_s * 1e6 / max(1, _payments(server, url)),
    }


def _payments(server: Cluster, url: str) -> int:
    """All that the database holds."""
    query = ("-A", "-t", "-c", "SELECT count(*) FROM transactions", url.rpartition("/")[2])
    return int(server.run("psql", *server.reach, *query))


def cpu_s(server: Cluster) -> float:
    """CPU seconds of the server so far: all its processes, and those that have ended."""
    return sum(_cpu_ticks(pid) for pid in server.processes()) / TICKS_PER_S


def _cpu_ticks(pid: int) -> int:
    """Own, and of children that were waited for (proc(5), fields 14 to 17)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))
