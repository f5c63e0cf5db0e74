"""What a draft of people's own words must keep to: every rule that it breaks, not only the first. Pure.

The rules are those of `notification.templates`, with the longest values that can occur, and more: a draft is typed into
a form. They also look at the draft with each character in its plain form (NFKC), since a number to call may be written
in wide digits.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from yuanlu.causes.cause import Words
from yuanlu.notification.messages.known import offered
from yuanlu.notification.templates import (
    SIGNATURE,
    TITLE_CHARACTERS_MAX,
    Audience,
    Breach,
    Rule,
    Template,
    breaches,
    longest,
    one_line,
    said,
    theirs,
    variables_of,
)

TRUTH = ("amount", "extra", "card", "ref", "case", "incident")
"""What a message may not leave out where the program says it: how much money, whose, and by what number to ask."""
COUNTED = frozenset({Rule.SMS, Rule.LENGTH})
"""Rules about the length of a text; a title has its own, and the plain form of characters may be longer."""
SIGNED = {"zh": "【{brand}】", "en": "[{brand}] "}
"""How an SMS begins; a provider puts it there itself."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_FIELD = re.compile(r"\{([a-z_]+)\}")


class DraftRule(StrEnum):
    """What a draft alone may break."""

    MISSING = "missing"
    TITLE_LENGTH = "title length"
    BRACES = "braces"
    UNKNOWN = "unknown"
    LEFT_OUT = "left out"
    UNLIKE = "unlike"
    SIGNATURE = "signature"
    LANGUAGE = "language"


class Flaw(Struct, frozen=True, kw_only=True):
    """A rule that the words of one language break. `names` are the variables concerned."""

    rule: DraftRule | Rule
    language: str
    names: tuple[str, ...] = ()
    n: int = 0
    most: int = 0


class Draft(Struct, frozen=True, kw_only=True):
    """What somebody typed, as it would be kept: see `tidy`."""

    title: Words
    text: Words


def tidy(typed: str) -> str:
    """As one line, without what cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in typed).split())


def flaws(template: Template, draft: Draft) -> list[Flaw]:
    """Every rule of this template that the draft breaks; none: it may be proposed."""
    found = (flaw for language in ("zh", "en") for flaw in _of_language(template, draft, language))
    return list(dict.fromkeys(found))


def filled(words: str, values: Mapping[str, str]) -> str | None:
    """The words with these values; None when they cannot be filled in."""
    if _braces_wrong(words) or not set(variables_of(words)) <= set(values):
        return None
    return words.format_map({name: one_line(value) for name, value in values.items()})


def _of_language(template: Template, draft: Draft, language: str) -> Iterator[Flaw]:
    title, text = said(draft.title, language), said(draft.text, language)
    if not title or not text:
        yield Flaw(rule=DraftRule.MISSING, language=language)
        return
    if _braces_wrong(title) or _braces_wrong(text):
        yield Flaw(rule=DraftRule.BRACES, language=language)
        return
    if len(title) > TITLE_CHARACTERS_MAX:
        yield Flaw(rule=DraftRule.TITLE_LENGTH, language=language, n=len(title), most=TITLE_CHARACTERS_MAX)
    if _is_foreign(title, language) or _is_foreign(text, language):
        yield Flaw(rule=DraftRule.LANGUAGE, language=language)
    yield from _of_variables(template, draft, language)
    yield from _of_text(template.audience, text, language)
    for other in (title, unicodedata.normalize("NFKC", title), unicodedata.normalize("NFKC", text)):
        yield from (each for each in _of_text(template.audience, other, language) if each.rule not in COUNTED)


def _braces_wrong(words: str) -> bool:
    """Whether braces stand for anything but a variable: no format, no attribute, no brace of its own."""
    bare = _FIELD.sub("", words)
    return "{" in bare or "}" in bare


def _is_foreign(words: str, language: str) -> bool:
    """Whether these are words of the other language; between variables there may be none at all."""
    bare = _FIELD.sub("", words)
    chinese = bool(_CHINESE.search(bare))
    return chinese if language == "en" else not chinese and bool(_LATIN.search(bare))


def _of_variables(template: Template, draft: Draft, language: str) -> Iterator[Flaw]:
    title, text = said(draft.title, language), said(draft.text, language)
    used, known = set(variables_of(text)), offered(template)
    unknown = tuple(name for name in variables_of(title + text) if name not in known)
    if unknown:
        yield Flaw(rule=DraftRule.UNKNOWN, language=language, names=unknown)
    left_out = tuple(name for name in TRUTH if name in template.variables(language) and name not in used)
    if left_out:
        yield Flaw(rule=DraftRule.LEFT_OUT, language=language, names=left_out)
    other = said(draft.text, "en" if language == "zh" else "zh")
    others = () if _braces_wrong(other) else variables_of(other)
    unlike = tuple(name for name in others if name not in (*used, *left_out, SIGNATURE))
    if unlike:
        yield Flaw(rule=DraftRule.UNLIKE, language=language, names=unlike)
    if template.audience is Audience.CARDHOLDER and not _signed(title, text, language):
        yield Flaw(rule=DraftRule.SIGNATURE, language=language)


def _signed(title: str, text: str, language: str) -> bool:
    """Whether it is signed as a provider signs: at the beginning, and nowhere else."""
    unsigned = title + text.removeprefix(SIGNED[language])
    return text.startswith(SIGNED[language]) and SIGNATURE not in variables_of(unsigned)


def _of_text(audience: Audience, words: str, language: str) -> Iterator[Flaw]:
    values = longest(language)
    whole, written = filled(words, values), filled(words, theirs(values))
    if whole is None or written is None:
        return  # a variable that nobody knows is a flaw of its own
    for each in breaches(audience, language, whole, written):
        yield _flaw(each, language)


def _flaw(breach: Breach, language: str) -> Flaw:
    return Flaw(rule=breach.rule, language=language, n=breach.n, most=breach.most)
