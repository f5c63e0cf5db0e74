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
OTHER = "other"

PREAUTH_CONDITION = "06"
"""Field 25 of the pre-authorisation family."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of transaction.

    `reverses` says whether an unknown outcome is reversed (a refund never is). `of` are the kinds it may refer to;
    `gives_back` whether it returns money of that one, else it goes on with it (a completion).
    """

    name: str
    mti: str
    processing_code: str
    type_code: str
    condition: str = "00"
    reverses: bool = True
    of: frozenset[str] = frozenset()
    gives_back: bool = False


_PAID = frozenset({SALE, QR_SALE})

KINDS = {
    kind.name: kind
    for kind in (
        Kind(name=BALANCE, mti="0200", processing_code="310000", type_code="01", reverses=False),
        Kind(name=SALE, mti="0200", processing_code="000000", type_code="22"),
        Kind(name=QR_SALE, mti="0200", processing_code="000000", type_code="22"),
        Kind(name=VOID, mti="0200", processing_code="200000", type_code="23", of=_PAID, gives_back=True),
        Kind(
            name=REFUND, mti="0220", processing_code="200000", type_code="25", reverses=False,
            of=_PAID | {COMPLETION}, gives_back=True,
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
    )
}  # fmt: skip

_BY_SPELLING = {
    (kind.mti, kind.processing_code, kind.type_code): kind.name for kind in KINDS.values() if kind.name != QR_SALE
}
_BY_CONDITION = {
    (kind.mti, kind.processing_code, kind.condition == PREAUTH_CONDITION): kind.name
    for kind in KINDS.values()
    if kind.name != QR_SALE
}

VOID_OF = {SALE: VOID, QR_SALE: VOID, PREAUTH: PREAUTH_VOID, COMPLETION: COMPLETION_VOID}
"""What undoes each kind on the same day."""


def is_reversed(kind: str) -> bool:
    """Whether an unknown outcome of this kind is reversed; what we do not serve may be, if a terminal says so."""
    return kind not in KINDS or KINDS[kind].reverses


def kind_of(message: Message, mti: str) -> str:
    """The kind of a request, OTHER for what is not served. `mti` is the request's: a reversal has its original's.

    By 60.1 where the dialect has it and the terminal filled it, else by field 25.
    """
    code = message.get(3) or ""
    code = "310000" if code[:2] == "31" else "200000" if code[:2] == "20" else code
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
