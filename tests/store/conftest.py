"""Every store test runs on each kind of database."""

import os
import warnings
from pathlib import Path

import pytest

from tests.postgres import NoPostgres, cluster
from tests.store.places import Place, sqlite_place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A new, empty database of either kind."""
    if request.param == "sqlite":
        return sqlite_place(tmp_path)
    return Place(url=new_postgres(), folder=tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """An SQLite file, for what only a file has."""
    return sqlite_place(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Place:
    """A database of PostgreSQL, for what only a server has."""
    return Place(url=new_postgres(), folder=tmp_path)


def new_postgres() -> str:
    """The url of a new database; without a server the test is skipped, loudly, and fails where CI runs it."""
    try:
        return cluster().new_database()
    except NoPostgres as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        warnings.warn(pytest.PytestWarning(f"NOT TESTED ON POSTGRESQL: {error}"), stacklevel=1)
        pytest.skip(str(error))
