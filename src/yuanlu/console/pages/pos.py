"""The virtual POS: a terminal in the browser that speaks to the real gateway, for work, training and trying.

What the machine says, what to press, what to tell the customer. A payment runs beside the page, which shows what is
known of it; a second one of the same amount and customer is not taken while the first is unknown.
"""

import asyncio
import secrets

import segno
import structlog
from markupsafe import Markup
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases.errors import CaseError
from yuanlu.console import fault_orders
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.pos_screen import AGAIN, MOVING, Phase, Screen, screen_of, sentences
from yuanlu.console.routing import Page
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.kernel.money import Money
from yuanlu.people.cardholder import link_of
from yuanlu.people.figures import minor_text
from yuanlu.people.notifications import shop_name
from yuanlu.people.words import CHINESE
from yuanlu.terminals import Terminal
from yuanlu.till.presented import CHOICES, Presented, choice_of
from yuanlu.till.records import TillKind, TillPayment, TillRefused, TillState, TillUnavailable, Wish
from yuanlu.till.store import page as payments_page

CURRENCY = "156"
AMOUNT_MINOR_MAX = 99_999_999
LOOKED_BACK = 20

_running: set[asyncio.Task[None]] = set()
_failed: dict[str, str] = {}
FAILED_MAX = 1_000
_log = structlog.get_logger("yuanlu.console")


def terminals_of(asked: Asked) -> list[Terminal]:
    """Where this person may charge: of his merchant; where some are set aside for this, those alone."""
    own = asked.who.merchant_id
    mine = [each for each in asked.console.terminals.values() if own in ("", each.merchant_id)]
    return [each for each in mine if each.virtual] or mine[:50]


def is_training(asked: Asked) -> bool:
    """Whether hosts are simulated: then test cards may be used, faults ordered, and every page says so."""
    return bool(asked.console.settings.console.sandbox_control) and asked.console.settings.keys.mode == "sandbox"


async def show(asked: Asked) -> Response:
    """The empty machine."""
    return await _machine(asked)


async def _machine(asked: Asked, status: int = 200, wrong: str = "") -> Response:
    training = is_training(asked)
    scenarios = await fault_orders.catalogue(asked.console.settings.console.sandbox_control) if training else []
    own = asked.who.merchant_id
    latest = await asked.read(lambda c: payments_page(c, merchant_id=own, before_id="", limit=LOOKED_BACK))
    return asked.page(
        "pos.html", status, terminals=terminals_of(asked), choices=CHOICES if training else (), scenarios=scenarios,
        training=training, wrong=wrong,
        latest=[each for each in latest if each.kind is TillKind.SALE and each.tenant == _tenant(asked)][:6],
    )  # fmt: skip


async def charge(asked: Asked) -> Response:
    """Begin a payment, and go to its page."""
    terminal = next((each for each in terminals_of(asked) if each.terminal_id == asked.given("terminal")), None)
    minor, chosen = _minor(asked.given("amount")), choice_of(asked.given("source"))
    if terminal is None:
        return await _machine(asked, 422, asked.say("Choose a terminal."))
    if minor is None:
        return await _machine(asked, 422, asked.say("Type the amount like 12.50."))
    if chosen is None or not is_training(asked):
        return await _machine(asked, 422, asked.say("Choose what the customer pays with."))
    amount = Money(minor=minor, currency=CURRENCY)
    if await _still_unknown(asked, terminal.terminal_id, amount, chosen):
        said = asked.say(
            "This payment is still unknown and is being reversed. Do not charge again before it is settled."
        )
        return await _machine(asked, 409, said)
    if fault := asked.given("scenario"):
        try:
            await fault_orders.order(asked.console.settings.console.sandbox_control, fault[:64], terminal.terminal_id)
        except fault_orders.FaultsMissing:
            return await _machine(asked, 503, asked.say("The simulated host does not take this fault now. Try again."))
    key = IdentifierSource(asked.console.clock, secrets.randbits).new()
    wish = Wish(
        tenant=_tenant(asked), key=key, kind=TillKind.SALE, terminal_id=terminal.terminal_id, amount=amount,
        source=(source := chosen.make(_digits)), entry=source.entry, made_by=asked.who.name, reference=chosen.key,
    )  # fmt: skip
    _begin(asked, key, wish, None)
    return asked.go(f"/pos/{key}")


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))


def _tenant(asked: Asked) -> str:
    """Whose payments these are: the merchant's, so that the next shift sees them."""
    return f"pos {asked.who.merchant_id or 'all'}"


def _minor(text: str) -> int | None:
    """An amount as a person types it; no float on the way."""
    whole, _, rest = text.replace(",", "").removeprefix("¥").strip().partition(".")
    if (
        not (whole.isdecimal() and whole.isascii())
        or len(rest) > 2
        or (rest and not (rest.isdecimal() and rest.isascii()))
    ):
        return None
    minor = int(whole[:10]) * 100 + int(f"{rest:0<2}" or "0")
    return minor if 0 < minor <= AMOUNT_MINOR_MAX else None


async def _still_unknown(asked: Asked, terminal_id: str, amount: Money, chosen: Presented) -> bool:
    """Whether the same customer's payment of the same amount is in doubt at this terminal."""
    tenant, merchant_id = _tenant(asked), asked.who.merchant_id
    found = await asked.read(lambda c: payments_page(c, merchant_id=merchant_id, before_id="", limit=LOOKED_BACK))
    for each in found:
        if (each.terminal_id, each.amount, each.reference, each.kind) == (
            terminal_id,
            amount,
            chosen.key,
            TillKind.SALE,
        ):
            screen = await asked.read(lambda c, key=each.key: screen_of(c, tenant, key))  # type: ignore[misc]
            if screen is not None and screen.phase in MOVING:
                return True
    return False


def _begin(asked: Asked, key: str, wish: Wish, original: TillPayment | None) -> None:
    """Let the payment run beside the page; what could not even be sent is told there."""

    async def run() -> None:
        try:
            await asked.console.tills.pay(wish, original)
        except (TillRefused, TillUnavailable) as error:
            if len(_failed) >= FAILED_MAX:
                _failed.clear()
            _failed[key] = str(error)
        except Exception:
            _log.exception("a payment of the virtual POS failed")
            _failed[key] = "internal"

    task = asyncio.get_running_loop().create_task(run())
    _running.add(task)
    task.add_done_callback(_running.discard)


async def show_payment(asked: Asked) -> Response:
    """What the machine says about one payment, what to do, and what to tell the customer."""
    key = asked.request.path_params["key"]
    screen = await asked.read(lambda c: screen_of(c, _tenant(asked), key))
    fragment = bool(asked.request.headers.get("x-fragment"))
    if screen is None:
        if not key.isalnum() or len(key) != 26:
            raise NotThere(asked.say("There is no such payment at this machine."))
        return asked.page(
            "pos_now.html" if fragment else "pos_payment.html", key=key, screen=None, failed=key in _failed
        )
    return asked.page(
        "pos_now.html" if fragment else "pos_payment.html", key=key, screen=screen, failed=False,
        phase=screen.phase.value, steps=_steps(asked, screen), tell=_tell(asked, screen), again=screen.phase in AGAIN,
        moving=screen.phase in MOVING, wait_s=asked.console.terminals[screen.payment.terminal_id].wait_ms // 1000,
        training=is_training(asked), source=choice_of(screen.payment.reference),
    )  # fmt: skip


def _steps(asked: Asked, screen: Screen) -> list[str]:
    """What the cashier does now."""
    match screen.phase:
        case Phase.WAITING:
            return [asked.say("Wait for the bank."), asked.say("Do not charge again, and do not swipe another card.")]
        case Phase.APPROVED:
            return [asked.say("Give the customer the slip."), asked.say("Hand over the goods.")]
        case Phase.RETURNED | Phase.NO_EFFECT:
            return [asked.say("You may charge again now, or take another payment.")]
        case Phase.NOT_SENT:
            return [
                asked.say("Nothing was sent, nothing was charged."),
                asked.say("You may charge again now, or take another payment."),
            ]
        case Phase.UNKNOWN | Phase.WITH_PEOPLE | Phase.DECLINED:
            pass
    if screen.cause is not None:
        words = screen.cause.guidance.cashier
        return sentences(words.zh if asked.language == CHINESE else words.en)
    if screen.phase is Phase.DECLINED:
        return [asked.say("Nothing was charged."), asked.say("Ask for another card or way to pay.")]
    return [
        asked.say("Do not charge again, and do not swipe another card."),
        asked.say("Wait; the result appears here by itself."),
        asked.say("Print the slip for the customer."),
    ]


def _tell(asked: Asked, screen: Screen) -> str:
    """What the cashier says to the customer, word for word."""
    match screen.phase:
        case Phase.WAITING:
            return asked.say("“One moment please, the bank is answering.”")
        case Phase.APPROVED:
            return asked.say("“Thank you. Here is your slip.”")
        case Phase.DECLINED | Phase.NOT_SENT:
            return asked.say("“You were not charged. Would you like to pay another way?”")
        case Phase.RETURNED:
            return asked.say("“The payment is going back to the same account. The code on the slip shows where it is.”")
        case Phase.NO_EFFECT:
            return asked.say("“The payment did not take effect. You were not charged.”")
        case Phase.UNKNOWN | Phase.WITH_PEOPLE:
            return asked.say(
                "“If you were charged, it goes back to the same account. Scan the code on the slip to follow it.”"
            )


async def cancel(asked: Asked) -> Response:
    """The cashier takes the sale back at once: the machine's reversal."""
    screen = await _known(asked)
    await asked.console.tills.cancel(screen.payment)
    return asked.go(f"/pos/{screen.payment.key}")


async def refund(asked: Asked) -> Response:
    """Give back an approved sale, or part of it, with what it was paid with: a void on the day, a refund later."""
    screen = await _known(asked)
    minor, chosen = _minor(asked.given("amount")), choice_of(screen.payment.reference)
    if minor is None or minor > screen.payment.amount.minor:
        raise CaseError(
            asked.say("Type an amount up to {most}.", most=minor_text(screen.payment.amount.minor, CURRENCY))
        )
    if chosen is None or screen.phase is not Phase.APPROVED:
        raise CaseError(asked.say("Only an approved sale that stands can be given back."))
    whole = minor == screen.payment.amount.minor and not screen.given_back
    key = IdentifierSource(asked.console.clock, secrets.randbits).new()
    wish = Wish(
        tenant=_tenant(asked), key=key, kind=TillKind.VOID if whole else TillKind.REFUND,
        terminal_id=screen.payment.terminal_id, amount=Money(minor=minor, currency=CURRENCY),
        source=chosen.make(_digits), entry=screen.payment.entry, made_by=asked.who.name, reference=chosen.key,
    )  # fmt: skip
    _begin(asked, key, wish, screen.payment)
    return asked.go(f"/pos/{key}")


async def _known(asked: Asked) -> Screen:
    key = asked.request.path_params["key"]
    screen = await asked.read(lambda c: screen_of(c, _tenant(asked), key))
    if screen is None:
        raise NotThere(asked.say("There is no such payment at this machine."))
    return screen


async def slip(asked: Asked) -> Response:
    """The slip, for printers of 58 and 80 mm, with the code of the cardholder's page."""
    screen = await _known(asked)
    if screen.payment.state is TillState.SENT:
        raise NotThere(asked.say("The slip comes with the result. Wait for the bank."))
    address, code = "", Markup("")
    if screen.transaction is not None:
        base = asked.console.settings.console.public_url or str(asked.request.base_url).rstrip("/")
        address = f"{base}/{asked.language}/m/{link_of(asked.console.keys, screen.transaction.transaction_id)}"
        code = Markup(segno.make(address, error="l").svg_inline(scale=3, border=2))  # noqa: S704 - our own picture
    return asked.page(
        "slip.html", screen=screen, payment=screen.payment, phase=screen.phase.value, code=code, address=address,
        wide=asked.given("mm") == "80", training=is_training(asked), source=choice_of(screen.payment.reference),
        shop=shop_name(asked.console.settings, screen.payment.merchant_id),
    )  # fmt: skip


PAGES = (
    Page(path="/pos", right=Right.USE_POS, show=show),
    Page(path="/pos", right=Right.USE_POS, show=charge, method="POST"),
    Page(path="/pos/{key}", right=Right.USE_POS, show=show_payment),
    Page(path="/pos/{key}/cancel", right=Right.USE_POS, show=cancel, method="POST"),
    Page(path="/pos/{key}/refund", right=Right.USE_POS, show=refund, method="POST"),
    Page(path="/pos/{key}/slip", right=Right.USE_POS, show=slip),
)
