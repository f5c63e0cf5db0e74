"""What a page's handler gets: the request, who asks, in which language, and how to read, act and answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from jinja2 import Environment
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from yuanlu.access.records import Session, Staff
from yuanlu.access.roles import Right
from yuanlu.cases.people import Actor
from yuanlu.console.live import Live
from yuanlu.console.store import ConsoleStore
from yuanlu.console.texts import say
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.errors import YuanluError
from yuanlu.keys.contract import KeyStore
from yuanlu.settings import Settings
from yuanlu.terminals import Terminal
from yuanlu.till.tills import Tills

Result = TypeVar("Result")
FIELD_CHARACTERS_MAX = 4_000


class NotYours(YuanluError):
    """The page needs a right that this person has not."""


class NotThere(YuanluError):
    """There is no such thing, or it is another merchant's: which of the two is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What all requests share. Made once, in `app`."""

    settings: Settings
    store: ConsoleStore
    clock: Clock
    keys: KeyStore
    terminals: Mapping[str, Terminal]
    templates: Environment
    live: Live
    tills: Tills
    """Payments as JSON, and those of the virtual POS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request for a page."""

    console: Console
    request: Request
    language: str
    session: Session | None
    form: Mapping[str, str]

    @property
    def who(self) -> Staff:
        """The person. Only behind a page's right."""
        assert self.session is not None, "the page asks for a right"
        return self.session.staff

    @property
    def actor(self) -> Actor:
        """The person as every timeline names him."""
        return Actor(name=self.who.name, via="console")

    @property
    def now_us(self) -> int:
        """The time, microseconds since 1970 UTC."""
        return self.console.clock.wall_us()

    def say(self, message: str, **values: object) -> str:
        """The message in the page's language."""
        return say(self.language, message, **values)

    def may(self, right: Right) -> bool:
        """Whether this person may do it; what he may not is not shown."""
        return self.session is not None and right in self.who.rights

    def given(self, name: str, default: str = "") -> str:
        """A field of the query or the form, as text without blanks around it."""
        value = self.form.get(name) if name in self.form else self.request.query_params.get(name, default)
        return (value or "").strip()[:FIELD_CHARACTERS_MAX]

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """What `query` finds."""
        return await self.console.store.read(query)

    async def act(self, action: Callable[..., Result], *args: object, **named: object) -> Result:
        """Do it as `yuanlu.people` does; a YuanluError becomes a message above the page."""
        return await self.console.store.act(action, *args, **named)

    def address(self, path: str) -> str:
        """The address of a page in this language."""
        return f"/{self.language}{path}"

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A template as answer. It sees `asked` and the values."""
        text = self.console.templates.get_template(template).render(asked=self, **values)
        return HTMLResponse(text, status)

    def go(self, path: str) -> Response:
        """On to another page, after a form was carried out."""
        return RedirectResponse(self.address(path), 303)
