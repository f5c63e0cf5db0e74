"""Money given back by decision: what is open, a new one, and one with what the second person has to see."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases.errors import CaseError
from yuanlu.cases.people import same_person
from yuanlu.cases.texts import reference_of, text_of
from yuanlu.console import exporting
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.proving import is_fresh
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_order
from yuanlu.console.texts import noted
from yuanlu.console.typed import Wrong, amount, himself, number, words
from yuanlu.db.errors import StoreError
from yuanlu.journal.glances import Standing, standing_of
from yuanlu.journal.transactions import Transaction, search
from yuanlu.kernel.clock import Moment
from yuanlu.kernel.money import Money as Amount
from yuanlu.people import ordering
from yuanlu.people.case_reading import Money, is_confirmed, money_of
from yuanlu.people.figures import when_text
from yuanlu.people.notes.reading import REASON, in_words
from yuanlu.people.order_words import MAKERS, ORDER_WORDS, WAY_WORDS
from yuanlu.people.refusals import refusal
from yuanlu.people.words import CHINESE
from yuanlu.returns import proposing
from yuanlu.returns.decision import BY_HAND
from yuanlu.returns.orders import POLICY, Order, OrderState, open_page
from yuanlu.returns.proposing import OrderError
from yuanlu.returns.ways import Link, find_link

ROWS = 50
VERSION_MAX = 10**9
HEADINGS = (
    noted("Proposed at"), noted("Order"), noted("Payment"), noted("Amount"), noted("Currency"), noted("Way back"),
    noted("Card's last 4"), noted("State"), noted("Proposed by"), noted("Reason"),
)  # fmt: skip


class Row(Struct, frozen=True, kw_only=True):
    """One order in the list, and its payment."""

    order: Order
    standing: Standing


async def show(asked: Asked) -> Response:
    """What is not closed, oldest first."""
    if asked.given("format") == "csv":
        return await _export(asked)
    after = asked.given("after")[:64]
    rows = await asked.read(lambda c: _rows(asked, c, after, ROWS))
    part = bool(asked.request.headers.get("x-fragment"))
    return asked.page(
        "orders_rows.html" if part else "orders.html", rows=rows, ways=WAY_WORDS, order_states=ORDER_WORDS,
        makers=MAKERS, after=rows[-1].order.order_id if len(rows) == ROWS else "",
        here=f"?after={after}" if after else "",
    )  # fmt: skip


def _rows(asked: Asked, connection: Connection, after: str, limit: int) -> list[Row]:
    found = open_page(connection, asked.who.merchant_id, after, limit)
    standing = standing_of(connection, [each.transaction_id for each in found])
    return [Row(order=each, standing=standing[each.transaction_id]) for each in found]


async def _export(asked: Asked) -> Response:
    """All that is not closed, as a file."""
    if not asked.may(Right.EXPORT):
        raise NotThere(asked.say("Exports are not part of your work. Ask an administrator for the role."))
    rows = await asked.read(lambda c: _rows(asked, c, "", exporting.ROWS_MAX))
    headings = [asked.say(each) for each in HEADINGS]
    return exporting.csv_file(asked, "returns", headings, (_cells(asked, row) for row in rows), "")


def _cells(asked: Asked, row: Row) -> tuple[str, ...]:
    order, n = row.order, 0 if asked.language == CHINESE else 1
    way, state, maker = WAY_WORDS.get(order.kind), ORDER_WORDS[order.state], MAKERS.get(order.maker)
    return (
        when_text(order.proposed_at_us), order.order_id, order.transaction_id, exporting.amount(order.amount.minor),
        order.amount.currency, order.kind if way is None else (way.zh, way.en)[n], row.standing.card_last4,
        (state.zh, state.en)[n], order.maker if maker is None else (maker.zh, maker.en)[n],
        in_words(order.reason, asked.language, REASON),
    )  # fmt: skip


async def new(asked: Asked) -> Response:
    """The form for one payment: amount and original card are filled in."""
    return await _form(asked, asked.given("what")[:64], {}, "", 200)


async def _form(asked: Asked, what: str, kept: Mapping[str, str], wrong: str, status: int) -> Response:
    found = await asked.read(lambda c: _payments(asked, c, what)) if what else []
    link = await asked.read(lambda c: find_link(c, found[0].transaction_id)) if len(found) == 1 else None
    left = None
    if link is not None:
        left = Amount(minor=max(0, link.left_minor), currency=link.original.paid.currency)
    return asked.page(
        "order_new.html", status, what=what, found=found, link=link, left=left,
        money=None if link is None else money_of(link),
        ways=WAY_WORDS, kinds=ordering.KINDS, kept=kept, wrong=wrong,
    )  # fmt: skip


def _payments(asked: Asked, connection: Connection, what: str) -> list[Transaction]:
    """The payments that go by this and are this person's to see; originals before what is about them."""
    found = [each for each in search(connection, what) if asked.who.sees(each.key.merchant_id)]
    return [each for each in found if not each.original_id] or found


async def propose(asked: Asked) -> Response:
    """First what it means, then, when the maker says so, the proposal. Nothing moves before somebody else agrees."""
    what, kind = asked.given("what")[:64], asked.given("kind")
    try:
        found = await asked.read(lambda c: _payments(asked, c, what))
        if len(found) != 1:
            raise Wrong(asked.say("Find one payment first."))
        payment = found[0]
        wanted = amount(asked, "amount", payment.paid.currency)
        reason = _reason(asked)
        plain = _plain(wanted)
        link, decision = await asked.act(ordering.planned, payment.transaction_id, amount=plain, kind=kind)
        if asked.given("sure") != "1":
            return asked.page(
                "order_preview.html", link=link, decision=decision, before=money_of(link), kept=asked.form,
                ways=WAY_WORDS, reason=reason,
            )  # fmt: skip
        order = await asked.act(
            ordering.propose, payment.transaction_id, reason=reason, by=asked.who.name, amount=plain, kind=kind
        )
    except Wrong as error:
        return await _form(asked, what, asked.form, str(error), 422)
    except (OrderError, CaseError, StoreError) as error:
        return await _form(asked, what, asked.form, refusal(str(error), asked.language), 422)
    return asked.go(f"/returns/{order.order_id}?done=propose")


def _plain(wanted: Amount) -> str:
    """As the order's own reader takes it: minor units are its last two digits."""
    return f"{wanted.minor // 100}.{wanted.minor % 100:02}"


async def one(asked: Asked) -> Response:
    """One order."""
    return await _one(asked)


async def _one(asked: Asked, *, status: int = 200, tried: str = "", wrong: str = "") -> Response:
    order_id = asked.request.path_params["order_id"]

    def read(connection: Connection) -> tuple[Order, Link, bool]:
        order, payment = own_order(asked, connection, order_id)
        return order, find_link(connection, payment.transaction_id), is_confirmed(connection, payment)

    order, link, confirmed = await asked.read(read)
    part = bool(asked.request.headers.get("x-fragment"))
    return asked.page(
        "order_story.html" if part else "order.html", status, order=order, link=link,
        money=money_of(link, order.state is OrderState.PROPOSED, confirmed),
        mine=same_person(order.maker, asked.who.name), ways=WAY_WORDS, order_states=ORDER_WORDS, makers=MAKERS,
        closable=_closable(asked, order), by_hand=order.kind in BY_HAND, tried=tried, wrong=wrong,
        kept=asked.form, done=asked.given("done"), stale=not is_fresh(asked), then=_then(order, link),
    )  # fmt: skip


def _closable(asked: Asked, order: Order) -> bool:
    """Whether this person may say that it was paid, or was not."""
    people_pay = order.state is OrderState.ESCALATED or (order.state is OrderState.RUNNING and order.kind in BY_HAND)
    his_own = order.maker == POLICY and same_person(order.checker, asked.who.name)
    return people_pay and not his_own


def _then(order: Order, link: Link) -> Money:
    """Where the money will be once this order is approved."""
    now = money_of(link)
    if order.paid_from != "original" or order.state is not OrderState.PROPOSED:
        return now
    return Money(
        currency=now.currency, paid=now.paid, returned=now.returned, under_way=now.under_way + order.amount.minor,
        ordered=now.ordered - order.amount.minor, certain=now.certain, position=now.position,
    )  # fmt: skip


Act = Callable[[Order, Link, str, Moment], Any]


async def _decided(asked: Asked, name: str, act: Act) -> Response:
    """Do it to the order as it was seen; or the page again, with why not and what was typed."""
    order_id = asked.request.path_params["order_id"]
    seen = number(asked, "seen", 1, VERSION_MAX)

    def as_seen(order: Order, link: Link, who: str, now: Moment) -> Any:
        if order.version != seen:
            raise OrderError("the order changed meanwhile; nothing was done")
        return act(order, link, who, now)

    await asked.act(ordering.act, order_id, asked.who.name, as_seen)
    return asked.go(f"/returns/{order_id}?done={name}")


def _handler(name: str, prepare: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
    async def handle(asked: Asked) -> Response:
        order_id = asked.request.path_params["order_id"]
        await asked.read(lambda c: own_order(asked, c, order_id))
        try:
            return await _decided(asked, name, await prepare(asked))
        except Wrong as error:
            return await _one(asked, status=422, tried=name, wrong=str(error))
        except (OrderError, CaseError, StoreError) as error:
            return await _one(asked, status=409, tried=name, wrong=refusal(str(error), asked.language))

    return handle


def _reason(asked: Asked) -> str:
    """Why, as it may be kept: without card numbers. Raises Wrong and CaseError."""
    given = words(asked, "reason", asked.say("Say why; it is kept with the order."))
    return text_of(given, "the reason")


async def approve(asked: Asked) -> Act:
    """The second person's yes."""
    await himself(asked)

    def act(order: Order, link: Link, who: str, now: Moment) -> Any:
        if same_person(order.maker, who):  # however the name was written
            raise OrderError(f"{who} proposed it; a second person must approve")
        return proposing.approved(order, link, who, now)

    return act


async def refuse(asked: Asked) -> Act:
    """The second person's no."""
    why = _reason(asked)
    return lambda order, link, who, now: proposing.refused(order, link, who, why, now)


async def withdraw(asked: Asked) -> Act:
    """The maker does not want it any more."""
    why, not_mine = _reason(asked), asked.say("Only who proposed it can withdraw it.")

    def act(order: Order, link: Link, who: str, now: Moment) -> Any:
        if not same_person(order.maker, who):
            raise Wrong(not_mine)
        return proposing.refused(order, link, order.maker, why, now)

    return act


async def paid(asked: Asked) -> Act:
    """It was paid by hand, under a reference."""
    given = words(asked, "reference", asked.say("Give the bank's or the file's reference."))
    reference = reference_of(given)
    await himself(asked)
    return lambda order, link, who, now: proposing.settled_by_hand(order, link, reference, who, now)


async def failed(asked: Asked) -> Act:
    """It could not be paid; nothing was given back."""
    why = _reason(asked)
    return lambda order, link, who, now: proposing.failed(order, link, why, who, now)


PAGES = (
    Page(path="/returns", right=Right.SEE_CASES, show=show),
    Page(path="/returns/new", right=Right.PROPOSE, show=new),
    Page(path="/returns/new", right=Right.PROPOSE, show=propose, method="POST"),
    Page(path="/returns/{order_id}", right=Right.SEE_CASES, show=one),
    Page(path="/returns/{order_id}/approve", right=Right.APPROVE, show=_handler("approve", approve), method="POST"),
    Page(path="/returns/{order_id}/refuse", right=Right.APPROVE, show=_handler("refuse", refuse), method="POST"),
    Page(path="/returns/{order_id}/withdraw", right=Right.PROPOSE, show=_handler("withdraw", withdraw), method="POST"),
    Page(path="/returns/{order_id}/paid", right=Right.PROPOSE, show=_handler("paid", paid), method="POST"),
    Page(path="/returns/{order_id}/failed", right=Right.PROPOSE, show=_handler("failed", failed), method="POST"),
)
