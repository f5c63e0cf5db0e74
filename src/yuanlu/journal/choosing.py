"""Which kind of database a journal is on: its url says."""

from yuanlu.db.postgres import is_postgres
from yuanlu.db.sqlite import database_path
from yuanlu.journal.sqlite_store import SqliteStore
from yuanlu.journal.store import Store
from yuanlu.kernel.clock import Moment


async def open_store(url: str, folder: str, reserve_bytes: int, now: Moment) -> Store:
    """Lock, check and prepare the database, and register as a writer.

    `url` is `[store] url`; `folder` is where a relative file starts. Raises StoreError or ConfigurationError saying
    what to do.
    """
    if is_postgres(url):
        from yuanlu.journal.postgres_store import PostgresStore  # noqa: PLC0415 - a file does not wait for its imports

        store = PostgresStore(url)
        await store.open(now)
        return store
    return SqliteStore(database_path(url, folder), reserve_bytes, now)
