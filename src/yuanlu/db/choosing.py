"""Which kind of database it is: its url says. For commands that read, or write for a moment, beside the gateway."""

from sqlalchemy import Engine

from yuanlu.db.errors import StoreError
from yuanlu.db.sqlite import database_path, reader_engine, visitor_engine


def database_name(url: str, folder: str) -> str:
    """The database of `[store] url`, for people. Raises ConfigurationError for a url that is none."""
    return str(database_path(url, folder))


def reading(url: str, folder: str) -> Engine:
    """An engine for short queries; StoreError when there is no journal yet."""
    path = database_path(url, folder)
    if not path.exists():
        raise StoreError(f"{path}: no journal yet; it is made by the first: yuanlu serve")
    return reader_engine(path)


def visiting(url: str, folder: str) -> Engine:
    """An engine that also writes for a moment; StoreError when there is no journal yet."""
    return visitor_engine(database_path(url, folder))
