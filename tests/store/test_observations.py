"""Observations on the real database: what it refuses, what its queries cost, what a report comes to."""

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select, text

from tests.store.journals import inserted, opened, transaction
from yuanlu.fleet.observations import Kind, Observation, told
from yuanlu.fleet.reporting import LATELY_US, Report, considered
from yuanlu.fleet.store import LATEST_MAX, READ_MAX, insert_observation, latest_of, of_payment, of_terminal
from yuanlu.fleet.tables import NAMED, observations
from yuanlu.journal.unit import Conflict
from yuanlu.returns.states import State

NOW_US = 1_760_000_000_000_000


def row(kind: Kind = Kind.TAMPERED, value: str = "1", at_us: int = NOW_US, of: str = "") -> Observation:
    return Observation(
        merchant_id="M", terminal_id="T0000001", transaction_id=of, at_us=at_us, kind=kind, value=value, told_by="Li"
    )


def report(*pairs: tuple[str, str], stan: str = "") -> Report:
    return Report(
        merchant_id="M", terminal_id="T0000001", told=tuple(told(*pair) for pair in pairs), told_by="terminal",
        stan=stan,
    )  # fmt: skip


def read(run, at, query):
    return run(lambda: at.journal.read(query))


REFUSED = [
    ("INSERT INTO observations VALUES ('o', 'M', 'T', '', 1, 'exploded', '1', 'Li')", "ck_observations_kind"),
    (f"INSERT INTO observations VALUES ('o', 'M', 'T', '', 1, 'signal', '{'9' * 65}', 'Li')", "ck_observations_value"),
    ("INSERT INTO observations VALUES ('o', 'M', 'T', '', 1, 'signal', '', 'Li')", "ck_observations_value"),
    ("INSERT INTO observations VALUES ('o', 'M', 'T', '', 1, 'signal', '9', '')", "ck_observations_told_by"),
    ("UPDATE observations SET value = '0'", "append-only"),
    ("DELETE FROM observations", "append-only"),
]


@pytest.mark.parametrize(("statement", "why"), REFUSED, ids=[row[1] + row[0][-12:] for row in REFUSED])
def test_the_database_itself_refuses(place, statement, why):
    with opened(place) as (run, at):
        run(lambda: at.journal.commit([], [insert_observation("o1", row())]))
        with pytest.raises(Exception, match=why):
            at.write(statement)
        assert at.sql("SELECT value FROM observations") == [("1",)]


def test_every_kind_that_the_code_knows_the_database_knows(place):
    with opened(place) as (run, at):
        changes = [insert_observation(kind.value, row(kind)) for kind in Kind]
        assert not isinstance(run(lambda: at.journal.commit([], changes)), Conflict)


def test_what_is_asked_for_is_found_by_an_index(place):
    with opened(place) as (run, at):
        rows = [
            row(at_us=NOW_US - 1),
            row(value="0"),
            row(Kind.SIGNAL, "5", of="t1"),
            row(Kind.SIGNAL, "6", NOW_US + 1),
        ]
        run(lambda: at.journal.commit([], [insert_observation(str(n), each) for n, each in enumerate(rows)]))

        def asked(connection: Connection) -> None:
            now = of_terminal(connection, "T0000001", NOW_US, NOW_US, tuple(Kind), NOW_US)
            assert sorted(each.value for each in now) == ["0", "5"]
            assert latest_of(connection, "T0000001", Kind.TAMPERED, NOW_US).value == "0"
            assert latest_of(connection, "T0000001", Kind.TAMPERED, NOW_US - 2) is None
            assert [each.value for each in of_payment(connection, "t1")] == ["5"]
            assert of_payment(connection, "") == []

        read(run, at, asked)
        terminal = select(observations).where(
            observations.c.terminal_id == "T", observations.c.kind.in_(["signal", "moved"]),
            observations.c.at_us.between(1, 2),
        )  # fmt: skip
        at.found_by(terminal, "ix_observations_terminal")
        payment = select(observations).where(observations.c.transaction_id == "t1", text(NAMED))
        at.found_by(payment, "ix_observations_transaction")


def test_a_report_concerns_what_went_wrong_lately_and_what_stands_only_where_that_matters(place):
    states = {"a": State.APPROVED, "b": State.RETURNED, "c": State.DECLINED, "d": State.SEND_INTENT}
    rows = [
        replace(transaction(name, state, stan=f"00000{n}"), received_at_us=NOW_US)
        for n, (name, state) in enumerate(states.items())
    ]
    rows.append(replace(transaction("e", State.RETURNING, stan="000009"), received_at_us=NOW_US - LATELY_US - 1))
    rows.append(replace(transaction("f", State.RETURNING, stan="999999"), received_at_us=NOW_US))
    with opened(place) as (run, at):
        run(lambda: at.journal.commit([], [inserted(each) for each in rows]))

        def concerned(*pairs, stan=""):
            return read(run, at, lambda c: considered(c, report(*pairs, stan=stan), NOW_US)).concerned

        assert sorted(concerned(("battery", "3"))) == ["b", "c"]
        assert sorted(concerned(("tampered", "1"))) == ["a", "b", "c"]
        assert concerned(("restarted", "1"), stan="000009") == ("e",)
        assert concerned(("restarted", "1"), stan="000008") == ()
        assert concerned(("restarted", "1"), stan="000003") == (), "it is still on its way"
        assert concerned(("battery", "80"), ("tampered", "0")) == ()


def test_a_flood_of_payments_does_not_make_a_flood_of_looks(place):
    rows = [
        replace(transaction(f"t{n:03}", State.DECLINED, stan=f"{n:06}"), received_at_us=NOW_US + n) for n in range(50)
    ]
    with opened(place) as (run, at):
        run(lambda: at.journal.commit([], [inserted(each) for each in rows]))
        outcome = read(run, at, lambda c: considered(c, report(("moved", "1")), NOW_US))
        assert outcome.concerned == tuple(f"t{n:03}" for n in range(49, 49 - LATEST_MAX, -1))


def test_of_a_terminal_that_talks_without_end_what_it_said_about_then_is_read(place):
    rows = [row(Kind.SIGNAL, str(n % 30), NOW_US + n) for n in range(-READ_MAX, READ_MAX)]
    with opened(place) as (run, at):
        run(lambda: at.journal.commit([], [insert_observation(str(n), each) for n, each in enumerate(rows)]))
        found = read(run, at, lambda c: of_terminal(c, "T0000001", 0, 2 * NOW_US, (Kind.SIGNAL,), NOW_US))
    assert len(found) == READ_MAX
    assert found[0].at_us == NOW_US
    assert max(abs(each.at_us - NOW_US) for each in found) <= READ_MAX // 2


def test_what_was_told_at_the_same_moment_is_read_in_the_order_of_its_identifiers(place):
    rows = {"o3": row(value="3", of="t1"), "o1": row(value="1", of="t1"), "o2": row(value="2", of="t1")}
    with opened(place) as (run, at):
        for name, each in rows.items():
            run(lambda name=name, each=each: at.journal.commit([], [insert_observation(name, each)]))
        near = read(run, at, lambda c: of_terminal(c, "T0000001", 0, 2 * NOW_US, (Kind.TAMPERED,), NOW_US))
        named = read(run, at, lambda c: of_payment(c, "t1"))
        latest = read(run, at, lambda c: latest_of(c, "T0000001", Kind.TAMPERED, NOW_US))
    assert [each.value for each in near] == [each.value for each in named] == ["1", "2", "3"]
    assert latest.value == "3"
