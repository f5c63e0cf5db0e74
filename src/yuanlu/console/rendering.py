"""Templates and what they may call: words, amounts, times, positions. One formatter for each kind of value."""

from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from yuanlu.access.roles import Right, Role
from yuanlu.cases.records import Words as CaseWords
from yuanlu.causes.cause import Words
from yuanlu.causes.taxonomy import CAUSES
from yuanlu.console.asked import Asked
from yuanlu.flow.declaring import cause_of, scope_words
from yuanlu.incidents.records import Incident
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.money import Money
from yuanlu.people.figures import WHOLE, amount_text, minor_text, when_text, with_symbols
from yuanlu.people.notes.reading import in_words
from yuanlu.people.notes.values import of_name, of_way
from yuanlu.people.positions import Position, position_of
from yuanlu.people.words import CHINESE, ROLE_WORDS, case_word, kind_word, word

FOLDER = Path(__file__).parent
_TITLES = {cause.code: cause.title for cause in CAUSES}


def environment(brand: str) -> Environment:
    """The templates of `console/templates`. What they leave undefined is an error, never an empty place."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {"_": _say, "brand": brand, "Right": Right, "position_of": position_of, "static": static_address}
    made.filters |= {
        "money": amount_text, "minor": minor_text, "when": when_text, "clock": clock_text, "said": _said,
        "plain": plain_text, "word": _word, "case_word": _case_word, "left": _left, "role": _role,
        "kind": _kind, "note": _note, "amounts": with_symbols, "who": _who, "way": _way,
        "cause": _cause,
        "incident_title": _incident_title, "position": _position,
    }  # fmt: skip
    return made


def plain_text(amount: Money) -> str:
    """1280.00, as a form takes it."""
    if amount.currency in WHOLE:
        return str(amount.minor)
    return f"{amount.minor // 100}.{amount.minor % 100:02}"


def clock_text(at_us: int) -> str:
    """The time of day alone, in Beijing."""
    return f"{local_time(at_us):%H:%M:%S}"


def when_machine(at_us: int) -> str:
    """For <time datetime>: ISO 8601 with the zone."""
    at: datetime = local_time(at_us)
    return at.isoformat(timespec="seconds")


def static_address(name: str) -> str:
    """Where a file of `console/static` is; its size and time make it a new address when it changes."""
    found = (FOLDER / "static" / name).stat()
    return f"/static/{name}?v={found.st_mtime_ns:x}{found.st_size:x}"


def _asked(context: Context) -> Asked:
    asked: Asked = context["asked"]
    return asked


@pass_context
def _say(context: Context, message: str, **values: Any) -> str:
    return _asked(context).say(message, **values)


@pass_context
def _said(context: Context, words: Words | CaseWords) -> str:
    return with_symbols(words.zh if _asked(context).language == CHINESE else words.en)


@pass_context
def _word(context: Context, kind: str) -> str:
    return word(kind, _asked(context).language)


@pass_context
def _case_word(context: Context, name: str) -> str:
    return case_word(name, _asked(context).language)


@pass_context
def _kind(context: Context, kind: str) -> str:
    return kind_word(kind, _asked(context).language)


@pass_context
def _note(context: Context, note: str, kind: str = "") -> str:
    """A note of a fact of this kind, or a reason; see `people.notes.reading`."""
    return with_symbols(in_words(note, _asked(context).language, kind))


@pass_context
def _who(context: Context, name: str) -> str:
    """Who did it; what acts and is no person has a name in each language."""
    return of_name(name) if _asked(context).language == CHINESE else name


@pass_context
def _way(context: Context, via: str) -> str:
    return of_way(via) if _asked(context).language == CHINESE else via


@pass_context
def _cause(context: Context, code: str) -> str:
    title = _TITLES.get(code)
    return code if title is None else _said(context, title)


@pass_context
def _incident_title(context: Context, incident: Incident) -> str:
    return f"{_said(context, cause_of(incident.kind).title)} · {_said(context, scope_words(incident.scope))}"


@pass_context
def _role(context: Context, role: Role) -> str:
    return ROLE_WORDS[role][0 if _asked(context).language == CHINESE else 1]


@pass_context
def _left(context: Context, until_us: int) -> str:
    """How long until then, 00:12:40, or how long it is late."""
    asked = _asked(context)
    seconds = abs(until_us - asked.now_us) // 1_000_000
    hours, rest = divmod(seconds, 3600)
    days, hours_of_day = divmod(hours, 24)
    time = asked.say("{days} d {hours} h", days=days, hours=hours_of_day) if days else (
        f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    )  # fmt: skip
    return asked.say("{time} left", time=time) if until_us > asked.now_us else asked.say("{time} late", time=time)


@pass_context
def _position(context: Context, position: Position) -> Markup:
    """Icon and words of a money position; the words carry the meaning, the picture is beside them."""
    text = position.zh if _asked(context).language == CHINESE else position.en
    return Markup(
        '<span class="position {}"><svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>{}</span>'
    ).format(position.key, static_address("icons.svg"), position.icon, text)
