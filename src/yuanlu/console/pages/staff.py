"""People: accounts, their roles, and who may approve. Each change ends the account's sessions and is in the trail."""

import secrets
from collections.abc import Callable

from msgspec.structs import replace
from starlette.responses import Response

from yuanlu.access.records import AccessRefused, Staff
from yuanlu.access.roles import Right, Role
from yuanlu.access.secrets_of_staff import hashed
from yuanlu.access.store import all_staff, find_staff_by_id
from yuanlu.cases.errors import CaseError
from yuanlu.console.asked import Asked, NotThere
from yuanlu.console.routing import Page
from yuanlu.console.seeing import own_terminals
from yuanlu.people import staff
from yuanlu.people.refusals import refusal

PASSWORD_BYTES = 12


async def show(asked: Asked) -> Response:
    """Every account, to an administrator of one merchant that merchant's, and the form for a new one."""
    return await _list(asked)


async def _list(asked: Asked, status: int = 200, wrong: str = "", told: str = "") -> Response:
    found = [each for each in await asked.read(all_staff) if asked.who.sees(each.merchant_id)]
    merchants = sorted({each.merchant_id for each in own_terminals(asked)})
    return asked.page(
        "staff.html", status, people=found, roles=list(Role), merchants=merchants, wrong=wrong, told=told
    )  # fmt: skip


async def create(asked: Asked) -> Response:
    """A new account with a first password, shown once."""
    chosen = _roles(asked)
    password = _first_password()
    wanted = staff.NewStaff(
        name=asked.given("name"), roles=chosen, password=password, checker=asked.given("checker") == "1",
        merchant_id=_merchant(asked),
    )  # fmt: skip
    if not chosen:
        return await _list(asked, 422, asked.say("Choose at least one role."))
    try:
        account = await asked.act(staff.created, wanted, asked.actor)
    except (AccessRefused, CaseError) as error:
        said = asked.say("This name cannot be used: {why}", why=refusal(str(error), asked.language))
        return await _list(asked, 422, said)
    told = asked.say(
        "{name} can sign in with the password {password}. It is shown only now.", name=account.name, password=password
    )
    return await _list(asked, told=told)


async def change(asked: Asked) -> Response:
    """Roles, checker, merchant, or: disabled, let in again, a new password, a new one-time code."""
    account = await _account(asked)
    if account.staff_id == asked.who.staff_id:
        return await _list(asked, 422, asked.say("Nobody changes his own account. Ask another administrator."))
    what, told = asked.given("what"), ""
    if what == "password":
        password = _first_password()
        await _write(asked, account, "STAFF_PASSWORD", "", lambda one: replace(one, password_hash=hashed(password)))
        told = asked.say(
            "{name} can sign in with the password {password}. It is shown only now.", name=account.name,
            password=password,
        )  # fmt: skip
    elif what == "code":
        await _write(asked, account, "STAFF_CODE", "taken away", lambda one: replace(one, totp_sealed=None))
        told = asked.say("{name} sets up a new one-time code at the next sign-in.", name=account.name)
    elif what in ("disable", "enable"):
        off = what == "disable"
        await _write(asked, account, "STAFF_CHANGED", what, lambda one: replace(one, disabled=off, locked_until_us=0))
    elif what == "roles" and _roles(asked):
        chosen, checker, merchant_id = _roles(asked), asked.given("checker") == "1", _merchant(asked)
        said = f"{' '.join(chosen)}{', checker' if checker else ''}, {merchant_id or 'all merchants'}"
        await _write(
            asked, account, "STAFF_CHANGED", said,
            lambda one: replace(one, roles=chosen, checker=checker, merchant_id=merchant_id),
        )  # fmt: skip
    else:
        return await _list(asked, 422, asked.say("Choose at least one role."))
    return await _list(asked, told=told)


async def _write(asked: Asked, account: Staff, kind: str, said: str, change: Callable[[Staff], Staff]) -> None:
    note = f"{asked.who.name}: {account.name}" + (f", {said}" if said else "")
    await asked.act(staff.changed, account.staff_id, kind, note, change)


async def _account(asked: Asked) -> Staff:
    staff_id = asked.request.path_params["staff_id"]
    account = await asked.read(lambda c: find_staff_by_id(c, staff_id))
    if account is None or not asked.who.sees(account.merchant_id):
        raise NotThere(asked.say("There is no such account."))
    return account


def _roles(asked: Asked) -> tuple[Role, ...]:
    return tuple(role for role in Role if asked.form.get(f"role-{role}") == "1")


def _merchant(asked: Asked) -> str:
    """The one that was chosen, "" for all; nobody gives rights over more than his own."""
    known = {each.merchant_id for each in own_terminals(asked)}
    given = asked.given("merchant") or asked.who.merchant_id
    if given and given not in known:
        raise NotThere(asked.say("There is no such merchant."))
    return given


def _first_password() -> str:
    """Random, with a digit, so that it passes our own rules."""
    return secrets.token_urlsafe(PASSWORD_BYTES) + "7"


PAGES = (
    Page(path="/staff", right=Right.MANAGE_STAFF, show=show),
    Page(path="/staff", right=Right.MANAGE_STAFF, show=create, method="POST"),
    Page(path="/staff/{staff_id}", right=Right.MANAGE_STAFF, show=change, method="POST"),
)
