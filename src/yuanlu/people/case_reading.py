"""All that a case's page shows, read together: the case, its payment, its messages, its money, what comes next."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection

from yuanlu.cases.decisions import kinds_allowed
from yuanlu.cases.pages import Narrowing, View, beside
from yuanlu.cases.people import same_person
from yuanlu.cases.records import Attachment, Case, Decision, DecisionKind, Event, Words
from yuanlu.cases.states import DecisionState
from yuanlu.cases.store import attachments_of, decisions_of, events_of
from yuanlu.causes.cause import Cause, Guidance
from yuanlu.causes.guidance import LOOKED_INTO, UNKNOWN
from yuanlu.incidents.store import IN_THE_OPEN
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.masking import describe
from yuanlu.journal.frames import Direction, unpack
from yuanlu.journal.transactions import Transaction, facts_of
from yuanlu.notification.records import Message
from yuanlu.notification.store import told_of_case
from yuanlu.people.positions import FAILED, GIVES_BACK, Position, position_of
from yuanlu.returns.orders import Order, OrderState
from yuanlu.returns.states import State
from yuanlu.returns.ways import Link, find_link

FACTS_MAX = 200
"""The last so many; the payment's own page has all."""

BAD = frozenset(
    {"UNKNOWN", "ESCALATED", "REOPENED", "RETURN_NOT_SENT", "RETURN_FAILED", "CASE_REFUSED", "BATCH_FINDING"}
)
GOOD = frozenset({"APPROVED", "RETURNED", "NO_EFFECT", "CLEARED", "RETURN_DONE", "RETURN_PAID", "CASE_CLOSED"})
ARROWS = {
    Direction.FROM_TERMINAL: Words(zh="终端 → 网关", en="terminal → gateway"),
    Direction.TO_HOST: Words(zh="网关 → 主机", en="gateway → host"),
    Direction.FROM_HOST: Words(zh="主机 → 网关", en="host → gateway"),
    Direction.TO_TERMINAL: Words(zh="网关 → 终端", en="gateway → terminal"),
}


class Shown(Struct, frozen=True, kw_only=True):
    """One message, masked: between whom, its type and answer code, and its fields as number, name zh, name, value."""

    arrow: Words
    mti: str
    code: str
    fields: tuple[tuple[int, str, str, str], ...]


class Line(Struct, frozen=True, kw_only=True):
    """One line of the timeline. `kind` is a fact's kind; `who` is "" where a message says it."""

    at_us: int
    kind: str
    who: str
    text: str
    tone: str
    messages: tuple[Shown, ...] = ()


class Money(Struct, frozen=True, kw_only=True):
    """Where the money of the payment is, in minor units of `currency`; `certain` says that it was charged for sure."""

    currency: str
    paid: int
    returned: int
    under_way: int
    ordered: int
    certain: bool
    position: Position

    @property
    def stuck(self) -> bool:
        """Whether what is under way waits for people: the machine cannot bring it back any further."""
        return self.position is FAILED and self.under_way > 0

    @property
    def left(self) -> int:
        """What is still the merchant's."""
        return max(0, self.paid - self.returned - self.under_way)


class Whole(Struct, frozen=True, kw_only=True):
    """The case and everything about it."""

    case: Case
    events: list[Event]
    decisions: list[Decision]
    attachments: list[Attachment]
    link: Link | None
    lines: tuple[Line, ...]
    left_out: int
    money: Money | None
    told: list[Message]
    """Who was told what of the case and its payment, the latest first."""
    before: str = ""
    behind: str = ""

    @property
    def payment(self) -> Transaction | None:
        """The payment, if the case is about one."""
        return None if self.link is None else self.link.original

    @property
    def gives_back(self) -> bool:
        """Whether the payment itself returns money: a void or refund. Nothing of that can be given back."""
        return self.payment is not None and self.payment.kind in GIVES_BACK

    @property
    def decision(self) -> Decision | None:
        """What waits to be decided or carried out."""
        waits = (DecisionState.PROPOSED, DecisionState.APPROVED)
        return next((each for each in self.decisions if each.state in waits), None)

    @property
    def orders(self) -> Sequence[Order]:
        """The return orders of the payment."""
        return () if self.link is None else self.link.orders

    @property
    def allowed(self) -> tuple[DecisionKind, ...]:
        """What two people may decide about its money now."""
        return kinds_allowed(self.case, "" if self.payment is None else self.payment.state)

    @property
    def is_open(self) -> bool:
        """Whether nobody can say yet where the money is."""
        return self.payment is not None and self.payment.state in IN_THE_OPEN

    def proposed_by(self, name: str) -> bool:
        """Whether the proposal that waits is this person's own."""
        return self.decision is not None and same_person(self.decision.maker, name)

    def since(self, version: int) -> list[Event]:
        """What has happened to the case since it stood at this version."""
        return [each for each in self.events if each.version > version]


def read_whole(
    connection: Connection, case: Case, view: View | None, key: str, merchant_id: str, facts_max: int = FACTS_MAX
) -> Whole:
    """The case with all about it; `view` and `key` say in which list its neighbours are."""
    events = events_of(connection, case.case_id)
    link = find_link(connection, case.transaction_id) if case.transaction_id else None
    facts = facts_of(connection, case.merchant_id, case.transaction_id) if case.transaction_id else []
    decisions = decisions_of(connection, case.case_id)
    lines = [*(_of_fact(row) for row in facts[-facts_max:]), *map(_of_event, events)]
    sides = ("", "")
    if view is not None:
        sides = beside(connection, view, key, case, Narrowing(merchant_id=merchant_id))
    return Whole(
        case=case,
        events=events,
        decisions=decisions,
        attachments=attachments_of(connection, case.case_id),
        link=link,
        lines=tuple(sorted(lines, key=lambda line: line.at_us)),
        left_out=max(0, len(facts) - facts_max),
        money=None
        if link is None
        else money_of(link, _waits(decisions, link), any(r.kind == "CLEARED" for r in facts)),
        told=told_of_case(connection, case.case_id, case.transaction_id or "")[::-1],
        before=sides[0],
        behind=sides[1],
    )


def _waits(decisions: list[Decision], link: Link) -> bool:
    proposed = any(each.state is DecisionState.PROPOSED for each in decisions)
    return proposed or any(order.state is OrderState.PROPOSED for order in link.orders)


def is_confirmed(connection: Connection, payment: Transaction) -> bool:
    """Whether a clearing file has confirmed where the payment's money is."""
    return any(row.kind == "CLEARED" for row in facts_of(connection, payment.key.merchant_id, payment.transaction_id))


def money_of(link: Link, waits: bool = False, confirmed: bool = False) -> Money:
    """Where the money of a payment is; `waits` for a second person, `confirmed` by a clearing file."""
    live = link.live
    returned = sum(leg.amount_minor for leg in link.legs if leg.state is State.RETURNED)
    going = 0 if live is None else live.amount_minor
    state = link.original.state
    nothing = state in (State.DECLINED, State.NO_EFFECT)
    return Money(
        currency=link.original.paid.currency,
        paid=0 if nothing else link.original.paid.minor,
        returned=returned,
        under_way=going,
        ordered=sum(
            o.amount.minor for o in link.orders if o.state is OrderState.PROPOSED and o.paid_from == "original"
        ),
        certain=nothing or state in (State.APPROVED, State.CAPTURED, State.RETURNED),
        position=position_of(state, link.original.kind, waits=waits, confirmed=confirmed),
    )


def _of_event(event: Event) -> Line:
    kind = event.kind.fact
    return Line(at_us=event.at_us, kind=kind, who=event.who, text=event.text, tone=_tone(kind))


def _of_fact(row: Any) -> Line:
    shown = tuple(_message(stored.direction, stored.dialect, stored.masked) for stored in unpack(row.frames))
    return Line(at_us=row.at_us, kind=row.kind, who="", text=row.note, tone=_tone(row.kind), messages=shown)


def _message(direction: Direction, dialect: str, masked: bytes) -> Shown:
    codec = codec_for(dialect)
    fields = describe(masked, codec)
    names = codec.dialect.fields
    return Shown(
        arrow=ARROWS[direction],
        mti=fields.get(0, "????"),
        code=fields.get(39, ""),
        fields=tuple((n, names[n].zh, names[n].name, value) for n, value in fields.items() if n),
    )


def _tone(kind: str) -> str:
    return "bad" if kind in BAD else "ok" if kind in GOOD else ""


def guidance_for(cause: Cause | None, payment: Transaction | None) -> Guidance | None:
    """What cashier and cardholder may be told now: the cause's own words, unless the state makes them untrue."""
    if cause is None or payment is None:
        return None
    if payment.state in IN_THE_OPEN:
        return cause.guidance if cause.may_be_debited else UNKNOWN
    if payment.state in (State.DECLINED, State.NO_EFFECT):
        return None if cause.may_be_debited else cause.guidance
    return LOOKED_INTO if payment.state in (State.APPROVED, State.CAPTURED) else None
