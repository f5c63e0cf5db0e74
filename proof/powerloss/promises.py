"""What the outside had been told by a moment: every frame that left, as the journal must already hold it.

The rule (`docs/returns.md` §4): nothing is sent before its record is durable. So each frame that began to leave before
the lights went out must stand in the journal that comes up again, masked, in the same direction. Frames that no
transaction and no terminal stand behind are not journaled and left out: the link's own sign-in and echo, and answers to
callers that are unknown or not authentic.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from proof.powerloss.recording import BETWEEN_LIVES
from proof.powerloss.trace import Call, Kind
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.framing import FrameReader
from yuanlu.iso8583.masking import masked
from yuanlu.journal.frames import Direction

LINK_OWN_MTIS = frozenset({"0800", "0820"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One frame that left: it must be durable in every image from `began` on."""

    began: int
    direction: Direction
    masked: bytes

    @property
    def writer_id(self) -> int:
        """Who sent it: each life is the journal's next writer."""
        return 1 + self.began // BETWEEN_LIVES

    @property
    def key(self) -> tuple[str, bytes]:
        """How the journal's frames are compared with it."""
        return (self.direction.value.decode(), self.masked)


@dataclass(slots=True, kw_only=True)
class Promised:
    """All promises up to a moment: how often each frame had left, and the last writer that had sent one (0: nobody)."""

    frames: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    writer_id: int = 0

    def add(self, promise: Promise) -> None:
        """One more has left."""
        self.frames[promise.key] += 1
        self.writer_id = promise.writer_id


def promises(calls: Iterable[Call], gateway: str, dialect: str) -> Iterator[Promise]:
    """All frames that left, in order. `gateway` is its listening address."""
    codec = codec_for(dialect)
    readers: dict[str, FrameReader] = {}
    for call in calls:
        if call.kind is not Kind.SEND:
            continue
        to_terminal = call.name.startswith(f"{gateway}->")
        for frame in readers.setdefault(call.name, FrameReader()).feed(call.data):
            message = codec.decode(frame)
            if not to_terminal and message.mti in LINK_OWN_MTIS:
                continue
            direction = Direction.TO_TERMINAL if to_terminal else Direction.TO_HOST
            yield Promise(began=call.began, direction=direction, masked=masked(message))
