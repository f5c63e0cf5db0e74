"""Outages on real sockets: declared by detection or a person, sales held, money returned, one case, and a report."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.town import ELSEWHERE, QUICK, TERMINALS, Town, merchant_of, region_of, told
from yuanlu.cases.records import Case
from yuanlu.causes.evidence import IncidentKind
from yuanlu.flow import examining
from yuanlu.incidents.records import Incident, ScopeKind
from yuanlu.incidents.tables import incident_members
from yuanlu.journal.tasks import EXAMINE, EXAMINE_LANE, PUT_TASK
from yuanlu.journal.unit import Change

LOST = 30
HEALTHY_S = 30
"""Longer than any story lasts: only `later` makes it pass."""
NORTH = [name for name in TERMINALS if region_of(name) == "north"]
SOUTH = [name for name in TERMINALS if region_of(name) == "south"]


async def lose(town: Town, payments: int = LOST) -> list:
    """So many sales are on their way to h1, and it goes down; what the terminals had sent."""
    town.host.will("0200", *[Say(held=True)] * payments)
    sales = [town.sale_of(TERMINALS[n % len(TERMINALS)]) for n in range(payments)]
    asked = [asyncio.create_task(town.code(frame)) for _, frame in sales]
    await town.until(lambda: len(town.host.asked("0200")) == payments)
    await town.host.stop()
    assert set(await asyncio.gather(*asked)) == {"98"}
    return [payment for payment, _ in sales]


async def all_back(town: Town) -> None:
    """Wait until every lost sale is returned; one more was approved at the other host."""

    async def are() -> bool:
        return await town.states() == ["APPROVED"] + ["RETURNED"] * LOST

    await town.soon(are)


async def settled(town: Town) -> list[Incident]:
    """The incident that is over, once its report has nothing open."""
    return [each for each in await town.ended() if not each.report.open]


async def all_members(town: Town, number: int) -> None:
    async def there() -> bool:
        return len(await town.read(lambda c: c.execute(select(incident_members)).all())) == number

    await town.soon(there)


def test_a_host_goes_down_new_sales_are_held_and_everything_ends_by_itself_over_a_restart(run, tmp_path):
    async def story(town: Town) -> None:
        payments = await lose(town)
        [incident] = await town.soon(town.active)
        assert (incident.kind, str(incident.scope), incident.declared_by, incident.held_by) == (
            IncidentKind.HOST_DOWN, "host h1", "detection", "detection",
        )  # fmt: skip
        assert await town.sold(TERMINALS[0]) == "91"
        assert await town.sold(ELSEWHERE[0]) == "00"
        assert await town.transactions() == LOST + 1, "held before any intent"
        [refused] = await town.events("REFUSED")
        assert refused.startswith(f"91: incident {incident.incident_id} (host_down, host h1) holds new sales [")
        assert refused.endswith("[HOST_DOWN]"), "not that the host cannot be reached"
        assert town.gateway.server.counters.refused_by_cause == {"HOST_DOWN": 1}
        assert await town.code(town.reversal_of(payments[0])) == "00", "a reversal is never held"

        await town.close()
        await town.open(linked=False)
        assert await town.sold(TERMINALS[1]) == "91", "the hold outlives a restart"
        await all_members(town, LOST)
        assert await town.causes() == {"HOST_DOWN", ""}
        [case] = await town.cases()
        assert (case.transaction_id, case.incident, case.cause) == (None, incident.incident_id, "HOST_DOWN")

        await town.host.start()
        await town.soon(town.ended)
        await all_back(town)
        [over] = await town.soon(lambda: settled(town))
        assert (over.report.transactions, over.report.terminals) == (LOST, len(TERMINALS))
        assert (over.report.amounts, over.report.returned, over.report.open) == ("CNY 370.20", LOST, 0)
        assert (over.ended_by, over.held_by) == ("detection", "")
        [closed] = await town.cases()
        assert (closed.case_id, closed.outcome, closed.person_needed) == (case.case_id, "repaired", False)
        assert await town.sold(TERMINALS[0]) == "00"
        assert await town.active() == []

    run(told(story, tmp_path, incidents=replace(QUICK, hold_when_host_down=True)))


def test_a_person_declares_a_disaster_for_a_region_and_holds_sales_over_a_restart(run, tmp_path):
    async def story(town: Town) -> None:
        said = await town.say("declare", "disaster", "--region", "north", "--reason", "flood", "--hold", who="Li")
        number = said.split()[0]
        assert "region north  disaster  Natural disaster" in said
        assert "new sales held (Li)" in said

        async def held() -> bool:
            return await town.sold(NORTH[0]) == "91"

        await town.soon(held)
        assert await town.sold(SOUTH[0]) == "00"
        await town.close()
        await town.open()
        assert await town.sold(NORTH[1]) == "91"
        await asyncio.sleep(QUICK.healthy_ms / 1000 + 0.3)
        assert len(await town.active()) == 1, "what a person holds the machine does not release"

        assert "暂停新交易" in await town.say("list", lang="zh")
        assert "is held already" not in await town.say("release", number, "--reason", "roads are open", who="Wang")

        async def taken() -> bool:
            return await town.sold(NORTH[0]) == "00"

        await town.soon(taken)
        town.host.will("0200", Hush())
        payment, frame = town.sale_of(NORTH[0])
        assert await town.code(frame) == "98"
        await town.soon(lambda: _returned(town, payment))
        assert (await town.find(payment)).cause == "NATURAL_DISASTER"

        ended = await town.say("end", number, "--reason", "the water has gone", who="Li")
        assert "transactions: 1" in ended
        [over] = await town.ended()
        assert (over.report.returned, over.report.open, over.ended_by) == (1, 0, "Li")
        shown = await town.say("show", number)
        for words in ("Incident declared: Li", "New sales taken again: Wang", "Incident ended: Li: the water has gone"):
            assert words in shown
        assert [case.outcome for case in await town.cases() if case.incident] == ["repaired"]

    run(told(story, tmp_path))


async def _returned(town: Town, payment) -> bool:
    found = await town.find(payment)
    return found.state == "RETURNED" and bool(found.cause)


def test_what_a_person_declares_ends_by_itself_only_when_it_has_struck(run, tmp_path):
    async def story(town: Town) -> None:
        await town.say("declare", "maintenance", "--host", "h1", "--reason", "announced", who="Li")
        await asyncio.sleep(QUICK.healthy_ms / 1000 + 0.3)
        assert len(await town.active()) == 1, "it is well, but the maintenance has not begun"
        town.host.will("0200", Hush())
        assert await town.sold(TERMINALS[0]) == "98"
        await all_members(town, 1)
        assert await town.sold(TERMINALS[0]) == "00"
        [over] = await town.soon(town.ended)
        assert (over.ended_by, over.report.transactions) == ("detection", 1)
        assert await town.causes() == {"PLANNED_MAINTENANCE", ""}

    run(told(story, tmp_path))


def test_what_no_machine_can_end_gets_its_own_case_when_the_incident_is_over(run, tmp_path, monkeypatch):
    monkeypatch.setattr(examining, "AGAIN_IN_INCIDENT_US", 100_000)

    async def story(town: Town) -> None:
        town.host.will("0400", *[Say(code="40")] * 2)
        await lose(town, 12)
        [incident] = await town.soon(town.active)
        await all_members(town, 12)
        await town.host.start()

        async def settled() -> bool:
            states = await town.states()
            return (states.count("ESCALATED"), states.count("RETURNED")) == (2, 10)

        await town.soon(settled)
        town.later(HEALTHY_S + 1)
        [over] = await town.soon(town.ended)
        assert (over.report.returned, over.report.open) == (10, 2)

        async def opened() -> list[Case]:
            found = await town.cases()
            return found if len(found) == 3 else []

        cases = await town.soon(opened)
        assert {case.incident for case in cases} == {incident.incident_id}
        assert [case.outcome for case in cases] == ["", "", ""], "the incident's case stays while money of it is open"

    run(told(story, tmp_path, incidents=replace(QUICK, healthy_ms=HEALTHY_S * 1000)))


def test_a_shop_whose_tills_cannot_be_told_is_offline_and_other_shops_are_not(run, tmp_path):
    async def story(town: Town) -> None:
        town.later(0.6)  # what is lost just after our own start tells of our own stop
        shop = merchant_of(TERMINALS[0])
        tills = [name for name in TERMINALS if merchant_of(name) == shop]
        town.host.will("0200", *[Say(held=True)] * len(tills))
        for name in tills:
            line = await town.line()
            await line.send(town.sale_of(name)[1])
            await town.until(lambda name=name: any(m[41] == name for m in town.host.asked("0200")))
            await town.hang_up(line)
        town.host.let_go()
        [incident] = await town.soon(town.active)
        assert (incident.kind, incident.scope.kind, incident.scope.name) == (
            IncidentKind.SHOP_OFFLINE, ScopeKind.MERCHANT, shop,
        )  # fmt: skip
        await all_members(town, len(tills))
        assert await town.causes() == {"SHOP_NETWORK_DOWN"}
        assert await town.sold(tills[0]) == "00"
        [over] = await town.soon(town.ended)
        assert (over.report.returned, over.report.open) == (len(tills), 0)

    limits = replace(QUICK, window_ms=500, merchant_terminals=3)
    run(told(story, tmp_path, incidents=limits))


def test_a_host_that_only_says_that_it_cannot_work_is_down_too(run, tmp_path):
    async def story(town: Town) -> None:
        town.host.will("0200", *[Say(code="96")] * len(TERMINALS))
        for name in TERMINALS:
            assert await town.sold(name) == "98"
        [incident] = await town.soon(town.active)
        assert incident.kind is IncidentKind.HOST_DOWN
        await all_members(town, len(TERMINALS))
        assert await town.causes() == {"HOST_DOWN"}

    run(told(story, tmp_path, incidents=replace(QUICK, healthy_ms=5_000)))


REFUSED = [
    (("declare", "flood", "--all", "--reason", "r"), "no kind of incident", "no such kind"),
    (("declare", "disaster", "--region", "nroth", "--reason", "r"), "there are: north, south", "a misspelt region"),
    (("declare", "disaster", "--host", "h9", "--reason", "r"), "there are: h1, h2", "no such host"),
    (("declare", "disaster", "--all", "--reason", " "), "the reason is missing", "no reason"),
    (
        ("declare", "wallet_outage", "--wallet", "paypal", "--reason", "r"),
        "there are: alipay, unionpay, wechat",
        "wallet",
    ),
    (("declare", "issuer_outage", "--issuer", "62170", "--reason", "r"), "give their first 6 digits", "no BIN"),
    (("end", "I000000-01", "--reason", "r"), "is no incident", "no such incident to end"),
]


def test_a_wrong_wish_is_refused_in_words_and_nothing_is_declared(run, tmp_path):
    async def story(town: Town) -> None:
        for words, text, why in REFUSED:
            assert text in await town.say(*words, who="Li"), why
        assert "is no incident" in await town.say("show", "I000000-01")
        assert "no action is anonymous" in await town.say("declare", "peak", "--all", "--reason", "r")
        assert "the machine itself" in await town.say("declare", "peak", "--all", "--reason", "r", who="Detection")
        assert "没有事件" in await town.say("list", lang="zh")
        first = (await town.say("declare", "peak", "--all", "--reason", "festival", who="Li")).split()[0]
        assert first in await town.say("declare", "order", "--all", "--reason", "r", who="Li")
        assert "no sales are held" in await town.say("release", first, "--reason", "r", who="Li")
        await town.say("end", first, "--reason", "r", who="Li")
        assert "over already" in await town.say("hold", first, "--reason", "r", who="Li")
        again = await town.say("declare", "peak", "--all", "--reason", "festival", "--since", "5", who="Li")
        assert again.split()[0] == first[:-1] + "2"
        assert first in await town.say("list", "--ended")

    run(told(story, tmp_path))


@pytest.mark.parametrize("kind", ["disaster", "power_cut"])
def test_what_had_gone_wrong_before_it_was_declared_is_explained_again(run, tmp_path, kind):
    async def story(town: Town) -> None:
        town.host.will("0200", Hush())
        payment, frame = town.sale_of(NORTH[0])
        assert await town.code(frame) == "98"
        await town.soon(lambda: _returned(town, payment))
        await town.say("declare", kind, "--region", "north", "--reason", "r", "--since", "1", who="Li")
        await all_members(town, 1)

    run(told(story, tmp_path))


def test_an_incident_that_begins_while_its_payment_is_looked_at_is_not_missed(run, tmp_path):
    async def story(town: Town) -> None:
        town.host.will("0200", Hush())
        payment, frame = town.sale_of(NORTH[0])
        assert await town.code(frame) == "98"
        await town.soon(lambda: _returned(town, payment))
        found = await town.find(payment)
        looking = Change(statement=PUT_TASK, row=(EXAMINE, found.transaction_id, EXAMINE_LANE, 1, 1, 1, 2**62))
        await town.gateway.journal.commit([], [looking])
        await town.say("declare", "disaster", "--region", "north", "--reason", "flood", "--since", "1", who="Li")

        async def explained() -> bool:
            return (await town.find(payment)).cause == "NATURAL_DISASTER"

        await town.soon(explained)

    run(told(story, tmp_path))
