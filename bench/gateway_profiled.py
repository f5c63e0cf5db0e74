"""The gateway under cProfile. `python -m bench.gateway_profiled CONFIG`; SIGTERM ends it and writes the profiles.

`loop.txt` and `writer.txt` stand beside CONFIG. cProfile makes calls dearer than they are: read shares, not sums.
"""

import cProfile
import io
import pstats
import sys
from collections.abc import Sequence
from pathlib import Path

from yuanlu.cli.main import serve
from yuanlu.journal.appending import Unit
from yuanlu.journal.sqlite_store import SqliteStore
from yuanlu.journal.unit import Committed, Conflict

LINES = 60


def write_profile(profile: cProfile.Profile, path: Path) -> None:
    """The dearest functions by their own time."""
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(LINES)
    path.write_text(text.getvalue(), encoding="utf-8")


def main(config: Path) -> None:
    """Serve with a profile for the loop's thread and one for the writer's."""
    loop, writing, write = cProfile.Profile(), cProfile.Profile(), SqliteStore._append

    def profiled(store: SqliteStore, batch: Sequence[Unit]) -> list[Committed | Conflict]:
        writing.enable()
        try:
            return write(store, batch)
        finally:
            writing.disable()

    SqliteStore._append = profiled  # type: ignore[method-assign, assignment]
    loop.enable()
    serve(config)
    loop.disable()
    write_profile(loop, config.parent / "loop.txt")
    write_profile(writing, config.parent / "writer.txt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
