"""The end of a till's day: its totals by 0500; its details by 0320 when the totals differ; a new batch.

Neither carries a MAC, as terminals in the field do it (domain notes §1.8).
"""

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import SettlementTotals
from yuanlu.sandbox.host_settlement import DISAGREE_FLAG
from yuanlu.sandbox.till import Till
from yuanlu.sandbox.till_batch import settlement_frame, upload_end_frame, upload_frame
from yuanlu.sandbox.till_line import LineClosed
from yuanlu.sandbox.told import SETTLEMENT, Told

ANSWER_TIMEOUT_S = 5.0
APPROVED_CODE = "00"


async def close_batch(till: Till) -> None:
    """Send the totals, upload what the gateway asks for, begin a new batch; record what was answered.

    Anything but 00 means that the batch stays open: the gateway does not serve settlement, or not now.
    """
    totals, stan, code, flag = till.memory.totals(), till.next_stan(), "", ""
    try:
        answer = await _exchange(till, settlement_frame(till.identity, till.batch_no, stan, totals, None), "0510", stan)
        code, flag = (answer.get(39) or "", _flag(answer)) if answer is not None else ("", "")
        if code == APPROVED_CODE:
            await _upload(till, flag)
    except LineClosed:
        till.close()
    domestic = totals.domestic
    till.record(
        Told(
            terminal_id=till.identity.terminal_id,
            merchant_id=till.identity.merchant_id,
            batch_no=till.batch_no,
            stan=stan,
            amount_minor=domestic.debit_minor - domestic.credit_minor,
            asked="request",
            code=code,
            at_us=till.now_us(),
            kind=SETTLEMENT,
            flag=flag,
        )
    )
    if code == APPROVED_CODE:
        till.batch_no = f"{int(till.batch_no) % 999_999 + 1:06}"
        till.memory.clear()


def _flag(answer: Message) -> str:
    """What the other side says about the totals, "" when it says nothing that can be read."""
    try:
        totals = SettlementTotals.parse(answer.get(48) or "")
    except DecodeError:
        return ""
    return max(totals.domestic.flag, totals.foreign.flag)


async def _upload(till: Till, flag: str) -> None:
    """All details when the totals differ; then, or at once, the end of the batch."""
    count, differs = 0, flag == DISAGREE_FLAG
    for items in till.memory.uploads() if differs else []:
        stan = till.next_stan()
        await _exchange(till, upload_frame(till.identity, till.batch_no, stan, items, None), "0330", stan)
        count += len(items)
    stan = till.next_stan()
    frame = upload_end_frame(till.identity, till.batch_no, stan, count, None, agreed=not differs)
    await _exchange(till, frame, "0330", stan)


async def _exchange(till: Till, frame: bytes, mti: str, stan: str) -> Message | None:
    """The answer with this message type and trace number, None when there is none. Raises LineClosed."""
    line = await till.ready_line()
    await line.send(frame)
    while (message := await line.receive(ANSWER_TIMEOUT_S)) is not None:
        if message.mti == mti and message.get(11) == stan:
            return message
    return None
