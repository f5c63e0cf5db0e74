"""What a simulated host wants done about one request: the records that `HostCore` and its server exchange."""

from dataclasses import dataclass, field

from yuanlu.iso8583.codec import MakeMac
from yuanlu.sandbox.faults import Effect
from yuanlu.sandbox.host_request import HostRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBytes:
    """Write these bytes, length included, to the connection the request came on."""

    after_ms: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """Close the connection the request came on."""

    after_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoDown:
    """Drop every connection and accept none for so long."""

    for_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request being worked on: `mac` makes the MAC of its answer, `now_us` is when it is worked on."""

    request: HostRequest
    mac: MakeMac | None = field(repr=False)
    now_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMessage:
    """A message held up on its way into the host, with what will befall it."""

    turn: Turn
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Give the held message to `HostCore.resume` after so long, even if its connection is gone by then."""

    after_ms: int
    held: HeldMessage


Action = SendBytes | HangUp | GoDown | Resume
