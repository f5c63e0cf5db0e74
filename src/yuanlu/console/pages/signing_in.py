"""Signing in and out."""

import secrets
from typing import Any

import segno
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from yuanlu.access.passkeys import CHALLENGE_BYTES, asked_to_sign_in, sealed_challenge
from yuanlu.access.records import AccessRefused, Session, Staff
from yuanlu.access.secrets_of_staff import totp_address
from yuanlu.access.store import end_session, staff_count
from yuanlu.console.asked import Asked
from yuanlu.console.pages.me import RENEWED, site_of
from yuanlu.console.routing import Page, cookie_name, is_https
from yuanlu.people.staff import SIGN_IN, CodeNeeded, SignIn, code_set_up, offered, signed_in, signed_in_by_passkey


async def show(asked: Asked) -> Response:
    """The form; whoever is in already goes to his first page."""
    if asked.session is not None:
        return asked.go(asked.who.lands_on)
    nobody = await asked.read(staff_count) == 0
    told = asked.say("The password is changed. Sign in with it.") if asked.given("done") == RENEWED else ""
    return _form(asked, to=asked.given("to"), nobody=nobody, told=told)


def _form(asked: Asked, status: int = 200, **values: Any) -> Response:
    """The form, with a fresh challenge for a passkey."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    given = {"name": "", "to": "", "nobody": False, "told": ""} | values
    return asked.page(
        "sign_in.html", status, options=asked_to_sign_in(site_of(asked), challenge),
        challenge=sealed_challenge(asked.console.keys, challenge, SIGN_IN, asked.now_us), **given,
    )  # fmt: skip


async def sign_in(asked: Asked) -> Response:
    """Let somebody in, on to the page that he wanted."""
    given = SignIn(
        name=asked.given("name"), password=asked.form.get("password", ""), code=asked.given("code"),
        origin=asked.request.client.host if asked.request.client else "",
    )  # fmt: skip
    required = asked.console.settings.console.second_factor == "required"
    try:
        token, session = await asked.act(signed_in, asked.console.keys, given, second_factor=required)
    except CodeNeeded as needed:
        return _set_up(asked, needed.account)
    except AccessRefused:
        wrong = asked.say("Name, password or code is wrong, or the account is locked.")
        return _form(asked, 403, name=given.name, to=asked.given("to"), wrong=wrong)
    return _in(asked, token, session)


async def by_passkey(asked: Asked) -> Response:
    """Let in whoever's passkey signed the challenge."""
    origin = asked.request.client.host if asked.request.client else ""
    given = (asked.form.get("challenge", ""), asked.form.get("credential", ""), origin)
    try:
        token, session = await asked.act(signed_in_by_passkey, asked.console.keys, site_of(asked), *given)
    except AccessRefused:
        return _form(asked, 403, wrong=asked.say("This passkey does not open an account here."))
    return _in(asked, token, session)


def _in(asked: Asked, token: str, session: Session) -> Response:
    answer = RedirectResponse(_wanted(asked) or asked.address(session.staff.lands_on), 303)
    secure = is_https(asked.console)
    answer.set_cookie(
        cookie_name(asked.console), token, path="/", httponly=True, samesite="strict", secure=secure
    )  # fmt: skip
    return answer


def _set_up(asked: Asked, account: Staff) -> Response:
    """The first sign-in: the app gets its secret, and shows that it has it."""
    secret, offer = offered(asked.console.keys, account, asked.now_us)
    address = totp_address(secret, account.name, f"Yuanlu {asked.console.settings.console.brand}")
    return asked.page("set_up_code.html", offer=offer, secret=secret, code=_picture(address), to=asked.given("to"))


def _picture(address: str) -> Markup:
    """The address as a QR code, in SVG without styles."""
    return Markup(segno.make(address, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff"))  # noqa: S704 - our own


async def set_up(asked: Asked) -> Response:
    """The first code: from now on each sign-in needs one. This one is done."""
    offer, origin = asked.given("offer"), asked.request.client.host if asked.request.client else ""
    try:
        token, session = await asked.act(code_set_up, asked.console.keys, offer, asked.given("code"), origin)
    except AccessRefused:
        wrong = asked.say("The code is wrong, or this took too long. Sign in once more.")
        return _form(asked, 403, wrong=wrong)
    return _in(asked, token, session)


def _wanted(asked: Asked) -> str:
    """A page of ours to go on to, never another site's."""
    to = asked.given("to")
    return to if to.startswith((f"/{asked.language}/",)) and "//" not in to and "\\" not in to else ""


async def sign_out(asked: Asked) -> Response:
    """The session ends."""
    if asked.session is not None:
        name = asked.session.token_hash
        await asked.console.store.write(lambda c: end_session(c, name))
    answer = asked.go("/sign-in")
    answer.delete_cookie(cookie_name(asked.console), path="/", secure=is_https(asked.console), samesite="strict")
    return answer


PAGES = (
    Page(path="/sign-in", right=None, show=show),
    Page(path="/sign-in", right=None, show=sign_in, method="POST"),
    Page(path="/sign-in/passkey", right=None, show=by_passkey, method="POST"),
    Page(path="/sign-in/code", right=None, show=set_up, method="POST"),
    Page(path="/sign-out", right=None, show=sign_out, method="POST"),
)
