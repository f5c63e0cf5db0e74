"""A receiver of webhooks: a real server on this machine that keeps what it gets, and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from standardwebhooks.webhooks import Webhook


@dataclass(kw_only=True)
class Got:
    """One request."""

    headers: dict[str, str]
    body: str

    def verified(self, secret: str) -> dict:
        """The event, if the reference implementation finds it signed by this secret; else it raises."""
        event = Webhook(secret).verify(self.body, self.headers)
        assert isinstance(event, dict)
        return event


@dataclass(kw_only=True)
class Receiver:
    """Answers with the next of `statuses`, 204 when there is none; 0 hangs up."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    more_headers: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append(Got(headers=headers, body=body.decode()))
        status = self.statuses.pop(0) if self.statuses else 204
        if status:
            writer.write(
                f"HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: 0\r\n{self.more_headers}\r\n".encode()
            )
        writer.close()


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    """Up while the block runs."""
    receiver = Receiver(statuses=list(statuses))
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
