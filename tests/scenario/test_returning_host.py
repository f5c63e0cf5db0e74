"""A host comes back to a thousand returns: they go on oldest first, at its pace, and another host is not slowed."""

import asyncio

import pytest

from tests.scenario import stage
from tests.scenario.scripted_host import HangUp, Say
from tests.scenario.stage import Stage
from tests.scenario.town import ELSEWHERE, TERMINALS, Town, told

RETURNS = 1_000
PACE = 250
SLOW_S = 1.0


async def watched(town: Town, arrived: list[tuple[float, str]]) -> None:
    """Note when each reversal arrives at h1, until all are there."""
    loop, seen = asyncio.get_running_loop(), 0
    while len(arrived) < RETURNS:
        for message in town.host.seen[seen:]:
            if message.mti == "0400":
                arrived.append((loop.time(), message[11]))
        seen = len(town.host.seen)
        await asyncio.sleep(0.005)


def test_a_thousand_returns_are_paced_in_order_of_age_and_another_host_is_not_slowed(run, tmp_path):
    async def story(town: Town) -> None:
        loop = asyncio.get_running_loop()
        town.host.will("0200", *[Say(held=True)] * RETURNS)
        lines = [await town.line() for _ in range(2 * len(TERMINALS))]  # a connection takes 64 requests at once
        for n in range(RETURNS):
            await lines[n % len(lines)].send(town.sale_of(TERMINALS[n % len(TERMINALS)])[1])
        await town.until(lambda: len(town.host.asked("0200")) == RETURNS)
        await town.host.stop()

        async def all_returning() -> bool:
            return (await town.states()).count("RETURNING") == RETURNS

        await town.soon(all_returning)
        arrived: list[tuple[float, str]] = []
        await town.host.start()
        watching = loop.create_task(watched(town, arrived))
        line, waited_s = await town.line(), []
        while not watching.done():
            began_s = loop.time()
            assert await town.code(town.sale_of(ELSEWHERE[0])[1], line) == "00"
            waited_s.append(loop.time() - began_s)
            await asyncio.sleep(0.02)
        await watching

        assert sorted(waited_s)[len(waited_s) * 9 // 10] < SLOW_S
        took_s = arrived[-1][0] - arrived[0][0]
        assert took_s > RETURNS / PACE * 0.8, "not faster than the pace"
        asked = {message[11]: place for place, message in enumerate(town.host.asked("0200"))}
        ages = [asked[stan] for _, stan in arrived]
        off = [abs(place - age) for place, age in enumerate(ages)]
        assert sorted(off)[len(off) * 9 // 10] <= PACE // 2, "oldest first, but for those that run side by side"
        assert max(ages[:100]) < RETURNS // 2, "the oldest go first"

    run(told(story, tmp_path, reversals_per_second_max=PACE, reversals_in_flight_max=64))


@pytest.mark.parametrize("trouble", [HangUp(), Say(code="96")], ids=["hangs up", "refuses"])
def test_a_host_that_comes_back_badly_gets_its_returns_all_the_same(run, tmp_path, trouble):
    async def story(s: Stage) -> None:
        assert await s.code(s.sale(s.payment())) == "00"
        sale = s.payment()
        s.host.will("0200", HangUp())
        s.host.will("0800", trouble)
        assert await s.code(s.sale(sale)) == "98"
        await s.becomes(sale, "RETURNED")
        assert len(s.host.asked("0800")) == 3, "at the start, in trouble, and again"

    run(stage.told(story, tmp_path, mac="unionpay-ecb", sign_in="link"))
