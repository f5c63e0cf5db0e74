"""What providers of SMS say later of messages that they took: read and committed beside the gateway."""

import msgspec
from sqlalchemy import Connection

from yuanlu.flow.telling import in_case
from yuanlu.journal.unit import Change, Conflict
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import YuanluError
from yuanlu.notices import AliyunSms, ChannelSettings, TencentSms
from yuanlu.notification.channels import aliyun_sms, tencent_sms
from yuanlu.notification.channels.channel import Receipt
from yuanlu.notification.store import find_by_receipt
from yuanlu.notification.writing import Written, after_receipt
from yuanlu.people.database import on_database
from yuanlu.settings import Settings

RECEIPTS_MAX = 1_000
"""In one request; providers push some hundreds."""
TRIES = 5


class ReceiptsWrong(YuanluError):
    """What came is no list of receipts."""


class ReceiptsBusy(YuanluError):
    """A message was just being worked on; the provider has to say it again."""


def read_receipts(channel: ChannelSettings, body: bytes) -> list[Receipt]:
    """The receipts of a provider's request. Raises ReceiptsWrong."""
    try:
        match channel:
            case AliyunSms():
                found = aliyun_sms.receipts(body)
            case TencentSms():
                found = tencent_sms.receipts(body)
            case _:
                raise ReceiptsWrong("this channel has no receipts")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReceiptsWrong(f"these are no receipts: {error}") from None
    if len(found) > RECEIPTS_MAX:
        raise ReceiptsWrong(f"{len(found)} receipts at once, at most {RECEIPTS_MAX}")
    return found


@on_database
def received(settings: Settings, channel: str, receipts: list[Receipt]) -> int:
    """Record them, each with a line of its case; how many were news. Raises ReceiptsBusy.

    One of a message that we do not know is left out: the provider would repeat it without end.
    """
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        return sum(_recorded(visitor, channel, each, clock) for each in receipts)


def _recorded(visitor: Visitor, channel: str, receipt: Receipt, clock: SystemClock) -> bool:
    for _ in range(TRIES):
        with visitor.reading() as connection:
            read = _read(connection, channel, receipt, clock.wall_us())
        if read is None:
            return False
        written, more = read
        done = visitor.commit(written.facts, [*written.changes, *more])
        if isinstance(done, Conflict) and more:  # what happened is recorded also when the case cannot show it
            done = visitor.commit(written.facts, written.changes)
        if not isinstance(done, Conflict):
            return True
    raise ReceiptsBusy("a message was just being worked on")


def _read(
    connection: Connection, channel: str, receipt: Receipt, now_us: int
) -> tuple[Written, list[Change]] | None:  # fmt: skip
    message = find_by_receipt(connection, channel, receipt.provider_id)
    written = None if message is None else after_receipt(message, channel, receipt, now_us)
    return None if written is None else (written, in_case(connection, written.message))
