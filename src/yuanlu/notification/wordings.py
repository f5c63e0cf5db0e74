"""People's own words in the place of the program's: proposed by one person, approved by another, then used.

A wording belongs to one template of the program, which says to whom it goes and when. Its version is above those of the
program and rises; words that were approved never change. `back` gives the program's own words their place again.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.causes.cause import Words
from yuanlu.notification.messages.known import template_named
from yuanlu.notification.templates import BUILT_IN_VERSION_MAX, Template, TemplateError

KEPT_MAX = 128
"""Templates made of wordings that are remembered: more than there are in force."""


class WordingState(StrEnum):
    """Where a wording stands."""

    PROPOSED = "PROPOSED"
    """One person wants it; a second one decides."""
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"
    """Whoever proposed it does not want it any more."""


_S = WordingState

WORDING_STEPS: dict[WordingState, frozenset[WordingState]] = {
    _S.PROPOSED: frozenset({_S.APPROVED, _S.REFUSED, _S.WITHDRAWN}),
    _S.APPROVED: frozenset(),
    _S.REFUSED: frozenset(),
    _S.WITHDRAWN: frozenset(),
}
"""From each state, those that may follow. The database holds the same (trigger `notification_wordings_transition`)."""

WORDING_FACTS = {
    _S.PROPOSED: "WORDING_PROPOSED",
    _S.APPROVED: "WORDING_APPROVED",
    _S.REFUSED: "WORDING_REFUSED",
    _S.WITHDRAWN: "WORDING_WITHDRAWN",
}
"""The kind of the fact by which a wording comes into each state."""


class Wording(Struct, frozen=True, kw_only=True):
    """One wording of the template `name`; `back` has no words. `explanation` is why it was refused or withdrawn."""

    name: str
    version: int
    back: bool
    title: Words
    text: Words
    reason: str
    state: WordingState
    maker: str
    checker: str = ""
    explanation: str = ""
    proposed_at_us: int
    decided_at_us: int | None = None

    @property
    def key(self) -> str:
        """As it is kept with a message."""
        return f"{self.name}@{self.version}"


def next_version(versions: Sequence[int]) -> int:
    """The version of the next wording of a template that had these."""
    return max((BUILT_IN_VERSION_MAX, *versions)) + 1


@lru_cache(KEPT_MAX)
def template_of(wording: Wording) -> Template:
    """The program's template with these words. Raises TemplateError when this program cannot use them: it was made for
    another one, whose templates or rules were others.
    """
    own = template_named(wording.name)
    if own is None or wording.back:
        raise TemplateError(f"{wording.key}: these are no words for a template of this program")
    return replace(own, version=wording.version, title=wording.title, text=wording.text)
