"""Frames on a TCP stream: two bytes of length, big-endian, then that many bytes.

The length counts what follows it, not itself. A stream is cut into segments anywhere, also inside the length,
and one segment may hold many frames. A length of 0 or above the limit means that the stream is lost: there is
no way to find the next frame, so the reader refuses everything after it and the connection must be closed.
"""

from yuanlu.iso8583.errors import DecodeError, EncodeError
from yuanlu.kernel.limits import FRAME_BYTES_MAX

LENGTH_BYTES = 2
_LENGTH_MAX = 0xFFFF


class FrameReader:
    """Collects segments and hands out whole frames without their length; one reader per connection."""

    __slots__ = ("_broken", "_buffer", "_frame_bytes_max")

    def __init__(self, *, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        """Refuse frames longer than `frame_bytes_max` bytes (the length prefix is not counted)."""
        self._buffer = b""
        self._broken: DecodeError | None = None
        self._frame_bytes_max = frame_bytes_max

    @property
    def pending_bytes(self) -> int:
        """How many bytes wait for the rest of their frame; never more than one frame and its length."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take a segment and return the frames it completes, in order.

        Raises DecodeError(field="length") for a length of 0 or above the limit. When whole frames stand
        before the bad length they are returned first, and the next call raises.
        """
        if self._broken is not None:
            raise self._broken
        buffer = self._buffer + data if self._buffer else bytes(data)
        frames: list[bytes] = []
        start, end = 0, len(buffer)
        while end - start >= LENGTH_BYTES:
            stop = start + LENGTH_BYTES + (buffer[start] << 8 | buffer[start + 1])
            if not 0 < stop - start - LENGTH_BYTES <= self._frame_bytes_max:
                return self._break(frames, buffer[start:])
            if stop > end:
                break
            frames.append(buffer[start + LENGTH_BYTES : stop])
            start = stop
        self._buffer = buffer[start:]
        return frames

    def _break(self, frames: list[bytes], rest: bytes) -> list[bytes]:
        """Remember that the stream is lost; raise at once unless whole frames must be handed out first."""
        length = int.from_bytes(rest[:LENGTH_BYTES], "big")
        reason = f"{length} bytes announced, 1 to {self._frame_bytes_max} allowed"
        self._broken = DecodeError(field="length", offset=0, reason=reason)
        self._buffer = b""
        if not frames:
            raise self._broken
        return frames


def with_length(frame: bytes) -> bytes:
    """Put the two length bytes before a frame.

    Raises EncodeError for an empty frame or one above 65,535 bytes.
    """
    if not 0 < len(frame) <= _LENGTH_MAX:
        raise EncodeError(field="length", reason=f"a frame of {len(frame)} bytes has no two-byte length")
    return len(frame).to_bytes(LENGTH_BYTES, "big") + frame
