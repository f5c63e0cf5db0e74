"""Terminals as far as we know them: which are quiet, which go wrong, what was said of each."""

from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases.pages import of_terminal, open_at_terminals
from yuanlu.cases.records import Case
from yuanlu.causes.evidence import Terminal as Health
from yuanlu.console.asked import Asked
from yuanlu.console.pages.cases import CAUSE_OF
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_terminal, own_terminals
from yuanlu.console.typed import Wrong
from yuanlu.db.errors import StoreError
from yuanlu.fleet.health import Moment, read_seen, terminal_health
from yuanlu.fleet.observations import (
    READINGS,
    STANDING,
    TERMINAL_KINDS,
    YES,
    Kind,
    Observation,
    ObservationWrong,
    Told,
)
from yuanlu.fleet.store import latest_of_each, told_lately
from yuanlu.journal.glances import Lately, lately
from yuanlu.journal.transactions import Transaction, last_of_terminal
from yuanlu.people.observing import KIND_WORDS, TOLD_BY, reported
from yuanlu.people.refusals import refusal
from yuanlu.terminals import Terminal

ROWS = 50
PAYMENTS = 20
DAY_US = 86_400_000_000
OBSERVED_US = 30 * DAY_US

BAD_CHIPS = frozenset({Kind.TAMPERED, Kind.MOVED, Kind.HARDWARE_FAULT})


class Row(Struct, frozen=True, kw_only=True):
    """One terminal in the list."""

    terminal: Terminal
    lately: Lately | None
    chips: tuple[Kind, ...]
    cases: int


class Narrow(Struct, frozen=True, kw_only=True):
    """What the list is narrowed to: the fields are the names in its address."""

    t: str = ""
    m: str = ""
    a: str = ""
    r: str = ""

    def query(self, **changes: str) -> str:
        """As the end of an address, with these changes."""
        wanted = {"t": self.t, "m": self.m, "a": self.a, "r": self.r} | changes
        named = {name: value for name, value in wanted.items() if value}
        return f"?{urlencode(named)}" if named else ""

    def fits(self, terminal: Terminal) -> bool:
        """Whether a terminal is of it."""
        wanted = ((self.m, terminal.merchant_id), (self.a, terminal.acquirer), (self.r, terminal.region))
        return self.t.casefold() in terminal.terminal_id.casefold() and all(w in ("", is_) for w, is_ in wanted)


async def show(asked: Asked) -> Response:
    """The list, by number."""
    narrow = Narrow(t=asked.given("t")[:8], m=asked.given("m")[:15], a=asked.given("a")[:64], r=asked.given("r")[:40])
    after = asked.given("after")[:8]
    everything = own_terminals(asked)
    fitting = [each for each in everything if narrow.fits(each) and each.terminal_id > after]
    shown, now_us = fitting[:ROWS], asked.now_us
    rows = await asked.read(lambda c: _rows(c, shown, now_us))
    part = bool(asked.request.headers.get("x-fragment"))
    return asked.page(
        "terminals_rows.html" if part else "terminals.html", rows=rows, narrow=narrow, known=len(everything),
        regions=sorted({each.region for each in everything if each.region}),
        acquirers=sorted({each.acquirer for each in everything}),
        merchants=sorted({each.merchant_id for each in everything}), kinds=KIND_WORDS, bad=BAD_CHIPS,
        after=shown[-1].terminal_id if len(fitting) > ROWS else "", here=narrow.query(after=after),
    )  # fmt: skip


def _rows(connection: Connection, shown: list[Terminal], now_us: int) -> list[Row]:
    names = [each.terminal_id for each in shown]
    seen = lately(connection, now_us - DAY_US)
    said = latest_of_each(connection, names, STANDING | READINGS | {Kind.HARDWARE_FAULT})
    cases = open_at_terminals(connection, names)
    return [
        Row(
            terminal=each,
            lately=seen.get(each.terminal_id),
            chips=tuple(kind for kind, found in said.get(each.terminal_id, {}).items() if _matters(found, now_us)),
            cases=cases.get(each.terminal_id, 0),
        )
        for each in shown
    ]


def _matters(found: Observation, now_us: int) -> bool:
    """Whether it says something now: what stands until it is taken back, or a low reading or fault of this day."""
    if found.kind in STANDING:
        return found.value == YES
    return Told(kind=found.kind, value=found.value).happened and now_us - found.at_us < DAY_US


async def one(asked: Asked) -> Response:
    """One terminal."""
    return await _one(asked)


async def _one(asked: Asked, *, status: int = 200, wrong: str = "") -> Response:
    terminal, now_us = own_terminal(asked, asked.request.path_params["terminal_id"]), asked.now_us
    name, merchant_id = terminal.terminal_id, terminal.merchant_id

    def read(connection: Connection) -> tuple[Health, list[Observation], list[Transaction], list[Case]]:
        moment = Moment(terminal_id=name, at_us=now_us, waited_until_us=now_us)
        return (
            terminal_health(read_seen(connection, moment), moment),
            told_lately(connection, name, now_us - OBSERVED_US),
            last_of_terminal(connection, name, merchant_id, PAYMENTS),
            of_terminal(connection, name, merchant_id),
        )

    health, told, payments, cases = await asked.read(read)
    part = bool(asked.request.headers.get("x-fragment"))
    return asked.page(
        "terminal_story.html" if part else "terminal.html", status, terminal=terminal, health=health, told=told,
        payments=payments, cases=cases, kinds=KIND_WORDS, reportable=TERMINAL_KINDS, told_by=TOLD_BY,
        cause_of=CAUSE_OF, wrong=wrong, kept=asked.form, done=asked.given("done"),
    )  # fmt: skip


async def report(asked: Asked) -> Response:
    """Somebody says something of the terminal; the payments that it concerns are looked into again."""
    terminal = own_terminal(asked, asked.request.path_params["terminal_id"])
    kind, value, stan = asked.given("kind"), asked.given("value"), asked.given("stan")
    try:
        if kind not in TERMINAL_KINDS:
            raise Wrong(asked.say("Choose what you report."))
        if stan and not (stan.isascii() and stan.isdecimal() and len(stan) <= 6):
            raise Wrong(asked.say("A trace number has six digits."))
        await asked.act(
            reported, terminal.terminal_id, kind, value, asked.actor, stan=stan.zfill(6) if stan else "", batch=""
        )
    except Wrong as error:
        return await _one(asked, status=422, wrong=str(error))
    except (ObservationWrong, StoreError) as error:
        return await _one(asked, status=422, wrong=_in_words(asked, str(error)))
    return asked.go(f"/terminals/{terminal.terminal_id}?done=report")


def _in_words(asked: Asked, text: str) -> str:
    said: Any = refusal(text, asked.language)
    for kind, words in KIND_WORDS.items():
        said = said.replace(f"“{kind}”", f"“{words.zh}”")
    return str(said)


PAGES = (
    Page(path="/terminals", right=Right.SEE_TERMINALS, show=show),
    Page(path="/terminals/{terminal_id}", right=Right.SEE_TERMINALS, show=one),
    Page(path="/terminals/{terminal_id}/report", right=Right.REPORT_TERMINALS, show=report, method="POST"),
)
