"""What a person asks of the list of payments: the fields of its address, read into a filter. Wrong ones are said.

The whole state of a list is its address, so that it can be kept, sent and opened again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from msgspec import Struct

from yuanlu.acquirers.kinds import KINDS
from yuanlu.causes.cause import Family
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console.asked import Asked
from yuanlu.journal.listing import Filter
from yuanlu.kernel.clock import CHINA, local_time
from yuanlu.returns.states import State
from yuanlu.terminals import Terminal

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
DAYS_MAX = 92
FIELDS = (
    "q", "from", "to", "hours", "m", "t", "a", "at", "family", "cause", "kind", "code", "min", "max", "odd", "by",
)  # fmt: skip
POSITIONS: Mapping[str, tuple[State, ...]] = {
    "unknown": (State.SEND_INTENT, State.UNKNOWN),
    "charged": (State.APPROVED, State.CAPTURED),
    "not_charged": (State.DECLINED, State.NO_EFFECT),
    "reversing": (State.RETURNING, State.REOPENED),
    "sent": (State.RETURNED,),
    "failed": (State.ESCALATED,),
    "open": (State.SEND_INTENT, State.UNKNOWN, State.RETURNING, State.REOPENED, State.ESCALATED),
}
ID_CHARACTERS, RRN_DIGITS, STAN_DIGITS, TERMINAL_CHARACTERS, LAST_DIGITS = 26, 12, 6, 8, 4
NOTHING = "–none–"
"""A code that no payment has: a filter that finds nothing."""


class Sought(Struct, frozen=True, kw_only=True):
    """A filter, what is wrong with what was asked, and the fields as given."""

    filter: Filter
    problems: tuple[str, ...]
    given: Mapping[str, str]
    jump: str = ""
    """The search names one payment."""

    def address(self, **over: str) -> str:
        """The query of the same list with some fields otherwise; "" takes a field away."""
        return urlencode({name: value for name, value in {**self.given, **over}.items() if value})

    @property
    def since(self) -> str:
        """The beginning, as a form's field has it."""
        return f"{local_time(self.filter.since_us):%Y-%m-%dT%H:%M}"

    @property
    def until(self) -> str:
        """The end, likewise."""
        return f"{local_time(self.filter.until_us):%Y-%m-%dT%H:%M}"


def sought(asked: Asked) -> Sought:
    """Read the address of a list."""
    given = {name: asked.given(name) for name in FIELDS if asked.given(name)}
    problems: list[str] = []
    since_us, until_us = _range(asked, given, problems)
    known = _search(given.get("q", ""))
    if known is None:
        problems.append(
            asked.say(
                "Search for a payment's id, RRN (12 digits), TERMINAL+TRACE, trace number (6), card's last 4, or 12.50"
            )
        )
        known = {}
    merchant_id, terminals = _places(asked, given, known)
    wanted = Filter(
        since_us=since_us,
        until_us=until_us,
        merchant_id=merchant_id,
        terminal_ids=terminals,
        acquirer=given.get("a", ""),
        states=POSITIONS.get(given.get("at", ""), ()),
        causes=_causes(given),
        kinds=(given["kind"],) if given.get("kind") in KINDS else (),
        abnormal=given.get("odd") == "1",
        rrn=known.get("rrn", ""),
        stan=known.get("stan", ""),
        card_last4=known.get("card_last4", ""),
        response_code=given.get("code", "")[:2],
        amount_from=_minor(asked, given.get("min", known.get("amount", "")), problems),
        amount_to=_minor(asked, given.get("max", known.get("amount", "")), problems),
    )
    return Sought(filter=wanted, problems=tuple(problems), given=given, jump=known.get("id", ""))


def _range(asked: Asked, given: Mapping[str, str], problems: list[str]) -> tuple[int, int]:
    """From when to when: so many hours until now, given times, or today."""
    now_us = asked.now_us
    soon = now_us + HOUR_US  # a clock elsewhere may be ahead
    hours = given.get("hours", "")
    if hours.isdecimal() and 0 < int(hours[:5]) <= DAYS_MAX * 24:
        return now_us - int(hours) * HOUR_US, soon
    since, until = _instant(given.get("from", "")), _instant(given.get("to", ""))
    if (given.get("from") and since is None) or (given.get("to") and until is None):
        problems.append(asked.say("A time is written 2026-11-23 or 2026-11-23T05:47"))
    until_us = until if until is not None else soon
    since_us = since if since is not None else _day_began_us(min(now_us, until_us))
    if since_us >= until_us:
        problems.append(asked.say("The beginning is after the end"))
        return until_us - DAY_US, until_us
    if until_us - since_us > DAYS_MAX * DAY_US:
        problems.append(asked.say("At most {days} days at once; the latest are shown", days=DAYS_MAX))
        since_us = until_us - DAYS_MAX * DAY_US
    return max(since_us, 0), until_us


def _instant(text: str) -> int | None:
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=CHINA)).timestamp()) * 1_000_000
    except (ValueError, OverflowError, OSError):
        return None


def _day_began_us(at_us: int) -> int:
    day = local_time(at_us).replace(hour=0, minute=0, second=0, microsecond=0)
    if local_time(at_us) - day < timedelta(hours=1):  # just after midnight the list would be empty
        day -= timedelta(days=1)
    return int(day.timestamp()) * 1_000_000


def _search(text: str) -> dict[str, str] | None:
    """What a text names, by its form; None when it can be nothing."""
    if not text:
        return {}
    terminal, plus, stan = text.partition("+")
    if plus:
        return {"terminal": terminal, "stan": f"{stan:0>6}"} if stan.isdecimal() and terminal else None
    if len(text) == ID_CHARACTERS and text.isalnum():
        return {"id": text.upper()}
    if text.isdecimal() and text.isascii():
        by_length = {
            RRN_DIGITS: "rrn", STAN_DIGITS: "stan", LAST_DIGITS: "card_last4", TERMINAL_CHARACTERS: "terminal",
        }  # fmt: skip
        name = by_length.get(len(text))
        return {name: text} if name else {"amount": text}
    if text.replace(",", "").replace(".", "", 1).lstrip("¥").isdecimal():
        return {"amount": text.lstrip("¥")}
    return {"terminal": text} if len(text) == TERMINAL_CHARACTERS else None


def _places(asked: Asked, given: Mapping[str, str], known: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Merchant and terminals. Whoever belongs to a merchant sees no other, whatever he asks."""
    own = asked.who.merchant_id
    merchant_id = own or given.get("m", "")
    terminal = given.get("t", "") or known.get("terminal", "")
    if terminal:
        return merchant_id, (terminal,)
    return merchant_id, _of_merchant(asked.console.terminals, merchant_id) if merchant_id else ()


def _of_merchant(terminals: Mapping[str, Terminal], merchant_id: str, at_most: int = 200) -> tuple[str, ...]:
    """The merchant's terminals, by which its payments are found; () when they are too many to name."""
    found = tuple(each.terminal_id for each in terminals.values() if each.merchant_id == merchant_id)
    return found if len(found) <= at_most else ()


def _causes(given: Mapping[str, str]) -> tuple[str, ...]:
    if given.get("cause"):
        return (given["cause"],)
    family = given.get("family", "")
    if not family:
        return ()
    if family not in set(Family):
        return ("UNCLASSIFIED", NOTHING)
    return tuple(cause.code for cause in CAUSES if cause.family == family)


def _minor(asked: Asked, text: str, problems: list[str]) -> int | None:
    """An amount as people write it, in minor units; no float on the way."""
    if not text:
        return None
    whole, _, rest = text.replace(",", "").partition(".")
    if (
        not (whole.isdecimal() and whole.isascii() and len(whole) <= 10)
        or (rest and not rest.isdecimal())
        or len(rest) > 2
    ):
        problems.append(asked.say("An amount is written 12.50"))
        return None
    return int(whole) * 100 + int(f"{rest:0<2}" or "0")
