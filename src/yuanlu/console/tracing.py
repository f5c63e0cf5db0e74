"""Traces on their way to a collector: what the journal holds since the last look, as OTLP by HTTP, until it is taken.

It runs in the console's process, beside the gateway: a payment waits for nothing here. How far the facts were taken
stands in the database and moves after the receiver's answer, so a receiver or console that is down loses nothing. What
is sent twice has the same ids.
"""

import asyncio
import gzip

import httpx2
import structlog
from sqlalchemy import Connection

from yuanlu.console.store import ConsoleStore
from yuanlu.journal.following import FACTS_MAX, Step
from yuanlu.kernel.errors import YuanluError
from yuanlu.settings import Settings, parse_address
from yuanlu.traces.otlp import CONTENT_TYPE, encoded, rejected
from yuanlu.traces.reading import FOLLOWER, Wanted, look
from yuanlu.traces.spans import Span

ROUND_EVERY_S, LONGEST_WAIT_S = 1.0, 60.0
ATTEMPT_S = 10.0
NEVER_TAKEN = frozenset({400, 413})
"""The receiver says that this request will never do; it is told in the log, and what comes after it goes on."""

_log = structlog.get_logger("yuanlu.traces")


class NotTaken(YuanluError):
    """The receiver did not take the spans; they are sent again."""


class Tracing:
    """One per console process; two that share a journal send some spans twice."""

    def __init__(self, settings: Settings, store: ConsoleStore) -> None:
        self._store = store
        self._url, self._mode = settings.console.traces, settings.keys.mode
        hosts = {name: parse_address(one.address, name) for name, one in settings.acquirers.items()}
        self._wanted = Wanted(one_in=settings.console.traces_one_in, hosts=hosts)
        authorization = settings.console.traces_authorization
        self._headers = {"authorization": authorization} if authorization else {}
        self._client = httpx2.AsyncClient(timeout=ATTEMPT_S, follow_redirects=False, trust_env=False)

    async def run(self) -> None:
        """Round after round, for ever; after a failure more and more seldom, up to a minute."""
        wait_s = ROUND_EVERY_S
        try:
            while True:
                try:
                    while await self.round():
                        pass
                    wait_s = ROUND_EVERY_S
                except Exception as error:
                    why = str(error) if isinstance(error, NotTaken) else type(error).__name__
                    wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                    _log.warning("traces are not taken; they wait in the journal", reason=why, again_in_s=wait_s)
                await asyncio.sleep(wait_s)
        finally:
            await self._client.aclose()

    async def round(self) -> bool:
        """Send what became whole since the last look; whether there may be more. NotTaken: nothing has moved."""
        await self._begin()
        news, spans = await self._store.read(lambda c: look(c, self._wanted))
        if spans:
            await self._send(spans)
        if news.moved:
            await self._store.write(lambda c: _advance(c, news.steps))
        return len(news.rows) >= FACTS_MAX

    async def _begin(self) -> None:
        if not await self._store.read(FOLLOWER.started):
            await self._store.write(FOLLOWER.start)

    async def _send(self, spans: list[Span]) -> None:
        body = gzip.compress(encoded(spans, self._mode), 1)
        headers = self._headers | {"content-type": CONTENT_TYPE, "content-encoding": "gzip"}
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except (httpx2.HTTPError, OSError) as error:
            raise NotTaken(type(error).__name__) from None
        if answer.status_code in NEVER_TAKEN:
            _log.error("the receiver refuses spans for good", status=answer.status_code, spans=len(spans))
        elif not answer.is_success:
            raise NotTaken(f"HTTP {answer.status_code}")
        else:
            _report(answer.content)


def _report(body: bytes) -> None:
    try:
        number, why = rejected(body)
    except ValueError as error:
        raise NotTaken(str(error)) from None
    if number:
        _log.error("the receiver refused some spans for good", spans=number, reason=why)


def _advance(connection: Connection, steps: list[Step]) -> None:
    """If another console was first, its marks stand, and the next round reads on from there."""
    if not FOLLOWER.advance(connection, steps):
        raise NotTaken("another console has sent them")
