"""A real PostgreSQL for tests: one cluster for the whole run, a new database for each test."""

import atexit
import os
from functools import cache

import pytest

from proof.postgres import Cluster, NoPostgres

NOT_TESTED = "NOT TESTED ON POSTGRESQL"
"""So begins why a test was skipped; `tests/conftest.py` says it again at the end, where nobody overlooks it."""


@cache
def cluster() -> Cluster:
    """The one of this test run. Its settings are a production server's: only its disk is not waited for less."""
    made = Cluster()
    atexit.register(made.remove)
    return made


def postgres_for_test() -> str:
    """The url of a new database; without a server the test is skipped, loudly, and fails where CI runs it."""
    try:
        return cluster().new_database()
    except NoPostgres as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"{NOT_TESTED}: {error}")
