"""What comes of sending a request to a host. "Not sent" and "sent" are never confused."""

from dataclasses import dataclass
from enum import Enum

from msgspec import Struct

from yuanlu.iso8583.codec import Message


class Doubt(Enum):
    """Why a request that was sent has no usable answer; the value is the reason in the journal."""

    TIMEOUT = "no answer in time"
    DISCONNECTED = "connection lost before the answer"
    BAD_MAC = "answer with a wrong MAC"
    GARBLED = "answer that cannot be read"


class Answered(Struct, frozen=True, kw_only=True):
    """The host's answer, matched and authentic. `authenticated` is False for a decline without a MAC."""

    message: Message
    code: str
    authenticated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """It left, or may have left, and nothing usable came back."""

    doubt: Doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """Not one byte was handed to the network."""

    reason: str


Outcome = Answered | NoAnswer | NotSent


class Expected(Struct, frozen=True, kw_only=True):
    """What an answer must carry to be the answer to this request (domain trap T8)."""

    mti: str
    stan: str
    terminal_id: str
    merchant_id: str
    processing_code: str
    amount: str
    """Field 4 as on the wire, "" when the request had none."""

    @property
    def key(self) -> tuple[str, str, str]:
        """By this an answer finds its request."""
        return (self.mti, self.terminal_id, self.stan)
