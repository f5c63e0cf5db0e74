"""What a message says: a template is a value, with its version, both languages, and its limits.

A template is checked when it is made, with the longest values that can occur, and each text again when it is
rendered. An SMS holds 70 characters of UCS-2 with its signature; a longer one is charged in parts of 67 (3GPP TS
23.038, 23.040). Ours in Chinese is one part, in English at most three. What a cardholder reads never holds a link, a
telephone number or a card number: forged messages do, and who was told to expect none is safe from them.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from string import Formatter

from msgspec import Struct

from yuanlu.causes.cause import Words
from yuanlu.kernel.card_numbers import has_card_number, without_card_numbers
from yuanlu.kernel.errors import YuanluError
from yuanlu.notices import BRAND_CHARACTERS_MAX, Event

SMS_CHARACTERS_MAX, SMS_PART_CHARACTERS = 70, 67
SIGNATURE = "brand"
"""The variable that a provider of SMS fills itself, by what is registered there."""
SMS_PARTS_MAX = {"zh": 1, "en": 3}
TEXT_CHARACTERS_MAX = 1_000
TITLE_CHARACTERS_MAX = 120
VALUE_CHARACTERS_MAX = 240
BUILT_IN_VERSION_MAX = 100
"""Versions up to here are the program's own words; above are people's (`notification.wordings`)."""

LINK = re.compile(r"://|www\.|[a-z0-9]\.(?:cn|com|net|org|top|xyz|vip|cc|me|io|link)\b", re.IGNORECASE)
TELEPHONE = re.compile(r"(?:[0-9][ ()-]?){7,}|(?<![0-9])(?:400|800|95)[ -]?[0-9]{3,}")
"""Seven digits in a row, as they are written, and the service numbers that banks use."""
OUR_OWN = frozenset({"amount", "extra", "card", "time", "by", "ref"})
"""Values that we make ourselves, of digits that fall as they may: a case ending in 95588 is no number to call."""

LONGEST = {
    "zh": {
        "brand": "商" * BRAND_CHARACTERS_MAX, "card": "尾号1451的卡", "shop": "商户", "amount": "¥9,999,999.99",
        "extra": "¥9,999.99", "time": "12月31日23:59", "by": "12月31日18:00", "ref": "凭证000123",
    },
    "en": {
        "brand": "商" * BRAND_CHARACTERS_MAX, "card": "card 1451", "shop": "the shop", "amount": "¥9,999,999.99",
        "extra": "¥9,999.99", "time": "31 Dec 23:59", "by": "31 Dec 18:00", "ref": "voucher 000123",
    },
}  # fmt: skip
"""The longest real values of what an SMS may say; a shop's name gives way to these where there is no room."""

LONG = {
    name: "文" * length
    for name, length in {
        "case": 17, "title": 40, "level": 8, "merchant": 40, "why": 200, "cause": 40, "place": 40, "incident": 20,
        "count": 6, "terminals": 6, "money": 60, "open": 6, "terminal": 8, "rrn": 12, "state": 20, "todo": 200,
    }.items()
}  # fmt: skip
"""How long the values of other messages can be."""


class TemplateError(YuanluError):
    """A template or a text that must not be used; it says which, and why."""


class Rule(StrEnum):
    """What a text may break."""

    LENGTH = "length"
    CARD_NUMBER = "card number"
    SMS = "sms"
    LINK = "link"
    TELEPHONE = "telephone"


RULE_SENTENCES = {
    Rule.LENGTH: "{n} characters, at most {most}",
    Rule.CARD_NUMBER: "this looks like a full card number",
    Rule.SMS: "{n} characters are too many for an SMS",
    Rule.LINK: "no links in what a cardholder reads",
    Rule.TELEPHONE: "no telephone numbers in what a cardholder reads",
}


class Breach(Struct, frozen=True, kw_only=True):
    """A rule that a text breaks; `n` characters where `most` are allowed, 0 where nothing is counted."""

    rule: Rule
    n: int = 0
    most: int = 0

    def __str__(self) -> str:
        return RULE_SENTENCES[self.rule].format(n=self.n, most=self.most)


class Audience(StrEnum):
    """Whose words they are."""

    CARDHOLDER = "cardholder"
    MERCHANT = "merchant"
    SUPPORT = "support"


class Template(Struct, frozen=True, kw_only=True):
    """One thing to say to one audience. `version` rises with every change of its words."""

    event: Event
    audience: Audience
    version: int
    title: Words
    text: Words
    urgent: bool = False
    """Whether it is sent in quiet hours, too."""
    useful_hours: int = 0
    """After so long it is better not said any more; 0: as long as it is tried."""

    def __post_init__(self) -> None:
        for language in ("zh", "en"):
            self.render(language, longest(language))

    @property
    def name(self) -> str:
        """As people and providers call it: `outcome_unknown`; for other audiences `case_escalated.support`."""
        short = self.event.name.lower()
        return short if self.audience is Audience.CARDHOLDER else f"{short}.{self.audience.value}"

    @property
    def key(self) -> str:
        """With the version, as it is kept with a message."""
        return f"{self.name}@{self.version}"

    @property
    def registered(self) -> str:
        """The name by which settings map it to what a provider has registered."""
        return registered_name(self.key)

    def variables(self, language: str) -> tuple[str, ...]:
        """The names that it uses, in the order of their first appearance."""
        return variables_of(said(self.text, language))

    def render(self, language: str, values: Mapping[str, str]) -> "Rendered":
        """Title and text. Raises TemplateError for a value that is missing, and for what must not be sent."""
        title, text = (self._filled(said(words, language), values) for words in (self.title, self.text))
        refuse(self.name, self.audience, language, text, self._filled(said(self.text, language), theirs(values)))
        if len(title) > TITLE_CHARACTERS_MAX:
            title = title[: TITLE_CHARACTERS_MAX - 1] + "…"
        used = {name: one_line(values[name]) for name in self.variables(language) if name != SIGNATURE}
        return Rendered(title=title, text=text, values=used)

    def _filled(self, words: str, values: Mapping[str, str]) -> str:
        try:
            return words.format_map({name: one_line(value) for name, value in values.items()})
        except (KeyError, IndexError, ValueError) as error:
            raise TemplateError(f"{self.name}: a value is missing or wrong ({error})") from None


class Rendered(Struct, frozen=True, kw_only=True):
    """What somebody will read, and the values by which a provider renders the same after its signature."""

    title: str
    text: str
    values: dict[str, str]


def longest(language: str) -> dict[str, str]:
    """The longest values that can occur."""
    return LONG | LONGEST[language]


def said(words: Words, language: str) -> str:
    """The words in one language."""
    return words.zh if language == "zh" else words.en


def one_line(value: str) -> str:
    """Without line breaks, what cannot be seen, and card numbers, and not endless: people wrote it, perhaps."""
    plain = without_card_numbers(" ".join("".join(c if c.isprintable() else " " for c in value).split()))
    return plain if len(plain) <= VALUE_CHARACTERS_MAX else plain[: VALUE_CHARACTERS_MAX - 1] + "…"


def characters(text: str) -> int:
    """Its length as an SMS counts it: units of UCS-2."""
    return len(text.encode("utf-16-be")) // 2


def parts(text: str) -> int:
    """How many SMS it is."""
    length = characters(text)
    return 1 if length <= SMS_CHARACTERS_MAX else -(-length // SMS_PART_CHARACTERS)


def characters_max(language: str) -> int:
    """How long an SMS in this language may be, in units of UCS-2."""
    return SMS_CHARACTERS_MAX if SMS_PARTS_MAX[language] == 1 else SMS_PARTS_MAX[language] * SMS_PART_CHARACTERS


def variables_of(words: str) -> tuple[str, ...]:
    """The names in braces, in the order of their first appearance."""
    return tuple(dict.fromkeys(name for _, name, _, _ in Formatter().parse(words) if name))


def registered_name(key: str) -> str:
    """How settings and providers call the template of this key: the program's own by its name, people's own by its
    version, too, so that a provider is never given values for words that it has not registered.
    """
    name, _, version = key.partition("@")
    return key if version.isdecimal() and int(version) > BUILT_IN_VERSION_MAX else name


def theirs(values: Mapping[str, str]) -> dict[str, str]:
    """The values that somebody else wrote; ours say nothing."""
    return {name: "…" if name in OUR_OWN else value for name, value in values.items()}


def refuse(name: str, audience: Audience, language: str, text: str, written: str) -> None:
    """Raise TemplateError unless this text may be sent to this audience; `written` is what people wrote of it."""
    for breach in breaches(audience, language, text, written):
        raise TemplateError(f"{name}.{language}: {breach}")


def breaches(audience: Audience, language: str, text: str, written: str) -> Iterator[Breach]:
    """Every rule that forbids this text for this audience."""
    if len(text) > TEXT_CHARACTERS_MAX:
        yield Breach(rule=Rule.LENGTH, n=len(text), most=TEXT_CHARACTERS_MAX)
    if has_card_number(text):
        yield Breach(rule=Rule.CARD_NUMBER)
    if audience is not Audience.CARDHOLDER:
        return
    if parts(text) > SMS_PARTS_MAX[language]:
        yield Breach(rule=Rule.SMS, n=characters(text), most=characters_max(language))
    if LINK.search(text):
        yield Breach(rule=Rule.LINK)
    if TELEPHONE.search(written):
        yield Breach(rule=Rule.TELEPHONE)
