"""Our own no, where no transaction exists: it is answered, and recorded and counted with its cause.

The evidence is what is at hand: the code, the reason, where the original of a void stands. What the terminal has said
of itself is read only where it can explain the code, so that turning away a flood stays cheap.
"""

from functools import partial

from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.causes.devices import FORMAT_CODES
from yuanlu.causes.evidence import Evidence, Terminal, Unsent, Voice
from yuanlu.causes.operator import KEY_CODES
from yuanlu.causes.taxonomy import explain
from yuanlu.fleet.health import Moment, read_seen, terminal_health
from yuanlu.flow.payment import Desk, Payment, Reply
from yuanlu.flow.records import asked_frame, event, reply_frame
from yuanlu.kernel.clock import day_began_us

REFUSED = "REFUSED"
NOTHING_MORE = Evidence()
TERMINALS_CODES = FORMAT_CODES | KEY_CODES
"""Codes that the terminal's own state can explain: old software, no sign-in."""

_UNSENT = {each.value: each for each in Unsent}


async def refused(desk: Desk, payment: Payment, code: str, why: str, about: Evidence = NOTHING_MORE) -> Reply:
    """Say no to a payment, a reversal or an advice; `about` is what is known of its original."""
    reply = payment.caller.refuse(code)
    frames = asked_frame(payment) + reply_frame(payment.message, reply)
    known = replace(about, kind=payment.kind, amount=payment.amount)
    text = await with_cause(desk, payment.key.terminal_id, code, why, known)
    await event(desk, payment.key.merchant_id, payment.key.terminal_id, REFUSED, text, frames)
    return reply


async def with_cause(desk: Desk, terminal_id: str, code: str, why: str, about: Evidence = NOTHING_MORE) -> str:
    """The note of a refusal: code, reason and cause."""
    health = await _health(desk, terminal_id) if code in TERMINALS_CODES else Terminal()
    known = replace(about, unsent=_UNSENT.get(why, about.unsent))
    return f"{code}: {why} [{count_cause(desk, known, code, health)}]"


def count_cause(desk: Desk, about: Evidence, code: str, health: Terminal) -> str:
    """The code of the cause of a refusal, counted."""
    cause = explain(replace(about, response_code=code, voice=Voice.OURS, terminal=health)).cause.code
    desk.refused_by_cause[cause] = desk.refused_by_cause.get(cause, 0) + 1
    return cause


async def _health(desk: Desk, terminal_id: str) -> Terminal:
    now_us = desk.clock.wall_us()
    day_us = day_began_us(now_us) if desk.around.signs_in else 0
    moment = Moment(terminal_id=terminal_id, at_us=now_us, waited_until_us=now_us, day_began_us=day_us)
    health = await desk.journal.read(partial(_read, moment=moment))
    return replace(health, mac_failures=desk.around.lines.about(terminal_id, now_us).mac_failures)


def _read(connection: Connection, moment: Moment) -> Terminal:
    return terminal_health(read_seen(connection, moment), moment)
