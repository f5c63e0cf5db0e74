"""One payment's facts as the spans of one trace. Pure.

The root is the payment, from the terminal's request to its answer. Below it are what was asked of the host, each return
with its attempts, what people decided, and, without a length, whatever came when nothing was open any more.

A span is whole when the fact that ends it is there, and is a function of the facts up to that one: made again, by
whomever, it has the same ids, times and contents. The trace's id is the transaction's own (a ULID has 128 bits).
Nothing of a card is in it: no number, no token, no frame, and no text that a person wrote.
Source: OpenTelemetry's trace data model and semantic conventions (`error.type`, `server.address`).
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.errors import DecodeError
from yuanlu.journal.frames import Direction, unpack
from yuanlu.journal.transactions import Transaction
from yuanlu.kernel.identifiers import bits_of
from yuanlu.kernel.money import alphabetic

Attributes = dict[str, str | int]

REQUEST_ENDS = frozenset({"APPROVED", "DECLINED", "UNKNOWN", "ANSWERED", "RETURN_INTENT"})
RETURN_BEGINS, RETURN_ENDS = "RETURN_INTENT", frozenset({"RETURNED", "NO_EFFECT", "ESCALATED"})
ORDINARY = frozenset({"SEND_INTENT", "APPROVED", "DECLINED", "CAPTURED", "CLEARED"})
NOT_WELL = frozenset({
    "UNKNOWN", "ESCALATED", "RETURN_NOT_SENT", "VOID_UNKNOWN", "REFUND_UNKNOWN", "RETURN_FAILED", "REOPENED",
})  # fmt: skip
SAID_BY_US = frozenset({
    "APPROVED", "DECLINED", "UNKNOWN", "RETURN_INTENT", "REVERSAL_ANSWER", "INQUIRY_ANSWER", "RETURN_NOT_SENT",
    "ESCALATED", "REOPENED", "LATE_ANSWER", "EXPLAINED", "ANSWERED", "ADVICE_ANSWER",
})  # fmt: skip
"""The facts whose note the gateway wrote itself; every other may hold what a person typed."""


class Kind(IntEnum):
    """Which side of a call a span is: the numbers are the protocol's."""

    INTERNAL = 1
    SERVER = 2
    CLIENT = 3


class Exchange(Struct, frozen=True, kw_only=True):
    """What one fact begins and another ends. `below` says whether it belongs to the return that is under way."""

    name: str
    ends: frozenset[str]
    kind: Kind = Kind.CLIENT


_DECIDED = frozenset({"APPROVED", "DECLINED", "UNKNOWN"})
EXCHANGES = {
    "RETURN_REVERSAL": Exchange(name="reversal", ends=frozenset({"REVERSAL_ANSWER", "RETURN_NOT_SENT"})),
    "RETURN_INQUIRY": Exchange(name="inquiry", ends=frozenset({"INQUIRY_ANSWER", "RETURN_NOT_SENT"}) | _DECIDED),
    "REFUND_INQUIRY": Exchange(name="inquiry", ends=_DECIDED),
    "ADVICE_SENT": Exchange(name="advice", ends=frozenset({"ADVICE_ANSWER"}) | _DECIDED),
    "RETURN_PROPOSED": Exchange(
        name="approval", ends=frozenset({"RETURN_APPROVED", "RETURN_REFUSED", "RETURN_EXPIRED"}), kind=Kind.INTERNAL
    ),
} | {
    f"{way}_INTENT": Exchange(
        name=way.lower().replace("_", " "), kind=Kind.INTERNAL,
        ends=frozenset({f"{way}_DONE", f"{way}_UNKNOWN", f"{way}_WITHOUT_EFFECT"}),
    )
    for way in ("VOID", "REFUND", "PREAUTH_VOID", "COMPLETION", "COMPLETION_VOID", "ADJUSTMENT")
}  # fmt: skip


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened while a span was open."""

    name: str
    at_us: int
    attributes: Attributes


class Span(Struct, frozen=True, kw_only=True):
    """One part of what happened. `version` is that of the fact that ended it; `link` names another trace's root."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: Kind
    start_us: int
    end_us: int
    attributes: Attributes
    events: tuple[Event, ...]
    error: str
    link: tuple[bytes, bytes] | None
    version: int


def trace_of(transaction_id: str) -> bytes:
    """The trace of a transaction: its own 128 bits."""
    return bits_of(transaction_id).to_bytes(16)


def span_of(transaction_id: str, name: str) -> bytes:
    """One span's id: the same name gives the same id, for ever."""
    return blake2b(f"{transaction_id}/{name}".encode(), digest_size=8).digest()


def is_ordinary(kinds: Sequence[str]) -> bool:
    """Whether these facts are those of a payment that went as payments go."""
    return ORDINARY.issuperset(kinds)


def case_span(transaction_id: str, row: Any, attributes: Attributes) -> Span:
    """What became of a payment's case, as a span without length; `row` is the case's fact."""
    return Span(
        trace_id=trace_of(transaction_id), span_id=span_of(transaction_id, f"{row.subject_id}/{row.version}"),
        parent_id=span_of(transaction_id, "payment"), name=_words(row.kind), kind=Kind.INTERNAL, start_us=row.at_us,
        end_us=row.at_us, attributes={"yuanlu.case.id": row.subject_id} | attributes, events=(), error="", link=None,
        version=row.version,
    )  # fmt: skip


def spans_of(payment: Transaction, rows: Sequence[Any], hosts: Mapping[str, tuple[str, int]]) -> list[Span]:
    """The spans that are whole. `rows` are all its facts in order; `hosts` says where each acquirer is."""
    telling = _Telling(payment, hosts)
    for row in rows:
        telling.tell(row)
    return telling.whole


class _Open(Struct, kw_only=True):
    """A span that has begun."""

    name: str
    called: str
    kind: Kind
    row: Any
    ends: frozenset[str]
    parent_id: bytes
    attributes: Attributes
    events: list[Event]


class _Telling:
    """The facts so far: what is open, what is whole."""

    def __init__(self, payment: Transaction, hosts: Mapping[str, tuple[str, int]]) -> None:
        self.whole: list[Span] = []
        self._payment = payment
        self._id = payment.transaction_id
        self._root_id = span_of(self._id, "payment")
        self._return_id = b""
        self._open: dict[str, _Open] = {}
        address = hosts.get(payment.acquirer)
        self._host: Attributes = {"yuanlu.acquirer": payment.acquirer}
        if address:
            self._host |= {"server.address": address[0], "server.port": address[1], "network.transport": "tcp"}

    def tell(self, row: Any) -> None:
        """The next fact: it may end what is open, begin something, or both; else it is an event."""
        frames = _codes(row.frames)
        used = self._first(row, frames) if row.version == 1 else False
        used |= self._end(row, frames)
        if row.kind == RETURN_BEGINS:
            self._begin("return", "return", Kind.INTERNAL, row, RETURN_ENDS, self._root_id, {})
            self._return_id, used = span_of(self._id, f"return/{row.version}"), True
        if row.kind in EXCHANGES:
            self._exchange(row, EXCHANGES[row.kind])
            used = True
        if not used:
            self._event(row)

    def _first(self, row: Any, frames: Mapping[Direction, str]) -> bool:
        """The request; what was reversed before it ever came has none."""
        asked = row.kind == "SEND_INTENT"
        ends = REQUEST_ENDS if asked and Direction.TO_TERMINAL not in frames else frozenset({row.kind})
        key, money = self._payment.key, self._payment.amount
        attributes: Attributes = {
            "yuanlu.transaction.id": self._id, "yuanlu.transaction.kind": self._payment.kind,
            "yuanlu.merchant.id": key.merchant_id, "yuanlu.terminal.id": key.terminal_id, "yuanlu.batch": key.batch_no,
            "yuanlu.stan": key.stan, "yuanlu.acquirer": self._payment.acquirer, "yuanlu.amount.minor": money.minor,
            "yuanlu.currency": alphabetic(money.currency),
        }  # fmt: skip
        self._begin("payment", self._payment.kind, Kind.SERVER, row, ends, b"", attributes)
        if Direction.TO_HOST in frames:
            self._begin("host", "host exchange", Kind.CLIENT, row, REQUEST_ENDS, self._root_id, self._host)
        return True

    def _exchange(self, row: Any, exchange: Exchange) -> None:
        """A message to the host; what went before it without an answer is over."""
        name = "approval" if row.kind == "RETURN_PROPOSED" else "exchange"
        if name in self._open:
            self._close(name, row, {}, "no answer")
        more = self._host if exchange.kind is Kind.CLIENT else {}
        parent_id = self._return_id if name == "exchange" and self._return_id else self._root_id
        self._begin(name, exchange.name, exchange.kind, row, exchange.ends, parent_id, more)

    def _begin(
        self, name: str, called: str, kind: Kind, row: Any, ends: frozenset[str], parent_id: bytes, more: Attributes
    ) -> None:
        self._open[name] = _Open(
            name=name, called=called, kind=kind, row=row, ends=ends, parent_id=parent_id, attributes=more, events=[]
        )

    def _end(self, row: Any, frames: Mapping[Direction, str]) -> bool:
        """Close all that this fact ends, the innermost first."""
        ended = [name for name in ("exchange", "approval", "host", "payment", "return") if self._ends(name, row)]
        for name in ended:
            self._close(name, row, frames, _note(row) or row.kind if row.kind in NOT_WELL else "")
        if row.kind in RETURN_ENDS and "exchange" in self._open:
            self._close("exchange", row, {}, "no answer")
        return bool(ended)

    def _ends(self, name: str, row: Any) -> bool:
        return name in self._open and row.kind in self._open[name].ends

    def _close(self, name: str, row: Any, frames: Mapping[Direction, str], error: str) -> None:
        one, attributes = self._open.pop(name), {"yuanlu.outcome": row.kind}
        code = frames.get(Direction.TO_TERMINAL if name == "payment" else Direction.FROM_HOST)
        attributes |= {"yuanlu.response_code": code} if code else {}
        attributes |= {"yuanlu.note": note} if (note := _note(row)) else {}
        attributes |= {"error.type": row.kind.lower()} if error else {}
        named = name if name in ("payment", "host") else f"{name}/{one.row.version}"
        original = self._payment.original_id if name == "payment" else ""
        self.whole.append(Span(
            trace_id=trace_of(self._id), span_id=span_of(self._id, named), parent_id=one.parent_id, name=one.called,
            kind=one.kind, start_us=one.row.at_us, end_us=max(row.at_us, one.row.at_us),
            attributes=one.attributes | attributes, events=tuple(one.events), error=error,
            link=(trace_of(original), span_of(original, "payment")) if original else None, version=row.version,
        ))  # fmt: skip

    def _event(self, row: Any) -> None:
        """Within the return or request that is under way; else a span of its own, without length."""
        note = _note(row)
        attributes: Attributes = {"yuanlu.note": note} if note else {}
        around = self._open.get("return") or self._open.get("payment")
        if around is not None:
            around.events.append(Event(name=_words(row.kind), at_us=row.at_us, attributes=attributes))
            return
        self._begin("fact", _words(row.kind), Kind.INTERNAL, row, frozenset(), self._root_id, {})
        self._close("fact", row, {}, note or row.kind if row.kind in NOT_WELL else "")


def _codes(blob: bytes) -> dict[Direction, str]:
    """Field 39 of a fact's frames, by direction; "" where there is none."""
    found = {}
    for stored in unpack(blob):
        try:
            found[stored.direction] = codec_for(stored.dialect).decode(stored.masked).get(39) or ""
        except DecodeError:
            found[stored.direction] = ""
    return found


def _note(row: Any) -> str:
    return row.note if row.kind in SAID_BY_US else ""


def _words(kind: str) -> str:
    return kind.lower().replace("_", " ")
