"""What people have to hear of, now: a pure function of how things stand and of what they have heard already.

It goes by the state, not by each step: whoever looks late says what holds now, and leaves out what it overtook. It is
asked for each person alone, since one may have heard what another has not.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from yuanlu.causes.cause import Words
from yuanlu.kernel.clock import CHINA, local_time
from yuanlu.kernel.money import Money, format_minor
from yuanlu.notices import Event, Telling
from yuanlu.notification.records import Subject
from yuanlu.notification.schedule import EARLY_US, SECOND_US, next_update_us
from yuanlu.notification.templates import Audience

SENT_BACK = frozenset({Event.OUTCOME_UNKNOWN, Event.RETURN_DELAYED})
OVERTAKES = {
    Event.NOT_CHARGED: SENT_BACK,
    Event.RETURN_ACCEPTED: SENT_BACK,
    Event.RETURN_CONFIRMED: SENT_BACK | {Event.RETURN_ACCEPTED},
    Event.RETURN_DELAYED: SENT_BACK,
}
"""What need not be said any more once this is."""

BY_INCIDENT = frozenset({Event.OUTCOME_UNKNOWN, Event.NOT_CHARGED, Event.RETURN_ACCEPTED, Event.RETURN_DELAYED})
"""Of an incident's payments only cardholders hear one by one: the merchant was told of the incident."""

EVERYBODY, CARDHOLDERS = frozenset(Audience), frozenset({Audience.CARDHOLDER})

Said = tuple[Event, str]
"""What somebody was told, and the round of it."""


class Standing(StrEnum):
    """Where the money of a payment is, as far as it may be said."""

    STANDS = "stands"
    """It was charged, and that is right as far as we know; or it was declined, and the till said so."""
    OPEN = "open"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    NOT_CHARGED = "not_charged"


class Paid(Struct, frozen=True, kw_only=True):
    """An order that was carried out: `confirmed` by the bank's reference, or accepted by the host."""

    order_id: str
    amount: Money
    compensation: bool
    confirmed: bool
    at_us: int


class Payment(Struct, frozen=True, kw_only=True):
    """How a payment stands. `cause` is its title, `todo` what its cause tells the cashier; `explained` says whether it
    is known yet. `case_id` is "" without an open case. `late_at_us` is when a person has to be on it.
    """

    subject: Subject
    money: Standing
    amount: Money
    last4: str
    stan: str
    at_us: int
    changed_at_us: int
    late_at_us: int
    cause: Words
    todo: Words
    explained: bool
    duplicate: bool
    incident: bool
    case_id: str
    paid: tuple[Paid, ...] = ()


class Happening(Struct, frozen=True, kw_only=True):
    """One thing that people have to hear of, with its values in both languages."""

    event: Event
    subject: Subject
    values: Mapping[str, Words]
    round: str = ""
    audiences: frozenset[Audience] = EVERYBODY


class Due(Struct, frozen=True, kw_only=True):
    """What is to be said, and when to look again: None when only something new can make a difference."""

    happenings: tuple[Happening, ...]
    again_us: int | None


def of_payment(now: Payment, said: Collection[Said], telling: Telling, now_us: int) -> Due:
    """What is to be said about a payment. `said` is what one person was told of it."""
    events = {event for event, _ in said}
    found: list[Happening] = []
    again_us = None
    match now.money:
        case Standing.OPEN:
            delayed, again_us = _while_open(now, said, telling, now_us)
            found += delayed
            if not delayed and not events & SENT_BACK:
                found.append(_about(now, Event.OUTCOME_UNKNOWN))
        case Standing.ACCEPTED:
            found.append(_about(now, Event.RETURN_ACCEPTED))
        case Standing.CONFIRMED:
            found.append(_about(now, Event.RETURN_CONFIRMED))
        case Standing.NOT_CHARGED:
            found += [_about(now, Event.NOT_CHARGED)] if events & SENT_BACK else []
        case Standing.STANDS:
            found += [_about(now, Event.DUPLICATE_FOUND)] if now.duplicate else []
    found += [_of_order(now, paid) for paid in now.paid]
    return Due(happenings=tuple(each for each in found if (each.event, each.round) not in said), again_us=again_us)


def _while_open(
    now: Payment, said: Collection[Said], telling: Telling, now_us: int
) -> tuple[list[Happening], int | None]:
    """The daily news of a return that takes too long; its round is the day for which the next one is promised."""
    if not now.case_id and not (now.incident and now_us >= now.late_at_us):
        return [], now.late_at_us if now.late_at_us > now_us else None
    promised = max((round_ for event, round_ in said if event is Event.RETURN_DELAYED), default="")
    promised_us = _promised_us(promised, telling)
    if now_us < promised_us - EARLY_US:
        return [], promised_us - EARLY_US
    by_us = next_update_us(telling, max(now_us, promised_us))
    news = _about(now, Event.RETURN_DELAYED, round_=f"{local_time(by_us):%Y%m%d}", by_us=by_us)
    return [news], by_us - EARLY_US


def _promised_us(day: str, telling: Telling) -> int:
    if not day:
        return 0
    at = datetime.combine(datetime.strptime(day, "%Y%m%d").replace(tzinfo=CHINA), telling.update_at, tzinfo=CHINA)
    return int(at.timestamp()) * SECOND_US


def _of_order(now: Payment, paid: Paid) -> Happening:
    if paid.compensation:
        return _about(now, Event.COMPENSATION_PAID, round_=paid.order_id, extra=paid.amount)
    event = Event.RETURN_CONFIRMED if paid.confirmed else Event.RETURN_ACCEPTED
    return _about(now, event, round_=paid.order_id, amount=paid.amount, changed_us=paid.at_us)


def _about(
    now: Payment, event: Event, *, round_: str = "", by_us: int = 0, amount: Money | None = None,
    extra: Money | None = None, changed_us: int = 0,
) -> Happening:  # fmt: skip
    when_us = (changed_us or now.changed_at_us) if event is Event.RETURN_CONFIRMED else now.at_us
    unexplained = now.money is Standing.OPEN and not now.explained  # the cause comes within seconds, and is worth it
    alone = unexplained or (now.incident and event in BY_INCIDENT)
    case = now.case_id or "-"
    tail = now.case_id[-5:]
    values = {
        "amount": amount_words(amount or now.amount),
        "extra": amount_words(extra) if extra is not None else both("-"),
        "card": Words(zh=f"尾号{now.last4}的卡", en=f"card {now.last4}")
        if now.last4
        else Words(zh="付款账户", en="account"),
        "time": time_words(when_us),
        "by": time_words(by_us),
        "ref": Words(zh=f"工单{tail}", en=f"case {tail}")
        if tail
        else Words(zh=f"凭证{now.stan}", en=f"voucher {now.stan}"),
        "case": both(case),
        "terminal": both(now.subject.terminal_id),
        "cause": now.cause,
        "todo": now.todo,
    }
    return Happening(
        event=event, subject=now.subject, values=values, round=round_,
        audiences=CARDHOLDERS if alone else EVERYBODY,
    )  # fmt: skip


def both(text: str) -> Words:
    """The same in both languages."""
    return Words(zh=text, en=text)


def amount_words(money: Money) -> Words:
    """¥1,280.00; other currencies by their code."""
    text = format_minor(money.minor, money.currency)
    return both(text.replace("CNY ", "¥", 1))


def time_words(at_us: int) -> Words:
    """Day and minute in Beijing: short enough for an SMS."""
    at = local_time(at_us)
    return Words(zh=f"{at.month}月{at.day}日{at:%H:%M}", en=f"{at.day} {at:%b %H:%M}")
