"""What a channel is: one way out. It sends one message, says what came of it, and never raises.

Channels run in a process of their own (`notification.sender`), one call a message, in a thread: they may block, within
their time-outs. They get all that they need with each call and keep nothing.
"""

from typing import Protocol

from msgspec import Struct


class Outgoing(Struct, frozen=True, kw_only=True):
    """A message as a channel gets it. `to` is the address, "" where the channel has one place only.

    `values` are what the template's variables stand for, in the order of their appearance: some providers render the
    text themselves, from the same template registered there.
    """

    message_id: str
    event: str
    template: str
    language: str
    to: str
    title: str
    text: str
    values: dict[str, str]
    about: dict[str, str]
    at_us: int


class Accepted(Struct, frozen=True, kw_only=True, tag="accepted"):
    """It took the message. `delivered` when that is as good as having arrived."""

    provider_id: str = ""
    delivered: bool = False


class Refused(Struct, frozen=True, kw_only=True, tag="refused"):
    """It will not take this message, however often it is asked."""

    why: str


class Unreachable(Struct, frozen=True, kw_only=True, tag="unreachable"):
    """It cannot take it now, or nobody knows whether it did."""

    why: str


Result = Accepted | Refused | Unreachable


class Receipt(Struct, frozen=True, kw_only=True):
    """What a provider says later: whether the message arrived."""

    provider_id: str
    delivered: bool
    note: str


class Channel(Protocol):
    """One way out."""

    def send(self, message: Outgoing) -> Result:
        """Send it. What goes wrong is a result, never an exception."""
        ...
