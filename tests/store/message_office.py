"""A journal with an outbox, a clock that the story moves, and the sandbox's inbox."""

import random
from typing import Any

from tests.store.case_office import HandClock
from tests.store.journals import opened
from tests.unit.notification.payments import NOON_US, payment, terms
from yuanlu.journal.unit import Committed
from yuanlu.keys.secret_file import create_secret
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.notices import Sandbox
from yuanlu.notification.channels.sandbox import read_inbox
from yuanlu.notification.composing import compose, people
from yuanlu.notification.deciding import Standing, of_payment
from yuanlu.notification.delivering import Deliverer
from yuanlu.notification.records import Message
from yuanlu.notification.sending import SendingProcess
from yuanlu.notification.store import get_message
from yuanlu.notification.writing import begun


class MessageOffice:
    """An outbox whose driver can be started; `channels` are the sandbox's."""

    def __init__(self, at: Any, **channels: Sandbox) -> None:
        self.at = at
        self.journal = at.journal
        self.clock = HandClock()
        self.clock.us = NOON_US
        self.file = at.place.folder / "inbox.jsonl"
        self.channels = channels or {"chat": Sandbox(file=str(self.file))}
        create_secret(at.place.folder / "keys.toml", random.Random(1).randbytes)
        keys = SoftwareKeyStore.open(at.place.folder / "keys.toml", mode="sandbox", random_bytes=random.randbytes)
        self.deliverer = Deliverer(
            journal=self.journal, clock=self.clock, keys=keys, sending=SendingProcess(self.channels),
            channels=self.channels, address_of=lambda person: "finance@example.cn", beside=lambda c, message: [],
            chance=lambda: 0.5,
        )  # fmt: skip

    def message(self, message_id: str = "m1", standing: Standing = Standing.OPEN, **more: Any) -> Message:
        """What the merchant's finance hears of a payment now."""
        notification = terms(channels=self.channels, sms=(), **more)
        [person] = people("", notification, notification)
        [happening] = of_payment(payment(money=standing), set(), notification, self.clock.us).happenings
        made = compose(happening, person, notification, notification, message_id, self.clock.us)
        assert made is not None
        return made

    async def put(self, message: Message, *facts: Any) -> Any:
        """Into the outbox, in one commit with these facts."""
        written = begun(message)
        return await self.journal.commit([*facts, *written.facts], written.changes)

    async def found(self, message_id: str = "m1") -> Message:
        return await self.journal.read(lambda c: get_message(c, message_id))

    def inbox(self) -> list[dict[str, Any]]:
        return read_inbox(self.file)


def told(place: Any, story: Any, **channels: Sandbox) -> None:
    with opened(place) as (run, at):
        office = MessageOffice(at, **channels)

        async def whole() -> None:
            try:
                await story(office)
            finally:
                await office.deliverer.runner.stop()
                await office.deliverer.sending.stop()

        run(whole)


async def put(office: MessageOffice, message: Message) -> None:
    """Into the outbox, for certain."""
    assert isinstance(await office.put(message), Committed)
