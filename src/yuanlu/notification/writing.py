"""What happens to a message, as facts and rows: pure builders; the caller commits them.

A message's facts have the message as subject, and its version counts them: the same compare-and-set as for a case.
No fact holds an address.
"""

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.journal import tasks
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.errors import YuanluError
from yuanlu.notification.channels.channel import Receipt
from yuanlu.notification.records import Attempt, Message
from yuanlu.notification.schedule import HOUR_US
from yuanlu.notification.states import STEPS, Sending
from yuanlu.notification.store import insert_attempt, insert_message, update_message
from yuanlu.notification.templates import one_line

DELIVER = "deliver"
SMS_LANE = "sms"
NOTE_CHARACTERS_MAX = 300

FACTS = {
    Sending.WAITING: "TELLING",
    Sending.SENT: "TOLD",
    Sending.DELIVERED: "TOLD_DELIVERED",
    Sending.UNDELIVERED: "NOT_TOLD",
    Sending.FAILED: "NOT_TOLD",
    Sending.OVERTAKEN: "TELLING_OVERTAKEN",
    Sending.UNWANTED: "TELLING_UNWANTED",
}
"""The kind of the fact by which a message comes into each state."""

AGAIN = "TELLING_AGAIN"
"""The kind of the fact by which a person has it sent once more; its note begins with who it was."""


class SendingRefused(YuanluError):
    """What was asked of a message is not possible; the text says why, and nothing moved."""


class Written(Struct, frozen=True, kw_only=True):
    """What to commit, all or nothing, and the message as it then stands."""

    message: Message
    facts: tuple[Fact, ...]
    changes: tuple[Change, ...]


def lane_of(message: Message) -> str:
    """What must not block another: all SMS, or the first channel of anybody else."""
    return SMS_LANE if message.contact_id else message.ways[0]


def begun(message: Message) -> Written:
    """A new message, its first fact, and the task that sends it: together with what it tells of."""
    due = tasks.put(DELIVER, message.message_id, lane_of(message), message.not_before_us)
    return Written(message=message, facts=(_fact(message, ""),), changes=(insert_message(message), due))


def moved(
    message: Message, state: Sending, note: str, now_us: int, tried: tuple[Attempt, ...] = (), **more: object
) -> Written:
    """The message in another state, or once more in the same."""
    assert state is message.state or state in STEPS[message.state], f"{message.state} does not become {state}"
    after = replace(
        message, state=state, note=note[:NOTE_CHARACTERS_MAX], changed_at_us=now_us, version=message.version + 1,
        attempts=message.attempts + len(tried), **more,
    )  # fmt: skip
    changes = (update_message(after, message.version), *(insert_attempt(each) for each in tried))
    return Written(message=after, facts=(_fact(after, note),), changes=changes)


def after_receipt(message: Message, channel: str, receipt: Receipt, now_us: int) -> Written | None:
    """What a provider's word makes of a message; None when it says nothing new. Delivered stays delivered."""
    note = one_line(receipt.note)
    if receipt.delivered and message.state in (Sending.SENT, Sending.UNDELIVERED):
        return moved(message, Sending.DELIVERED, note, now_us)
    if not receipt.delivered and message.state is Sending.SENT:
        return moved(message, Sending.UNDELIVERED, f"{channel}: {note}", now_us)
    return None


def again(message: Message, who: str, now_us: int) -> Written:
    """Send it once more, as a person wants; SendingRefused while it waits, and for whom does not want to be told."""
    if Sending.WAITING not in STEPS[message.state]:
        raise SendingRefused(f"{message.message_id} is {message.state.value} and cannot be sent again")
    life_us = max(HOUR_US, message.expires_at_us - message.not_before_us)
    due = tasks.put(DELIVER, message.message_id, lane_of(message), now_us)
    said = moved(
        message, Sending.WAITING, f"{who}: once more", now_us, not_before_us=now_us, expires_at_us=now_us + life_us
    )
    fact = replace(said.facts[0], kind=AGAIN, note=f"{who}: {message.subject}: {about(message)}")
    return Written(message=said.message, facts=(fact,), changes=(*said.changes, due))


def about(message: Message) -> str:
    """What a message is and to whom, as facts say it: the template, and the address without its middle."""
    return f"{message.template} to {message.masked}"


def _fact(message: Message, note: str) -> Fact:
    subject = message.subject
    said = about(message) + (f" by {message.channel}" if message.channel else "")
    return Fact(
        merchant_id=subject.merchant_id,
        subject_id=message.message_id,
        version=message.version,
        kind=FACTS[message.state],
        at_us=message.changed_at_us,
        terminal_id=subject.terminal_id,
        note=f"{subject}: {said}{': ' + note if note else ''}",
    )
