"""Is this database ours, and of this version?

Only a database that is made or upgraded needs Alembic: a start finds out without it, since its import takes longer than
a whole recovery.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from yuanlu.db.errors import StoreError

_VERSIONS = Path(__file__).parent / "migrations" / "versions"
_LOCK = 0x7975616E6C75


@cache
def head() -> str:
    """The newest revision that this program knows: migrations are called r, their number, and what they are about."""
    return max(path.name[1:].partition("_")[0] for path in _VERSIONS.glob("r[0-9]*_*.py"))


def prepare(engine: Engine, database: str) -> None:
    """Make the tables of a new database, or make sure that an existing one fits.

    Raises StoreError saying what to do about a damaged, older, newer or foreign one.
    """
    current = _revision(engine, database)
    if current is None:
        _run(engine)
    elif current < head():
        raise _older(database, current)


def refuse_other_version(engine: Engine, database: str) -> None:
    """StoreError unless the database is ours and of this program's version."""
    current = _revision(engine, database)
    if current is None:
        raise StoreError(f"{database}: no journal yet; it is made by the first: yuanlu serve")
    if current < head():
        raise _older(database, current)


def _older(database: str, current: str) -> StoreError:
    return StoreError(f"{database} is of an older version ({current}); back it up and run: yuanlu db upgrade")


def upgrade(engine: Engine, database: str) -> None:
    """Bring a database to this program's version, in one transaction. Raises StoreError for one that is not ours."""
    _revision(engine, database)
    _run(engine)


def _revision(engine: Engine, database: str) -> str | None:
    """The version of a database of ours, None for an empty one."""
    try:
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            noted = "SELECT version_num FROM alembic_version"  # Alembic's own table
            current = connection.execute(text(noted)).scalar() if "alembic_version" in tables else None
    except DatabaseError as error:
        raise StoreError(f"{database} cannot be read ({error.orig}); restore it from a backup") from None
    if current is None and tables:
        raise StoreError(f"{database} holds other tables; give the journal one of its own in [store] url")
    if current is not None and current > head():
        raise StoreError(f"{database} is of a newer version ({current}) than this program; install the newer program")
    return current


def _run(engine: Engine) -> None:
    from yuanlu.db.migrating import migrate  # noqa: PLC0415 - see above

    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # of two that start together, one makes the tables
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        migrate(connection, "head")
