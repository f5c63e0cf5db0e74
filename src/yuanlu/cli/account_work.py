"""What `yuanlu init` and `yuanlu staff` do."""

import asyncio

from yuanlu.access.records import AccessRefused, Staff
from yuanlu.access.roles import Role
from yuanlu.access.store import all_staff, staff_count
from yuanlu.cases.people import Actor
from yuanlu.cli.casework import actor
from yuanlu.db.errors import StoreLocked
from yuanlu.kernel.clock import SystemClock
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.people import staff
from yuanlu.people.database import on_database, reading
from yuanlu.settings import Settings
from yuanlu.wiring import open_keys, open_store


def first_administrator(settings: Settings, name: str, password: str) -> str:
    """Make the journal and the account. AccessRefused when there are accounts."""
    asyncio.run(_opened(settings))
    if _count(settings):
        raise AccessRefused("there are accounts already; an administrator makes the next one, or: yuanlu staff add")
    wanted = staff.NewStaff(name=name, roles=(Role.ADMINISTRATOR,), password=password)
    account = staff.created(settings, wanted, Actor(name="init", via="cli"))
    return f"{account.name} is administrator; one-time codes are set up at the first sign-in."


async def _opened(settings: Settings) -> SoftwareKeyStore:
    """The key store; the journal is made on the way if there is none and no gateway has it."""
    clock = SystemClock()
    try:
        store = await open_store(settings, clock)
    except StoreLocked:  # a gateway is at work
        return await open_keys(settings)
    try:
        return await open_keys(settings, store)
    finally:
        await store.close(clock.now())


@on_database
def _count(settings: Settings) -> int:
    with reading(settings) as connection:
        return staff_count(connection)


def added(
    settings: Settings, name: str, roles: list[str], password: str, by: str, *, checker: bool, merchant_id: str
) -> str:
    """A new account, as a line."""
    unknown = [role for role in roles if role not in set(Role)]
    if unknown:
        raise AccessRefused(f"--role {unknown[0]}: there are {', '.join(Role)}")
    wanted = staff.NewStaff(
        name=name, roles=tuple(Role(role) for role in roles), password=password, checker=checker,
        merchant_id=merchant_id,
    )  # fmt: skip
    return _line(staff.created(settings, wanted, actor(by)))


@on_database
def listed(settings: Settings) -> str:
    """One line for each account."""
    with reading(settings) as connection:
        return "\n".join(_line(each) for each in all_staff(connection)) or "no account; make one: yuanlu init"


def _line(one: Staff) -> str:
    second = "one-time codes" if one.totp_sealed else "no one-time codes yet"
    rest = [*(["checker"] if one.checker else []), one.merchant_id or "all merchants", second]
    return (
        f"{one.staff_id}  {one.name}  {' '.join(one.roles)}  {', '.join(rest + (['disabled'] if one.disabled else []))}"
    )
