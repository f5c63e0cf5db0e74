"""A till's connection to the gateway: whole frames in and out, with time-outs that lose no byte."""

import asyncio

from yuanlu.iso8583.codec import Codec, Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.framing import FrameReader, with_length

READ_BYTES = 4096
CONNECT_TIMEOUT_S = 2.0


class LineClosed(Exception):
    """The connection ended, or never came about."""


class TillLine:
    """One TCP connection; made by `open_line`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, codec: Codec) -> None:
        self._reader = reader
        self._writer = writer
        self._codec = codec
        self._frames = FrameReader()
        self._ready: list[bytes] = []

    async def send(self, frame: bytes) -> None:
        """Hand a frame to the network. Raises LineClosed."""
        if self._writer.is_closing():  # reset since it was last used; uvloop refuses to write then
            raise LineClosed("the connection was lost")
        try:
            self._writer.write(with_length(frame))
            await self._writer.drain()
        except OSError as error:
            raise LineClosed(str(error)) from None

    async def receive(self, timeout_s: float) -> Message | None:
        """The next message, or None when there is none in time. Raises LineClosed, also for rubbish."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._ready:
                    data = await self._reader.read(READ_BYTES)
                    if not data:
                        raise LineClosed("the other side closed")
                    self._ready.extend(self._frames.feed(data))
            return self._codec.decode(self._ready.pop(0))
        except TimeoutError:
            return None
        except (OSError, DecodeError) as error:
            raise LineClosed(str(error)) from None

    def cut(self) -> None:
        """End the connection at once, as a power cut does."""
        self._writer.transport.abort()


async def open_line(address: tuple[str, int], codec: Codec) -> TillLine:
    """Connect. Raises LineClosed when nobody listens."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(*address)
    except OSError as error:  # TimeoutError is one
        raise LineClosed(str(error)) from None
    return TillLine(reader, writer, codec)
