"""Whether the batch that a request names is closed; then it is refused before any intent.

A closed batch has been settled and captured: what came later under its number would be in no settlement that the
terminal makes. Asking the database costs every payment a read, so the batch last seen open is remembered, one for each
terminal. Only this process closes batches, and it says so here once the closing is durable.
"""

from dataclasses import dataclass, field
from functools import partial

from yuanlu.journal.writer import Journal
from yuanlu.reconciliation.store import BatchKey, BatchState, find_batch


@dataclass(slots=True)
class OpenBatches:
    """One per gateway."""

    _open: dict[str, BatchKey] = field(default_factory=dict)
    _closings: int = 0

    async def is_closed(self, journal: Journal, key: BatchKey) -> bool:
        """Whether this batch has been settled and closed."""
        if self._open.get(key.terminal_id) == key:
            return False
        before = self._closings
        found = await journal.read(partial(find_batch, key=key))
        if found is not None and found.state is BatchState.CLOSED:
            return True
        if before == self._closings:  # nothing was closed while we read
            self._open[key.terminal_id] = key
        return False

    def closed(self, key: BatchKey) -> None:
        """This batch is closed, durably."""
        self._closings += 1
        self._open.pop(key.terminal_id, None)
