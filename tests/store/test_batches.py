"""Settled batches in a real database: written once, moved by version, and read back as they are."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import IntegrityError

from tests.store.journals import inserted, opened, transaction
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.reconciliation.batch import BatchItem, BatchTotals, Finding, FindingKind
from yuanlu.reconciliation.store import (
    CASE,
    About,
    Batch,
    BatchKey,
    BatchState,
    find_batch,
    finding_about,
    findings_of,
    insert_finding,
    items_of,
    next_open,
    put_batch,
    put_item,
)

KEY = BatchKey(terminal_id="T0000001", merchant_id="M", batch_no="000001")
UPLOADING = Batch(
    key=KEY, acquirer="h1", currency="156", state=BatchState.UPLOADING, agreed=False, upload_no=1,
    theirs=BatchTotals(debit_minor=5, debit_count=1), ours=BatchTotals(credit_minor=7, credit_count=2),
    opened_at_us=1,
)  # fmt: skip
CLOSED = replace(UPLOADING, state=BatchState.CLOSED, agreed=True, settled_to="t1", closed_at_us=2)


def test_a_batch_is_read_back_and_moves_by_its_version(place):
    with opened(place) as (run, at):

        async def story() -> None:
            both = await asyncio.gather(*(at.journal.commit([], [put_batch(None, UPLOADING)]) for _ in range(2)))
            assert sorted(type(each).__name__ for each in both) == ["Committed", "Conflict"]
            before = await at.journal.read(lambda c: find_batch(c, KEY))
            assert before == UPLOADING
            assert isinstance(await at.journal.commit([], [put_batch(before, CLOSED)]), Committed)
            assert isinstance(await at.journal.commit([], [put_batch(before, UPLOADING)]), Conflict)
            assert await at.journal.read(lambda c: find_batch(c, KEY)) == replace(CLOSED, version=2)

        run(story)


def test_the_same_upload_message_again_is_the_same_rows(place):
    with opened(place) as (run, at):

        async def story() -> None:
            def message(stan: str, upload_no: int = 1):
                batch = replace(UPLOADING, upload_no=upload_no)
                items = [BatchItem(trace_no=f"{n:06}", amount_minor=100 + n) for n in range(3)]
                return [put_item(batch, stan, place, item) for place, item in enumerate(items)]

            for changes in (message("000810"), message("000810"), message("000811"), message("000810", 2)):
                assert isinstance(await at.journal.commit([], changes), Committed)
            assert len(await at.journal.read(lambda c: items_of(c, UPLOADING))) == 6
            again = await at.journal.read(lambda c: items_of(c, replace(UPLOADING, upload_no=2)))
            assert [(item.trace_no, item.amount_minor) for item in again] == [
                ("000000", 100), ("000001", 101), ("000002", 102),
            ]  # fmt: skip

        run(story)


def test_findings_are_kept_and_the_latest_about_a_transaction_is_found(place):
    with opened(place) as (run, at):

        async def story() -> None:
            about = Finding(
                kind=FindingKind.OTHER_AMOUNT, trace_no="000001", ours_minor=1, theirs_minor=2, transaction_id="t1"
            )
            other = Finding(kind=FindingKind.ONLY_THEIRS, trace_no="000002", ours_minor=None, theirs_minor=9)
            later = replace(UPLOADING, upload_no=2)
            rows = [
                insert_finding(UPLOADING, 1, about, "returned", "x", 5),
                insert_finding(UPLOADING, 2, other, CASE, "y", 5),
                insert_finding(later, 1, replace(about, kind=FindingKind.DUPLICATE), CASE, "z", 6),
            ]
            assert isinstance(await at.journal.commit([], rows), Committed)
            assert isinstance(await at.journal.commit([], rows[:1]), Conflict)
            assert [row.kind for row in await at.journal.read(lambda c: findings_of(c, KEY))] == [
                "other_amount", "only_theirs", "duplicate",
            ]  # fmt: skip
            found = await at.journal.read(lambda c: finding_about(c, "t1"))
            assert found == About(kind=FindingKind.DUPLICATE, done=CASE, at_us=6)
            assert await at.journal.read(lambda c: finding_about(c, "")) is None

        run(story)


def test_the_next_number_is_the_first_that_is_not_closed(place):
    with opened(place) as (run, at):

        async def story() -> None:
            async def after(batch_no: str) -> str:
                return await at.journal.read(lambda c: next_open(c, "T0000001", "M", batch_no))

            assert await after("000001") == "000001"
            for number, state in (
                ("000001", "CLOSED"),
                ("000002", "CLOSED"),
                ("000003", "UPLOADING"),
                ("999999", "CLOSED"),
            ):
                batch = replace(CLOSED, key=replace(KEY, batch_no=number), state=BatchState(state))
                await at.journal.commit([], [put_batch(None, batch)])
            assert await after("000001") == "000003"
            assert await after("999999") == "000003"
            assert await after("000003") == "000003"

        run(story)


@pytest.mark.parametrize("change", ["state = 'OPEN'", "agreed = 2"])
def test_the_database_refuses_what_no_batch_can_be(place, change):
    with opened(place) as (run, at):

        async def story() -> None:
            await at.journal.commit([], [inserted(transaction("t1")), put_batch(None, UPLOADING)])

        run(story)
        with pytest.raises(IntegrityError):
            at.write(f"UPDATE batches SET {change}")
