"""A stage on which people are told: the sandbox's inboxes, a cardholder with a number, a merchant with recipients."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.scenario.scripted_host import Hush
from tests.scenario.stage import MERCHANT, SOON_S, Stage
from yuanlu.journal.tables import tasks as due
from yuanlu.notices import Notification, Recipient, Sandbox, Shop
from yuanlu.notification.channels.sandbox import read_inbox
from yuanlu.notification.records import Message
from yuanlu.notification.states import Sending
from yuanlu.notification.store import told_of_case, told_of_transaction

NUMBER = "13800000000"
INBOX = "inbox.jsonl"
FINANCE = Recipient(name="finance", via=("chat",), to="finance")
SUPPORT = Recipient(name="support", via=("chat",), to="support", audience="support")
SHOP = Shop(name="南站出口店", short="南站店")


def spoken(*recipients: Recipient, **more: Any) -> dict[str, Any]:
    """`[notification]` with two channels of the sandbox; no quiet hours, whatever the time of the test."""
    given = {
        "brand": "原路支付", "sms": ("phone",), "recipients": recipients, "shops": {MERCHANT: SHOP},
        "channels": {"phone": Sandbox(file=INBOX), "chat": Sandbox(file=INBOX)},
    }  # fmt: skip
    awake = {"quiet_from": Notification().quiet_until}
    return {"notification": Notification(**awake | given | more)}


def inbox(stage: Stage, channel: str = "phone") -> list[dict[str, Any]]:
    """What arrived by this channel, first to last."""
    found = read_inbox(Path(stage.settings.folder) / INBOX)
    return [each for each in found if each["channel"] == channel]


def texts(stage: Stage, channel: str = "phone") -> list[str]:
    return [each["text"] for each in inbox(stage, channel)]


def events(stage: Stage, channel: str = "phone") -> list[str]:
    return [each["event"] for each in inbox(stage, channel)]


async def given(stage: Stage, payment: Any, number: str = NUMBER, language: Any = "zh") -> None:
    """The cardholder of this payment says where to be told."""
    found = await stage.find(payment)
    assert await stage.gateway.contacts.give(found.transaction_id, number, language, "till")


async def comes_true(happened: Callable[[], Awaitable[bool]], within_s: float = SOON_S) -> None:
    """Wait until something in the journal is so."""
    async with asyncio.timeout(within_s):
        while not await happened():  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.02)


async def arrives(happened: Callable[[], bool], within_s: float = SOON_S) -> None:
    """Wait until something is so; the first message also starts the process that sends."""
    async with asyncio.timeout(within_s):
        while not happened():  # noqa: ASYNC110 - another process writes the inbox
            await asyncio.sleep(0.02)


async def told(stage: Stage, payment: Any) -> list[Message]:
    """Who was told what of a payment, as the journal has it."""
    found = await stage.find(payment)
    return await stage.read(lambda c: told_of_transaction(c, found.transaction_id))


async def told_about(stage: Stage, case_id: str, transaction_id: str = "") -> list[Message]:
    """The same of a case."""
    return await stage.read(lambda c: told_of_case(c, case_id, transaction_id))


SILENT = 60
"""So often the host does not answer a reversal."""


async def timed_out(stage: Stage, **more):
    """A sale that the host does not answer, nor its reversal for now; the cardholder gives a number."""
    stage.host.will("0200", Hush())
    stage.host.will("0400", *[Hush()] * SILENT)
    payment = stage.payment(**more)
    assert await stage.code(stage.sale(payment)) == "98"
    await given(stage, payment)
    return payment


async def comes_to(stage: Stage, payment, *states: Sending):
    """Wait until the messages about a payment stand so, first to last; returns them."""

    async def stand() -> bool:
        return [each.state for each in await told(stage, payment)] == list(states)

    await comes_true(stand)
    return await told(stage, payment)


async def settled(stage: Stage, *kinds: str) -> None:
    """Wait until there is no work of these kinds any more."""
    query = select(due.c.key).where(due.c.kind.in_(kinds))

    async def done() -> bool:
        return await stage.read(lambda c: c.execute(query).first()) is None

    await comes_true(done)
