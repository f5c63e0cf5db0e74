"""How words for messages are shown: with example values, their length, and what providers of SMS have of them."""

from collections.abc import Mapping

from msgspec import Struct

from yuanlu.console.asked import Asked
from yuanlu.console.texts import noted
from yuanlu.notices import ChannelSettings
from yuanlu.notification.composing import code_of
from yuanlu.notification.templates import (
    TEXT_CHARACTERS_MAX,
    Audience,
    Rendered,
    Rule,
    Template,
    characters,
    characters_max,
    longest,
    parts,
    said,
)
from yuanlu.notification.wording_rules import SIGNED, Draft, DraftRule, Flaw, filled
from yuanlu.people.message_words import EXAMPLES
from yuanlu.people.notifications import as_registered

LANGUAGES = {"zh": noted("Chinese"), "en": noted("English")}

FLAWS: Mapping[DraftRule | Rule, str] = {
    DraftRule.MISSING: noted("{which}: give a title and a text."),
    DraftRule.TITLE_LENGTH: noted("{which}: the title has {n} characters, at most {most}."),
    DraftRule.BRACES: noted("{which}: braces stand around the name of a variable only, as in the list."),
    DraftRule.UNKNOWN: noted("{which}: this message has no variable {names}."),
    DraftRule.LEFT_OUT: noted("{which}: {names} may not be left out."),
    DraftRule.UNLIKE: noted("{which}: {names} is said in the other language and not here."),
    DraftRule.SIGNATURE: noted("{which}: the text begins with the signature {signed}, and has it nowhere else."),
    DraftRule.LANGUAGE: noted("{which}: the words are not in this language."),
    Rule.LENGTH: noted("{which}: {n} characters with the longest values, at most {most}."),
    Rule.SMS: noted("{which}: {n} characters with the longest values; the SMS has room for {most}."),
    Rule.CARD_NUMBER: noted("{which}: this looks like a full card number."),
    Rule.LINK: noted("{which}: no links in what a cardholder reads."),
    Rule.TELEPHONE: noted("{which}: no telephone numbers in what a cardholder reads."),
}
"""What is said of each rule that a draft breaks."""


class Way(Struct, frozen=True, kw_only=True):
    """One channel by which a text goes: its kind, and its provider's code; "" for a missing one, None for none.
    `instead`: the program's own words have a code, and go out as long as these have none.
    """

    name: str
    kind: str
    code: str | None
    instead: bool


class Shown(Struct, frozen=True, kw_only=True):
    """Words in one language, with example values. `n` is their length in characters with the longest ones, `most` what
    is allowed. `mapped` is what settings call them.
    """

    language: str
    rendered: Rendered
    n: int
    most: int
    parts: int
    mapped: str
    ways: tuple[Way, ...]
    registered: tuple[str, str] | None

    @property
    def missing(self) -> bool:
        """Whether a provider could send neither these nor the program's own words."""
        return any(each.code == "" and not each.instead for each in self.ways)


class Preview(Struct, frozen=True, kw_only=True):
    """A draft in one language, with example values; no words where they cannot be filled in."""

    language: str
    title: str | None
    text: str | None
    n: int
    most: int
    parts: int


def shown(asked: Asked, template: Template, own: Template, names: tuple[str, ...]) -> tuple[Shown, ...]:
    """A template in both languages, for the channels of these names; `own` is the program's."""
    return tuple(_shown(asked, template, own, language, names) for language in LANGUAGES)


def _shown(asked: Asked, template: Template, own: Template, language: str, names: tuple[str, ...]) -> Shown:
    channels = asked.console.settings.notification.channels
    worst = template.render(language, longest(language)).text
    ways = tuple(_way(name, channels[name], template, own, language) for name in names)
    return Shown(
        language=language,
        rendered=template.render(language, examples_in(asked, language)),
        n=characters(worst),
        most=room(template.audience, language),
        parts=parts(worst),
        mapped=f"{template.registered}.{language}",
        ways=ways,
        registered=as_registered(template, language) if any(each.code is not None for each in ways) else None,
    )


def _way(name: str, channel: ChannelSettings, template: Template, own: Template, language: str) -> Way:
    instead = template != own and bool(code_of(channel, own, language))
    kind = str(channel.__struct_config__.tag)
    return Way(name=name, kind=kind, code=code_of(channel, template, language), instead=instead)


def room(audience: Audience, language: str) -> int:
    """How many characters a text may have with the longest values."""
    return characters_max(language) if audience is Audience.CARDHOLDER else TEXT_CHARACTERS_MAX


def previewed(asked: Asked, audience: Audience, draft: Draft) -> tuple[Preview, ...]:
    """A draft in both languages, whatever rules it breaks."""
    return tuple(_previewed(asked, audience, draft, language) for language in LANGUAGES)


def _previewed(asked: Asked, audience: Audience, draft: Draft, language: str) -> Preview:
    title, text = said(draft.title, language), said(draft.text, language)
    examples, worst = examples_in(asked, language), filled(text, longest(language)) or ""
    return Preview(
        language=language, title=filled(title, examples), text=filled(text, examples), n=characters(worst),
        most=room(audience, language), parts=parts(worst),
    )  # fmt: skip


def examples_in(asked: Asked, language: str) -> dict[str, str]:
    """What each variable may look like."""
    return EXAMPLES[language] | {"brand": asked.console.settings.notification.brand}


def sentence(asked: Asked, flaw: Flaw) -> str:
    """What is wrong, in the reader's language."""
    names = ", ".join(f"{{{name}}}" for name in flaw.names)
    which = asked.say(LANGUAGES[flaw.language])
    signed = SIGNED[flaw.language].strip()
    return asked.say(FLAWS[flaw.rule], which=which, names=names, signed=signed, n=flaw.n, most=flaw.most)
