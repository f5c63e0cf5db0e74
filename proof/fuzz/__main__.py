"""`python -m proof.fuzz [TARGET …] [--seconds N | --runs N] [--seed N] [--input FILE]`.

Each target runs in a process of its own, guided by coverage, from its corpus in tests/corpus. What is found new goes to
var/fuzz/TARGET; an input that makes it fail is kept there, too, with the command that plays it again. Exit code 1 when
there was one.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from proof.fuzz.targets import TARGETS

CORPUS = Path(__file__).parents[2] / "tests" / "corpus"
FOUND = Path("var/fuzz")
SECONDS = 5
MEMORY_MIB_MAX = 2_048
SLOW_S = 10


def main() -> int:
    """Run what the command line asks for; 1 when a target failed, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)}; by default all")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--seconds", type=int, default=SECONDS, help="for each target")
    limit.add_argument("--runs", type=int, default=0, help="inputs for each target, instead of a time")
    parser.add_argument("--seed", type=int, default=1, help="the same seed and number of runs try the same inputs")
    parser.add_argument("--input", type=Path, help="play one file through one target")
    given = parser.parse_args()
    if unknown := [name for name in given.targets if name not in TARGETS]:
        parser.error(f"no target is called {', '.join(unknown)}; there are: {', '.join(TARGETS)}")
    if given.input is not None:
        if len(given.targets) != 1:
            parser.error("--input needs one target")
        TARGETS[given.targets[0]].check(given.input.read_bytes())
        return 0
    limits = [f"-runs={given.runs}"] if given.runs else [f"-max_total_time={given.seconds}"]
    tried = {name: fuzz(name, [*limits, f"-seed={given.seed}"]) for name in given.targets or TARGETS}
    failed = [name for name, (held, _) in tried.items() if not held]
    inputs = sum(number for _, number in tried.values())
    print(f"{len(tried)} targets, {inputs:,} inputs, seed {given.seed}; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


def fuzz(name: str, limits: list[str]) -> tuple[bool, int]:
    """Fuzz one target; whether it held, and with how many inputs. What it says is printed when it did not."""
    place = FOUND / name
    place.mkdir(parents=True, exist_ok=True)
    before = set(place.glob("*-*"))
    options = [
        f"-artifact_prefix={place}/", f"-max_len={TARGETS[name].bytes_max}", f"-rss_limit_mb={MEMORY_MIB_MAX}",
        f"-timeout={SLOW_S}", "-print_final_stats=1",
    ]  # fmt: skip
    command = [sys.executable, "-m", "proof.fuzz.worker", name, *options, *limits, str(place), str(CORPUS / name)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = ended.stdout.decode(errors="replace")
    units = said.rpartition("number_of_executed_units:")[2].split("\n")[0].strip()
    tried = int(units) if units.isdecimal() else 0
    print(f"{name:14} {tried:9} inputs  {'ok' if ended.returncode == 0 else 'FAILED'}")
    if ended.returncode:
        print(said[-4_000:])
        for path in sorted(set(place.glob("*-*")) - before):
            print(f"again: python -m proof.fuzz {name} --input {path}")
    return ended.returncode == 0, tried


if __name__ == "__main__":
    sys.exit(main())
