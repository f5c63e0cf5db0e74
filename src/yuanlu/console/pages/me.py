"""One's own account: password and passkeys. A passkey works where the page has a name, not a number, as its host."""

import secrets

from starlette.responses import Response

from yuanlu.access import passkeys
from yuanlu.access.passkeys import CHALLENGE_BYTES, Site
from yuanlu.access.records import AccessRefused
from yuanlu.access.store import find_staff_by_id
from yuanlu.console.asked import Asked
from yuanlu.console.proving import proved
from yuanlu.console.routing import Page
from yuanlu.people import staff
from yuanlu.people.refusals import refusal

RENEWED = "renewed"
"""Said to the next page when the password was changed."""


def site_of(asked: Asked) -> Site:
    """The console as browsers know it."""
    origin = asked.console.settings.console.public_url.rstrip("/") or str(asked.request.base_url).rstrip("/")
    host = origin.partition("//")[2].partition("/")[0].rpartition(":")[0] or origin.partition("//")[2]
    return Site(host=host, origin=origin, name=f"Yuanlu {asked.console.settings.console.brand}")


async def show(asked: Asked) -> Response:
    """Who I am here."""
    return asked.go("/sign-in") if asked.session is None else await _me(asked)


async def _me(asked: Asked, status: int = 200, wrong: str = "", told: str = "") -> Response:
    known = await asked.read(lambda c: passkeys.passkeys_of(c, asked.who.staff_id))
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    return asked.page(
        "me.html", status, wrong=wrong, told=told, passkeys=known,
        options=passkeys.asked_to_register(site_of(asked), asked.who, known, challenge),
        challenge=passkeys.sealed_challenge(asked.console.keys, challenge, asked.who.staff_id, asked.now_us),
    )  # fmt: skip


async def change_password(asked: Asked) -> Response:
    """Another password; every session of the account ends, this one too."""
    if asked.session is None:
        return asked.go("/sign-in")
    try:
        await asked.act(staff.password_changed, asked.who, asked.form.get("old", ""), asked.form.get("new", ""))
    except AccessRefused as error:
        return await _me(asked, 422, refusal(str(error), asked.language))
    return asked.go(f"/sign-in?done={RENEWED}")


async def add_passkey(asked: Asked) -> Response:
    """One more passkey, by who has just proved that it is he."""
    if asked.session is None:
        return asked.go("/sign-in")
    if not await proved(asked):
        return await _me(asked, 403, asked.say("Give your password to add a passkey."))
    account = await asked.read(lambda c: find_staff_by_id(c, asked.who.staff_id))
    assert account is not None, "who is signed in has an account"
    given = (asked.form.get("challenge", ""), asked.form.get("credential", ""), asked.given("name"))
    try:
        await asked.act(staff.passkey_added, asked.console.keys, site_of(asked), account, *given)
    except AccessRefused:
        return await _me(asked, 422, asked.say("The passkey was not added. Try once more."))
    return await _me(asked, told=asked.say("The passkey is added. It signs you in without password and code."))


async def remove_passkey(asked: Asked) -> Response:
    """It opens nothing any more."""
    if asked.session is None:
        return asked.go("/sign-in")
    await asked.act(staff.passkey_removed, asked.who, asked.given("credential_id"))
    return await _me(asked, told=asked.say("The passkey is removed."))


PAGES = (
    Page(path="/me", right=None, show=show),
    Page(path="/me/password", right=None, show=change_password, method="POST"),
    Page(path="/me/passkeys", right=None, show=add_passkey, method="POST"),
    Page(path="/me/passkeys/remove", right=None, show=remove_passkey, method="POST"),
)
