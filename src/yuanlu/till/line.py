"""One exchange with the gateway over TCP: connect, send, wait for the answer, hang up."""

import asyncio
import ssl
from collections.abc import Callable

from msgspec import Struct

from yuanlu.iso8583.codec import Codec, Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.framing import FrameReader, with_length
from yuanlu.till.records import TillUnavailable

CONNECT_TIMEOUT_S = 3.0
READ_BYTES = 8192


class Line(Struct, frozen=True, kw_only=True):
    """Where the gateway listens; `tls` where it speaks TLS. `closed` says why nothing is ever sent, "" if it may be."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    closed: str = ""

    async def ask(
        self, codec: Codec, frame: bytes, fits: Callable[[Message], bool], timeout_s: float
    ) -> Message | None:
        """The answer that fits, or None when none came: then it may have been taken or not. Raises TillUnavailable
        when nobody listens, or the line is closed: then nothing was sent.
        """
        if self.closed:
            raise TillUnavailable(self.closed)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls)
        except OSError as error:  # TimeoutError is one
            raise TillUnavailable(f"the gateway cannot be reached ({type(error).__name__})") from None
        try:
            async with asyncio.timeout(timeout_s):
                writer.write(with_length(frame))
                await writer.drain()
                return await _answer(reader, codec, fits)
        except (OSError, DecodeError):
            return None
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader, codec: Codec, fits: Callable[[Message], bool]) -> Message | None:
    frames = FrameReader()
    while data := await reader.read(READ_BYTES):
        for frame in frames.feed(data):
            message = codec.decode(frame)
            if fits(message):
                return message
    return None
