"""What a till sends about an earlier transaction: void, refund, pre-authorisation and what follows it."""

import asyncio
from collections.abc import Awaitable, Sequence

from tests.scenario.scripted_host import Say
from tests.scenario.stage import MERCHANT, TERMINALS, Stage
from yuanlu.acquirers.kinds import KINDS
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.subfields import F60, F61

CUP = codec_for("cup-pos")
BATCH = "000001"
PAN = "6200000000000005"


def request(
    kind: str, stan: int, amount: int, *, of: int = 0, rrn: str = "", mti: str = "", batch: str = BATCH,
    terminal: str = TERMINALS[0], **more: str | None,
) -> bytes:  # fmt: skip
    """A message of this kind; `of` is the original's trace number, `mti` 0400 makes it a reversal."""
    spelt = KINDS[kind]
    fields: dict[int, str | bytes | None] = {
        2: PAN,
        3: spelt.processing_code,
        4: f"{amount:012}",
        11: f"{stan:06}",
        22: "0120",
        25: spelt.condition,
        41: terminal,
        42: MERCHANT,
        49: "156",
        60: F60(type_code=spelt.type_code, batch_no=batch, management_code="000").build(),
        37: rrn or None,
        39: "98" if mti == "0400" else None,
        61: F61(batch_no=batch, stan=f"{of:06}").build() if of else None,
    }
    if kind == "refund" and not of:
        fields[61] = F61(batch_no="000000", stan="000000", date_mmdd="1123").build()
    fields |= {int(name[1:]): value for name, value in more.items()}
    return CUP.encode(mti=mti or spelt.mti, fields={n: v for n, v in fields.items() if v is not None})


async def sold(stage: Stage, amount: int = 1234):
    """An approved sale."""
    payment = stage.payment(amount=amount)
    assert await stage.code(stage.sale(payment)) == "00"
    return payment


async def one_passes(stage: Stage, mti: str, asks: Sequence[Awaitable[str]]) -> list[str]:
    """Requests at the same moment of which the host gets one: it answers when all the others have been told."""
    stage.host.will(mti, *[Say(held=True)] * len(asks))
    asked = [asyncio.ensure_future(each) for each in asks]
    await stage.until(lambda: stage.host.holding == 1 and sum(each.done() for each in asked) == len(asked) - 1)
    stage.host.let_go()
    return await asyncio.gather(*asked)
