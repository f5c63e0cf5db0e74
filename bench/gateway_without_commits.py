"""The gateway without its journal's commits: what durability costs. `python -m bench.gateway_without_commits CONFIG`.

For measuring only; the product has no such switch. Everything else stays: batching, the hop to the writer's thread,
masking, sealing, the building of every row.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from yuanlu.cli.main import serve
from yuanlu.journal.appending import Unit
from yuanlu.journal.sqlite_store import SqliteStore
from yuanlu.journal.unit import Committed, Conflict, SendPermit


def accept(_store: SqliteStore, batch: Sequence[Unit]) -> list[Committed | Conflict]:
    """Say at once that all of it is durable."""
    return [Committed(permit=SendPermit(unit.facts[-1].subject_id if unit.facts else "", 0)) for unit in batch]


if __name__ == "__main__":
    SqliteStore._append = accept  # type: ignore[method-assign, assignment]
    serve(Path(sys.argv[1]))
