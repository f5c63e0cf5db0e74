"""For stories told in this process."""

from typing import NoReturn

import pytest

from yuanlu import wiring


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that halts would take the test run with it; here it fails its own test."""

    def halt(reason: str) -> NoReturn:
        raise AssertionError(f"halted: {reason}")

    monkeypatch.setattr(wiring, "halt", halt)
