"""Is this database ours, and of this version?"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from yuanlu.db.errors import StoreError

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x7975616E6C75


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    return config


@cache
def head() -> str:
    """The newest revision that this program knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


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
            current = MigrationContext.configure(connection).get_current_revision()
            tables = inspect(connection).get_table_names()
    except DatabaseError as error:
        raise StoreError(f"{database} cannot be read ({error.orig}); restore it from a backup") from None
    if current is None and tables:
        raise StoreError(f"{database} holds other tables; give the journal one of its own in [store] url")
    if current is not None and current > head():
        raise StoreError(f"{database} is of a newer version ({current}) than this program; install the newer program")
    return current


def _run(engine: Engine) -> None:
    config = _config()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # of two that start together, one makes the tables
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
