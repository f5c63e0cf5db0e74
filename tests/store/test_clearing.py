"""Clearing files in a real database: whole or not at all, one a day, never changed."""

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError

from tests.store.journals import fact, opened
from yuanlu.journal.unit import Committed, Conflict
from yuanlu.reconciliation.clearing import Document, Entry, Side
from yuanlu.reconciliation.clearing_store import (
    ClearingFile,
    Listed,
    Stranger,
    file_id_of,
    files_of,
    insert_entry,
    insert_file,
    last_line,
    latest_files,
    listed_about,
    named_in,
    strangers_in,
)

DAY = date(2026, 11, 23)


def entry(line: int, amount: int = 1000, side: Side = Side.DEBIT) -> Entry:
    return Entry(
        line=line, side=side, terminal_id="T0000001", merchant_id="M", stan=f"{line:06}", amount_minor=amount,
        currency="156",
    )  # fmt: skip


def document(*entries: Entry, merchant: str = "", day: date = DAY) -> Document:
    return Document(day=day, merchant_id=merchant, entries=entries)


def file(of: Document, sha256: str = "ab", acquirer: str = "h1") -> ClearingFile:
    return ClearingFile(
        file_id=file_id_of(acquirer, of, sha256), acquirer=acquirer, day=of.day, merchant_id=of.merchant_id,
        name="f.csv", sha256=sha256, lines=len(of.entries), totals=of.totals, loaded_at_us=1, loaded_by="li",
    )  # fmt: skip


async def load(at, loaded: ClearingFile, entries, about=""):
    lines = [insert_entry(loaded.file_id, each, about) for each in entries]
    await at.journal.commit([fact(loaded.file_id)], lines)
    return await at.journal.commit([fact(loaded.file_id, 2)], [insert_file(loaded)])


def test_a_file_is_read_back_with_its_lines(place):
    of = document(entry(3), entry(4, 400, Side.CREDIT))
    loaded = file(of)
    with opened(place) as (run, at):

        async def story():
            assert isinstance(await load(at, loaded, of.entries, "t1"), Committed)
            assert await at.journal.read(lambda c: files_of(c, "h1", DAY, DAY)) == [loaded]
            assert await at.journal.read(latest_files) == [loaded]
            assert await at.journal.read(lambda c: files_of(c, "h2", DAY, DAY)) == []
            assert await at.journal.read(lambda c: named_in(c, [loaded.file_id])) == {"t1"}
            assert await at.journal.read(lambda c: listed_about(c, ["t1", "t2"])) == {
                "t1": [
                    Listed(transaction_id="t1", reference="f.csv:3", day=DAY, side=Side.DEBIT, amount_minor=1000),
                    Listed(transaction_id="t1", reference="f.csv:4", day=DAY, side=Side.CREDIT, amount_minor=400),
                ]
            }

        run(story)


def test_half_a_file_counts_for_nothing(place):
    of = document(entry(3), entry(4))
    loaded = file(of)
    with opened(place) as (run, at):

        async def story():
            await at.journal.commit([], [insert_entry(loaded.file_id, entry(3), "t1")])
            assert await at.journal.read(lambda c: last_line(c, loaded.file_id)) == 3
            assert await at.journal.read(lambda c: listed_about(c, ["t1"])) == {}
            refused = await at.journal.commit([], [insert_file(loaded)])
            assert isinstance(refused, Conflict)
            assert "not whole" in refused.reason
            await at.journal.commit([], [insert_entry(loaded.file_id, entry(4), "")])
            assert isinstance(await at.journal.commit([], [insert_file(loaded)]), Committed)

        run(story)


def test_a_loaded_file_takes_no_more_lines(place):
    of = document(entry(3))
    loaded = file(of)
    with opened(place) as (run, at):

        async def story():
            await load(at, loaded, of.entries)
            refused = await at.journal.commit([], [insert_entry(loaded.file_id, entry(4), "")])
            assert isinstance(refused, Conflict)
            assert "is loaded" in refused.reason

        run(story)


SECOND = [
    (document(entry(3, 1)), "h1", False, "another file of the same date"),
    (document(entry(3, 1), merchant="M"), "h1", False, "one merchant's beside everybody's"),
    (document(entry(3, 1)), "h2", True, "another acquirer's"),
    (document(entry(3, 1), day=date(2026, 11, 24)), "h1", True, "the next date's"),
]


@pytest.mark.parametrize(("of", "acquirer", "taken", "why"), SECOND, ids=[row[3] for row in SECOND])
def test_nothing_stands_beside_or_in_place_of_a_loaded_file(place, of, acquirer, taken, why):
    first, second = document(entry(3)), file(of, "cd", acquirer)
    with opened(place) as (run, at):

        async def story():
            await load(at, file(first), first.entries)
            outcome = await load(at, second, of.entries)
            assert isinstance(outcome, Committed) is taken, why
            assert len(await at.journal.read(latest_files)) == 1 + taken

        run(story)


def test_two_merchants_may_each_have_a_file(place):
    with opened(place) as (run, at):

        async def story():
            for merchant in ("M1", "M2"):
                of = document(merchant=merchant)
                assert isinstance(await load(at, file(of), []), Committed)

        run(story)


@pytest.mark.parametrize("table", ["clearing_files", "clearing_entries"])
@pytest.mark.parametrize("change", ["UPDATE {} SET file_id = 'x'", "DELETE FROM {}"])
def test_what_was_loaded_never_changes(place, table, change):
    of = document(entry(3))
    with opened(place) as (run, at):
        run(lambda: load(at, file(of), of.entries))
        with pytest.raises(IntegrityError, match="append-only"):
            at.write(change.format(table))


def test_what_is_not_ours_is_summed_up(place):
    of = document(entry(3), entry(4), entry(5, 7, Side.CREDIT))
    loaded = file(of)
    with opened(place) as (run, at):
        run(lambda: load(at, loaded, of.entries))
        found = run(lambda: at.journal.read(lambda c: strangers_in(c, loaded.file_id)))
    where = {"terminal_id": "T0000001", "merchant_id": "M", "currency": "156"}
    assert found == [
        Stranger(side=Side.DEBIT, lines=2, amount_minor=2000, first_line=3, **where),
        Stranger(side=Side.CREDIT, lines=1, amount_minor=7, first_line=5, **where),
    ]
