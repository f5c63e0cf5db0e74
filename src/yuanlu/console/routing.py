"""A page is a value: its path, its right, its handler. This module puts what every page needs around the handler.

Language, session, right, form and its token, errors in words: all here, so that no handler can forget one. A form is
taken only from our own origin and with the session's token (OWASP ASVS 3.5).
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import DatabaseError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from yuanlu.access.records import AccessRefused, Session
from yuanlu.access.roles import Right
from yuanlu.access.secrets_of_staff import token_hash
from yuanlu.access.store import end_session, find_session, seen
from yuanlu.console.asked import FIELD_CHARACTERS_MAX, Asked, Console, NotThere, NotYours
from yuanlu.console.texts import LANGUAGES
from yuanlu.db.errors import StoreError
from yuanlu.kernel.errors import YuanluError
from yuanlu.people.words import CHINESE, ENGLISH

COOKIE = "yuanlu"
SEEN_EVERY_US = 60_000_000
FORM_FIELDS_MAX, FORM_FILES_MAX = 100, 5

Handler = Callable[[Asked], Awaitable[Response]]
_log = structlog.get_logger("yuanlu.console")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, or one thing that a form does. `right` None is for everybody, signed in or not."""

    path: str
    right: Right | None
    show: Handler
    method: str = "GET"
    public: bool = False
    """For people without accounts: whoever is signed in is nobody here."""


class Refused(YuanluError):
    """A form that is not ours, or is too old."""


def routes(console: Console, pages: tuple[Page, ...]) -> list[Route]:
    """The pages as the server knows them, each below its language."""
    return [Route("/{language}" + page.path, _endpoint(console, page), methods=[page.method]) for page in pages]


def cookie_name(console: Console) -> str:
    """With https the browser itself holds the cookie to this host and to https (RFC 6265bis, __Host-)."""
    return f"__Host-{COOKIE}" if is_https(console) else COOKIE


def is_https(console: Console) -> bool:
    """Whether people reach the console by https."""
    return console.settings.console.public_url.startswith("https://")


def language_for(request: Request) -> str:
    """The language of a request that names none: Chinese, unless the browser asks for English first."""
    wanted = request.headers.get("accept-language", "").lower()
    chinese, english = wanted.find("zh"), wanted.find("en")
    return ENGLISH if english >= 0 and (chinese < 0 or english < chinese) else CHINESE


def _endpoint(console: Console, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        language = request.path_params["language"]
        if language not in LANGUAGES:
            raise HTTPException(404)
        asked = Asked(console=console, request=request, language=language, session=None, form={})
        try:
            session = None if page.public else await _session(console, request)
            asked = Asked(console=console, request=request, language=language, session=session, form={})
            if page.right is not None and session is None:
                return _to_sign_in(asked)
            if page.right is not None and page.right not in asked.who.rights:
                raise NotYours(asked.say("This page is not part of your work. Ask an administrator for the role."))
            if page.method == "POST":
                form = await _form(request, session)
                asked = Asked(console=console, request=request, language=language, session=session, form=form)
            return await page.show(asked)
        except (StoreError, DatabaseError) as error:
            _log.error("the journal cannot be read", reason=str(getattr(error, "orig", error)))
            return problem(asked, 503, asked.say("The journal cannot be read now. Nothing was changed. Try again."))
        except YuanluError as error:
            return problem(asked, _status_of(error), str(error))
        finally:
            await request.close()  # the files of a form

    return answer


def problem(asked: Asked, status: int, text: str) -> Response:
    """What went wrong, in words, within the page's frame."""
    return asked.page("problem.html", status, text=text)


def _status_of(error: YuanluError) -> int:
    match error:
        case NotThere():
            return 404
        case NotYours() | Refused() | AccessRefused():
            return 403
        case _:
            return 422


def _to_sign_in(asked: Asked) -> Response:
    wanted = asked.request.url.path
    if asked.request.method != "GET" or asked.request.headers.get("x-fragment"):
        return problem(asked, 401, asked.say("Your session has ended. Sign in again; what you typed is still here."))
    return RedirectResponse(f"{asked.address('/sign-in')}?to={wanted}", 303)


async def _session(console: Console, request: Request) -> Session | None:
    """The person behind the cookie, unless the session was idle for too long."""
    token = request.cookies.get(cookie_name(console), "")
    if not token:
        return None
    name = token_hash(token)
    session = await console.store.read(lambda c: find_session(c, name))
    if session is None or session.staff.disabled:
        return None
    now_us = console.clock.wall_us()
    idle_us = now_us - session.seen_at_us
    if idle_us > console.settings.console.idle_minutes * 60_000_000:
        await console.store.write(lambda c: end_session(c, name))
        return None
    if idle_us > SEEN_EVERY_US and not request.headers.get("x-fragment"):  # a page that refreshes itself is idle
        await console.store.write(lambda c: seen(c, name, now_us))
    return session


async def _form(request: Request, session: Session | None) -> dict[str, str]:
    """The form's fields. Refused from elsewhere, or without the session's token."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("//")[2] != request.headers.get("host"):
        raise Refused("this form was sent from another site; nothing was done")
    content = await request.form(max_fields=FORM_FIELDS_MAX, max_files=FORM_FILES_MAX)
    fields = {name: value[:FIELD_CHARACTERS_MAX] for name, value in content.items() if isinstance(value, str)}
    if session is not None and not hmac.compare_digest(fields.get("csrf", ""), session.csrf):
        raise Refused("this form is of an earlier session; open the page again, nothing was done")
    return fields
