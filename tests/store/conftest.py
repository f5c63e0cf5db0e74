"""Every store test runs on each kind of database."""

from pathlib import Path

import pytest

from tests.postgres import postgres_for_test
from tests.store.places import Place, sqlite_place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A new, empty database of either kind."""
    if request.param == "sqlite":
        return sqlite_place(tmp_path)
    return Place(url=postgres_for_test(), folder=tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Place:
    """An SQLite file, for what only a file has."""
    return sqlite_place(tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Place:
    """A database of PostgreSQL, for what only a server has."""
    return Place(url=postgres_for_test(), folder=tmp_path)
