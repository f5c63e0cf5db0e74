"""`python -m proof.processes`: kill real gateways under load behind a network that fails, and judge what is left."""

import argparse
import sys
from pathlib import Path

from proof.processes.run import run
from yuanlu.kernel.errors import YuanluError

VIOLATIONS_SHOWN = 20


def main() -> int:
    """0 when nothing is wrong, 1 for violations, 2 when it could not be run."""
    parser = argparse.ArgumentParser(prog="python -m proof.processes", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite", help="sqlite by default")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.0, help="sell for so long at least")
    given = parser.parse_args()
    try:
        result = run(
            seed=given.seed,
            kills=given.kills,
            seconds=given.seconds,
            database=given.database,
            keep=Path(f"var/proof/processes-{given.database}-{given.seed}"),
            say=_say,
        )
    except YuanluError as error:
        _say(f"it could not be run: {error}")
        return 2
    _say("besides: " + ", ".join(f"{name} {count}" for name, count in sorted(result.troubles.items())))
    for violation in result.violations[:VIOLATIONS_SHOWN]:
        _say(f"VIOLATION {violation}")
    for tale in result.tales:
        _say(tale)
    _say(result.summary)
    if result.violations:
        _say(f"journal, hosts' files, what tills were told and logs are in {result.kept}")
        _say(f"again: python -m proof.processes --database {given.database} --seed {given.seed} --kills {given.kills}")
        _say("the same seed kills and troubles alike; real time does not repeat, so it may take several goes")
    return 1 if result.violations else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
