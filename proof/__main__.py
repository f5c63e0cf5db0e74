"""`python -m proof model` and `python -m proof guards`: print figures, exit 1 when something is wrong."""

import argparse
import sys

from proof.checker import CHECKS, ELSEWHERE
from proof.guards import GUARDS, unnoticed_after
from proof.model.plan import PROFILES, plan_of
from proof.model.run import Figures, chosen, modelled, replay_command, run_seeds, shrunk, told

SHOWN_MAX = 3
"""So many failures are shrunk and told; the others are only named."""


def main() -> int:
    """0 when everything holds, 1 when not, 2 for a wrong command line."""
    given = _parser().parse_args()
    if given.part == "guards":
        return _guards(given.seeds)
    if given.seed is not None:
        with modelled():
            story = told(chosen(given.seed, profile=given.profile, sales=given.sales, faults=given.faults))
        print(story)
        return int("  !! " in story)
    figures = run_seeds(given.first, given.seeds, profile=given.profile, jobs=given.jobs)
    _print(figures)
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


def _guards(seeds: int) -> int:
    missed = []
    with modelled():
        for guard in GUARDS:
            noticed = unnoticed_after(guard, seeds)
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


if __name__ == "__main__":
    sys.exit(main())
