"""Rows of our own no: nothing is sent, there is no transaction, and the cause stands in the record and the counters."""

import asyncio

from tests.scenario.rows import GONE_BACK, Refused
from tests.scenario.sandbox_town import SandboxTown, Upstream
from yuanlu.sandbox.faults import find_fault
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_messages import Payment

SIGNED_TOWN = {"sealed": Upstream(host={"mac": "unionpay-ecb", "sign_in": "link"})}
"""Tills sign in here, too: their messages carry MACs."""

FULL_DISK_MIB = 1 << 30
"""A reserve that no disk has room for."""


async def sale(town: SandboxTown) -> Payment:
    return await town.place().sell()


async def one_too_many(town: SandboxTown) -> Payment:
    """The host has as many requests to answer as it may have."""
    first, second = town.place("busy"), town.place("busy")
    with town.thinking("busy"):
        asked = asyncio.create_task(first.sell())
        await town.until(lambda: town.core("busy").counters["frames"] > 0)
        refused = await second.sell()
    await asked
    assert first.code == "00"
    return refused


async def sign_in_refused(town: SandboxTown) -> Payment:
    """The host does not let us sign in for this terminal."""
    place = town.place("keys")
    place.order("code_05", "sign_in")
    return await place.sell()


async def host_goes_silent(town: SandboxTown) -> Payment:
    """The host answers neither a sale nor its reversal, nor the next sale, by which we try whether it is back."""
    place = town.place("mute")
    lost = find_fault("reversal_lost_before").magic_minor
    for _ in range(2):
        await place.sell(lost)
        assert place.code == "98"
    return await place.sell()


async def forgets_to_sign_in(town: SandboxTown) -> Payment:
    """A new day's first sale, without a sign-in; then the cashier signs in, and sells."""
    place = town.place("sealed")
    place.till.forget_sign_in()
    refused = await place.sell()
    await place.sold()
    return refused


async def keeps_old_keys(town: SandboxTown) -> Payment:
    """A till that has signed in goes on with the keys that it had before, and so cannot read our answer either."""
    place = town.place("sealed")
    await place.sold()
    await place.till.lose_new_keys()
    return await place.sell()


async def void_of_what_goes_back(town: SandboxTown) -> Payment:
    """The system is giving the money back, and the cashier voids the payment by hand, too."""
    place = town.place()
    paper = await place.sold()
    assert await place.reverse(paper.ask.payment, "98") == "00"
    return await place.follow(Kind.VOID, paper)


REFUSED: dict[str, Refused] = {
    "GATEWAY_BUSY": Refused(play=one_too_many, code="96"),
    "HOST_REFUSED_SIGN_IN": Refused(play=sign_in_refused, code="91"),
    "HOST_SILENT": Refused(play=host_goes_silent, code="91"),
    "RETURNED_BY_HAND_TOO": Refused(play=void_of_what_goes_back, code="22", original=GONE_BACK),
}
"""In the quiet town."""

UNSIGNED: dict[str, Refused] = {
    "SIGN_IN_FORGOTTEN": Refused(play=forgets_to_sign_in, code="A0", recorded=False),
    "TERMINAL_MAC_WRONG": Refused(play=keeps_old_keys, code="", recorded=False),
}
"""Where tills sign in."""

DISK: dict[str, Refused] = {"DISK_NEARLY_FULL": Refused(play=sale, code="96")}
"""In a town of its own, whose disk has no room."""
