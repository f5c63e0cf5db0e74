"""`python -m proof PART`: run one part of the proof, print its figures, exit 1 when something is wrong."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from proof import schedules
from proof.checker import CHECKS, ELSEWHERE
from proof.crashes import run as crash_points
from proof.crashes.run import Point
from proof.guards import GUARDS, unnoticed_after
from proof.model.plan import PROFILES, plan_of
from proof.model.run import Figures, chosen, modelled, replay_command, run_seeds, shrunk, told
from proof.powerloss import run as power_cuts
from proof.powerloss.gateway import WEAKNESSES
from proof.powerloss.recording import Recording, load
from proof.quiet import quiet
from proof.report import LEVELS, run_all
from yuanlu.kernel.errors import YuanluError

WEAK_IMAGES = 1_000
SHOWN_MAX = 3
"""So many failures are shrunk and told; the others are only named."""


def main() -> int:
    """0 when everything holds, 1 when not, 2 for a wrong command line."""
    given = _parser().parse_args()
    quiet()
    try:
        return PARTS[given.part](given)
    except YuanluError as error:
        print(f"python -m proof {given.part}: {error}", file=sys.stderr)
        return 2


def _model(given: argparse.Namespace) -> int:
    if given.seed is not None:
        with modelled():
            story = told(chosen(given.seed, profile=given.profile, sales=given.sales, faults=given.faults))
        print(story)
        return int("  !! " in story)
    figures = run_seeds(given.first, given.seeds, profile=given.profile, jobs=given.jobs)
    _print(figures)
    counts = figures.counts
    print(
        f"{figures.seeds:,} seeds from {given.first}, {counts['payments']:,} payments, {counts['crashes']:,} crashes, "
        f"{figures.seeds / figures.seconds:,.0f} seeds a second; violations: {len(figures.failed)}"
    )
    return int(bool(figures.failed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    model = parts.add_parser("model", help="seeded worlds in virtual time (L0)")
    model.add_argument("--seeds", type=int, default=1_000, help="how many; 1,000 by default")
    model.add_argument("--from", dest="first", type=int, default=0, metavar="N", help="the first seed")
    model.add_argument("--profile", choices=PROFILES, default="", help="every host is of this profile")
    model.add_argument("--jobs", type=int, default=1, help="processes")
    model.add_argument("--seed", type=int, metavar="N", help="this one alone, told in words")
    model.add_argument("--trace", action="store_true", help="with --seed: always so")
    model.add_argument("--sales", default="", metavar="N,N", help="with --seed: these of its sales alone")
    model.add_argument("--faults", default="", metavar="N,N", help="with --seed: these of the faults alone, or none")
    guards = parts.add_parser("guards", help="take each guard away: does anybody notice? (L5)")
    guards.add_argument("--seeds", type=int, default=3_000, help="so many seeds are tried for each guard")
    crashes = parts.add_parser("crashes", help="every crash point of many stories (L1)")
    crashes.add_argument("--seed", type=int, default=1)
    crashes.add_argument("--whole", action="store_true", help="all stories; without it every second one")
    crashes.add_argument("--jobs", type=int, default=2, help="processes")
    crashes.add_argument("--story", default="", help="this one alone, stopped at --stops")
    crashes.add_argument("--stops", default="", metavar="N,N", help="the step of each life at which it is stopped")
    power = parts.add_parser("powerloss", help="states of the disk after a power cut (L2)")
    power.add_argument("--seed", type=int, default=1)
    power.add_argument("--images", type=int, default=10_000)
    power.add_argument("--jobs", type=int, default=2, help="processes")
    power.add_argument("--recorded", type=Path, help="a recording that was kept: rebuild --place and --image of it")
    power.add_argument("--place", type=int, default=0)
    power.add_argument("--image", type=int, default=0)
    schedules = parts.add_parser("schedules", help="the real asyncio stack, each seed another order (L3)")
    schedules.add_argument("--count", type=int, default=1_000)
    schedules.add_argument("--from", dest="first", type=int, default=0, metavar="N", help="the first seed")
    schedules.add_argument("--jobs", type=int, default=2, help="processes")
    schedules.add_argument("--seed", type=int, metavar="N", help="this one alone")
    everything = parts.add_parser("all", help="all parts one after the other, with a report")
    everything.add_argument("--release", action="store_true", help="the long form; goes on where it was stopped")
    everything.add_argument("--only", nargs="+", choices=LEVELS, default=(), metavar="LEVEL", help=", ".join(LEVELS))
    everything.add_argument("--write", type=Path, help="write the report into this page, in its form's table")
    return parser


def _print(figures: Figures) -> None:
    counts = figures.counts
    speed = figures.seeds / figures.seconds
    print(f"{figures.seeds:,} seeds in {figures.seconds:.1f} s, {speed:,.0f} a second")
    print(", ".join(f"{counts[name]:,} {name}" for name in ("payments", "frames to the host", "crashes")))
    ends = {name: number for name, number in counts.items() if name.isupper()}
    print("states at rest: " + ", ".join(f"{name} {number:,}" for name, number in sorted(ends.items())))
    print("worlds by fault: " + ", ".join(f"{name} {number:,}" for name, number in figures.hits.most_common()))
    print(f"invariants checked: {', '.join(CHECKS)}")
    print("not seen here: " + "; ".join(f"{name}, {why}" for name, why in ELSEWHERE.items()))
    print(f"violations: {len(figures.failed)}")
    for seed, violation in figures.failed:
        print(f"  seed {seed}: {violation}")
    with modelled():
        for seed, violation in figures.failed[:SHOWN_MAX]:
            plan = shrunk(plan_of(seed), violation.invariant)
            print(f"\n{told(plan)}\nagain: {replay_command(plan)}")


def _guards(given: argparse.Namespace) -> int:
    missed = []
    with modelled():
        for guard in GUARDS:
            noticed = unnoticed_after(guard, given.seeds)
            if noticed.violation is None:
                missed.append(guard.name)
                print(f"{guard.name}: UNNOTICED in {noticed.seeds:,} seeds")
            else:
                print(f"{guard.name}: {noticed.violation.invariant} after {noticed.seeds:,} seeds")
    print(
        f"{len(GUARDS) - len(missed)} of {len(GUARDS)} guards noticed"
        + (f"; not: {', '.join(missed)}" if missed else "")
    )
    return int(bool(missed))


def _crashes(given: argparse.Namespace) -> int:
    if given.story:
        stops = tuple(int(each) for each in given.stops.split(",") if each)
        wrong, steps = crash_points.replay(Point(scenario=given.story, seed=given.seed, stops=stops))
        print("\n".join(wrong) or f"nothing is wrong; its first life has {steps} steps")
        return int(bool(wrong))
    result = crash_points.run(seed=given.seed, whole=given.whole, jobs=given.jobs, tell=_progress)
    for violation in result.violations[:SHOWN_MAX]:
        point = violation.point
        at = ",".join(map(str, point.stops))
        print(f"{point.scenario}, stopped at {at or 'no step'}:", *violation.what, sep="\n  ")
        print(f"again: python -m proof crashes --seed {point.seed} --story '{point.scenario}' --stops {at}")
    print(
        f"{result.scenarios} stories, {result.points:,} crash points, {result.kills:,} kills, "
        f"seed {given.seed}; violations: {len(result.violations)}"
    )
    return int(bool(result.violations))


def _powerloss(given: argparse.Namespace) -> int:
    if given.recorded is not None:
        folder = Path(f"var/proof/image-{given.place}-{given.image}")
        wrong = power_cuts.again(load(given.recorded), given.seed, given.place, given.image, folder)
        print("\n".join(wrong) or "nothing is wrong", f"\nthe image is in {folder}")
        return int(bool(wrong))
    kept = Path(f"var/proof/powerloss-{given.seed}")
    with power_cuts.recorded(given.seed, WEAKNESSES) as weak:
        unnoticed = [name for name, each in weak.items() if not _is_noticed(name, each, given.seed, given.jobs, kept)]
    with power_cuts.recorded(given.seed, ["none"]) as whole:
        result = power_cuts.run(whole["none"], seed=given.seed, images=given.images, jobs=given.jobs, keep=kept)
    for violation in result.violations[:SHOWN_MAX]:
        print(f"place {violation.place}, image {violation.image}:", *violation.what[:SHOWN_MAX], sep="\n  ")
        print(
            f"again: python -m proof powerloss --seed {given.seed} --recorded {kept} --place {violation.place} "
            f"--image {violation.image}"
        )
    print(
        f"{result.images:,} images of {result.calls:,} system calls ({result.syncs:,} syncs, {result.frames:,} frames "
        f"sent), {result.restarts:,} started twice, seed {given.seed}; violations: {len(result.violations)}"
        + (f"; nobody noticed that this guard was missing: {', '.join(unnoticed)}" if unnoticed else "")
    )
    return int(bool(result.violations or unnoticed))


def _is_noticed(weakness: str, recording: Recording, seed: int, jobs: int, kept: Path) -> bool:
    """Whether the images show that this guard is missing."""
    result = power_cuts.run(recording, seed=seed, images=WEAK_IMAGES, jobs=jobs, keep=kept)
    print(f"without a guard ({weakness}): {len(result.violations):,} of {result.images:,} images show it")
    return bool(result.violations)


def _schedules(given: argparse.Namespace) -> int:
    if given.seed is not None:
        wrong = schedules.replay(given.seed, schedules.Result())
        print("\n".join(wrong) or "nothing is wrong")
        return int(bool(wrong))
    result = schedules.run(first=given.first, count=given.count, jobs=given.jobs, tell=_progress)
    for violation in result.violations[:SHOWN_MAX]:
        print(f"schedule {violation.seed}:", *violation.what, sep="\n  ")
        print(f"again: python -m proof schedules --seed {violation.seed}")
    print(
        f"{result.schedules:,} schedules from seed {given.first}, {result.transactions:,} transactions, "
        f"{result.kills:,} kills; violations: {len(result.violations)}"
    )
    return int(bool(result.violations))


def _all(given: argparse.Namespace) -> int:
    return run_all(release=given.release, only=given.only, page=given.write)


def _progress(text: str) -> None:
    """One line that is written over, for people; nothing in a log."""
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


PARTS: dict[str, Callable[[argparse.Namespace], int]] = {
    "model": _model,
    "guards": _guards,
    "crashes": _crashes,
    "powerloss": _powerloss,
    "schedules": _schedules,
    "all": _all,
}


if __name__ == "__main__":
    sys.exit(main())
