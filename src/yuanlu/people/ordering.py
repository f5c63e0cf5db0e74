"""Orders by people: read, build, commit beside the gateway; a refusal is recorded and raised."""

import random
from collections.abc import Callable

from sqlalchemy import Connection

from yuanlu.acquirers.terms import HostTerms
from yuanlu.journal.transactions import Transaction, search
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import Moment, SystemClock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.kernel.money import Money
from yuanlu.people.database import on_database, reading
from yuanlu.returns import proposing
from yuanlu.returns.decision import WAYS, Decision, Facts, Wish, decide
from yuanlu.returns.obstacles import Obstacle
from yuanlu.returns.orders import Order, automatic_today_minor, find_order, told
from yuanlu.returns.proposing import OrderError
from yuanlu.returns.ways import Link, find_link
from yuanlu.settings import Settings

TRIES = 5
KINDS = tuple(dict.fromkeys(way.kind for way in WAYS))

Rows = tuple[list[Fact], list[Change]]
What = Callable[[Order, Link, str, Moment], Rows]


@on_database
def propose(settings: Settings, what: str, *, reason: str, by: str, amount: str, kind: str) -> Order:
    """An order that waits for its second person. Raises OrderError saying what stands in the way."""
    if kind and kind not in KINDS:
        raise OrderError(f"--kind {kind}: there are {', '.join(KINDS)}")
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        return _proposed(visitor, settings, clock, what, reason, _named(by), amount, kind)


def _proposed(
    visitor: Visitor, settings: Settings, clock: SystemClock, what: str, reason: str, by: str, amount: str, kind: str
) -> Order:
    for _ in range(TRIES):
        now = clock.now()
        with visitor.reading() as connection:
            link = link_of(connection, what)
            facts = _facts(connection, settings, link, now)
        wanted = _money(amount, link) if amount else _all_that_is_left(link)
        wish = Wish(amount=wanted, kind=kind, person=True, reason=reason)
        decision = decide(facts, wish)
        if isinstance(decision, Obstacle) or not wanted.minor:
            why = decision.why if isinstance(decision, Obstacle) else "nothing is left of it to give back"
            _record_refusal(visitor, link, f"{wanted} proposed by {by}: {why}", now)
            raise OrderError(why)
        order_id = IdentifierSource(clock, random.SystemRandom().getrandbits).new()
        order = proposing.proposed(decision, wish, link, by, order_id, "person", now)
        outcome = visitor.commit(*proposing.proposal_rows(order, link, now))
        if not isinstance(outcome, Conflict):
            return order
        if "more would be returned" in outcome.reason:
            why = "together with what is already proposed or given back, that is more than was paid"
            _record_refusal(visitor, link, f"{wanted} proposed by {by}: {why}", now)
            raise OrderError(why)
    raise OrderError("the payment keeps changing; try again")


@on_database
def planned(settings: Settings, what: str, *, amount: str, kind: str) -> tuple[Link, Decision]:
    """What such a proposal would be, to be looked at; nothing is written. Raises OrderError like `propose`."""
    if kind and kind not in KINDS:
        raise OrderError(f"--kind {kind}: there are {', '.join(KINDS)}")
    with reading(settings) as connection:
        link = link_of(connection, what)
        facts = _facts(connection, settings, link, SystemClock().now())
    wanted = _money(amount, link) if amount else _all_that_is_left(link)
    decision = decide(facts, Wish(amount=wanted, kind=kind, person=True, reason=""))
    if isinstance(decision, Obstacle):
        raise OrderError(decision.why)
    if not wanted.minor:
        raise OrderError("nothing is left of it to give back")
    return link, decision


def _facts(connection: Connection, settings: Settings, link: Link, now: Moment) -> Facts:
    original = link.original
    acquirer = settings.acquirers.get(original.acquirer)
    if acquirer is None:
        raise OrderError(f"the payment's acquirer, {original.acquirer}, is not in the configuration")
    spent = automatic_today_minor(connection, original.key.merchant_id, original.paid.currency, now.wall_us)
    return Facts(
        link=link, terms=HostTerms(name=original.acquirer, settings=acquirer),
        agreed=settings.agreements().of(original.key.merchant_id),
        automatic_today_minor=spent, now_us=now.wall_us,
    )  # fmt: skip


def link_of(connection: Connection, what: str) -> Link:
    """The one payment that goes by this, with all that is about it. Raises OrderError for none, or several."""
    found = [each for each in search(connection, what) if not each.original_id] or search(connection, what)
    if not found:
        raise OrderError(f'"{what}" is no transaction: give its id, its reference number (RRN) or TERMINAL+STAN')
    if len(found) > 1:
        raise OrderError(f'"{what}" names {len(found)} transactions; give the id: ' + ", ".join(_ids(found)))
    return find_link(connection, found[0].transaction_id)


def _ids(found: list[Transaction]) -> list[str]:
    return [each.transaction_id for each in found]


def _all_that_is_left(link: Link) -> Money:
    return Money(minor=max(link.left_minor, 0), currency=link.original.paid.currency)


def _money(text: str, link: Link) -> Money:
    """An amount as people write it, in the payment's currency; no float on the way."""
    whole, _, rest = text.replace(",", "").partition(".")
    if not whole.isdecimal() or (rest and not rest.isdecimal()) or len(rest) > 2:
        raise OrderError(f'--amount "{text}": write it like 12.50')
    minor = int(whole) * 100 + int(f"{rest:0<2}" or "0")
    if not minor:
        raise OrderError("--amount must be above zero")
    return Money(minor=minor, currency=link.original.paid.currency)


def _record_refusal(visitor: Visitor, link: Link, text: str, now: Moment) -> None:
    """What was asked and refused is in the timeline, too; a conflict means that it changed, and is asked again."""
    visitor.commit(*told(link.original, "RETURN_REFUSED", text, now))


def _named(by: str) -> str:
    if not by.strip():
        raise OrderError("say who acts: --as NAME, or the environment variable YUANLU_USER")
    return by.strip()


@on_database
def act(settings: Settings, order_id: str, by: str, what: What) -> Order:
    """Decide about an order; again when somebody else was faster. Raises OrderError."""
    clock, who = SystemClock(), _named(by)
    with visit(settings.store.url, settings.folder, clock) as visitor:
        for _ in range(TRIES):
            now = clock.now()
            with visitor.reading() as connection:
                order = find_order(connection, order_id)
                if order is None:
                    raise OrderError(f"{order_id} is no order; see: yuanlu return list")
                link = find_link(connection, order.transaction_id)
            try:
                rows = what(order, link, who, now)
            except OrderError as error:
                _record_refusal(visitor, link, f"{order_id} by {who}: {error}", now)
                raise
            outcome = visitor.commit(*rows)
            if not isinstance(outcome, Conflict):
                return order
            if "two_people" in outcome.reason or "more would be" in outcome.reason:
                raise OrderError(outcome.reason)
    raise OrderError("the order keeps changing; look at it again: yuanlu return list")
