"""The journal's database, of either kind, in plain calls, for people beside the gateway."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from yuanlu.db import choosing
from yuanlu.db.errors import StoreError
from yuanlu.settings import Settings

Rest = ParamSpec("Rest")
Result = TypeVar("Result")


def on_database(
    command: Callable[Concatenate[Settings, Rest], Result],
) -> Callable[Concatenate[Settings, Rest], Result]:
    """The command, with what plain calls to its database need around it."""

    @wraps(command)
    def run(settings: Settings, /, *args: Rest.args, **named: Rest.kwargs) -> Result:
        return choosing.beside(settings.store.url, lambda: command(settings, *args, **named))

    return run


@contextmanager
def reading(settings: Settings) -> Iterator[Connection]:
    """A connection for short queries; StoreError when there is no journal or it cannot be read."""
    engine = choosing.reading(settings.store.url, settings.folder)
    try:
        with engine.connect() as connection:
            yield connection
    except DatabaseError as error:
        raise StoreError(f"the journal cannot be read: {error.orig}") from None
    finally:
        engine.dispose()
