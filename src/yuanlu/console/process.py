"""`yuanlu console`: the console as a process of its own, so that no page ever slows a payment."""

import asyncio
import os
import secrets
from collections.abc import Callable

import uvicorn

from yuanlu.console.app import build
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import ConfigurationError
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.settings import Settings, parse_address

LOOPBACK = ("127.", "localhost", "::1")
GRACE_S = 3
PARENT_LOOK_S = 0.5
NICENESS = 5


async def run(settings: Settings, announce: Callable[[str], None], *, parent: int = 0) -> None:
    """Serve until a signal ends it, or until the process `parent`, which started it, is gone (0: there is none).

    Raises ConfigurationError or StoreError before it listens.
    """
    host, port = address_of(settings)
    keys = SoftwareKeyStore.open(
        settings.path(settings.keys.file), mode=settings.keys.mode, random_bytes=secrets.token_bytes
    )
    app = build(settings, SystemClock(), keys)
    os.nice(NICENESS)  # payments first
    server = uvicorn.Server(
        uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S,
            proxy_headers=False, server_header=False, date_header=True, h11_max_incomplete_event_size=16 * 1024,
            timeout_keep_alive=30, limit_concurrency=1_000,
        )
    )  # fmt: skip
    announce(settings.console.public_url or f"http://{host}:{port}")
    watch = asyncio.get_running_loop().create_task(_end_with(parent, server)) if parent else None
    await server.serve()
    if watch is not None:
        watch.cancel()


async def _end_with(parent: int, server: uvicorn.Server) -> None:
    """It said its number itself: it may have been gone before we could look who it is."""
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(PARENT_LOOK_S)
    server.should_exit = True


def address_of(settings: Settings) -> tuple[str, int]:
    """Where to listen. ConfigurationError when there is no console, or passwords would pass in clear."""
    console = settings.console
    if not console.listen:
        raise ConfigurationError('there is no console in this configuration; add [console] listen = "127.0.0.1:8080"')
    host, port = parse_address(console.listen, "[console] listen")
    if not host.startswith(LOOPBACK) and not console.public_url.startswith("https://"):
        raise ConfigurationError(
            f"[console] listen = {console.listen} is not this machine alone, and passwords would pass in clear: "
            "put a proxy with TLS in front and give its https:// address as public_url"
        )
    return host, port
