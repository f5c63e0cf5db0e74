"""A journal with rows of an older version is upgraded: they are kept, and so are the rules."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from tests.store.journals import transaction
from tests.store.places import Place
from yuanlu.db.choosing import beside, visiting
from yuanlu.db.migrating import migrate
from yuanlu.db.schema import upgrade
from yuanlu.db.sqlite import database_path, writer_engine
from yuanlu.fleet.observations import Kind
from yuanlu.fleet.store import latest_of
from yuanlu.gateway.sessions import terminal_sessions
from yuanlu.journal.transactions import INSERT_TRANSACTION, as_row

INCIDENT = "'Li', 'flood', 1, 1, '', 'ACTIVE', '', NULL, 1, 1, '', 0, 1, 1"
RULES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}


def on(place: Place, work: Callable[[Engine], None]) -> None:
    """Work on a database that may be empty still, without a gateway."""
    if place.url.startswith("sqlite"):
        engine = writer_engine(database_path(place.url, str(place.folder)))
        work(engine)
        engine.dispose()
        return
    beside(place.url, lambda: work(visiting(place.url, str(place.folder))))


def of_version(engine: Engine, version: str, fill: Callable[[Connection], Any]) -> None:
    """Make the tables as that version had them, with rows in them."""
    with engine.begin() as connection:
        migrate(connection, version)
        fill(connection)


def rules(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text(RULES[connection.dialect.name])).scalars())


def refused(engine: Engine, statement: str, why: str) -> None:
    with pytest.raises(IntegrityError, match=why), engine.begin() as connection:
        connection.execute(text(statement))


def test_incidents_and_their_payments_are_kept_when_issuers_and_wallets_are_added(place):
    def rows(connection: Connection) -> None:
        names = INSERT_TRANSACTION.table.columns.keys()
        first = dict(zip(names, as_row(transaction("t1")), strict=True))
        connection.execute(text(f"INSERT INTO transactions ({', '.join(first)}) VALUES (:{', :'.join(first)})"), first)
        connection.execute(text(f"INSERT INTO incidents VALUES ('I1', 'disaster', 'region', 'north', {INCIDENT})"))
        connection.execute(text("INSERT INTO incident_members VALUES ('t1', 'I1')"))

    def story(engine: Engine) -> None:
        of_version(engine, "0008", rows)
        before = rules(engine)
        refused(engine, f"INSERT INTO incidents VALUES ('I2', 'peak', 'issuer', '6', {INCIDENT})", "scope_kind")
        upgrade(engine, "j")
        assert before <= rules(engine), "none is lost with its table"
        with engine.begin() as connection:
            assert connection.execute(text("SELECT incident_id, scope_name FROM incidents")).all() == [("I1", "north")]
            assert connection.execute(text("SELECT incident_id FROM incident_members")).all() == [("I1",)]
            if place.url.startswith("sqlite"):  # its table was made anew
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            for number, kind in ((2, "issuer"), (3, "wallet")):
                wider = f"'I{number}', '{kind}_outage', '{kind}', '621700', {INCIDENT}"
                connection.execute(text(f"INSERT INTO incidents VALUES ({wider})"))
        refused(engine, "DELETE FROM incidents", "incidents are kept")
        refused(engine, "DELETE FROM incident_members", "append-only")
        town = f"'I4', 'disaster', 'town', 'north', {INCIDENT}"
        refused(engine, f"INSERT INTO incidents VALUES ({town})", "ck_incidents_scope_kind")
        twice = f"'I5', 'disaster', 'region', 'north', {INCIDENT}"
        refused(engine, f"INSERT INTO incidents VALUES ({twice})", "UNIQUE|ix_incidents_one_active")

    on(place, story)


def test_sessions_from_before_count_as_sign_ins(place):
    session = {"terminal_id": "T1", "batch_no": "000007", "wrapped": b"\0", "signed_in_at_us": 42}

    def story(engine: Engine) -> None:
        of_version(engine, "0008", lambda c: c.execute(terminal_sessions.insert(), session))
        upgrade(engine, "j")
        with engine.connect() as connection:
            found = latest_of(connection, "T1", Kind.SIGNED_IN, 42)
        assert found is not None
        assert (found.value, found.at_us) == ("000007", 42)

    on(place, story)
