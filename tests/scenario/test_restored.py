"""An older journal that a person accepts: it starts again, and nothing that was open in it goes on by itself."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.scenario.linked import sold
from tests.scenario.scripted_host import Hush, Say
from tests.scenario.settling import flags, found, settlement, upload
from tests.scenario.stage import TERMINALS, Stage, told
from tests.scenario.test_older_journal import backed_up, marks, on
from yuanlu.cases.errors import CaseError
from yuanlu.cases.records import Case, EventKind
from yuanlu.cases.store import events_of, find_case_of
from yuanlu.cli.restored import accept_restored
from yuanlu.db.errors import StoreError, StoreLocked
from yuanlu.flow.older_journal import find_acceptance
from yuanlu.people.ordering import act, propose
from yuanlu.returns.orders import orders_of
from yuanlu.returns.proposing import approved

pytestmark = pytest.mark.usefixtures("each_database")

WHY = "the disk burnt, there is no newer copy"


async def accepted(stage: Stage, who: str = "Li", why: str = WHY) -> str:
    """What the command says."""
    return await asyncio.to_thread(accept_restored, stage.settings, who, why, "en")


async def restored(
    stage: Stage, later: Callable[[], Awaitable[None]], before: Callable[[], None] = lambda: None
) -> None:
    """Stop in the middle, make a backup, go on with the newest and let `later` happen, lose it, accept the backup."""
    await stage.stop_short()
    await asyncio.to_thread(before)
    backup = await backed_up(stage)
    await stage.open()
    await later()
    await stage.close()
    on(stage, backup)
    with pytest.raises(StoreError, match="yuanlu db accept-restored"):
        await stage.open()
    await accepted(stage)
    await stage.open()


async def acceptance(stage: Stage) -> Case:
    case = await stage.read(find_acceptance)
    assert case is not None
    return case


def test_it_says_who_and_why_has_a_case_and_is_accepted_once(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage)
        with pytest.raises(StoreLocked, match="in use"):
            await accepted(stage)
        await stage.close()
        with pytest.raises(StoreError, match="nothing to accept"):
            await accepted(stage)
        backup = await backed_up(stage)
        await stage.open()
        await sold(stage)
        await stage.close()
        on(stage, backup)
        for who, why, missing in (("", WHY, "say who you are"), ("Li", " ", "the reason is missing")):
            with pytest.raises(CaseError, match=missing):
                await accepted(stage, who, why)
        assert len(marks(stage)) == 1
        case_id = (await accepted(stage)).split()[0]
        assert marks(stage) == []
        with pytest.raises(StoreError, match="nothing to accept"):
            await accepted(stage)
        await stage.open()
        case = await acceptance(stage)
        assert (case.case_id, str(case.severity)) == (case_id, "critical")
        assert case.evidence == ("writer 3 had come to 2, the journal ends at 0",)
        [opened] = await stage.read(lambda c: events_of(c, case_id))
        assert (opened.kind, opened.who) == (EventKind.OPENED, "Li")
        assert WHY in opened.text
        assert await stage.events("CASE_OPENED") == [f"Li: {opened.text}"]
        assert await stage.transactions() == 1
        assert (await stage.code(stage.sale(stage.payment()))) == "00"

    run(told(story, tmp_path))


def test_a_payment_in_flight_in_the_backup_is_a_persons_and_is_not_returned(run, tmp_path):
    """Its terminal may have been told since that it is approved."""

    async def story(stage: Stage) -> None:
        stage.host.will("0200", Say(held=True))
        payment = stage.payment()
        line = await stage.line()
        await line.send(stage.sale(payment))
        await stage.until(lambda: len(stage.host.asked("0200")) == 1)

        async def later() -> None:
            await stage.becomes(payment, "RETURNED")

        await restored(stage, later)
        assert len(stage.host.asked("0400")) == 1, "that of the lost journal"
        transaction = await stage.find(payment)
        assert transaction.state == "ESCALATED"
        async with asyncio.timeout(6):
            while await stage.read(lambda c: find_case_of(c, transaction.transaction_id)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert await stage.watched(payment), "clearing files can decide it"
        await stage.relink()
        await asyncio.sleep(0.5)
        assert len(stage.host.asked("0400")) == 1
        assert "1 open matters" in (await acceptance(stage)).explanation.en

    run(told(story, tmp_path))


@pytest.mark.parametrize(("profile", "ends", "reversals"), [("P1", "RETURNED", 2), ("P5", "ESCALATED", 1)])
def test_a_reversal_under_way_goes_again_only_to_a_host_that_may_get_it_twice(run, tmp_path, profile, ends, reversals):
    async def story(stage: Stage) -> None:
        stage.host.will("0200", Hush())
        if profile == "P1":
            stage.host.will("0400", Hush())
        payment = stage.payment()
        assert await stage.code(stage.sale(payment)) == "98"
        await stage.becomes(payment, "RETURNING")

        async def later() -> None:
            await stage.becomes(payment, "RETURNED", 12)

        await restored(stage, later)
        sent = len(stage.host.asked("0400"))
        await stage.becomes(payment, ends, 12)
        assert len(stage.host.asked("0400")) == sent + (profile == "P1")
        assert "RESTORED" in await stage.kinds(payment)

    run(told(story, tmp_path, profile=profile, packet_life_ms=1_500))


def test_an_approved_return_is_not_made_again_and_a_proposal_lapses(run, tmp_path):
    async def story(stage: Stage) -> None:
        first, second = await sold(stage), await sold(stage)

        def decided() -> None:
            sales = [f"{TERMINALS[0]}+{n:06}" for n in (1, 2)]
            orders = [propose(stage.settings, sale, reason="back", by="li", amount="", kind="") for sale in sales]
            act(stage.settings, orders[0].order_id, "wang", approved)

        async def later() -> None:
            await stage.becomes(first, "RETURNED")

        await restored(stage, later, before=decided)
        assert len(stage.host.asked("0200")) == 3, "two sales, and the void of the lost journal"
        await stage.relink()
        await asyncio.sleep(0.5)
        for payment, state in ((first, "ESCALATED"), (second, "EXPIRED")):
            name = (await stage.find(payment)).transaction_id
            [order] = await stage.read(lambda c, name=name: orders_of(c, name))
            assert (order.state, "look before you pay" in order.explanation) == (state, True)
        assert len(stage.host.asked("0200")) == 3

    run(told(story, tmp_path))


def test_while_the_case_is_open_a_batch_gives_nothing_back_by_itself(run, tmp_path):
    """What the terminal does not list may have been voided in the time that is lost."""

    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        missing = await sold(stage, 200)

        async def later() -> None:
            await sold(stage, 300)

        await restored(stage, later)
        assert flags(await stage.ask(settlement(stage, [100]))) == ("00", "2", "2")
        await upload(stage, [(1, 100)])
        assert await found(stage) == [("only_ours", "000002", "case")]
        assert (await stage.find(missing)).state == "APPROVED"
        assert stage.host.asked("0400") == []

    run(told(story, tmp_path))
