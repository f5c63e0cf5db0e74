"""`python -m yuanlu.db.integrity FILE`: SQLite's own check, in a process of its own.

Exit code 0: sound; 1: damaged, with the finding on standard output; 2: it could not be checked.
"""

import os
import sys
from pathlib import Path

from yuanlu.db.sqlite import integrity_problem


def main() -> int:
    """Check the file named on the command line."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        return 2
    problem = integrity_problem(Path(sys.argv[1]))
    try:
        sys.stdout.write(problem or "sound")
        sys.stdout.flush()
    except BrokenPipeError:  # the gateway that asked was killed meanwhile; the next one asks again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
