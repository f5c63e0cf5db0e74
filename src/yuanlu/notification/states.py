"""The states of a message and how they may follow each other: one table.

The database holds the same table (trigger `notifications_transition`). What was sent can be found undelivered later by
the provider's receipt; a person may have it sent again.
"""

from enum import StrEnum


class Sending(StrEnum):
    """Where a message stands."""

    WAITING = "WAITING"
    """To be sent: now, when quiet hours are over, or once more."""
    SENT = "SENT"
    """A provider has taken it. Whether it arrived, its receipt says, if one comes."""
    DELIVERED = "DELIVERED"
    """The provider says that it arrived."""
    UNDELIVERED = "UNDELIVERED"
    """The provider says that it did not arrive."""
    FAILED = "FAILED"
    """No channel would take it, or its time was over."""
    OVERTAKEN = "OVERTAKEN"
    """Better news came before it left."""
    UNWANTED = "UNWANTED"
    """Whom it was for does not want to be told."""


_S = Sending

STEPS: dict[Sending, frozenset[Sending]] = {
    _S.WAITING: frozenset({_S.SENT, _S.DELIVERED, _S.FAILED, _S.OVERTAKEN, _S.UNWANTED}),
    _S.SENT: frozenset({_S.DELIVERED, _S.UNDELIVERED, _S.WAITING}),
    _S.DELIVERED: frozenset({_S.WAITING}),
    _S.UNDELIVERED: frozenset({_S.DELIVERED, _S.WAITING}),
    _S.FAILED: frozenset({_S.WAITING}),
    _S.OVERTAKEN: frozenset({_S.WAITING, _S.SENT, _S.DELIVERED}),  # the latter two: it had left all the same
    _S.UNWANTED: frozenset(),
}
"""From each state, the states that may follow. To WAITING again only a person brings it, or an undelivered receipt."""
