"""For stories told in this process."""

from typing import NoReturn

import pytest

from tests.postgres import postgres_for_test
from tests.scenario import stage
from yuanlu import wiring


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that halts would take the test run with it; here it fails its own test."""

    def halt(reason: str) -> NoReturn:
        raise AssertionError(f"halted: {reason}")

    monkeypatch.setattr(wiring, "halt", halt)


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same story on each kind of database."""
    if request.param == "postgresql":
        monkeypatch.setattr(stage, "STORE_URL", postgres_for_test())


@pytest.fixture
def on_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    """A story that needs several gateways on one database."""
    monkeypatch.setattr(stage, "STORE_URL", postgres_for_test())
