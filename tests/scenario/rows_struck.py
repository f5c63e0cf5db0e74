"""Rows of outages and stops: what befalls many at once, declared by people or seen by detection."""

import asyncio
import random
from collections.abc import Callable

from tests.scenario.rows import GONE_BACK, RETURNED, Play, Row
from tests.scenario.sandbox_town import SandboxTown, Upstream
from yuanlu.incidents.symptoms import POWER_CUT_TERMINALS
from yuanlu.sandbox.cards import Card
from yuanlu.sandbox.faults import find_fault
from yuanlu.sandbox.till_messages import EntryMode, Payment, sale_frame
from yuanlu.settings import Incidents

KEEN = Incidents(
    look_every_ms=40, window_ms=500, link_down_ms=60_000, merchant_terminals=3, host_terminals=4, host_merchants=3,
    region_terminals=4, region_merchants=3, region_hosts=2, healthy_ms=60_000,
)  # fmt: skip
"""Detection sees few terminals soon."""

FAILING_TOGETHER = 6

FAILING_TOWN = {
    "alone": Upstream(host={"down_ms": 200}),
    "north": Upstream(places=2, region="north"),
    "east": Upstream(places=2, region="north"),
    "shop": Upstream(places=3, one_shop=True),
    "dark": Upstream(places=3, one_shop=True),
}
"""A host that goes down, a region on two hosts, a shop without a line, a shop without power."""

TOWN_BEHIND = {name: Upstream(places=FAILING_TOGETHER) for name in ("wallet", "bank")}
ATTENTIVE = Incidents(look_every_ms=40)


def declared(kind: str) -> Play:
    """A person declares it for the shop, and then an answer is lost there."""

    async def play(town: SandboxTown) -> Payment:
        place = town.place()
        await town.declare(kind, ("merchant", place.merchant))
        return await place.sell(find_fault("drop_after_commit").magic_minor)

    return play


async def host_goes_down(town: SandboxTown) -> Payment:
    """Four shops wait for one host when it goes down."""
    places = [town.place("alone") for _ in range(4)]
    town.servers["alone"].thinks = True
    asked = [asyncio.create_task(place.sell()) for place in places[1:]]
    await town.until(lambda: town.core("alone").counters["debits"] == len(asked))
    town.servers["alone"].thinks = False  # what it was thinking about is lost
    await places[0].sell(find_fault("host_down").magic_minor)
    return (await asyncio.gather(*asked))[0]


async def region_fails(town: SandboxTown) -> Payment:
    """A district's payments are lost at two hosts at once."""
    places = [town.place(host) for host in ("north", "east") for _ in range(2)]
    lost = find_fault("drop_after_commit").magic_minor
    return (await asyncio.gather(*(place.sell(lost) for place in places)))[0]


async def shop_goes_dark(town: SandboxTown) -> Payment:
    """The shop's router fails: its tills' lines end before the approvals come."""
    await asyncio.sleep(KEEN.window_ms / 1000)  # what is lost just after our own start tells of our own stop
    payments = []
    with town.thinking("shop"):
        for place in [town.place("shop") for _ in range(3)]:
            payment, line = place.payment(), await place.line()
            await line.send(sale_frame(place.identity, payment, None))
            await town.until(lambda ref=payment.ref: town.core("shop").state_of(ref) is not None)
            await town.hang_up(line)
            payments.append(payment)
    return payments[0]


async def shop_has_no_power(town: SandboxTown) -> Payment:
    """A shop's tills lose their power, one of them while it waits; together they start anew."""
    await asyncio.sleep(KEEN.window_ms / 1000)  # what is lost just after our own start tells of our own stop
    places = [town.place("dark") for _ in range(POWER_CUT_TERMINALS)]
    payment, line = places[0].payment(), await places[0].line()
    with town.thinking("dark"):
        await line.send(sale_frame(places[0].identity, payment, None))
        await town.until(lambda: town.core("dark").state_of(payment.ref) is not None)
        await town.hang_up(line)
    await town.becomes(payment, RETURNED)
    for place in places:
        await place.till.start_anew()
    return payment


def behind_the_host(host: str, entry: EntryMode, card: Callable[[random.Random], Card]) -> Play:
    """Who decides about such cards does not answer the host; other cards go through meanwhile."""

    async def play(town: SandboxTown) -> Payment:
        places = [town.place(host) for _ in range(FAILING_TOGETHER)]
        payments = []
        for place in places:
            failing = card(town.chance)
            payments.append(await place.sell(find_fault("doubtful_68").magic_minor, card=failing, entry=entry))
            assert place.code == "98"
            await place.sold()
        return payments[0]

    return play


def bank_card(chance: random.Random) -> Card:
    """Of a bank that issues no other cards here."""
    return Card(pan=f"625900{chance.randrange(10**10):010}", pin="135791")


def alipay_code(chance: random.Random) -> Card:
    """A payment code of one wallet."""
    return Card(pan=f"28{chance.randrange(10**16):016}", pin="")


async def crash(town: SandboxTown) -> Payment:
    """The gateway stops while the host works, and starts again."""
    place = town.place("slow")
    payment, line = place.payment(), await place.line()
    with town.thinking("slow"):
        await line.send(sale_frame(place.identity, payment, None))
        await town.until(lambda: town.core("slow").state_of(payment.ref) is not None)
        await town.stop_short()
    await town.open()
    return payment


def struck(play: Play, *, case: bool = True) -> Row:
    """The money goes back by itself, and one case speaks for all."""
    return Row(play=play, ends=RETURNED, books=GONE_BACK, case=case)


DECLARED: dict[str, Row] = {
    "NATURAL_DISASTER": struck(declared("disaster")),
    "CYBER_ATTACK": struck(declared("cyber_attack")),
    "POWER_CUT": struck(declared("power_cut")),
    "CARRIER_OUTAGE": struck(declared("carrier_outage")),
    "ORDERED_STOP": struck(declared("order")),
    "PLANNED_MAINTENANCE": struck(declared("maintenance")),
    "BUSINESS_PEAK": struck(declared("peak")),
    "ISSUER_OUTAGE": struck(declared("issuer_outage")),
}
"""In the quiet town."""

DETECTED: dict[str, Row] = {
    "HOST_DOWN": struck(host_goes_down),
    "REGIONAL_OUTAGE": struck(region_fails),
    "SHOP_NETWORK_DOWN": struck(shop_goes_dark),
}
"""In the failing town."""

POWER: dict[str, Row] = {"POWER_CUT": struck(shop_has_no_power)}
"""In the failing town as well: what people declare is noticed, too."""

BEHIND: dict[str, Row] = {
    "WALLET_OUTAGE": struck(behind_the_host("wallet", EntryMode.QR, alipay_code)),
    "ISSUER_OUTAGE": struck(behind_the_host("bank", EntryMode.MAGSTRIPE, bank_card)),
}
"""In the town behind whose hosts somebody fails."""

STOPPED: dict[str, Row] = {"GATEWAY_CRASHED": struck(crash, case=False)}
"""In a town of its own: nobody else can be served while its gateway is down."""
