"""The few places where the product touches the real machine, done as a simulated process should."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

import yuanlu.wiring
from proof.virtual.life import Life
from proof.virtual.process import CURRENT
from yuanlu.db.schema import prepare
from yuanlu.db.sqlite import checkpoint, integrity_problem, reader_engine, writer_engine
from yuanlu.journal import sqlite_store
from yuanlu.journal.appending import Appender
from yuanlu.journal.sqlite_store import SqliteStore

_first: dict[str, Engine] = {}
_empty: list[bytes] = []


def reading(path: Path) -> Engine:
    """A reader's engine."""
    return _warm("reader", reader_engine(path))


def _writing(path: Path) -> Engine:
    return _warm("writer", writer_engine(path))


def _warm(kind: str, engine: Engine) -> Engine:
    """An engine that knows every statement that one of its kind has compiled: each life has new engines."""
    first = _first.setdefault(kind, engine)
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine


def prepared(folder: Path) -> None:
    """Put an empty journal of this version into `folder`, made once per process: a story need not migrate."""
    path = folder / "journal.db"
    if _empty:
        path.write_bytes(_empty[0])
        return
    engine = writer_engine(path)
    prepare(engine, str(path))
    checkpoint(engine)
    engine.dispose()
    _empty.append(path.read_bytes())


_append = Appender.append


def _gated(self: Appender, batch: Any) -> Any:
    """A commit is two steps of the life that writes it."""
    life = CURRENT.get()
    if not isinstance(life, Life):
        return _append(self, batch)
    life.before_commit()
    done = _append(self, batch)
    life.after_commit()
    return done


def _halted(reason: str) -> Any:
    raise AssertionError(f"the gateway halted: {reason}")


async def _checked(self: SqliteStore) -> str:
    """In a process of its own in life; here there is no other."""
    return integrity_problem(self.path) or ""


PLACES: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (Appender, "append", _gated),
    (yuanlu.wiring, "halt", _halted),
    (sqlite_store, "reader_engine", reading),
    (sqlite_store, "writer_engine", _writing),
    (SqliteStore, "problem", _checked),
)
"""Where, which name, and what stands there in virtual time."""


@contextmanager
def in_virtual_time() -> Iterator[None]:
    """Put them there, and everything back afterwards."""
    before = [getattr(place, name) for place, name, _ in PLACES]
    for place, name, new in PLACES:
        setattr(place, name, new)
    try:
        yield
    finally:
        for (place, name, _), old in zip(PLACES, before, strict=True):
            setattr(place, name, old)
