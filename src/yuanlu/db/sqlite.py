"""SQLite as the journal needs it: durable first, then fast.

The rules and why (`docs/decisions/0003-sqlite.md`): synchronous=EXTRA is set *before* WAL, since a power loss can
otherwise take acknowledged commits on file systems with loose directory ordering; each pragma is read back, because
SQLite ignores what it does not know; versions 3.7.0 – 3.51.2 can corrupt a WAL database and are refused.
"""

import fcntl
import os
from pathlib import Path
from typing import IO, Any

from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import QueuePool

from yuanlu.db.errors import StoreError, StoreLocked
from yuanlu.kernel.errors import ConfigurationError

SAFE_VERSION = (3, 51, 3)
BUSY_TIMEOUT_MS = 1_000
LOCKED, LOCKED_TRIES = "database is locked", 20
"""How often who writes for a moment asks to begin; SQLite waits `BUSY_TIMEOUT_MS` each time."""
CHECKPOINT_PAGES_MAX = 40_000
"""SQLite's own checkpoint, inside a commit: only if `Checkpointer`, which comes long before, does not get through."""
CACHE_KIB = 16 * 1024
"""Each commit that balanced an index looks through the whole cache: with 64 MiB that is 4 µs a payment from 256
terminals, and more from fewer. What is hot, the ends of the tables and the leaves of busy terminals, fits into this."""

# Without a way of its own, the driver looks in vain for one at each value that is no int, float or str: a microsecond.
dbapi2.register_adapter(bytes, bytes)
dbapi2.register_adapter(type(None), lambda nothing: nothing)

# (pragma, value to set, value to read back); the order is part of the rule.
_WRITER = (
    ("synchronous", "EXTRA", 3),
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "EXTRA", 3),
    ("foreign_keys", "ON", 1),
    ("busy_timeout", str(BUSY_TIMEOUT_MS), BUSY_TIMEOUT_MS),
    ("wal_autocheckpoint", str(CHECKPOINT_PAGES_MAX), CHECKPOINT_PAGES_MAX),
    ("cache_size", str(-CACHE_KIB), -CACHE_KIB),
)
_CHECKPOINTER = _WRITER[:-2]
_VISITOR = (*_WRITER[:-2], ("wal_autocheckpoint", "0", 0))  # the gateway alone checkpoints
_READER = (
    ("query_only", "ON", 1),
    ("busy_timeout", str(BUSY_TIMEOUT_MS), BUSY_TIMEOUT_MS),
    ("wal_autocheckpoint", "0", 0),
)


def database_path(url: str, folder: str) -> Path:
    """The file behind `sqlite:///relative` or `sqlite:////absolute`; ConfigurationError for anything else."""
    if not url.startswith("sqlite:///"):
        raise ConfigurationError(f'[store] url "{url}": give sqlite:///FILE or postgresql://USER@HOST/DATABASE')
    name = url.removeprefix("sqlite:///")
    if name in ("", ":memory:"):
        raise ConfigurationError(f'[store] url "{url}": the journal must be a file, it has to survive a crash')
    path = Path(name)
    return path if path.is_absolute() else Path(folder) / path


def refuse_vulnerable_sqlite(version: tuple[int, ...]) -> None:
    """StoreError for an SQLite that can lose a WAL database."""
    if version < SAFE_VERSION:
        have, need = (".".join(map(str, v)) for v in (version, SAFE_VERSION))
        raise StoreError(
            f"SQLite {have} can corrupt a WAL database; {need} or later is needed. "
            "Install the locked requirements (make setup), which bring one"
        )


def writer_engine(path: Path) -> Engine:
    """The engine of the one writing process. Creates the folder and makes its entry durable."""
    refuse_vulnerable_sqlite(dbapi2.sqlite_version_info)
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_read_only(path)
    engine = create_engine(
        f"sqlite:///{path}",
        module=dbapi2,
        poolclass=QueuePool,
        pool_size=2,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": 512},
    )
    event.listen(engine, "connect", lambda connection, _record: _configure(connection, _WRITER))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.connect():
            pass  # the file exists now
    except DatabaseError as error:
        engine.dispose()
        raise StoreError(f"{path} cannot be opened ({error.orig}); restore it from a backup") from None
    sync_folder(path.parent)
    return engine


def reader_engine(path: Path) -> Engine:
    """An engine that can only read: for queries beside the writer, and for other processes."""
    refuse_vulnerable_sqlite(dbapi2.sqlite_version_info)
    engine = create_engine(
        f"sqlite:///file:{path}?mode=ro&uri=true",
        module=dbapi2,
        poolclass=QueuePool,
        pool_size=2,
        max_overflow=2,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": 256},
    )
    event.listen(engine, "connect", lambda connection, _record: _configure(connection, _READER))
    return engine


def visitor_engine(path: Path) -> Engine:
    """An engine for another process that writes for a moment. StoreError when there is no database."""
    refuse_vulnerable_sqlite(dbapi2.sqlite_version_info)
    if not path.exists():
        raise StoreError(f"{path} does not exist yet; start the gateway first (yuanlu serve)")
    refuse_read_only(path)
    engine = create_engine(
        f"sqlite:///{path}",
        module=dbapi2,
        poolclass=QueuePool,
        pool_size=2,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", lambda connection, _record: _configure(connection, _VISITOR))
    event.listen(engine, "begin", _begin_beside)
    return engine


def _begin_beside(connection: Connection) -> None:
    """SQLite says "locked" before it begins: then nothing was done, and it is asked again while the gateway or the disk
    is busy. Raises StoreError when that does not end.
    """
    for _ in range(LOCKED_TRIES):
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if LOCKED not in str(error.orig):
                raise
        else:
            return
    raise StoreError(f"{connection.engine.url.database} is held by another process; nothing was done, try again")


def refuse_read_only(path: Path) -> None:
    """StoreError when this user may not write the database, its log or their folder: SQLite itself would open them
    for reading and fail at the first commit.
    """
    for each in (path.parent, path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        if each.exists() and not os.access(each, os.W_OK):
            raise StoreError(
                f"{each} cannot be written by this user (number {os.geteuid()}); the journal, its -wal and -shm and "
                "their folder must be writable, on a disk that is not mounted read-only"
            )


def _configure(connection: Any, pragmas: tuple[tuple[str, str, object], ...]) -> None:
    for name, value, expected in pragmas:
        connection.execute(f"PRAGMA {name}={value}").fetchall()
        row = connection.execute(f"PRAGMA {name}").fetchone()
        if row is None or row[0] != expected:
            raise StoreError(
                f"SQLite did not accept {name}={value} (it says {row and row[0]}); is the database on a local disk?"
            )


def checkpoint(engine: Engine) -> None:
    """Bring everything from the write-ahead log into the database file, and empty the log."""
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


class Checkpointer:
    """Brings the write-ahead log into the database file beside the writing, not inside a commit.

    SQLite's automatic checkpoint holds up the commit that it falls into: 13 ms where a commit takes 2. Here `copy`
    does nearly all of it in a thread of its own while commits go on, and `finish`, between two commits, the rest,
    after which SQLite begins the log anew.
    """

    def __init__(self, path: Path) -> None:
        self._connection = dbapi2.connect(str(path), check_same_thread=False, isolation_level=None)
        _configure(self._connection, _CHECKPOINTER)
        # SQLite syncs the file only in a checkpoint that gets all of the log. We sync after one that did not, so that
        # the last one has little left to sync.
        self._file = os.open(path, os.O_RDWR)

    def copy(self) -> None:
        """All that is in the log now. Raises OperationalError when the disk is full, OSError when it fails."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        os.fdatasync(self._file)

    def finish(self, writer: Any) -> None:
        """What came since, on the writer's own connection `writer`: nobody writes meanwhile."""
        writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Only after every other connection of this process: closing a file drops SQLite's locks on it."""
        self._connection.close()
        os.close(self._file)


def sync_folder(folder: Path) -> None:
    """Make a new file's directory entry durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class StoreLock:
    """A lock file beside the database, held as long as this object: one gateway per SQLite file."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = open(f"{path}.lock", "a+", encoding="ascii")  # noqa: SIM115 - held until close()
        except OSError as error:
            raise StoreError(f"{path} cannot be used ({error}); choose another [store] url") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read().strip()
            self._file.close()
            raise StoreLocked(
                f"{path} is in use by another gateway (process {holder or 'unknown'}); "
                "stop it first, or give this one its own [store] url"
            ) from None
        self._file.seek(0)
        self._file.truncate()
        self._file.write(str(os.getpid()))
        self._file.flush()

    def close(self) -> None:
        """Let the next gateway in."""
        self._file.close()


def integrity_problem(path: Path) -> str | None:
    """What SQLite's own check finds wrong, or None. Reads the whole file: minutes on a large one."""
    connection = dbapi2.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = connection.execute("PRAGMA integrity_check(5)").fetchall()
        broken = connection.execute("PRAGMA foreign_key_check").fetchmany(5)
    except dbapi2.DatabaseError as error:
        return str(error)
    finally:
        connection.close()
    if rows != [("ok",)]:
        return "; ".join(str(row[0]) for row in rows)
    return f"foreign keys broken: {broken}" if broken else None
