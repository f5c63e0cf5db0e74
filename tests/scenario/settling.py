"""What a till sends at the end of its batch, and what came of it."""

from collections.abc import Sequence

from tests.scenario.stage import MERCHANT, TERMINALS, Stage
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.subfields import SettlementTotals, Totals, UploadItem
from yuanlu.reconciliation.store import Batch, BatchKey, find_batch, findings_of
from yuanlu.sandbox.till_batch import settlement_frame, upload_end_frame, upload_frame

BATCH = "000001"
ITEMS_A_MESSAGE = 8
PAN = "6200000000000005"

Listed = Sequence[tuple[int, int]]
"""Trace numbers and amounts."""


def key(batch: str = BATCH) -> BatchKey:
    return BatchKey(terminal_id=TERMINALS[0], merchant_id=MERCHANT, batch_no=batch)


def totals(debits: Sequence[int] = (), credited: Sequence[int] = ()) -> SettlementTotals:
    return SettlementTotals(
        domestic=Totals(
            debit_minor=sum(debits), debit_count=len(debits), credit_minor=sum(credited), credit_count=len(credited)
        )
    )


def settlement(stage: Stage, debits: Sequence[int] = (), credited: Sequence[int] = (), *, stan: int = 800,
               batch: str = BATCH) -> bytes:  # fmt: skip
    """0500 with these amounts."""
    return settlement_frame(stage.identity(), batch, f"{stan:06}", totals(debits, credited), stage.keys)


def flags(answer: Message | None) -> tuple[str, str, str]:
    """Field 39, and positions 31 and 62 of field 48."""
    assert answer is not None
    assert answer.mti == "0510"
    return answer[39], answer[48][30], answer[48][61]


def item(trace: int, amount: int) -> UploadItem:
    return UploadItem(card_kind="00", stan=f"{trace:06}", pan=PAN, amount_minor=amount)


async def upload(stage: Stage, listed: Listed, *, stan: int = 810, ends: bool = True, count: int | None = None) -> None:
    """0320 for all of it, eight at a time, and the end."""
    line = await stage.line()
    for start in range(0, len(listed), ITEMS_A_MESSAGE):
        some = [item(*each) for each in listed[start : start + ITEMS_A_MESSAGE]]
        frame = upload_frame(stage.identity(), BATCH, f"{stan + start // ITEMS_A_MESSAGE:06}", some, stage.keys)
        assert await stage.code(frame, line) == "00"
    if ends:
        assert await stage.code(end(stage, len(listed) if count is None else count, stan=stan + 100), line) == "00"


def end(stage: Stage, count: int, *, stan: int = 910) -> bytes:
    return upload_end_frame(stage.identity(), BATCH, f"{stan:06}", count, stage.keys, agreed=False)


async def batch_of(stage: Stage, batch: str = BATCH) -> Batch | None:
    return await stage.read(lambda c: find_batch(c, key(batch)))


async def found(stage: Stage) -> list[tuple[str, str, str]]:
    """Kind, trace number, and what was done."""
    return [(row.kind, row.trace_no, row.done) for row in await stage.read(lambda c: findings_of(c, key()))]
