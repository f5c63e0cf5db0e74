"""The words of messages: what is said now, and other words, which one person proposes and another approves."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct
from starlette.responses import Response

from yuanlu.access.roles import Right
from yuanlu.cases.errors import CaseError
from yuanlu.cases.people import same_person
from yuanlu.cases.texts import text_of
from yuanlu.causes.cause import Words
from yuanlu.console.asked import Asked, NotThere, NotYours
from yuanlu.console.proving import is_fresh
from yuanlu.console.routing import Page
from yuanlu.console.typed import Wrong, himself, number, words
from yuanlu.console.wording_shown import Preview, Shown, examples_in, previewed, sentence, shown
from yuanlu.db.errors import StoreError
from yuanlu.notification.messages.known import TEMPLATES, offered, template_named
from yuanlu.notification.templates import SIGNATURE, Audience, Template, TemplateError
from yuanlu.notification.wording_rules import TRUTH, Draft, flaws, tidy
from yuanlu.notification.wording_store import find_in_use, in_use, waiting, wordings_of
from yuanlu.notification.wordings import Wording, WordingState, template_of
from yuanlu.people import wordings
from yuanlu.people.message_words import EVENT_WORDS, WORDS
from yuanlu.people.notifications import channels_by_audience
from yuanlu.people.refusals import refusal
from yuanlu.people.wordings import Proposal, WordingError, template_used

VERSION_MAX = 10**9
FIELDS = ("title_zh", "text_zh", "title_en", "text_en", "reason")


class Row(Struct, frozen=True, kw_only=True):
    """One template in the list: the words that are said now, and whether others wait."""

    own: Template
    used: Template
    waits: bool
    shown: tuple[Shown, ...]


class Typed(Struct, frozen=True, kw_only=True):
    """What the page says back to whoever sent a form: what was wrong, what was typed, and how it would look."""

    wrong: tuple[str, ...] = ()
    kept: Mapping[str, str] | None = None
    preview: tuple[Preview, ...] = ()
    tried: str = ""


NOTHING = Typed()


async def show(asked: Asked) -> Response:
    """Every template by event and audience: its words in use, its channels, and the codes that providers need."""
    used, waits = await asked.read(lambda c: (in_use(c), waiting(c)))
    by_name, waiting_names = {each.name: each for each in used}, {each.name for each in waits}
    channels = channels_by_audience(asked.console.settings)
    rows = []
    for own in sorted(TEMPLATES, key=lambda each: list(EVENT_WORDS).index(each.event)):
        said, _ = template_used(own, by_name.get(own.name))
        rows.append(
            Row(
                own=own, used=said, waits=own.name in waiting_names,
                shown=shown(asked, said, own, channels[own.audience]),
            )
        )  # fmt: skip
    missing = sum(each.missing for row in rows for each in row.shown)
    return asked.page(
        "notification_templates.html", rows=rows, missing=missing, by_audience=channels,
        cardholder=Audience.CARDHOLDER, **WORDS,
    )  # fmt: skip


def _own(asked: Asked) -> Template:
    found = template_named(asked.request.path_params["template"])
    if found is None:
        raise NotThere(asked.say("There is no such template."))
    return found


async def one(asked: Asked) -> Response:
    """One template: what is said, what waits, what was before; and the form for other words."""
    return await _one(asked, _own(asked))


async def _one(asked: Asked, own: Template, status: int = 200, typed: Typed = NOTHING) -> Response:
    history, accepted = await asked.read(lambda c: (wordings_of(c, own.name), find_in_use(c, own.name)))
    used, unusable = template_used(own, accepted)
    proposed = next((each for each in history if each.state is WordingState.PROPOSED), None)
    names = channels_by_audience(asked.console.settings)[own.audience]
    return asked.page(
        "notification_template.html", status, own=own, used=used, unusable=unusable, accepted=accepted,
        said=shown(asked, used, own, names), own_said=shown(asked, own, own, names), proposed=proposed,
        proposed_said=_proposed_said(asked, own, proposed, names), history=history, typed=typed,
        kept=_begun(asked, used, history) if typed.kept is None else typed.kept, variables=_variables(own), names=names,
        mine=proposed is not None and same_person(proposed.maker, asked.who.name), for_all=not asked.who.merchant_id,
        stale=not is_fresh(asked), done=asked.given("done"), cardholder=Audience.CARDHOLDER,
        examples=examples_in(asked, asked.language), **WORDS,
    )  # fmt: skip


def _proposed_said(
    asked: Asked, own: Template, proposed: Wording | None, names: tuple[str, ...]
) -> tuple[Shown, ...]:  # fmt: skip
    """What would be said; nothing when this program could not use it any more."""
    if proposed is None:
        return ()
    if proposed.back:
        return shown(asked, own, own, names)
    try:
        return shown(asked, template_of(proposed), own, names)
    except TemplateError:
        return ()


def _begun(asked: Asked, used: Template, history: Sequence[Wording]) -> dict[str, str]:
    """What the form begins with: an earlier wording, if the address names one, or what is said now."""
    earlier = next((each for each in history if str(each.version) == asked.given("from") and not each.back), None)
    title, text = (used.title, used.text) if earlier is None else (earlier.title, earlier.text)
    return {"title_zh": title.zh, "text_zh": text.zh, "title_en": title.en, "text_en": text.en, "reason": ""}


def _variables(own: Template) -> list[tuple[str, bool]]:
    """Each variable that may be used, and whether it may not be left out."""
    return [(name, name in (*TRUTH, SIGNATURE) and name in own.variables("zh")) for name in offered(own)]


async def write(asked: Asked) -> Response:
    """Other words: how they look, or, when that is asked for, the proposal."""
    own = _for_all(asked)
    kept = {name: asked.given(name) for name in FIELDS}
    draft = Draft(
        title=Words(zh=tidy(kept["title_zh"]), en=tidy(kept["title_en"])),
        text=Words(zh=tidy(kept["text_zh"]), en=tidy(kept["text_en"])),
    )
    wrong = tuple(sentence(asked, each) for each in flaws(own, draft))
    typed = Typed(wrong=wrong, kept=kept, preview=previewed(asked, own.audience, draft), tried="write")
    if asked.given("do") != "propose":
        return await _one(asked, own, typed=typed)
    if wrong:
        return await _one(asked, own, 422, typed)
    return await _carried_out(asked, own, typed, lambda: _proposal(asked, own, draft))


async def back(asked: Asked) -> Response:
    """The program's own words again."""
    own = _for_all(asked)
    typed = Typed(tried="back")
    return await _carried_out(asked, own, typed, lambda: _proposal(asked, own, None))


async def _proposal(asked: Asked, own: Template, draft: Draft | None) -> str:
    wanted = Proposal(name=own.name, draft=draft, reason=_reason(asked))
    await asked.act(wordings.propose, wanted, asked.actor)
    return "proposed"


async def approve(asked: Asked) -> Response:
    """The second person's yes."""

    async def act() -> str:
        await himself(asked, asked.say("Give your password again: people will read these words. Nothing was done yet."))
        await asked.act(wordings.approve, own.name, _seen(asked), asked.actor)
        return "approved"

    own = _for_all(asked)
    return await _carried_out(asked, own, Typed(tried="approve"), act)


def _ending(name: str, action: Callable[..., Wording]) -> Callable[[Asked], Awaitable[Response]]:
    """The handler of an end without approval, which takes a reason."""

    async def handle(asked: Asked) -> Response:
        async def act() -> str:
            await asked.act(action, own.name, _seen(asked), _reason(asked), asked.actor)
            return name

        own = _for_all(asked)
        return await _carried_out(asked, own, Typed(tried=name), act)

    return handle


async def _carried_out(asked: Asked, own: Template, typed: Typed, act: Callable[[], Awaitable[str]]) -> Response:
    """Do it, and show the template anew; or the page again, with why not and what was typed."""
    try:
        done = await act()
    except (Wrong, CaseError, WordingError, StoreError) as error:
        said = str(error) if isinstance(error, Wrong) else refusal(str(error), asked.language)
        status = 409 if isinstance(error, WordingError) else 422
        again = Typed(wrong=(said,), kept=typed.kept, preview=typed.preview, tried=typed.tried)
        return await _one(asked, own, status, again)
    return asked.go(f"/notifications/templates/{own.name}?done={done}")


def _for_all(asked: Asked) -> Template:
    """The template; refused to people of one merchant, since its words go to everybody's customers."""
    if asked.who.merchant_id:
        raise NotYours(asked.say("These words are said for all merchants; people of one merchant do not change them."))
    return _own(asked)


def _seen(asked: Asked) -> int:
    return number(asked, "seen", 1, VERSION_MAX)


def _reason(asked: Asked) -> str:
    """Why, as it may be kept: without card numbers. Raises Wrong and CaseError."""
    return text_of(words(asked, "reason", asked.say("Say why; it is kept with the words.")), "the reason")


AT = "/notifications/templates"

PAGES = (
    Page(path=AT, right=Right.SEE_MESSAGES, show=show),
    Page(path=AT + "/{template}", right=Right.SEE_MESSAGES, show=one),
    Page(path=AT + "/{template}", right=Right.WRITE_MESSAGES, show=write, method="POST"),
    Page(path=AT + "/{template}/back", right=Right.WRITE_MESSAGES, show=back, method="POST"),
    Page(path=AT + "/{template}/approve", right=Right.APPROVE, show=approve, method="POST"),
    Page(path=AT + "/{template}/refuse", right=Right.APPROVE, show=_ending("refused", wordings.refuse), method="POST"),
    Page(
        path=AT + "/{template}/withdraw", right=Right.WRITE_MESSAGES, show=_ending("withdrawn", wordings.withdraw),
        method="POST",
    ),
)  # fmt: skip
