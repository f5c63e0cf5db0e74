"""Where is my money: the page behind the slip's QR code. No sign-in, no script, and only what is confirmed.

An address that is not ours gets the same answer as one that is too old: nothing says whether a payment exists.
"""

import asyncio

from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from yuanlu.cases.errors import CaseError
from yuanlu.cases.records import Case
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import find_case_of
from yuanlu.console.asked import Asked
from yuanlu.console.limits import Limiter
from yuanlu.console.routing import Page
from yuanlu.console.texts import noted
from yuanlu.journal.transactions import Transaction, facts_of, search
from yuanlu.notices import Language
from yuanlu.notification.addresses import AddressError
from yuanlu.notification.records import Contact
from yuanlu.notification.store import CONTACTS_MAX, contacts_of, is_unwanted
from yuanlu.people import cardholder, contacts
from yuanlu.people.notifications import shop_name
from yuanlu.people.positions import (
    CHARGED,
    FAILED,
    HELD,
    NOT_CHARGED,
    RETURNED,
    REVERSING,
    SENT,
    UNKNOWN,
    Position,
    position_of,
)
from yuanlu.people.words import CHINESE

LOOKS, WORDS = Limiter(burst=60, per_minute=60), Limiter(burst=5, per_minute=2)
MINUTE_US = 60_000_000

OPEN = frozenset({UNKNOWN.key, REVERSING.key, SENT.key, FAILED.key})
"""While the money is there, there is news to wait for."""
CONSENT = "cardholder page, consent 1"
"""Who told us a number, and to which words on this page he agreed: the number rises with every change of them."""

STEPS = {
    "SEND_INTENT": noted("The payment was sent to the bank"),
    "APPROVED": noted("The bank approved it"),
    "DECLINED": noted("The bank declined it; nothing was charged"),
    "UNKNOWN": noted("No clear answer came; the payment is being taken back"),
    "RETURN_REVERSAL": noted("We asked the bank to take it back"),
    "RETURNED": noted("The acquirer has accepted the return"),
    "VOID_DONE": noted("The shop took the payment back"),
    "REFUND_DONE": noted("The acquirer has accepted the refund"),
    "NO_EFFECT": noted("The payment never took effect; nothing was charged"),
    "ESCALATED": noted("A person is looking after the return"),
    "CLEARED": noted("The bank's file confirms it"),
}
"""The facts that a cardholder hears of, in his words. Everything else is ours to know."""


class Step(Struct, frozen=True, kw_only=True):
    """One line of what happened."""

    at_us: int
    text: str


class Story(Struct, frozen=True, kw_only=True):
    """What the page tells."""

    payment: Transaction
    place: Position
    steps: tuple[Step, ...]
    case: Case | None
    agreed_by_us: int | None
    """By when the money is to be back, by contract; None where nothing is agreed."""
    shop: str
    """What customers call the shop; "" where no name is known."""
    contacts: tuple[Contact, ...]
    """Whom we tell of this payment by SMS. Only masked numbers leave here."""
    taken_back: frozenset[str]
    """The ids of those that are told nothing any more."""
    asks: bool
    """Whether a number can be given: messages are sent for this merchant, and there is news to come."""


async def show(asked: Asked) -> Response:
    """The page."""
    story = await _story(asked)
    return _unknown(asked) if story is None else _page(asked, story)


def _page(asked: Asked, story: Story, status: int = 200, wrong: str = "", told: str = "") -> Response:
    keys = {
        CHARGED.key: noted("You paid this amount. Nothing is open."),
        HELD.key: noted("This amount is held on your card. It is charged only when the shop completes the payment."),
        NOT_CHARGED.key: noted("You were not charged."),
        SENT.key: noted("The return is accepted. Your bank still has to post it to your account."),
        RETURNED.key: noted("The money is back on your account, confirmed by the bank's file."),
        FAILED.key: noted("The return is not finished. A person is looking after it."),
    }
    headline = keys.get(
        story.place.key, noted("The result is being confirmed. If you were charged, it goes back to the same account.")
    )
    return asked.page(
        "cardholder.html", status, story=story, headline=headline, wrong=wrong, told=told,
        link=asked.request.path_params["link"], payment=story.payment,
    )  # fmt: skip


def _unknown(asked: Asked) -> Response:
    return asked.page("cardholder_unknown.html", 404)


async def _story(asked: Asked) -> Story | None:
    name = asked.request.client.host if asked.request.client else ""
    if LOOKS.wait_s(name, asyncio.get_running_loop().time()):
        return None
    transaction_id = cardholder.opened(asked.console.keys, asked.request.path_params["link"])
    if transaction_id is None:
        return None
    return await asked.read(lambda c: _read(c, asked, transaction_id))


def _read(connection: Connection, asked: Asked, transaction_id: str) -> Story | None:
    found = search(connection, transaction_id)
    if len(found) != 1 or cardholder.too_old(found[0], asked.now_us):
        return None
    payment = found[0]
    rows = facts_of(connection, payment.key.merchant_id, payment.transaction_id)
    steps: dict[str, Step] = {}
    for row in rows:
        if row.kind in STEPS and row.kind not in steps:
            steps[row.kind] = Step(at_us=row.at_us, text=asked.say(STEPS[row.kind]))
    case = find_case_of(connection, payment.transaction_id)
    place = position_of(payment.state, payment.kind, confirmed="CLEARED" in steps)
    settings, known = asked.console.settings, contacts_of(connection, payment.transaction_id)
    telling = settings.agreements().of(payment.key.merchant_id).telling
    return Story(
        payment=payment,
        place=place,
        shop=shop_name(settings, payment.key.merchant_id),
        contacts=tuple(known),
        taken_back=frozenset(each.contact_id for each in known if is_unwanted(connection, each.contact_id, each.token)),
        asks=telling.cardholders and bool(telling.sms) and place.key in OPEN and len(known) < CONTACTS_MAX,
        steps=tuple(steps.values()),
        case=case if case is not None and case.state is not CaseState.CLOSED else None,
        agreed_by_us=_agreed_by(asked, payment),
    )


def _agreed_by(asked: Asked, payment: Transaction) -> int | None:
    after = asked.console.settings.agreements().of(payment.key.merchant_id).compensation.after_minutes
    return payment.received_at_us + after * MINUTE_US if after else None


async def complain(asked: Asked) -> Response:
    """A complaint: it becomes a case with a deadline."""
    return await _said(asked, complaint=True)


async def feedback(asked: Asked) -> Response:
    """How it went."""
    return await _said(asked, complaint=False)


async def _said(asked: Asked, *, complaint: bool) -> Response:
    story = await _story(asked)
    if story is None:
        return _unknown(asked)
    name = story.payment.transaction_id
    if WORDS.wait_s(name, asyncio.get_running_loop().time()):
        return _page(asked, story, 429, asked.say("That was often in a short time. Please wait a minute."))
    text = asked.given("text")
    try:
        if complaint:
            if not text:
                return _page(asked, story, 422, asked.say("Please say in a few words what is wrong."))
            case = await asked.act(cardholder.complained, name, text)
            told = asked.say("We have your complaint. Its number is {number}.", number=case.case_id)
        else:
            await asked.act(cardholder.answered, name, asked.given("helpful") == "1", text)
            told = asked.say("Thank you.")
    except CaseError:
        return _page(asked, story, 422, asked.say("This could not be taken. Please shorten it, and send it again."))
    again = await _story(asked)
    return _page(asked, again or story, told=told)


async def give(asked: Asked) -> Response:
    """A number to be told by, with consent. It stands nowhere on the page afterwards but masked."""
    story = await _story(asked)
    if story is None:
        return _unknown(asked)
    wrong = _refused(asked, story)
    if wrong is None:
        if asked.given("agreed") != "1":
            wrong = asked.say("We keep a number only if you agree. Nothing was kept.")
        elif not story.asks:
            wrong = asked.say("There is no more news to send about this payment.")
    if wrong is not None:
        return _page(asked, story, 422, wrong)
    name, number = story.payment.transaction_id, asked.given("number")
    language: Language = "zh" if asked.language == CHINESE else "en"
    try:
        contact = await asked.act(contacts.gave, asked.console.keys, name, number, language, CONSENT)
    except AddressError:
        wrong = asked.say("This is no mobile number: 11 digits, or + and the country's code before it.")
    except (contacts.TakenBack, contacts.TooManyContacts):
        wrong = asked.say("This number cannot be told of this payment. Give another one, or look at this page again.")
    except contacts.ContactBusy:
        wrong = asked.say("This could not be taken just now. Please send it again.")
    again = await _story(asked) or story
    if wrong is not None:
        return _page(asked, again, 422, wrong)
    return _page(asked, again, told=asked.say("We send the news to {number}.", number=contact.masked))


async def take_back(asked: Asked) -> Response:
    """A number of this payment is told nothing more."""
    story = await _story(asked)
    if story is None:
        return _unknown(asked)
    wrong = _refused(asked, story)
    if wrong is not None:
        return _page(asked, story, 422, wrong)
    name, everywhere = story.payment.transaction_id, asked.given("everywhere") == "1"
    try:
        done = await asked.act(contacts.took_back, name, asked.given("contact"), CONSENT, everywhere=everywhere)
    except contacts.ContactBusy:
        return _page(asked, story, 422, asked.say("This could not be taken just now. Please send it again."))
    again = await _story(asked) or story
    if not done:
        return _page(asked, again, 422, asked.say("There is no such number at this payment."))
    return _page(asked, again, told=asked.say("The number is taken back. Nothing more is sent to it."))


def _refused(asked: Asked, story: Story) -> str | None:
    if not WORDS.wait_s(story.payment.transaction_id, asyncio.get_running_loop().time()):
        return None
    return asked.say("That was often in a short time. Please wait a minute.")


PAGES = (
    Page(path="/m/{link}", right=None, show=show, public=True),
    Page(path="/m/{link}/complaint", right=None, show=complain, method="POST", public=True),
    Page(path="/m/{link}/feedback", right=None, show=feedback, method="POST", public=True),
    Page(path="/m/{link}/contact", right=None, show=give, method="POST", public=True),
    Page(path="/m/{link}/contact/back", right=None, show=take_back, method="POST", public=True),
)
