"""`python -m bench [PART …] [--quick] [--profile]`: measure, print a table, write var/bench/results.json."""

import argparse
import json
import statistics
import sys

from rich.console import Console
from rich.table import Table

from bench.conditions import conditions
from bench.parts import DEFAULT, PARTS, Runs, profile
from bench.trial import FOLDER
from yuanlu.kernel.errors import YuanluError

RESULTS = FOLDER / "results.json"
TARGETS = {
    "codec_decode_ratio": ("≥", 5),
    "decide_us": ("≤", 100),
    "decide_us_50_neighbours": ("≤", 100),
    "gateway_tps_256": ("≥", 10_000),
    "gateway_tps_256_mac": ("≥", 6_000),
    "gateway_tps_256_postgres": ("≥", 5_000),
    "postgres_two_gateways_ratio": ("≥", 1.5),
    "durable_ratio": ("≥", 0.5),
    "latency_ms_p99_32": ("≤", 10),
    "reversal_ms_p99": ("≤", 1_000),
    "idle_5000_rss_mib": ("≤", 300),
    "recovery_first_sale_s": ("≤", 5),
    "console_fragment_kb": ("≤", 15),
    "console_200_listeners_news_cpu_percent": ("≤", 10),
    "gateway_console_open_ratio": ("≥", 0.95),
}
WITH_CHART = ("monitor", "analysis")
PAGES_MS_P95_MAX = 100
PAINT_MS_MAX, SHIFT_MAX = 1_000, 0.02
PAGES_KB_MAX, CHARTS_KB_MAX, CARDHOLDER_KB_MAX = 45, 80, 30


def main() -> int:
    """Run what the command line asks for; 1 when a trial failed, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; by default all but memory, recovery and console"
    )
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    parser.add_argument("--profile", action="store_true", help="cProfile of the gateway into var/bench/profile-*.txt")
    parser.add_argument("--mac", action="store_true", help="with --profile: use MACs")
    given = parser.parse_args()
    if unknown := [name for name in given.parts if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    try:
        if given.profile:
            profile(mac=given.mac)
            print(f"written: {', '.join(str(path) for path in sorted(FOLDER.glob('profile-*.txt')))}")
            return 0
        for name in given.parts or DEFAULT:
            before = conditions(FOLDER)
            report(name, PARTS[name](quick=given.quick), before)
    except YuanluError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def report(part: str, runs: Runs, before: dict[str, object]) -> None:
    """Print a part's medians and write them among the others."""
    medians = {name: statistics.median(values) for name, values in runs.items()}
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"conditions": {}, "runs": {}}
    known |= {name: round(value, 3) for name, value in medians.items()}
    known["conditions"][part] = before
    known["runs"] |= {name: [round(value, 3) for value in values] for name, values in runs.items()}
    RESULTS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    Console().print(table(part, runs, medians))


def table(part: str, runs: Runs, medians: dict[str, float]) -> Table:
    """One row a figure: median, lowest, highest, target."""
    shown = Table(title=part, title_justify="left", title_style="bold")
    shown.add_column("figure", no_wrap=True)
    for heading in ("median", "lowest", "highest", "runs", "target"):
        shown.add_column(heading, justify="right")
    for name, values in runs.items():
        sign, limit = _target(name)
        met = not sign or (medians[name] >= limit if sign == "≥" else medians[name] <= limit)
        target = f"{sign} {limit:,}" if sign else ""
        row = (_figure(medians[name]), _figure(min(values)), _figure(max(values)), str(len(values)), target)
        shown.add_row(name, *row, style=None if met else "red")
    return shown


def _target(name: str) -> tuple[str, float]:
    """What is asked of a figure; pages of the console share their budgets."""
    page = name.removeprefix("console_")
    if name in TARGETS or page == name:
        return TARGETS.get(name, ("", 0))
    if page.endswith("_paint_ms"):
        return "≤", PAINT_MS_MAX
    if page.endswith("_cls"):
        return "≤", SHIFT_MAX
    if page.endswith("_ms_p95"):
        return "≤", PAGES_MS_P95_MAX
    if page.endswith("_kb") and not page.endswith("_plain_kb"):
        of = page.removesuffix("_kb")
        return "≤", CARDHOLDER_KB_MAX if of == "cardholder" else CHARTS_KB_MAX if of in WITH_CHART else PAGES_KB_MAX
    return "", 0


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}"


if __name__ == "__main__":
    sys.exit(main())
