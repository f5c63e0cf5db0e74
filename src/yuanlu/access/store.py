"""Accounts and sessions in the database: queries, and the changes that a unit commits."""

from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from yuanlu.access.records import Session, Staff
from yuanlu.access.roles import Role
from yuanlu.access.tables import staff, staff_sessions
from yuanlu.cases.people import tidy_name
from yuanlu.journal.statements import Insert, Update
from yuanlu.journal.unit import Change

_INSERT = Insert(table=staff)
_UPDATE = Update(
    table=staff,
    sets=(
        "roles", "checker", "merchant_id", "password_hash", "totp_sealed", "totp_step", "failed", "locked_until_us",
        "disabled", "version",
    ),
    match=("staff_id", "version"),
)  # fmt: skip
_INSERT_SESSION = Insert(table=staff_sessions)


def login_of(name: str) -> str:
    """How a name is compared: `Li`, `li` and `ｌｉ` are one person."""
    return tidy_name(name).casefold()


def insert_staff(one: Staff) -> Change:
    """A new account."""
    return Change(
        statement=_INSERT,
        row=(
            one.staff_id, one.name, login_of(one.name), " ".join(one.roles), int(one.checker), one.merchant_id,
            one.password_hash, one.totp_sealed, one.totp_step, one.failed, one.locked_until_us, int(one.disabled),
            one.created_at_us, one.version,
        ),
    )  # fmt: skip


def update_staff(one: Staff, before: int) -> Change:
    """The account as it is from now on, if it is still of version `before`."""
    return Change(
        statement=_UPDATE,
        row=(
            " ".join(one.roles), int(one.checker), one.merchant_id, one.password_hash, one.totp_sealed, one.totp_step,
            one.failed, one.locked_until_us, int(one.disabled), one.version, one.staff_id, before,
        ),
    )  # fmt: skip


def insert_session(session: Session) -> Change:
    """Somebody is in."""
    return Change(
        statement=_INSERT_SESSION,
        row=(
            session.token_hash, session.staff.staff_id, session.csrf, session.created_at_us, session.seen_at_us,
            session.proved_at_us, session.origin,
        ),
    )  # fmt: skip


def find_staff(connection: Connection, name: str) -> Staff | None:
    """The account that goes by this name."""
    row = connection.execute(select(staff).where(staff.c.login == login_of(name))).first()
    return None if row is None else _staff(row)


def find_staff_by_id(connection: Connection, staff_id: str) -> Staff | None:
    """The account with this id."""
    row = connection.execute(select(staff).where(staff.c.staff_id == staff_id)).first()
    return None if row is None else _staff(row)


def all_staff(connection: Connection, limit: int = 500) -> list[Staff]:
    """Every account, by name."""
    return [_staff(row) for row in connection.execute(select(staff).order_by(staff.c.login).limit(limit))]


def staff_count(connection: Connection) -> int:
    """How many accounts there are."""
    return connection.execute(select(func.count()).select_from(staff)).scalar_one()


def find_session(connection: Connection, token_hash: str) -> Session | None:
    """A session with its person."""
    row = connection.execute(
        select(staff_sessions, staff)
        .join(staff, staff.c.staff_id == staff_sessions.c.staff_id)
        .where(staff_sessions.c.token_hash == token_hash)
    ).first()
    if row is None:
        return None
    return Session(
        token_hash=row.token_hash, staff=_staff(row), csrf=row.csrf,
        created_at_us=row._mapping[staff_sessions.c.created_at_us], seen_at_us=row.seen_at_us,
        proved_at_us=row.proved_at_us, origin=row.origin,
    )  # fmt: skip


def seen(connection: Connection, token_hash: str, now_us: int) -> None:
    """The session was used."""
    connection.execute(
        update(staff_sessions).where(staff_sessions.c.token_hash == token_hash).values(seen_at_us=now_us)
    )


def proved(connection: Connection, token_hash: str, now_us: int) -> None:
    """The password was given again."""
    connection.execute(
        update(staff_sessions).where(staff_sessions.c.token_hash == token_hash).values(proved_at_us=now_us)
    )


def end_session(connection: Connection, token_hash: str) -> None:
    """Somebody is out."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.token_hash == token_hash))


def end_sessions_of(connection: Connection, staff_id: str) -> None:
    """Out everywhere: a new password, another role, a disabled account."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.staff_id == staff_id))


def end_idle(connection: Connection, before_us: int) -> None:
    """Sessions that nobody has used since then."""
    connection.execute(delete(staff_sessions).where(staff_sessions.c.seen_at_us < before_us))


def _staff(row: Any) -> Staff:
    return Staff(
        staff_id=row.staff_id, name=row.name, roles=tuple(Role(each) for each in row.roles.split()),
        checker=bool(row.checker), merchant_id=row.merchant_id, password_hash=row.password_hash,
        totp_sealed=row.totp_sealed, totp_step=row.totp_step, failed=row.failed, locked_until_us=row.locked_until_us,
        disabled=bool(row.disabled), created_at_us=row._mapping[staff.c.created_at_us], version=row.version,
    )  # fmt: skip
