"""Two gateways on one database: a terminal may come back at either, and either finishes what the other began."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.scenario.scripted_host import Hush, Say
from tests.scenario.stage import LIFE_S, SOON_S, Stage, on_stage
from yuanlu.cli.ordering import listed
from yuanlu.cli.reading import show_text, status_text
from yuanlu.db.choosing import beside, upgrade_stopped
from yuanlu.db.errors import StoreLocked
from yuanlu.iso8583.codec import codec_for
from yuanlu.people.ordering import propose
from yuanlu.returns.tables import legs
from yuanlu.sandbox.till_line import TillLine, open_line
from yuanlu.sandbox.till_messages import EntryMode
from yuanlu.wiring import GatewayProcess, open_gateway

pytestmark = pytest.mark.usefixtures("on_postgres")

MAC = "unionpay-ecb"


class Pair:
    """The stage's gateway, and one more beside it."""

    def __init__(self, stage: Stage, other: GatewayProcess, address: tuple[str, int]) -> None:
        self.stage = stage
        self.other = other
        self._address = address

    async def line(self) -> TillLine:
        """The till's connection to the other gateway."""
        return await open_line(self._address, codec_for(self.stage.dialect))

    async def code(self, frame: bytes) -> str:
        """What the other gateway answers."""
        line = await self.line()
        try:
            return await self.stage.code(frame, line)
        finally:
            line.cut()


@asynccontextmanager
async def pair_on(folder: Path, **terms: Any) -> AsyncIterator[Pair]:
    async with on_stage(folder, **terms) as stage:
        other = await open_gateway(stage.settings, stage.clock)
        try:
            address = await other.start()
            stage.others.append(other)
            await stage.until(lambda: other.hosts["h1"].link.up)
            yield Pair(stage, other, address)
        finally:
            await other.stop()


def told(story: Callable[[Stage, Pair], Awaitable[None]], folder: Path, **terms: Any) -> Awaitable[None]:
    async def play() -> None:
        async with pair_on(folder, **terms) as pair:
            await story(pair.stage, pair)

    return play()


def test_a_terminal_that_comes_back_at_the_other_gateway_is_answered_from_the_same_journal(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        payment = stage.payment()
        first = await stage.ask(stage.sale(payment))
        line = await pair.line()
        again = await stage.ask(stage.sale(payment), line)
        line.cut()
        assert again.fields() == first.fields()
        assert len(stage.host.asked("0200")) == 1
        assert await stage.kinds(payment) == ["SEND_INTENT", "APPROVED", "REPEAT"]

    run(told(story, tmp_path))


def test_a_repeat_at_the_other_gateway_waits_for_the_first_and_is_never_sent(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        first = asyncio.create_task(stage.code(stage.sale(payment)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        second = asyncio.create_task(pair.code(stage.sale(payment)))
        await stage.until(lambda: bool(pair.other.server.working))
        await asyncio.sleep(0.1)  # it looks into the journal again and again
        stage.host.let_go()
        assert (await second, await first) == ("00", "00")
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_the_same_payment_at_both_gateways_at_once_is_sent_once(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        for _ in range(10):
            payment = stage.payment()
            frame = stage.sale(payment)
            assert await asyncio.gather(stage.code(frame), pair.code(frame)) == ["00", "00"]
        assert len(stage.host.asked("0200")) == 10

    run(told(story, tmp_path))


def test_a_terminal_that_signed_in_at_one_gateway_sells_at_the_other_under_its_new_keys(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        for _ in range(2):  # the second time the other gateway knows keys that are no longer true
            await stage.sign_in()
            assert await pair.code(stage.sale(stage.payment(entry=EntryMode.QR))) == "00"
        assert pair.other.server.counters.wrong_macs == 0

    run(told(story, tmp_path, gateway={"mac": MAC}))


def test_a_reversal_at_the_other_gateway_overtakes_the_sale_in_flight(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        first = asyncio.create_task(stage.code(stage.sale(payment)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        assert await pair.code(stage.reversal(payment)) == "00"
        stage.host.let_go()
        assert await first == "98"
        await stage.becomes(payment, "RETURNED")
        assert len(stage.host.asked("0200")) == 1

    run(told(story, tmp_path))


def test_each_return_has_one_driver_at_a_time(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        payments = []
        for terminal in range(8):
            stage.host.will("0200", Hush())
            payments.append(stage.payment(terminal=terminal))
        assert set(await asyncio.gather(*(stage.code(stage.sale(each)) for each in payments))) == {"98"}
        for each in payments:
            await stage.becomes(each, "RETURNED")
            assert [leg.attempts for leg in await stage.legs(each)] == [1]
        assert len(stage.host.asked("0400")) == 8

    run(told(story, tmp_path))


def test_what_a_living_gateway_has_in_flight_is_not_taken_from_it(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        first = asyncio.create_task(stage.code(stage.sale(payment)))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)
        third = await open_gateway(stage.settings, stage.clock)
        try:
            await third.start()
            stage.host.let_go()
            assert await first == "00"
        finally:
            await third.stop()
        assert await stage.kinds(payment) == ["SEND_INTENT", "APPROVED"]

    run(told(story, tmp_path))


def test_a_return_begun_on_another_machine_waits_its_whole_window_again(run, tmp_path):
    """The other machine's clock says nothing here: what could still be on its way there is taken to be so now."""

    async def story(stage: Stage, pair: Pair) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", *[Say(code="25")] * 9)
        payment = stage.payment()
        drivers = [each.returns.runner for each in (stage.gateway, pair.other)]
        for each in drivers:
            each.hold("h1")
        assert await stage.code(stage.sale(payment)) == "98"
        moved = "UPDATE legs SET original_boot_id = 'another machine', original_boot_us = 1"
        await stage.gateway._store.write(lambda c: c.exec_driver_sql(moved))
        for each in drivers:
            each.release("h1")
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.later(LIFE_S - SOON_S)
        await asyncio.sleep(0.1)
        assert (await stage.find(payment)).state == "RETURNING", "its window has begun anew"
        stage.later(SOON_S)
        await stage.becomes(payment, "NO_EFFECT")

    run(told(story, tmp_path, profile="P2"))


def test_a_reading_of_another_machine_that_came_back_holds_no_return_up_for_ever(run, tmp_path):
    """A late answer is written down beside the takeover, by one who has read the return before it: its old readings
    stand beside the new ones.
    """

    async def story(stage: Stage, pair: Pair) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush(), *[Say(code="25")] * 9)
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.has(payment, "REVERSAL_ANSWER")
        stage.later(SOON_S)
        await stage.has(payment, "REVERSAL_ANSWER", 2)
        await stage.put_off(payment)
        late = "UPDATE legs SET last_boot_id = 'another machine'"
        await stage.gateway._store.write(lambda c: c.exec_driver_sql(late))
        stage.later(LIFE_S)
        again = select(legs.c.return_id).where(legs.c.last_boot_id != "another machine")
        async with asyncio.timeout(SOON_S):
            while await stage.read(lambda c: c.execute(again).first()) is None:  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.01)
        assert (await stage.find(payment)).state == "RETURNING", "its window begins anew"
        stage.later(LIFE_S)
        await stage.becomes(payment, "NO_EFFECT")

    run(told(story, tmp_path, profile="P2"))


def test_commands_read_and_write_beside_the_gateways(run, tmp_path):
    async def story(stage: Stage, pair: Pair) -> None:
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "00"
        what = f"{payment.ref.terminal_id}+{payment.ref.stan}"
        settings = stage.settings
        assert "CNY 12.34" in await asyncio.to_thread(show_text, settings, what, "en", frames=False)
        assert "APPROVED" in await asyncio.to_thread(status_text, settings, "en")
        order = await asyncio.to_thread(
            lambda: propose(settings, what, reason="the goods came back", by="Li", amount="", kind="")
        )
        assert order.order_id in await asyncio.to_thread(listed, settings, "", "en")
        with pytest.raises(StoreLocked, match="stop every gateway first"):
            await asyncio.to_thread(
                lambda: beside(settings.store.url, lambda: upgrade_stopped(settings.store.url, settings.folder))
            )

    run(told(story, tmp_path))


def test_what_a_gateway_held_when_it_was_stopped_the_other_goes_on_with_at_once(run, tmp_path):
    """Not when its lease is over, two minutes later."""

    async def story(stage: Stage, pair: Pair) -> None:
        stage.host.will("0200", Hush())
        stage.host.will("0400", Hush())
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.until(lambda: len(stage.host.asked("0400")) == 1)
        await stage.close()
        try:
            async with asyncio.timeout(9):
                while len(stage.host.asked("0400")) == 1:  # noqa: ASYNC110 - the host keeps a list
                    await asyncio.sleep(0.02)
        finally:
            await stage.open()
        await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path))
