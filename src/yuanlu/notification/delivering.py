"""The driver of messages: takes what is due, tries one channel after the other, and records what came of it.

A message is sent at least once: who dies between sending and recording sends it again, under the same id. What makes
that rare is that nothing else is done between the two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import structlog
from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.journal import tasks
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.unit import Change, Conflict
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import SealBroken
from yuanlu.notification.channels.channel import Accepted, Outgoing, Receipt, Refused, Result, Unreachable
from yuanlu.notification.records import Attempt, Contact, Message
from yuanlu.notification.schedule import again_after_us
from yuanlu.notification.sending import SendingProcess
from yuanlu.notification.states import STEPS, Sending
from yuanlu.notification.store import find_by_receipt, find_contact, find_message, is_unwanted
from yuanlu.notification.templates import registered_name
from yuanlu.notification.writing import DELIVER, SMS_LANE, Written, after_receipt, lane_of, moved

AT_ONCE_MAX = 4
AGAIN_US = 100_000

AddressOf = Callable[[str], str]
"""The address of a recipient of the settings, by "contract/recipient"; "" for one that is not there any more."""

Beside = Callable[[Connection, Message], list[Change]]
"""What else is to be written when a message has been told or not: a line of its case."""

_log = structlog.get_logger("notification")


class Read(Struct, frozen=True, kw_only=True):
    """What the driver looks at, read together."""

    message: Message | None
    contact: Contact | None
    unwanted: bool


@dataclass(kw_only=True)
class Deliverer:
    """One per gateway."""

    journal: Journal
    clock: Clock
    keys: KeyStore
    sending: SendingProcess
    channels: Mapping[str, object]
    address_of: AddressOf
    beside: Beside
    chance: Callable[[], float]
    runner: TaskRunner = field(init=False)

    def __post_init__(self) -> None:
        self.runner = TaskRunner(
            kind=DELIVER, lanes=dict.fromkeys((SMS_LANE, *self.channels), AT_ONCE_MAX), journal=self.journal,
            clock=self.clock, handle=self.drive,
        )  # fmt: skip

    async def drive(self, task: Claimed) -> None:
        """One message: the handler of the task."""
        read = await self.journal.read(partial(_read, message_id=task.key))
        message, now_us = read.message, self.clock.wall_us()
        if message is None or message.state is not Sending.WAITING:
            await self.journal.commit([], [tasks.drop(task)])
        elif read.unwanted:
            await self._end(task, moved(message, Sending.UNWANTED, "does not want to be told", now_us))
        elif message.not_before_us > now_us:
            left_us = message.not_before_us - now_us
            await self.journal.commit([], [tasks.move(task, self.runner.now_us() + left_us)])
        elif message.expires_at_us <= now_us:
            await self._end(task, moved(message, Sending.FAILED, f"its time is over: {message.note or '-'}", now_us))
        else:
            await self._try(task, message, read.contact)
        self.runner.nudge(task.lane)

    async def _try(self, task: Claimed, message: Message, contact: Contact | None) -> None:
        """One way after the other, until one takes it."""
        tried: list[Attempt] = []
        results: list[Result] = []
        to = self._address(message, contact)
        ways = message.ways if to is not None else ()
        for way in ways:
            result = await self.sending.send(way, outgoing(message, to or ""))
            results.append(result)
            tried.append(attempt(message, len(tried), way, result, self.clock.wall_us()))
            if isinstance(result, Accepted):
                break
        await self._record(task, message, tuple(tried), results)

    def _address(self, message: Message, contact: Contact | None) -> str | None:
        """Where it goes; None when that is not known any more."""
        if not message.contact_id:
            return self.address_of(message.person)
        if contact is None:
            return None
        try:
            return self.keys.unseal(contact.sealed, contact.context).decode()
        except SealBroken as error:
            _log.error("a contact cannot be read", message=message.message_id, reason=str(error))
            return None

    async def _record(
        self, task: Claimed, message: Message, tried: tuple[Attempt, ...], results: list[Result]
    ) -> None:  # fmt: skip
        now_us = self.clock.wall_us()
        last = results[-1] if results else Refused(why="there is no address any more")
        if isinstance(last, Accepted):
            await self._told(task, message, tried, last)
            return
        why = "; ".join(f"{each.channel}: {each.note}" for each in tried) or "there is no address any more"
        again_us = again_after_us(message.attempts + len(tried), self.chance())
        hopeless = not any(isinstance(result, Unreachable) for result in results)
        if hopeless or now_us + again_us >= message.expires_at_us:
            _log.warning("somebody could not be told", message=message.message_id, reason=why)
            await self._end(task, moved(message, Sending.FAILED, why, now_us, tried))
            return
        later = moved(message, Sending.WAITING, why, now_us, tried)
        if not await self._committed(later, tasks.move(task, self.runner.now_us() + again_us), shown=False):
            await self._look_again(task)

    async def _told(self, task: Claimed, message: Message, tried: tuple[Attempt, ...], last: Accepted) -> None:
        """It has left: that is recorded, though better news may have overtaken it meanwhile."""
        state = Sending.DELIVERED if last.delivered else Sending.SENT
        now_us, channel = self.clock.wall_us(), tried[-1].channel
        while state in STEPS[message.state]:
            told = moved(message, state, "", now_us, tried, channel=channel, provider_id=last.provider_id)
            if await self._committed(told, tasks.drop(task)):
                return
            now = (await self.journal.read(partial(_read, message_id=message.message_id))).message
            if now is None or now.version == message.version:
                break  # the task is somebody else's by now
            message = now
        await self._look_again(task)

    async def _end(self, task: Claimed, written: Written) -> None:
        if not await self._committed(written, tasks.drop(task)):
            await self._look_again(task)

    async def _look_again(self, task: Claimed) -> None:
        """Somebody was first."""
        await self.journal.commit([], [tasks.move(task, self.runner.now_us() + AGAIN_US)])

    async def _committed(self, written: Written, last: Change, *, shown: bool = True) -> bool:
        """With a line in its case, where it has one; what happened is recorded also when the case cannot show it."""
        more = await self.journal.read(lambda c: self.beside(c, written.message)) if shown else []
        done = await self.journal.commit(written.facts, [*written.changes, *more, last])
        if isinstance(done, Conflict) and more:
            done = await self.journal.commit(written.facts, [*written.changes, last])
        return not isinstance(done, Conflict)

    async def received(self, channel: str, receipt: Receipt) -> bool:
        """A provider says what became of a message; False when it knows one that we do not."""
        message = await self.journal.read(
            partial(find_by_receipt, channel=channel, provider_id=receipt.provider_id)
        )  # fmt: skip
        if message is None:
            return False
        written = after_receipt(message, channel, receipt, self.clock.wall_us())
        if written is None:
            return True
        more = await self.journal.read(lambda c: self.beside(c, written.message))
        await self.journal.commit(written.facts, [*written.changes, *more])
        return True

    def nudge(self, message: Message) -> None:
        """This message may be due now."""
        self.runner.nudge(lane_of(message))


def _read(connection: Connection, message_id: str) -> Read:
    message = find_message(connection, message_id)
    known = message is not None and message.contact_id
    return Read(
        message=message,
        contact=find_contact(connection, message.contact_id) if message is not None and known else None,
        unwanted=message is not None and is_unwanted(connection, message.person, message.contact_id),
    )


def outgoing(message: Message, to: str) -> Outgoing:
    """The message as a channel gets it."""
    about = message.subject
    said = {
        "merchant_id": about.merchant_id, "terminal_id": about.terminal_id, "transaction_id": about.transaction_id,
        "case_id": about.case_id, "incident_id": about.incident_id,
    }  # fmt: skip
    return Outgoing(
        message_id=message.message_id, event=message.event.value, template=registered_name(message.template),
        language=message.language, to=to, title=message.title, text=message.text, values=message.values,
        about={name: value for name, value in said.items() if value}, at_us=message.created_at_us,
    )  # fmt: skip


def attempt(message: Message, before: int, channel: str, result: Result, now_us: int) -> Attempt:
    """One channel that was tried, as it is kept."""
    accepted = isinstance(result, Accepted)
    return Attempt(
        message_id=message.message_id,
        number=message.attempts + before + 1,
        at_us=now_us,
        channel=channel,
        outcome=type(result).__name__.lower(),
        provider_id=result.provider_id if isinstance(result, Accepted) else "",
        note="" if accepted or isinstance(result, Accepted) else result.why,
    )
