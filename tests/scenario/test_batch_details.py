"""A batch whose totals differ: the upload of its details on real sockets, and what follows from each difference."""

import asyncio

import pytest
from sqlalchemy import select

from tests.scenario.linked import request, sold
from tests.scenario.settling import BATCH, batch_of, end, flags, found, item, settlement, upload
from tests.scenario.stage import SOON_S, Stage, told
from yuanlu.cases.store import find_case_of
from yuanlu.flow import settlement as settling
from yuanlu.journal.tables import facts
from yuanlu.reconciliation.tables import batch_items
from yuanlu.sandbox.till_batch import upload_frame
from yuanlu.sandbox.till_messages import sign_in_frame


def test_details_find_every_difference_and_what_agrees_is_captured(run, tmp_path):
    async def story(stage: Stage) -> None:
        good, other, gone = await sold(stage, 100), await sold(stage, 200), await sold(stage, 300)
        reversed_ = await sold(stage, 400)
        assert await stage.code(stage.reversal(reversed_)) == "00"
        await stage.becomes(reversed_, "RETURNED")
        assert flags(await stage.ask(settlement(stage, [100, 201, 400, 500]))) == ("00", "2", "2")
        assert (await batch_of(stage)).state == "UPLOADING"
        await upload(stage, [(1, 100), (2, 201), (4, 400), (77, 500)])
        assert await found(stage) == [
            ("other_amount", "000002", "case"), ("only_ours", "000003", "case"),
            ("reversed_but_uploaded", "000004", "case"), ("only_theirs", "000077", "case"),
        ]  # fmt: skip
        assert (await stage.find(good)).state == "CAPTURED"
        assert [(await stage.find(each)).state for each in (other, gone)] == ["APPROVED", "APPROVED"]
        assert "BATCH_FINDING" in await stage.kinds(other)
        assert len(await stage.events("BATCH_FINDING")) == 4
        batch = await batch_of(stage)
        assert (batch.state, batch.agreed) == ("CLOSED", False)
        assert flags(await stage.ask(settlement(stage, [100, 201, 400, 500]))) == ("00", "2", "2")

    run(told(story, tmp_path))


async def cases(stage: Stage, *payments) -> list[tuple[str, str]]:
    """Cause and state of each payment's case."""

    async def once() -> list[tuple[str, str]]:
        ids = [(await stage.find(each)).transaction_id for each in payments]
        found = [await stage.read(lambda c, name=name: find_case_of(c, name)) for name in ids]
        return [(each.cause, str(each.state)) for each in found if each is not None]

    stage.later(1.5)
    async with asyncio.timeout(SOON_S):
        while len(has := await once()) < len(payments):  # noqa: ASYNC110 - the journal has no event
            await asyncio.sleep(0.02)
    return has


def test_every_finding_about_a_payment_has_its_case(run, tmp_path):
    async def story(stage: Stage) -> None:
        other, reversed_ = await sold(stage, 100), await sold(stage, 200)
        assert await stage.code(stage.reversal(reversed_)) == "00"
        await stage.becomes(reversed_, "RETURNED")
        await stage.ask(settlement(stage, [101, 200]))
        await upload(stage, [(1, 101), (2, 200)])
        assert await cases(stage, other, reversed_) == [
            ("BATCH_DIFFERS", "OPEN"), ("HANDED_OVER_WHILE_RETURNING", "OPEN"),
        ]  # fmt: skip
        await stage.close()
        await stage.open()
        assert await cases(stage, other, reversed_) == [
            ("BATCH_DIFFERS", "OPEN"), ("HANDED_OVER_WHILE_RETURNING", "OPEN"),
        ]  # fmt: skip

    run(told(story, tmp_path))


def test_an_approval_nobody_may_have_heard_of_goes_back_by_itself(run, tmp_path):
    async def story(stage: Stage) -> None:
        kept, unheard = await sold(stage, 100), await sold(stage, 200)
        assert flags(await stage.ask(settlement(stage, [100]))) == ("00", "2", "2")
        await upload(stage, [(1, 100)])
        assert await found(stage) == [("only_ours", "000002", "returned")]
        await stage.becomes(unheard, "RETURNED")
        payment_id = (await stage.find(unheard)).transaction_id
        assert [(leg.kind, leg.amount_minor) for leg in await stage.legs(unheard)] == [("reversal", 200)]
        assert (await stage.find(kept)).state == "CAPTURED"
        assert len(stage.host.asked("0400")) == 1
        await stage.until(lambda: not stage.gateway.examiner.unclassified)
        assert await stage.read(lambda c: find_case_of(c, payment_id)) is None

    run(told(story, tmp_path))


LATER = [
    ("a sale", lambda stage: stage.sale(stage.payment(amount=300)), (3, 300)),
    ("a declined inquiry", lambda stage: request("balance", 3, 0), None),
    ("a sign-in", lambda stage: sign_in_frame(stage.identity(), BATCH, "000003"), None),
    ("a reversal of an earlier sale", lambda stage: request("sale", 1, 100, mti="0400"), None),
]


@pytest.mark.parametrize(("name", "frame", "listed"), LATER, ids=[row[0] for row in LATER])
def test_a_later_frame_proves_delivery_and_then_a_person_decides(run, tmp_path, name, frame, listed):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        payment = await sold(stage, 200)
        await stage.ask(frame(stage))
        first = [] if name == "a reversal of an earlier sale" else [(1, 100)]
        has = first + ([listed] if listed else [])
        assert flags(await stage.ask(settlement(stage, [amount for _, amount in has])))[1] == "2"
        await upload(stage, has)
        assert ("only_ours", "000002", "case") in await found(stage)
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_a_repeat_of_the_payment_itself_proves_nothing(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 200)
        assert await stage.code(stage.sale(payment)) == "00"
        assert "REPEAT" in await stage.kinds(payment)
        await stage.ask(settlement(stage))
        await upload(stage, [])
        assert await found(stage) == [("only_ours", "000001", "returned")]

    run(told(story, tmp_path))


def test_an_upload_whose_counts_disagree_returns_nothing_by_itself(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        payment = await sold(stage, 200)
        assert flags(await stage.ask(settlement(stage, [100, 250]))) == ("00", "2", "2")
        await upload(stage, [(1, 100)], count=2)
        assert await found(stage) == [("only_ours", "000002", "case")]
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_money_that_was_given_back_is_never_taken_back_by_itself(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        assert await stage.code(request("void", 50, 100, of=1)) == "00"
        assert flags(await stage.ask(settlement(stage, [100]))) == ("00", "2", "2")
        await upload(stage, [(1, 100)])
        assert await found(stage) == [("only_ours", "000050", "case")]

    run(told(story, tmp_path))


async def yesterday(stage: Stage) -> None:
    """As if everything had been paid two days ago: nobody waits for a cut-over."""
    earlier = "UPDATE transactions SET received_at_us = received_at_us - 172800000000"
    await stage.gateway._store.write(lambda c: c.exec_driver_sql(earlier))


WAYS = [
    (100_000, "returned", "RETURN_ORDERED", "RETURNED"),
    (100_001, "case", "RETURN_PROPOSED", "APPROVED"),
]


@pytest.mark.parametrize(("amount", "done", "kind", "state"), WAYS, ids=["within the limit", "above it"])
def test_after_the_cut_over_it_is_an_order_by_itself_within_the_limit(run, tmp_path, amount, done, kind, state):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, amount)
        await yesterday(stage)
        await stage.ask(settlement(stage))
        await upload(stage, [])
        assert await found(stage) == [("only_ours", "000001", done)]
        await stage.becomes(payment, state)
        assert stage.host.asked("0400") == []
        assert kind in await stage.kinds(payment)

    run(told(story, tmp_path))


def test_a_repeated_upload_counts_once_and_no_card_number_stays(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        later = await sold(stage, 200)
        await sold(stage, 300)
        await stage.ask(settlement(stage, [100, 300]))
        frame = upload_frame(stage.identity(), BATCH, "000810", [item(1, 100), item(3, 300)], None)
        for _ in range(3):
            assert await stage.code(frame) == "00"
        assert len(await stage.read(lambda c: c.execute(select(batch_items)).all())) == 2
        assert await stage.code(end(stage, 2)) == "00"
        assert await stage.code(end(stage, 2)) == "00"
        assert await stage.code(frame) == "00"
        assert await found(stage) == [("only_ours", "000002", "case")]
        assert (await stage.find(later)).state == "APPROVED"
        blobs = await stage.read(lambda c: c.execute(select(facts.c.frames)).scalars().all())
        assert not [blob for blob in blobs if bytes.fromhex("6200000000000005") in blob]

    run(told(story, tmp_path))


def test_a_second_settlement_begins_the_upload_anew(run, tmp_path):
    async def story(stage: Stage) -> None:
        await sold(stage, 100)
        await stage.ask(settlement(stage, [100, 900]))
        await upload(stage, [(1, 100), (9, 900)], ends=False)
        assert flags(await stage.ask(settlement(stage, [100], stan=801))) == ("00", "1", "1")
        assert await found(stage) == []
        assert (await batch_of(stage)).upload_no == 2

    run(told(story, tmp_path))


def test_an_upload_that_never_ends_becomes_a_persons_and_can_still_end(run, tmp_path, monkeypatch):
    monkeypatch.setattr(settling, "UPLOAD_PATIENCE_US", 0)

    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        await stage.ask(settlement(stage))
        async with asyncio.timeout(SOON_S):
            while not await found(stage):  # noqa: ASYNC110 - the journal has no event
                await asyncio.sleep(0.02)
        assert await found(stage) == [("unfinished", "", "case")]
        assert (await batch_of(stage)).state == "UPLOADING"
        await upload(stage, [])
        assert await found(stage) == [("unfinished", "", "case"), ("only_ours", "000001", "returned")]
        await stage.becomes(payment, "RETURNED")

    run(told(story, tmp_path))


def test_what_nobody_asked_for_is_accepted_and_changes_nothing(run, tmp_path):
    async def story(stage: Stage) -> None:
        payment = await sold(stage, 100)
        await upload(stage, [(1, 100), (2, 200)])
        assert await batch_of(stage) is None
        assert (await stage.find(payment)).state == "APPROVED"

    run(told(story, tmp_path))


def test_a_restart_between_any_two_messages_changes_nothing(run, tmp_path):
    async def story(stage: Stage) -> None:
        async def again() -> None:
            await stage.close()
            await stage.open()

        kept, unheard = await sold(stage, 100), await sold(stage, 200)
        await again()
        await stage.ask(settlement(stage, [100]))
        await again()
        await upload(stage, [(1, 100)], ends=False)
        await again()
        assert await stage.code(end(stage, 1)) == "00"
        await again()
        assert await stage.code(end(stage, 1)) == "00"
        assert await found(stage) == [("only_ours", "000002", "returned")]
        await stage.becomes(unheard, "RETURNED")
        assert (await stage.find(kept)).state == "CAPTURED"

    run(told(story, tmp_path))
