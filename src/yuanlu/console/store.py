"""The journal as the console's event loop sees it: reads beside the gateway, and people's actions in short visits.

Plain functions of a connection run in a few threads on SQLite and on asyncpg's connections on PostgreSQL. Actions are
the same functions that the command line calls (`yuanlu.people`), each in a thread.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from yuanlu.db import choosing
from yuanlu.db.postgres import is_postgres
from yuanlu.db.postgres_engine import engine_for
from yuanlu.settings import Settings

READERS, ACTORS = 3, 4
Result = TypeVar("Result")


class ConsoleStore:
    """Reads and actions; `close` at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="console-read")
        self._actors = ThreadPoolExecutor(ACTORS, thread_name_prefix="console-act")
        url = settings.store.url
        self._server: AsyncEngine | None = engine_for(url, read_only=True) if is_postgres(url) else None
        self._file = None if self._server else choosing.reading(url, settings.folder)

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """What `query` finds, as the journal stands now."""
        if self._server is not None:
            async with self._server.connect() as connection:
                return await connection.run_sync(query)
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read_file, query)

    def _read_file(self, query: Callable[[Connection], Result]) -> Result:
        assert self._file is not None, "one of the two is there"
        with self._file.connect() as connection:
            return query(connection)

    async def act(self, action: Callable[..., Result], *args: object, **named: object) -> Result:
        """Run a function of `yuanlu.people`, which takes the settings first; its errors come through."""
        work = partial(action, self._settings, *args, **named)
        return await asyncio.get_running_loop().run_in_executor(self._actors, work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Rows that are no facts (a session was used) in a short transaction of their own; what `work` gives."""
        return await self.act(_plainly, work)

    async def close(self) -> None:
        """Let the database go."""
        if self._server is not None:
            await self._server.dispose()
        if self._file is not None:
            self._file.dispose()
        self._readers.shutdown()
        self._actors.shutdown()


def _plainly(settings: Settings, work: Callable[[Connection], Result]) -> Result:
    def on_engine() -> Result:
        engine = choosing.visiting(settings.store.url, settings.folder)
        try:
            with engine.begin() as connection:
                return work(connection)
        finally:
            engine.dispose()

    return choosing.beside(settings.store.url, on_engine)
