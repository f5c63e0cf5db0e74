"""A start after a crash with many payments in flight: all of them are returned, and they share their commits."""

import asyncio

from tests.scenario.scripted_host import Say
from tests.scenario.stage import TERMINALS, Stage, told

EACH = 5


def test_payments_left_in_flight_are_taken_up_together_and_each_is_returned_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        payments = [stage.payment(terminal=n % len(TERMINALS)) for n in range(EACH * len(TERMINALS))]
        stage.host.will("0200", *[Say(held=True)] * len(payments))
        line = await stage.line()
        for payment in payments:
            await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == len(payments))
        await stage.stop_short()
        await stage.host.stop()
        await stage.open(linked=False)
        assert {(await stage.find(payment)).state for payment in payments} == {"RETURNING"}
        taken_up = stage.gateway.journal
        assert taken_up.units >= len(payments)
        assert taken_up.commits < len(payments), "a commit each would hold up the start"
        await stage.host.start()
        await asyncio.gather(*(stage.becomes(payment, "RETURNED") for payment in payments))
        assert len(stage.host.asked("0400")) == len(payments)
        assert len(stage.host.asked("0200")) == len(payments)

    run(told(story, tmp_path, gateway={"in_flight_per_terminal_max": 64}))
