"""Rows of what terminals say of themselves, and of what people declare: status uploads and the command line."""

from collections.abc import Awaitable, Callable

from tests.scenario.rows import APPROVED, CHARGED, DECLINED, GONE_BACK, NEVER_CHARGED, RETURNED, Play, Row
from tests.scenario.rows_lost import hangs_up
from tests.scenario.sandbox_place import Place
from tests.scenario.sandbox_town import SandboxTown
from yuanlu.sandbox.faults import find_fault
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till import Behaviour
from yuanlu.sandbox.till_messages import EntryMode, Payment


async def told(place: Place, about: Payment | None = None, **said: str | int) -> None:
    """The till's status upload is taken."""
    assert await place.till.tell_status(about, **said) == "00"


def afterwards(**said: str | int) -> Play:
    """A sale is approved, and then its till says how it is."""

    async def play(town: SandboxTown) -> Payment:
        place = town.place()
        payment = (await place.sold()).ask.payment
        await told(place, **said)
        return payment

    return play


def before(code: str, **said: str | int) -> Play:
    """A till says how it is, and then the host answers its sale with this code."""

    async def play(town: SandboxTown) -> Payment:
        place = town.place()
        await told(place, **said)
        return await place.sell(find_fault(f"code_{code}").magic_minor)

    return play


def taken_back(how: Callable[[Place], Awaitable[Payment]], **said: str | int) -> Play:
    """The till takes a payment back, and says why."""

    async def play(town: SandboxTown) -> Payment:
        place = town.place()
        payment = await how(place)
        await town.looked_at(payment)
        await told(place, payment, **said)
        return payment

    return play


async def chip_refuses(place: Place) -> Payment:
    """The host approves, the chip's second cryptogram says no, and the till reverses."""
    payment = await place.sell(entry=EntryMode.CHIP, behaviour=Behaviour.CHANGES_MIND)
    await place.till.work_off_duty()
    return payment


async def card_is_pulled(place: Place) -> Payment:
    """The customer takes the card out too early, so the till cannot end what was approved."""
    payment = await place.sell(entry=EntryMode.CHIP)
    assert await place.reverse(payment, "06") == "00"
    return payment


async def loses_power(town: SandboxTown) -> Payment:
    """The till loses its power while the host works; back on its feet it says so, and works off its reversal."""
    place = town.place("slow")
    with town.thinking("slow"):
        payment = await place.sell(behaviour=Behaviour.LOSES_POWER)
    await told(place, payment, restarted=1)
    await place.till.work_off_duty()
    return payment


async def weak_signal(town: SandboxTown) -> Payment:
    """The signal is weak, and the line is gone before the approval."""
    payment, place = await hangs_up(town), town.latest
    await told(place, signal=9)
    return payment


async def printer_breaks(town: SandboxTown) -> Payment:
    """The till's printer breaks, so the cashier voids the sale."""
    place = town.place()
    paper = await place.sold()
    await place.follow(Kind.VOID, paper)
    await told(place, hardware_fault="printer")
    return paper.ask.payment


async def clearing_differs(town: SandboxTown) -> Payment:
    """A person has found the payment in our books alone."""
    payment = (await town.place().sold()).ask.payment
    await town.compare_clearing(payment, "only_ours")
    return payment


TAKEN_BACK = {"ends": RETURNED, "books": GONE_BACK}
STANDS = {"ends": APPROVED, "books": CHARGED}
REFUSED_BY_HOST = {"ends": DECLINED, "books": NEVER_CHARGED}

TOLD: dict[str, Row] = {
    "TERMINAL_TAMPERED": Row(play=afterwards(tampered=1), case=True, **STANDS),
    "TERMINAL_MOVED": Row(play=afterwards(moved=1), case=True, **STANDS),
    "SLIP_NOT_PRINTED": Row(play=afterwards(slip_failed=1), **STANDS),
    "CHIP_REFUSED_APPROVAL": Row(play=taken_back(chip_refuses, chip_refused=1), **TAKEN_BACK),
    "CARD_REMOVED_EARLY": Row(play=taken_back(card_is_pulled, card_removed=1), **TAKEN_BACK),
    "CARD_UNREADABLE": Row(play=before("45", read_failed=3), **REFUSED_BY_HOST),
    "SOFTWARE_OUTDATED": Row(play=before("30", software_outdated=1), **REFUSED_BY_HOST),
    "TERMINAL_LOST_POWER": Row(play=loses_power, **TAKEN_BACK),
    "SIGNAL_WEAK": Row(play=weak_signal, **TAKEN_BACK),
    "TERMINAL_FAULTY": Row(play=printer_breaks, case=True, **TAKEN_BACK),
    "CLEARING_DIFFERS": Row(play=clearing_differs, case=True, **STANDS),
}
