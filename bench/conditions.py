"""Under what conditions a measurement was made: machine, versions, disk, and who else was running."""

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

from pysqlite3 import dbapi2

SYNCS = 200
PAGE = b"\0" * 4096


def conditions(folder: Path) -> dict[str, object]:
    """Machine, versions, load average and the disk's latency, measured in `folder`."""
    sync_us = fdatasync_us(folder)
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        "uvloop": version("uvloop"),
        "sqlite": dbapi2.sqlite_version,
        "fdatasync_us_p50": round(sync_us[SYNCS // 2]),
        "fdatasync_us_p99": round(sync_us[SYNCS * 99 // 100]),
        "load_average_1_min": round(os.getloadavg()[0], 2),
    }


def fdatasync_us(folder: Path) -> list[float]:
    """Microseconds to append one page and make it durable, in ascending order."""
    folder.mkdir(parents=True, exist_ok=True)
    path, taken = folder / "fdatasync.tmp", []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        for _ in range(SYNCS):
            began_s = time.perf_counter()
            os.write(descriptor, PAGE)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - began_s) * 1e6)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(taken)


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
