"""A void or refund that we make ourselves, as the original's terminal would have made it.

It takes the account and the surroundings from the original, and a trace number of our own: those count down from
999999, where no terminal is, since theirs begin anew at 1 with each batch.
"""

from msgspec import Struct

from yuanlu.acquirers.iso8583_host import original_data_elements
from yuanlu.acquirers.kinds import KINDS, REFUND
from yuanlu.acquirers.material import ReversalMaterial
from yuanlu.iso8583.codec import Codec, Message
from yuanlu.iso8583.subfields import F60, F61

KEYED = "012"
"""Field 22: the card is not there; its number comes from our records."""


class OwnRequest(Struct, frozen=True, kw_only=True):
    """What is to be undone, and how. `original_day` is MMDD, Beijing time; `batch_no` the batch it is to be in."""

    kind: str
    material: ReversalMaterial
    amount_minor: int
    stan: str
    batch_no: str
    original_batch_no: str
    original_day: str
    rrn: str
    auth_code: str


def own_request(codec: Codec, asked: OwnRequest) -> Message:
    """The request as a message of the host's dialect. Raises EncodeError for what does not fit."""
    kind, given = KINDS[asked.kind], asked.material.fields
    fields: dict[int, str | bytes] = {n: v for n, v in given.items() if n in (2, 41, 42, 49, 59)}
    fields |= {
        3: kind.processing_code,
        4: f"{asked.amount_minor:012}",
        11: asked.stan,
        22: KEYED if codec.dialect.extended else f"{KEYED}0",
        25: kind.condition,
    }
    fields |= {number: value for number, value in ((37, asked.rrn), (38, asked.auth_code)) if value}
    if codec.dialect.extended:
        fields |= {n: v for n, v in given.items() if n in (7, 32, 33)}
        fields[90] = original_data_elements(asked.material)
    else:
        fields[60] = F60(type_code=kind.type_code, batch_no=asked.batch_no, management_code="000").build()
        fields[61] = _original(asked)
    tpdu, header = asked.material.tpdu or None, asked.material.header or None
    return codec.decode(codec.encode(mti=kind.mti, fields=fields, tpdu=tpdu, header=header))


def _original(asked: OwnRequest) -> str:
    """Field 61: a void names batch and trace number, a refund the day alone."""
    if asked.kind == REFUND:
        return F61(batch_no="000000", stan="000000", date_mmdd=asked.original_day).build()
    stan = asked.material.fields[11]
    return F61(batch_no=asked.original_batch_no, stan=stan, date_mmdd=asked.original_day).build()
