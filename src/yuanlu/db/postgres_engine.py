"""Connections to PostgreSQL. asyncpg speaks to the server; what is written for a plain SQLAlchemy connection runs on it
unchanged, in a greenlet.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from yuanlu.db.errors import StoreError
from yuanlu.db.postgres import HUNG_S, name_of

CONNECT_TIMEOUT_S = 10
POOL_SIZE = 8
_SESSION = {
    "application_name": "yuanlu",
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": str(HUNG_S * 1000),
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_REFUSALS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
Result = TypeVar("Result")


def engine_for(
    url: str, *, read_only: bool = False, pool_size: int = POOL_SIZE, session: Mapping[str, str] | None = None
) -> AsyncEngine:
    """Connections to the server of `url`, made when they are needed. `session` are more settings of each."""
    settings = _SESSION | dict(session or {}) | ({"default_transaction_read_only": "on"} if read_only else {})

    async def connect() -> Any:
        try:
            return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, server_settings=settings)
        except (OSError, TimeoutError, ValueError, *_REFUSALS) as error:
            raise StoreError(
                f"{name_of(url)} cannot be reached ({error or type(error).__name__}); "
                "is the server up, and are name and password right?"
            ) from None

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, pool_size=pool_size, max_overflow=0, pool_pre_ping=not read_only
    )
    # Each query sees what is committed when it begins, as on SQLite, and costs one round trip instead of three.
    return engine.execution_options(isolation_level="AUTOCOMMIT") if read_only else engine


def plainly(engine: AsyncEngine, work: Callable[[Engine], Result]) -> Result:
    """Run plain work on such connections where no event loop runs, and let them go afterwards."""

    async def on_loop() -> Result:
        try:
            return await greenlet_spawn(work, engine.sync_engine)
        finally:
            await engine.dispose()

    return asyncio.run(on_loop())
