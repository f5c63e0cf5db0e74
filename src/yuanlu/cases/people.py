"""Who acts. No action is anonymous, and maker and checker are two people.

A name counts without regard to case and width: `Li`, `li` and `ｌｉ` are one person.
"""

import unicodedata

from msgspec import Struct

from yuanlu.cases.errors import CaseError

NAME_CHARACTERS_MAX = 64


class Actor(Struct, frozen=True, kw_only=True):
    """Who does something, and by what way: `name` is the person's, `via` says for example `cli/deploy`."""

    name: str
    via: str = ""


GATEWAY = Actor(name="gateway", via="gateway")
"""The machine itself. No person goes by its name."""


def person(name: str, via: str = "") -> Actor:
    """A person as actor; CaseError for no name, or one that is too long or the machine's."""
    plain = tidy_name(name)
    if not plain:
        raise CaseError("say who you are: no action is anonymous (--as NAME or YUANLU_USER)")
    if len(plain) > NAME_CHARACTERS_MAX or not plain.isprintable():
        raise CaseError(f"a name has at most {NAME_CHARACTERS_MAX} printable characters")
    if same_person(plain, GATEWAY.name):
        raise CaseError(f'"{GATEWAY.name}" is the machine itself; give your own name')
    return Actor(name=plain, via=via)


def tidy_name(name: str) -> str:
    """One way of writing a name: one width of characters, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", name).split())


def same_person(one: str, other: str) -> bool:
    """Whether two names mean one person."""
    return tidy_name(one).casefold() == tidy_name(other).casefold()
