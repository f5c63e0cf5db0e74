"""Transactions: find a payment, see how payments behave, take the list away as a file."""

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.acquirers.kinds import KINDS
from yuanlu.cases.records import Case
from yuanlu.cases.store import find_case_of
from yuanlu.causes.cause import FAMILY_WORDS, Cause
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console import exporting
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.charts import Bar, bars
from yuanlu.console.payment_filters import POSITIONS, Sought, sought
from yuanlu.console.routing import Page
from yuanlu.console.saved_views import TRANSACTIONS, reader
from yuanlu.console.texts import noted
from yuanlu.iso8583.codec import codec_for
from yuanlu.iso8583.masking import describe
from yuanlu.journal.frames import Direction, unpack
from yuanlu.journal.listing import Filter, count, everything, grouped, page
from yuanlu.journal.transactions import Transaction, about, facts_of, get, search
from yuanlu.notification.records import Message as Told
from yuanlu.notification.store import told_of_transaction
from yuanlu.people.case_reading import Money, is_confirmed, money_of
from yuanlu.people.figures import when_text
from yuanlu.people.message_words import WORDS
from yuanlu.people.order_words import MAKERS, ORDER_WORDS, WAY_WORDS
from yuanlu.people.positions import POSITIONS as MONEY_POSITIONS
from yuanlu.people.positions import position_of
from yuanlu.people.words import CHINESE, kind_word
from yuanlu.returns.orders import Order, OrderState, orders_of
from yuanlu.returns.policy import Leg
from yuanlu.returns.states import State
from yuanlu.returns.store import legs_of
from yuanlu.returns.ways import find_link

ROWS = 50
COUNTED_MAX = 100_000
CAUSE_OF = {cause.code: cause for cause in CAUSES}
RETURNABLE = frozenset({State.APPROVED, State.CAPTURED})
"""While a payment stands so, people may ask for its money to be given back; the machine returns all others."""
GROUPS = {
    "cause": noted("Cause"),
    "merchant_id": noted("Merchant"),
    "terminal_id": noted("Terminal"),
    "acquirer": noted("Acquirer"),
    "kind": noted("Kind"),
    "hour": noted("Hour of the day"),
}
HEADINGS = (
    noted("Time"), noted("Payment"), noted("Merchant"), noted("Terminal"), noted("Batch"), noted("Trace no."),
    noted("Reference no. (RRN)"), noted("Kind"), noted("Amount"), noted("Currency"), noted("Card's last 4"),
    noted("Response code"), noted("Where the money is"), noted("Cause"), noted("Acquirer"),
)  # fmt: skip
ARROWS = {
    Direction.FROM_TERMINAL: ("终端 → 网关", "terminal → gateway"),
    Direction.TO_HOST: ("网关 → 主机", "gateway → host"),
    Direction.FROM_HOST: ("主机 → 网关", "host → gateway"),
    Direction.TO_TERMINAL: ("网关 → 终端", "gateway → terminal"),
}


async def show(asked: Asked) -> Response:
    """The list, one page of it."""
    wanted = sought(asked)
    if wanted.jump:
        return asked.go(f"/transactions/{wanted.jump}")
    if asked.given("format") in ("csv", "xlsx"):
        return await _export(asked, wanted)
    after = asked.given("after")[:26]
    above = reader(asked, TRANSACTIONS, wanted.address())
    found, number, views = await asked.read(lambda c: (*_page(c, wanted.filter, after), above(c)))
    more = wanted.address(after=found[ROWS - 1].transaction_id) if len(found) > ROWS else ""
    return asked.page(
        "transactions.html", payments=found[:ROWS], number=number, more=more, counted_max=COUNTED_MAX, views=views,
        **_bar(asked, wanted),
    )  # fmt: skip


def _page(connection: Connection, wanted: Filter, after: str) -> tuple[list[Transaction], int]:
    """One row more than is shown, and how many there are: they are counted where the page does not say it."""
    found = page(connection, wanted, after, ROWS + 1)
    whole = not after and len(found) <= ROWS
    return found, len(found) if whole else count(connection, wanted, COUNTED_MAX)


async def analyse(asked: Asked) -> Response:
    """The same payments, counted by something that they have in common."""
    wanted = sought(asked)
    by = asked.given("by") if asked.given("by") in GROUPS else "cause"
    groups = await asked.read(lambda c: grouped(c, wanted.filter, by))
    rows = [(_group_name(asked, by, each.key), each, _group_address(asked, wanted, by, each.key)) for each in groups]
    chart = bars(
        [Bar(label=name, value=each.number, address=address) for name, each, address in rows[:12]],
        asked.say("Payments by {what}", what=asked.say(GROUPS[by])),
    )
    return asked.page("analysis.html", by=by, groups=GROUPS, rows=rows, chart=chart, **_bar(asked, wanted))


def _group_name(asked: Asked, by: str, key: str) -> str:
    if by == "cause":
        return _title(asked, key) if key else asked.say("nothing abnormal")
    if by == "kind":
        return kind_word(key, asked.language)
    return f"{int(key):02}:00" if by == "hour" else key


def _group_address(asked: Asked, wanted: Sought, by: str, key: str) -> str:
    field = {"cause": "cause", "merchant_id": "m", "terminal_id": "t", "acquirer": "a", "kind": "kind"}.get(by, "")
    query = wanted.address(**({field: key} if field else {}), by="")
    return asked.address("/transactions?" + query)


def _title(asked: Asked, code: str) -> str:
    cause = CAUSE_OF.get(code)
    if cause is None:
        return code
    return cause.title.zh if asked.language == CHINESE else cause.title.en


def _bar(asked: Asked, wanted: Sought) -> dict[str, Any]:
    """What the filter bar shows."""
    terminals = asked.console.terminals.values()
    own = asked.who.merchant_id
    return {
        "sought": wanted,
        "merchants": sorted({each.merchant_id for each in terminals if own in ("", each.merchant_id)}),
        "acquirers": sorted(asked.console.settings.acquirers),
        "kinds": sorted(KINDS),
        "families": FAMILY_WORDS,
        "money": [each for each in MONEY_POSITIONS if each.key in POSITIONS],
    }


async def _export(asked: Asked, wanted: Sought) -> Response:
    if not asked.may(Right.EXPORT):
        raise NotThere(asked.say("Exports are not part of your work. Ask an administrator for the role."))
    number = await asked.read(lambda c: count(c, wanted.filter, exporting.ROWS_MAX * 20))
    if number > exporting.ROWS_MAX:
        raise NotThere(
            asked.say(
                "{n} payments are more than a file may hold ({most}). Narrow the dates.",
                n=f"{number:,}",
                most=f"{exporting.ROWS_MAX:,}",
            )
        )
    found = await asked.read(lambda c: list(everything(c, wanted.filter, exporting.ROWS_MAX)))
    headings = [asked.say(each) for each in HEADINGS]
    rows = ([*_row(asked, each)] for each in found)
    name = f"transactions-{when_text(asked.now_us).replace(':', '').replace(' ', '-')}+0800"
    make = exporting.xlsx_file if asked.given("format") == "xlsx" else exporting.csv_file
    return make(asked, name, headings, rows, wanted.address())


def _row(asked: Asked, one: Transaction) -> tuple[str, ...]:
    place = position_of(one.state, one.kind)
    return (
        when_text(one.received_at_us), one.transaction_id, one.key.merchant_id, one.key.terminal_id, one.key.batch_no,
        one.key.stan, one.rrn, kind_word(one.kind, asked.language), exporting.amount(one.amount.minor),
        one.amount.currency, one.card_last4, one.response_code, place.zh if asked.language == CHINESE else place.en,
        _title(asked, one.cause) if one.cause else "", one.acquirer,
    )  # fmt: skip


class Message(Struct, frozen=True, kw_only=True):
    """One frame of the timeline: between whom, its type, code and masked fields."""

    arrow: str
    mti: str
    code: str
    fields: dict[int, str]


class Happened(Struct, frozen=True, kw_only=True):
    """One fact of a payment, with its messages."""

    at_us: int
    kind: str
    note: str
    messages: tuple[Message, ...]


class Whole(Struct, frozen=True, kw_only=True):
    """All of one payment."""

    payment: Transaction
    timeline: list[Happened]
    legs: list[Leg]
    orders: list[Order]
    case: Case | None
    related: list[Transaction]
    cause: Cause | None
    told: list[Told]
    """Who was told what of it, the latest first."""
    money: Money | None
    """Where its money is; None for what charges nobody, and for what is about an earlier payment."""

    @property
    def returnable(self) -> bool:
        """Whether people may ask for money of it to be given back."""
        return self.money is not None and self.payment.state in RETURNABLE and self.money.left > 0


async def show_one(asked: Asked) -> Response:
    """All of one payment: what happened, message by message, where the money is, what belongs to it."""
    name = asked.request.path_params["transaction_id"]
    whole = await asked.read(lambda c: _whole(c, name, asked))
    if whole is None:
        raise NotThere(asked.say('There is no payment "{name}".', name=name[:40]))
    return asked.page(
        "transaction.html", whole=whole, payment=whole.payment, messages=whole.told, ways=WAY_WORDS,
        order_states=ORDER_WORDS, makers=MAKERS, **WORDS,
    )  # fmt: skip


def _whole(connection: Connection, name: str, asked: Asked) -> Whole | None:
    found = search(connection, name)
    if len(found) != 1 or not asked.who.sees(found[0].key.merchant_id):
        return None
    payment = found[0]
    related = about(connection, payment.transaction_id)
    if payment.original_id:
        related = [get(connection, payment.original_id), *related]
    return Whole(
        payment=payment,
        timeline=timeline(connection, payment, asked.language),
        legs=legs_of(connection, payment.transaction_id),
        orders=orders_of(connection, payment.transaction_id),
        case=find_case_of(connection, payment.transaction_id),
        related=related,
        cause=CAUSE_OF.get(payment.cause),
        told=told_of_transaction(connection, payment.transaction_id)[::-1],
        money=_money(connection, payment),
    )


def _money(connection: Connection, payment: Transaction) -> Money | None:
    if payment.original_id or not payment.paid.minor:
        return None
    link = find_link(connection, payment.transaction_id)
    waits = any(each.state is OrderState.PROPOSED for each in link.orders)
    return money_of(link, waits, is_confirmed(connection, payment))


def timeline(connection: Connection, payment: Transaction, language: str) -> list[Happened]:
    """Every fact of a payment with its masked messages, in order."""
    rows = facts_of(connection, payment.key.merchant_id, payment.transaction_id)
    return [
        Happened(at_us=row.at_us, kind=row.kind, note=row.note, messages=tuple(_messages(row.frames, language)))
        for row in rows
    ]


def _messages(blob: bytes, language: str) -> list[Message]:
    found = []
    for stored in unpack(blob):
        fields = describe(stored.masked, codec_for(stored.dialect))
        found.append(
            Message(
                arrow=ARROWS[stored.direction][0 if language == CHINESE else 1],
                mti=fields.get(0, "????"),
                code=fields.get(39, ""),
                fields={number: value for number, value in fields.items() if number},
            )
        )
    return found


PAGES = (
    Page(path="/transactions", right=Right.SEE_TRANSACTIONS, show=show),
    Page(path="/transactions/analysis", right=Right.SEE_TRANSACTIONS, show=analyse),
    Page(path="/transactions/{transaction_id}", right=Right.SEE_TRANSACTIONS, show=show_one),
)
