from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine, insert, update

from yuanlu.db.schema import prepare
from yuanlu.db.sqlite import reader_engine, writer_engine
from yuanlu.journal.tables import facts, transactions
from yuanlu.returns.tables import legs, orders
from yuanlu.sandbox.board import Moment, render, status_line
from yuanlu.sandbox.evidence import journal_entries, return_entries
from yuanlu.sandbox.snapshot import EMPTY, take_snapshot
from yuanlu.sandbox.told import Told, ToldWriter, read_told

NOW = Moment(elapsed_s=12.3, tps=45.6, doing="sales")


def payment(number: int, state: str, reason: str = "") -> dict[str, object]:
    return {
        "transaction_id": f"X{number}",
        "terminal_id": "20000001",
        "merchant_id": "898440153110001",
        "batch_no": "000001",
        "stan": f"{number:06}",
        "mti_class": "0200",
        "acquirer": "p1",
        "kind": "sale",
        "state": state,
        "version": 1,
        "amount_minor": 1000,
        "currency": "156",
        "card_token": "t",
        "card_bin": "620000",
        "card_last4": "0005",
        "reason": reason,
        "response_code": "",
        "rrn": "",
        "auth_code": "",
        "received_at_us": 1,
        "changed_at_us": 1,
    }


def fact(number: int, kind: str) -> dict[str, object]:
    return {
        "merchant_id": "898440153110001",
        "subject_id": f"X{number}",
        "version": 1,
        "writer_id": 1,
        "writer_seq": number,
        "at_us": 1_760_000_000_000_000 + number,
        "kind": kind,
        "terminal_id": "20000001",
        "note": "no answer in time",
        "frames": b"",
    }


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Engine]:
    path = tmp_path / "journal.db"
    writer = writer_engine(path)
    prepare(writer, str(path))
    states = [("APPROVED", ""), ("APPROVED", ""), ("RETURNING", "no answer in time"), ("DECLINED", "told so")]
    with writer.begin() as connection:
        for number, (state, reason) in enumerate(states, start=1):
            connection.execute(insert(transactions), payment(number, state, reason))
            connection.execute(insert(facts), fact(number, state))
    writer.dispose()
    reader = reader_engine(path)
    yield reader
    reader.dispose()


def test_the_snapshot_counts_states_money_at_risk_and_causes(journal):
    seen = take_snapshot(journal)
    assert seen is not None
    assert seen.transactions == 4
    assert seen.count("APPROVED") == 2
    assert seen.at_risk_minor == 1000
    assert list(seen.causes) == [("no answer in time", 1)]
    assert seen.open_by_acquirer == {"p1": 1}
    assert [event.kind for event in seen.events] == ["DECLINED", "RETURNING", "APPROVED", "APPROVED"]


def leg(number: int, kind: str, state: str, message: str = "") -> dict[str, object]:
    return {
        "return_id": f"R{number}", "transaction_id": f"X{number}", "acquirer": "p1", "kind": kind, "leg_no": 1,
        "state": state, "live": int(state == "ESCALATED"), "amount_minor": 100, "currency": "156", "reason": "98",
        "original_answer": "", "original_sent_at_us": 1, "original_boot_us": 1, "original_boot_id": "b", "attempts": 1,
        "rejected": 0, "inquiries": 0, "last_step": "", "last_meaning": "", "last_boot_us": 1, "last_boot_id": "b",
        "asked_boot_us": 1, "case_opened": 0, "explanation": "", "opened_at_us": 1, "message_id": message,
    }  # fmt: skip


def test_the_snapshot_counts_returns_by_kind_and_causes_by_family(journal, tmp_path):
    writer = writer_engine(tmp_path / "journal.db")
    with writer.begin() as connection:
        connection.execute(insert(transactions), payment(9, "SEND_INTENT"))
        connection.execute(update(transactions).where(transactions.c.stan == "000009").values(state="UNKNOWN"))
        connection.execute(insert(legs), leg(1, "void", "RETURNED"))
        connection.execute(insert(legs), leg(2, "refund", "ESCALATED", message="X9"))
        for stan, cause in (("000001", "AMOUNT_OFF_BY_TEN"), ("000002", "HOST_SILENT"), ("000003", "NEW_CAUSE")):
            connection.execute(update(transactions).where(transactions.c.stan == stan).values(cause=cause))
    writer.dispose()
    seen = take_snapshot(journal)
    assert seen is not None
    assert seen.by_kind == {"void": 1}
    assert seen.by_family == {"operator": 1, "system": 1, "unclassified": 1}
    assert seen.open_by_acquirer == {"p1": 1}  # the refund in doubt is a person's
    assert (seen.count("UNKNOWN"), seen.open_orders) == (1, 0)
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render(seen, NOW, {"p1": "P1"}))
    text = console.export_text()
    console.file.close()
    for words in ("撤销 / void", "操作 / At the till", "未归类"):
        assert words in text
    assert "given back by void 1, causes operator 1 system 1 unclassified 1" in status_line(seen, NOW)


RUNNING_ORDER = {
    "order_id": "O1", "transaction_id": "X1", "kind": "void", "paid_from": "original", "amount_minor": 100,
    "currency": "156", "state": "RUNNING", "version": 1, "origin": "void in doubt", "cause": "", "reason": "",
    "explanation": "", "automatic": 1, "maker": "20000001", "checker": "", "reference": "", "attempts": 0,
    "proposed_at_us": 1, "expires_at_us": 1,
}  # fmt: skip


def test_an_order_is_open_until_a_person_has_the_message_that_carries_it_out(journal, tmp_path):
    def seen_as(*states: str) -> int:
        with writer.begin() as connection:
            for state in states:
                connection.execute(update(transactions).where(transactions.c.stan == "000009").values(state=state))
        seen = take_snapshot(journal)
        assert seen is not None
        return seen.open_orders

    writer = writer_engine(tmp_path / "journal.db")
    with writer.begin() as connection:
        connection.execute(insert(transactions), payment(9, "SEND_INTENT"))
        connection.execute(insert(orders), RUNNING_ORDER)
        carrying = leg(1, "void", "RETURNING", message="X9") | {"order_id": "O1", "live": 1}
        connection.execute(insert(legs), carrying)
    assert seen_as("UNKNOWN", "RETURNING") == 1
    assert seen_as("ESCALATED") == 0
    writer.dispose()


def test_without_a_database_there_is_no_snapshot(tmp_path):
    engine = reader_engine(tmp_path / "none.db")
    assert take_snapshot(engine) is None
    engine.dispose()


def test_the_board_speaks_both_languages_and_the_line_says_the_same(journal):
    seen = take_snapshot(journal)
    assert seen is not None
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render(seen, NOW, {"p1": "P1"}))
    text = console.export_text()
    console.file.close()
    for words in ("冲正中", "Money at risk now", "CNY 10.00", "p1 (P1)", "no answer in time"):
        assert words in text
    assert "approved 2" in status_line(seen, NOW)
    assert "transactions 0" in status_line(EMPTY, NOW)


def test_the_journal_is_read_with_the_instant_of_each_approval(journal):
    with journal.connect() as connection:
        entries = {entry.transaction_id: entry for entry in journal_entries(connection)}
        assert return_entries(connection) == []
    assert entries["X1"].approved_at_us == 1_760_000_000_000_001
    assert entries["X3"].approved_at_us is None
    assert (entries["X3"].state, entries["X3"].ref.stan) == ("RETURNING", "000003")


def test_what_tills_were_told_is_read_as_it_was_written(tmp_path):
    told = Told(
        terminal_id="20000001",
        merchant_id="898440153110001",
        batch_no="000001",
        stan="000001",
        amount_minor=100,
        asked="request",
        code="00",
        at_us=5,
    )
    writer = ToldWriter(tmp_path / "told.jsonl")
    writer.write(told)
    writer.write(told)
    writer.close()
    assert list(read_told(tmp_path / "told.jsonl")) == [told, told]
