"""An advice as it waits and as it goes upstream, and what the host's code says of it. Pure.

It waits on disk without what must never be there. Track data, PIN block, the chip's card data and private fields
whose use is not documented are left out from the first sending on, so that every repeat is the same message; what
else the journal masks, and the host needs, is sealed beside the masked frame. Together they are the message again.
"""

from enum import Enum

from yuanlu.acquirers.terms import APPROVALS, HostTerms, Meaning
from yuanlu.iso8583 import tlv
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.dialect import Mask
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.masking import SENSITIVE_TAGS

SECOND_US = 1_000_000
PAUSE_FIRST_S, PAUSE_MAX_S = 5, 600

KEPT_SEALED = frozenset({2, 14, 48, 59})
"""Fields that the journal masks and the host needs: card, expiry, a tip's details, QR code."""

NEVER_KEPT = frozenset({26, 35, 36, 45, 52, 53})
"""Tracks, PIN and what belongs to it."""

DUPLICATE_CODE = "94"
OPEN_CODES = frozenset({"09", "68", "90", "91", "92", "95", "96", "98"})
"""Nobody knows, or not now: the advice is sent again."""


class Verdict(Enum):
    """What the host's code says of an advice."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    AGAIN = "not definite; it is sent again"
    KEYS = "stale keys; we sign in and send it again"


def verdict(terms: HostTerms, code: str, attempt: int) -> Verdict:
    """By code. "Duplicate" says that an earlier sending arrived; of the first it says that the number was taken."""
    if code in APPROVALS or (code == DUPLICATE_CODE and attempt > 1):
        return Verdict.ACCEPTED
    if terms.reversal_meaning(code) is Meaning.KEYS:
        return Verdict.KEYS
    return Verdict.AGAIN if code in OPEN_CODES or terms.is_doubtful(code) else Verdict.REFUSED


def pause_us(attempt: int) -> int:
    """Before the next sending: 5 s, doubled each time, at most 10 minutes."""
    return int(min(PAUSE_MAX_S, PAUSE_FIRST_S * 2 ** min(attempt - 1, 10))) * SECOND_US


def forwardable(message: Message, account: str) -> Message:
    """The advice as it goes to the host each time: nothing in it that may not wait on disk. Raises DecodeError."""
    fields = message.codec.dialect.fields
    masked = {number for number in message.numbers if fields[number].mask is not Mask.NONE}
    unwanted = (masked - KEPT_SEALED - {55}) | (NEVER_KEPT & set(message.numbers))
    unwanted |= {number for number in message.codec.dialect.mac_fields if message.has(number)}
    changes: dict[int, str | bytes | None] = dict.fromkeys(unwanted)
    if not message.has(2) and not message.has(59) and account:
        changes[2] = account  # it stood in the track
    if message.has(55):
        changes[55] = _without_card(message[55]) or None
    return message.codec.decode(message.splice(changes))


def _without_card(text: str) -> str:
    """Field 55 without the elements that hold card data."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise DecodeError(field=55, offset=0, reason="not hex") from None
    outermost, kept = None, {}
    for element in tlv.walk(data):
        if element.depth == 0:
            outermost = element
            kept[element.tag] = data[element.tag_start : element.end]
        if element.tag in SENSITIVE_TAGS and outermost is not None:
            kept.pop(outermost.tag, None)
    return b"".join(kept.values()).hex().upper()


def hidden_fields(outgoing: Message) -> dict[int, str]:
    """What the journal's masked frame of it will not show."""
    return {number: outgoing[number] for number in sorted(KEPT_SEALED) if outgoing.has(number)}


def restored(masked: Message, hidden: dict[int, str]) -> Message:
    """The advice from its masked frame and what was sealed beside it: the reverse of both."""
    return masked.codec.decode(masked.splice(dict(hidden)))
