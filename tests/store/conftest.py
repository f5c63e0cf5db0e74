"""Every store test runs on each kind of database."""

from pathlib import Path

import pytest

from tests.store.places import Place


@pytest.fixture(params=["sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A new, empty database."""
    return Place(url="sqlite:///j.db", folder=tmp_path)
