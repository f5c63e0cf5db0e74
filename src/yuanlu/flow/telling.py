"""People hear of what went wrong, and of its end: from facts to messages in the outbox.

Whoever makes something durable that people have to hear of puts a task of kind "tell" in the same commit: a payment
when its cause is known, a case when it goes up, an incident when it begins and ends. The handler reads how things
stand, decides for each person what they have not heard yet (`notification.deciding`), and commits the messages with
the tasks that send them (`notification.delivering`). Nothing of this is in a payment's way. The words are the
program's, or those that two people have put in their place (`notification.wordings`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy import Connection

from yuanlu.cases.people import GATEWAY, Actor
from yuanlu.cases.records import Case, EventKind
from yuanlu.cases.records import Event as CaseEvent
from yuanlu.cases.store import find_case_of, find_case_of_incident, get_case, insert_event
from yuanlu.contracts import Agreements
from yuanlu.flow.payment import Desk
from yuanlu.flow.telling_reading import Read, read_what
from yuanlu.journal import tasks
from yuanlu.journal.tasks import TELL, TELL_LANE, Claimed, TaskRunner
from yuanlu.journal.unit import Change, Conflict
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.notices import Event, Notification, Telling
from yuanlu.notification.composing import Person, addresses, compose, people
from yuanlu.notification.deciding import OVERTAKES, Due, Happening, of_payment
from yuanlu.notification.delivering import Deliverer
from yuanlu.notification.records import Message, Subject
from yuanlu.notification.sending import SendingProcess
from yuanlu.notification.states import Sending
from yuanlu.notification.templates import Template, TemplateError
from yuanlu.notification.wording_store import in_use
from yuanlu.notification.wordings import Wording, template_of
from yuanlu.notification.writing import Written, begun, moved

AT_ONCE_MAX = 1
"""A look reads a lot, and returns read through the same two threads: they must not wait for it."""

AGAIN_US = 100_000
SHOWN_IN_CASE = frozenset({Sending.SENT, Sending.DELIVERED, Sending.FAILED, Sending.UNDELIVERED, Sending.UNWANTED})

Peoples = Mapping[str, Template]
"""Words that people have put in the place of the program's, by the template's name."""

_log = structlog.get_logger("notification")


@dataclass(kw_only=True)
class Teller:
    """One per gateway."""

    journal: Journal
    clock: Clock
    identifiers: IdentifierSource
    agreements: Agreements
    notification: Notification
    deliverer: Deliverer
    runner: TaskRunner = field(init=False)

    def __post_init__(self) -> None:
        self.runner = TaskRunner(
            kind=TELL, lanes={TELL_LANE: AT_ONCE_MAX}, journal=self.journal, clock=self.clock, handle=self.look
        )

    @property
    def speaks(self) -> bool:
        """Whether anybody can be told anything."""
        return bool(self.notification.channels)

    async def look(self, task: Claimed) -> None:
        """What is to be said now, and to whom: the handler of the task."""
        if not self.speaks:
            await self.journal.commit([], [tasks.drop(task)])
            return
        read, peoples = await self.journal.read(partial(self._read, key=task.key))
        messages, again_us = self._messages(read, peoples)
        written = [begun(each) for each in messages]
        written += [each for message in messages for each in _overtaken(message, read.told, self.clock.wall_us())]
        facts = [fact for each in written for fact in each.facts]
        changes = [change for each in written for change in each.changes]
        last = tasks.drop(task) if again_us is None else tasks.move(task, self._due_us(again_us))
        if isinstance(await self.journal.commit(facts, [*changes, last]), Conflict):
            await self.journal.commit([], [tasks.move(task, self.runner.now_us() + AGAIN_US)])
            self.runner.nudge(task.lane)
        for message in messages:
            self.deliverer.nudge(message)

    def _read(self, connection: Connection, key: str) -> tuple[Read, Peoples]:
        """How things stand, and in which words they are said at this moment: an approval counts from now on."""
        read = read_what(connection, key, self.agreements, self.notification)
        return read, usable(in_use(connection))

    def _due_us(self, at_us: int) -> int:
        return self.runner.now_us() + max(0, at_us - self.clock.wall_us())

    def _messages(self, read: Read, peoples: Peoples) -> tuple[list[Message], int | None]:
        """The messages, and when to look again."""
        messages: list[Message] = []
        agains: list[int] = []
        for person, telling in self._people(read):
            due = self._due(read, person, telling)
            agains += [] if due.again_us is None else [due.again_us]
            messages += self._composed(due.happenings, person, telling, peoples)
        return messages, min(agains, default=None)

    def _people(self, read: Read) -> Iterator[tuple[Person, Telling]]:
        """Everybody whom it can concern, once each, with the terms that hold for them."""
        terms = [self.agreements.of(each) for each in read.merchants] or [
            self.agreements.default,
            *{each.contract: each for each in self.agreements.by_merchant.values()}.values(),
        ]
        seen: set[str] = set()
        for each in terms:
            for person in people(each.contract, each.telling, self.notification, read.contacts):
                if person.person not in seen:
                    seen.add(person.person)
                    yield person, each.telling

    def _due(self, read: Read, person: Person, telling: Telling) -> Due:
        said = {(each.event, each.round) for each in read.told if each.person == person.person}
        if read.payment is not None:
            return of_payment(read.payment, said, telling, self.clock.wall_us())
        happening = read.happening
        if happening is None or (happening.event, happening.round) in said:
            return Due(happenings=(), again_us=None)
        if happening.event is Event.INCIDENT_ENDED and (Event.INCIDENT_BEGAN, "") not in said:
            return Due(happenings=(), again_us=None)
        return Due(happenings=(happening,), again_us=None)

    def _composed(
        self, happenings: Sequence[Happening], person: Person, telling: Telling, peoples: Peoples
    ) -> Iterator[Message]:
        for happening in happenings:
            try:
                message = compose(
                    happening, person, telling, self.notification, self.identifiers.new(), self.clock.wall_us(), peoples
                )
            except TemplateError as error:
                _log.error("a message cannot be made", subject=str(happening.subject), reason=str(error))
            else:
                yield from [] if message is None else [message]


def usable(wordings: Sequence[Wording]) -> dict[str, Template]:
    """People's own words by the template's name; without those that this program cannot use, of which the log tells."""
    found: dict[str, Template] = {}
    for each in wordings:
        try:
            found[each.name] = template_of(each)
        except TemplateError as error:
            _log.error("approved words cannot be used", wording=each.key, reason=str(error))
    return found


def _overtaken(news: Message, told: Sequence[Message], now_us: int) -> Iterator[Written]:
    overtakes = OVERTAKES.get(news.event, frozenset()) if not news.round or news.event is Event.RETURN_DELAYED else ()
    for each in told:
        if each.person == news.person and each.event in overtakes and each.state is Sending.WAITING:
            yield moved(each, Sending.OVERTAKEN, f"overtaken by {news.template}", now_us)


def in_case(connection: Connection, message: Message, who: Actor | None = None) -> list[Change]:
    """A line of its case's timeline: who was told what, or could not be. The case itself does not move.

    `who` is the person who has it sent once more; without one the gateway tells how it went.
    """
    if who is None and message.state not in SHOWN_IN_CASE:
        return []
    case = _case_of(connection, message.subject)
    if case is None:
        return []
    text = f"{message.state.value}: {message.template} → {message.masked}"
    text += f" ({message.channel})" if message.channel else ""
    by = who or Actor(name=GATEWAY.name, via=message.channel or GATEWAY.via)
    line = CaseEvent(
        case_id=case.case_id, version=case.version, subject_id=f"{message.message_id}.{message.version}",
        at_us=message.changed_at_us, kind=EventKind.TOLD, who=by.name, via=by.via,
        text=f"{text}: {message.note}" if message.note and who is None else text,
    )  # fmt: skip
    return [insert_event(line)]


def _case_of(connection: Connection, about: Subject) -> Case | None:
    if about.case_id:
        return get_case(connection, about.case_id)
    if about.transaction_id:
        return find_case_of(connection, about.transaction_id)
    return find_case_of_incident(connection, about.incident_id)


def teller_of(
    desk: Desk, agreements: Agreements, notification: Notification, chance: Callable[[], float]
) -> Teller:  # fmt: skip
    """The teller of a gateway, with the driver of its outbox. Nothing runs yet."""
    deliverer = Deliverer(
        journal=desk.journal, clock=desk.clock, keys=desk.keys, sending=SendingProcess(notification.channels),
        channels=notification.channels, address_of=recipients(agreements, notification), beside=in_case, chance=chance,
    )  # fmt: skip
    return Teller(
        journal=desk.journal, clock=desk.clock, identifiers=desk.identifiers, agreements=agreements,
        notification=notification, deliverer=deliverer,
    )  # fmt: skip


def recipients(agreements: Agreements, notification: Notification) -> Callable[[str], str]:
    """Where the recipients of the settings are to be found, by "contract/name"."""
    by_contract: Mapping[str, Telling] = {each.contract: each.telling for each in agreements.by_merchant.values()}
    known = addresses({"": notification, **by_contract})
    return lambda person: known.get(person, "")
