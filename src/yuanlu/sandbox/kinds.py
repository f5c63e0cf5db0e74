"""The kinds of transaction that simulated hosts and tills know, and how each is spelled: one table.

A kind is told by message type, field 3 and 60.1, or in a dialect without field 60 by field 25. Source: the
transaction identification matrix of the UnionPay POS message specification. It shares no code with the gateway's own
table on purpose: the double must not repeat its mistakes.
"""

from dataclasses import dataclass
from enum import Enum

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.subfields import F60
from yuanlu.sandbox.faults import MessageClass

PREAUTH_CONDITION = "06"
"""Field 25 of the pre-authorisation family."""


class Kind(Enum):
    """What a transaction is."""

    SALE = "sale"
    BALANCE = "balance"
    VOID = "void"
    REFUND = "refund"
    PREAUTH = "preauth"
    PREAUTH_VOID = "preauth_void"
    COMPLETION = "completion"
    COMPLETION_VOID = "completion_void"
    COMPLETION_ADVICE = "completion_advice"
    OFFLINE_SALE = "offline_sale"
    ADJUSTMENT = "adjustment"
    TIP = "tip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a kind stands in a message. `follows` says whether it names an earlier transaction.

    `message_class` is what faults are ordered for; None for what no fault befalls.
    """

    mti: str
    processing_code: str
    condition_code: str
    type_code: str
    follows: bool
    message_class: MessageClass | None


def _row(
    mti: str,
    processing_code: str,
    condition_code: str,
    type_code: str,
    message_class: MessageClass | None,
    *,
    follows: bool,
) -> Spelling:
    return Spelling(
        mti=mti,
        processing_code=processing_code,
        condition_code=condition_code,
        type_code=type_code,
        follows=follows,
        message_class=message_class,
    )


SPELLINGS = {
    Kind.SALE: _row("0200", "000000", "00", "22", "sale", follows=False),
    Kind.BALANCE: _row("0200", "310000", "00", "01", None, follows=False),
    Kind.VOID: _row("0200", "200000", "00", "23", "void", follows=True),
    Kind.REFUND: _row("0220", "200000", "00", "25", "refund", follows=True),
    Kind.PREAUTH: _row("0100", "030000", "06", "10", "preauth", follows=False),
    Kind.PREAUTH_VOID: _row("0100", "200000", "06", "11", "void", follows=True),
    Kind.COMPLETION: _row("0200", "000000", "06", "20", "completion", follows=True),
    Kind.COMPLETION_VOID: _row("0200", "200000", "06", "21", "void", follows=True),
    Kind.COMPLETION_ADVICE: _row("0220", "000000", "06", "24", "advice", follows=True),
    Kind.OFFLINE_SALE: _row("0220", "000000", "00", "30", "advice", follows=False),
    Kind.ADJUSTMENT: _row("0220", "000000", "00", "32", "advice", follows=True),
    Kind.TIP: _row("0220", "000000", "00", "34", "advice", follows=True),
}

ADVICES = frozenset(kind for kind, row in SPELLINGS.items() if row.message_class == "advice")
"""What has happened already: it is accepted, also a second time, and booked once."""

NEVER_REVERSED = ADVICES | {Kind.REFUND, Kind.BALANCE}

_ONLY_BY_TYPE = (Kind.ADJUSTMENT, Kind.TIP)
"""Without 60.1 these look like an offline sale, so a dialect without field 60 has no such message."""

_BY_TYPE = {(row.mti, row.processing_code, row.type_code): kind for kind, row in SPELLINGS.items()}
_BY_TYPE_ALONE = {row.type_code: kind for kind, row in SPELLINGS.items()}
_BY_CONDITION = {
    (row.mti, row.processing_code, row.condition_code == PREAUTH_CONDITION): kind
    for kind, row in SPELLINGS.items()
    if kind not in _ONLY_BY_TYPE
}
_WHATEVER_THE_TYPE = {("0200", "000000"): Kind.SALE, ("0200", "310000"): Kind.BALANCE}


def find_kind(message: Message) -> Kind | None:
    """The kind of a request, or of what a reversal reverses; None for what nobody here knows.

    Raises DecodeError when a field that tells it is malformed.
    """
    code, extended, reversal = message.get(3) or "", message.codec.dialect.extended, message.mti[1] == "4"
    mti = message.mti
    if reversal:
        mti = (message.get(90) if extended else None) or "0200"
    mti = f"{mti[:3]}0"  # a marked repeat is of the same kind
    if extended or not message.has(60):
        return _BY_CONDITION.get((mti, code, message.get(25) == PREAUTH_CONDITION))
    type_code = F60.parse(message[60]).type_code
    if reversal:
        return _BY_TYPE_ALONE.get(type_code, Kind.SALE)
    return _BY_TYPE.get((mti, code, type_code)) or _WHATEVER_THE_TYPE.get((mti, code))
