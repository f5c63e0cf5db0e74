"""PostgreSQL as the journal needs it: durable, in one order of text, and its clock near ours.

Why (`docs/scaling.md`): a server that acknowledges before it is durable loses payments that terminals were told of;
an index in a language's own order can break when the system's library changes, and with it the identity of payments.
So both are checked at every start, and refused with what to do. Connections are made by `db.postgres_engine`: this
module is read by every gateway, and what they need to be imported takes a third of a start.
"""

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, text

from yuanlu.db.errors import StoreError

SCHEMES = ("postgresql://", "postgres://")
VERSION_MIN = 150_000
CLOCK_OFF_S_MAX = 10.0
"""This machine and the server may differ by so much; due times and case deadlines are compared across gateways."""

HUNG_S = 10
"""A gateway that says nothing for so long is given up by the server, and another takes its work over."""

LOCK_SPACE = 0x7975616E
"""The first half of each writer's advisory lock; the second is the writer's number."""

LIVE = f"""
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid = {LOCK_SPACE} AND objsubid = 2 AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""  # noqa: S608 - a number of our own
"""The numbers of the writers whose session lives."""

# (setting, what is good, why anything else is refused)
_DURABLE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("synchronous_commit", ("on", "remote_apply"), "a commit would be acknowledged before it is durable"),
    ("fsync", ("on",), "a power loss would take acknowledged commits or the whole database"),
    ("full_page_writes", ("on",), "a power loss in the middle of a page would damage it"),
    ("data_sync_retry", ("off",), "after a failed sync the server would go on as if the data were safe"),
)
_COLLATIONS = ("C", "POSIX", "C.UTF-8", "C.utf8")


def is_postgres(url: str) -> bool:
    """Whether this url means a PostgreSQL server."""
    return url.startswith(SCHEMES)


def name_of(url: str) -> str:
    """The url without its password, for messages."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return f"postgresql://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"


def refuse_unfit_server(connection: Connection, name: str) -> None:
    """StoreError for a server that could lose what it has acknowledged, or whose order of text may change."""

    def ask(question: str) -> Any:
        return connection.execute(text(question)).scalar_one()

    if int(ask("SHOW server_version_num")) < VERSION_MIN:
        raise StoreError(f"{name} is PostgreSQL {ask('SHOW server_version')}; 15 or later is needed")
    if ask("SELECT pg_is_in_recovery()"):
        raise StoreError(f"{name} is a standby; give the primary's address, or several with target_session_attrs")
    for setting, good, why in _DURABLE:
        found = ask(f"SHOW {setting}")
        if found not in good:
            raise StoreError(f"{name} has {setting} = {found}: {why}; set it to {good[0]}")
    _refuse_other_order(connection, name)


def refuse_other_time(name: str, server_us: int, wall_us: int) -> None:
    """StoreError when this machine's clock, `wall_us`, and the server's are too far apart."""
    seconds = abs(server_us - wall_us) / 1e6
    if seconds > CLOCK_OFF_S_MAX:
        raise StoreError(
            f"the clock of this machine and that of {name} differ by {seconds:.0f} s; "
            "set both right (chrony or another NTP client), then start again"
        )


def _refuse_other_order(connection: Connection, name: str) -> None:
    row = connection.execute(
        text(
            "SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datlocprovider::text AS provider "
            "FROM pg_database WHERE datname = current_database()"
        )
    ).one()
    order = "ICU" if row.provider == "i" else row.datcollate
    if row.encoding != "UTF8" or order not in _COLLATIONS:
        raise StoreError(
            f"{name} is in {row.encoding} and orders text by {order}; the journal needs UTF8 and C: "
            "createdb --template=template0 --encoding=UTF8 --locale=C NAME"
        )
