"""The event stream: small signals that something changed, never rows. A page then asks for its own fragment.

One watcher looks at the journal each second, by a few look-ups, and tells all open pages: `tick` for any fact, `cases`
and `incidents` for those, `beat` while nothing happens. Many pages cost one look.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog
from sqlalchemy import Connection

from yuanlu.console.store import ConsoleStore
from yuanlu.people.overview import Mark, kinds_since, mark_now

LOOK_EVERY_S = 1.0
BEAT_EVERY_S = 2.0
STREAM_S = 300.0
"""Then the browser comes again, and its session is looked at again."""
WAITING_MAX = 16
STREAMS_MAX = 500

_log = structlog.get_logger("yuanlu.console")


class Live:
    """The watcher and the pages that listen."""

    def __init__(self, store: ConsoleStore) -> None:
        self._store = store
        self._mark: Mark | None = None
        self._listeners: set[asyncio.Queue[str]] = set()
        self._number = 0
        self.news = 0
        """How often something new was told: what was read before the latest of it is old."""

    async def watch(self) -> None:
        """Look for ever. A look that fails is told and comes again: pages say themselves that nothing comes."""
        while True:
            try:
                if self._listeners:
                    names = await self._store.read(self._look)
                    self.news += bool(names)
                    for name in names:
                        self._tell(name)
            except Exception:
                _log.exception("a look at the journal failed")
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self, connection: Connection) -> list[str]:
        """The signals since the last look."""
        before, self._mark = self._mark, mark_now(connection)
        if before is None:  # whoever listens already came before this look
            return ["tick", "cases", "incidents"]
        if before == self._mark:
            return []
        kinds = kinds_since(connection, before)
        signals = ["tick"]
        someone = before.newest_writer != self._mark.newest_writer  # a person was here, and is gone again
        if kinds is None or someone or any(kind.startswith(("CASE_", "RETURN_", "ESCALATED")) for kind in kinds):
            signals.append("cases")
        if kinds is None or someone or any(kind.startswith("INCIDENT_") for kind in kinds):
            signals.append("incidents")
        return signals

    def _tell(self, name: str) -> None:
        for queue in self._listeners:
            with suppress(asyncio.QueueFull):  # a page that does not keep up asks for everything anyway
                queue.put_nowait(name)

    async def stream(self) -> AsyncIterator[bytes]:
        """Signals as Server-Sent Events, for some minutes."""
        queue: asyncio.Queue[str] = asyncio.Queue(WAITING_MAX)
        self._listeners.add(queue)
        loop = asyncio.get_running_loop()
        until = loop.time() + STREAM_S
        try:
            yield b"retry: 1000\n\nevent: beat\ndata:\n\n"
            while loop.time() < until:
                try:
                    name = await asyncio.wait_for(queue.get(), BEAT_EVERY_S)
                except TimeoutError:
                    name = "beat"
                self._number += 1
                yield f"id: {self._number}\nevent: {name}\ndata:\n\n".encode()
        finally:
            self._listeners.discard(queue)

    @property
    def crowded(self) -> bool:
        """Whether one more page would be too many."""
        return len(self._listeners) >= STREAMS_MAX
