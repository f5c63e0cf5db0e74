"""Stories at the console on each kind of database."""

from tests.scenario.conftest import each_database

__all__ = ["each_database"]
