"""The kinds of transaction: how each is spelled on the wire, and what it does with money. One table.

Source: the transaction identification matrix of the UnionPay POS message specification (MTI, field 3, 60.1), and
which of them cause a reversal when their outcome is unknown.
"""

from msgspec import Struct

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.subfields import F60

BALANCE, SALE, QR_SALE = "balance", "sale", "qr_sale"
VOID, REFUND = "void", "refund"
PREAUTH, PREAUTH_VOID = "preauth", "preauth_void"
COMPLETION, COMPLETION_VOID = "completion", "completion_void"
COMPLETION_ADVICE, OFFLINE_SALE, OFFLINE_UPLOAD = "completion_advice", "offline_sale", "offline_upload"
ADJUSTMENT_ADVICE, TIP_ADVICE, SCRIPT_RESULT = "adjustment_advice", "tip_advice", "script_result"
OTHER = "other"

SCRIPT_RESULT_MTI = "0620"
PREAUTH_CONDITION = "06"
"""Field 25 of the pre-authorisation family."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of transaction.

    `reverses` says whether an unknown outcome is reversed (a refund never is). `of` are the kinds it may refer to;
    `gives_back` whether it returns money of that one, else it goes on with it (a completion). An `advice` tells what
    has happened already: it is taken over and forwarded until the host answers, and never reversed (`flow.advices`).
    """

    name: str
    mti: str
    processing_code: str
    type_code: str
    condition: str = "00"
    reverses: bool = True
    of: frozenset[str] = frozenset()
    gives_back: bool = False
    advice: bool = False


_PAID = frozenset({SALE, QR_SALE})
_CHARGED_BY_ADVICE = frozenset({COMPLETION_ADVICE, OFFLINE_SALE, OFFLINE_UPLOAD})
"""Told as done, and never voided: only a refund gives it back."""


def _advice(
    name: str, type_code: str, *, mti: str = "0220", condition: str = "00", of: frozenset[str] = frozenset()
) -> Kind:
    return Kind(
        name=name, mti=mti, processing_code="000000", type_code=type_code, condition=condition, reverses=False, of=of,
        advice=True,
    )  # fmt: skip


KINDS = {
    kind.name: kind
    for kind in (
        Kind(name=BALANCE, mti="0200", processing_code="310000", type_code="01", reverses=False),
        Kind(name=SALE, mti="0200", processing_code="000000", type_code="22"),
        Kind(name=QR_SALE, mti="0200", processing_code="000000", type_code="22"),
        Kind(name=VOID, mti="0200", processing_code="200000", type_code="23", of=_PAID, gives_back=True),
        Kind(
            name=REFUND, mti="0220", processing_code="200000", type_code="25", reverses=False,
            of=_PAID | {COMPLETION} | _CHARGED_BY_ADVICE, gives_back=True,
        ),
        Kind(name=PREAUTH, mti="0100", processing_code="030000", type_code="10", condition=PREAUTH_CONDITION),
        Kind(
            name=PREAUTH_VOID, mti="0100", processing_code="200000", type_code="11", condition=PREAUTH_CONDITION,
            of=frozenset({PREAUTH}), gives_back=True,
        ),
        Kind(
            name=COMPLETION, mti="0200", processing_code="000000", type_code="20", condition=PREAUTH_CONDITION,
            of=frozenset({PREAUTH}),
        ),
        Kind(
            name=COMPLETION_VOID, mti="0200", processing_code="200000", type_code="21", condition=PREAUTH_CONDITION,
            of=frozenset({COMPLETION}), gives_back=True,
        ),
        _advice(COMPLETION_ADVICE, "24", condition=PREAUTH_CONDITION, of=frozenset({PREAUTH})),
        _advice(OFFLINE_SALE, "30"),
        _advice(ADJUSTMENT_ADVICE, "32", of=_PAID),
        _advice(TIP_ADVICE, "34", of=_PAID),
        _advice(OFFLINE_UPLOAD, "36"),
        _advice(SCRIPT_RESULT, "00", mti=SCRIPT_RESULT_MTI, of=_PAID),
    )
}  # fmt: skip

_TOLD_OTHERWISE = frozenset({QR_SALE, SCRIPT_RESULT})
"""A QR sale is spelled like a sale; a script result has a message type of its own."""

_ONLY_BY_TYPE = frozenset({ADJUSTMENT_ADVICE, TIP_ADVICE, OFFLINE_UPLOAD})
"""Without 60.1 these look like an offline sale, so a dialect without field 60 has no such message."""

_FAMILIES = {"31": "310000", "20": "200000"}
"""Inquiries and credits by the head of field 3: the accounts that its tail names make no other kind."""

_BY_SPELLING = {
    (kind.mti, kind.processing_code, kind.type_code): kind.name
    for kind in KINDS.values()
    if kind.name not in _TOLD_OTHERWISE
}
_BY_CONDITION = {
    (kind.mti, kind.processing_code, kind.condition == PREAUTH_CONDITION): kind.name
    for kind in KINDS.values()
    if kind.name not in _TOLD_OTHERWISE | _ONLY_BY_TYPE
}

VOID_OF = {SALE: VOID, QR_SALE: VOID, PREAUTH: PREAUTH_VOID, COMPLETION: COMPLETION_VOID}
"""What undoes each kind on the same day."""

DEBITS = _PAID | {COMPLETION} | _CHARGED_BY_ADVICE
CREDITS = frozenset({VOID, COMPLETION_VOID, REFUND})
"""What a batch counts on either side. A hold is no money yet; an adjustment or a tip is part of another slip."""

COMPLETIONS = frozenset({COMPLETION, COMPLETION_ADVICE})
"""What ends a pre-authorisation by charging it."""


def is_advice(kind: str) -> bool:
    """Whether it tells what has happened already."""
    return kind in KINDS and KINDS[kind].advice


def is_reversed(kind: str) -> bool:
    """Whether an unknown outcome of this kind is reversed; what we do not serve may be, if a terminal says so."""
    return kind not in KINDS or KINDS[kind].reverses


def kind_of(message: Message, mti: str) -> str:
    """The kind of a request, OTHER for what is not served. `mti` is the request's: a reversal has its original's.

    By 60.1 where the dialect has it and the terminal filled it, else by field 25.
    """
    if mti == SCRIPT_RESULT_MTI:
        return SCRIPT_RESULT
    code = message.get(3) or ""
    code = _FAMILIES.get(code[:2], code)
    type_code = ""
    if message.has(60) and not message.codec.dialect.extended:
        type_code = F60.parse(message[60]).type_code
    if type_code and code != "310000":
        name = _BY_SPELLING.get((mti, code, type_code), OTHER)
    else:
        name = _BY_CONDITION.get((mti, code, message.get(25) == PREAUTH_CONDITION and code != "310000"), OTHER)
    if name == SALE and message.has(59) and not message.has(2) and not message.has(35):
        return QR_SALE
    return name
