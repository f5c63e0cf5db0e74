"""People's own words for messages: proposed by one person, decided by another, used by the gateway from then on."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.cases.people import Actor, same_person
from yuanlu.causes.cause import Words
from yuanlu.journal.unit import Change, Conflict, Fact
from yuanlu.journal.visiting import Visitor, visit
from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import YuanluError
from yuanlu.notification.messages.known import template_named
from yuanlu.notification.templates import Template, TemplateError
from yuanlu.notification.wording_rules import Draft, flaws
from yuanlu.notification.wording_store import decide_wording, find_in_use, find_wording, insert_wording, wordings_of
from yuanlu.notification.wordings import WORDING_FACTS, Wording, WordingState, next_version, template_of
from yuanlu.people.database import on_database
from yuanlu.settings import Settings

NOTHING = Words(zh="", en="")
PROPOSED_FACT, DECIDED_FACT = 1, 2
"""The versions of a wording's two facts: proposed, and decided about."""


class WordingError(YuanluError):
    """What was asked of a wording is not possible; the text says why, and nothing was done."""


class Proposal(Struct, frozen=True, kw_only=True):
    """What somebody wants to be said by the template `name`; no draft: the program's own words again."""

    name: str
    draft: Draft | None
    reason: str


@on_database
def propose(settings: Settings, wanted: Proposal, who: Actor) -> Wording:
    """Wait for a second person. Raises WordingError for a draft that breaks a rule, and while another one waits."""
    own = template_named(wanted.name)
    if own is None:
        raise WordingError(f'"{wanted.name}" is no template')
    if wanted.draft is not None and flaws(own, wanted.draft):
        raise WordingError("the words break a rule; nothing was proposed")
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        with visitor.reading() as connection:
            before = wordings_of(connection, wanted.name)
            used = find_in_use(connection, wanted.name)
        _refuse_useless(own, wanted.draft, used)
        made = _proposed(wanted, before, who, clock.wall_us())
        if isinstance(_commit(visitor, made, insert_wording(made), who), Conflict):
            raise WordingError(f"other words for {wanted.name} wait for a decision; one proposal at a time")
    return made


def _refuse_useless(own: Template, draft: Draft | None, used: Wording | None) -> None:
    """Nobody decides about what is said already."""
    said = own if used is None else used
    if (draft is None and used is None) or draft == Draft(title=said.title, text=said.text):
        raise WordingError("these words are said already")


def _proposed(wanted: Proposal, before: Sequence[Wording], who: Actor, now_us: int) -> Wording:
    draft = wanted.draft
    return Wording(
        name=wanted.name, version=next_version([each.version for each in before]), back=draft is None,
        title=NOTHING if draft is None else draft.title, text=NOTHING if draft is None else draft.text,
        reason=wanted.reason, state=WordingState.PROPOSED, maker=who.name, proposed_at_us=now_us,
    )  # fmt: skip


@on_database
def approve(settings: Settings, name: str, version: int, who: Actor) -> Wording:
    """The second person's yes: the gateway says these words from now on. Raises WordingError."""
    return _decided(settings, name, version, WordingState.APPROVED, who, "")


@on_database
def refuse(settings: Settings, name: str, version: int, why: str, who: Actor) -> Wording:
    """The second person's no. Raises WordingError."""
    return _decided(settings, name, version, WordingState.REFUSED, who, why)


@on_database
def withdraw(settings: Settings, name: str, version: int, why: str, who: Actor) -> Wording:
    """Whoever proposed it does not want it any more. Raises WordingError."""
    return _decided(settings, name, version, WordingState.WITHDRAWN, who, why)


def _decided(settings: Settings, name: str, version: int, state: WordingState, who: Actor, why: str) -> Wording:
    clock = SystemClock()
    with visit(settings.store.url, settings.folder, clock) as visitor:
        with visitor.reading() as connection:
            before = _waiting(connection, name, version)
        _refuse_wrong_person(before, state, who)
        if state is WordingState.APPROVED:
            _refuse_unusable(before)
        checker = "" if state is WordingState.WITHDRAWN else who.name
        after = replace(before, state=state, checker=checker, explanation=why, decided_at_us=clock.wall_us())
        if isinstance(_commit(visitor, after, decide_wording(after), who), Conflict):
            raise WordingError(f"{before.key} changed meanwhile; nothing was done")
    return after


def _waiting(connection: Connection, name: str, version: int) -> Wording:
    found = find_wording(connection, name, version)
    if found is None or found.state is not WordingState.PROPOSED:
        raise WordingError(f"{name}@{version} waits for no decision; nothing was done")
    return found


def _refuse_wrong_person(wording: Wording, state: WordingState, who: Actor) -> None:
    own = same_person(wording.maker, who.name)
    if state is WordingState.WITHDRAWN and not own:
        raise WordingError(f"{wording.maker} proposed these words; only who proposed them withdraws them")
    if state is not WordingState.WITHDRAWN and own:
        raise WordingError(f"{wording.maker} proposed these words; a second person has to decide")


def _refuse_unusable(wording: Wording) -> None:
    """The program may have been replaced since they were proposed."""
    own = template_named(wording.name)
    if own is None or (not wording.back and flaws(own, Draft(title=wording.title, text=wording.text))):
        raise WordingError(f"{wording.key} breaks a rule of this program by now; propose other words")


def _commit(visitor: Visitor, wording: Wording, change: Change, who: Actor) -> Any:
    proposed = wording.state is WordingState.PROPOSED
    fact = Fact(
        merchant_id="",
        subject_id=wording.key,
        version=PROPOSED_FACT if proposed else DECIDED_FACT,
        kind=WORDING_FACTS[wording.state],
        at_us=wording.proposed_at_us if wording.decided_at_us is None else wording.decided_at_us,
        terminal_id="",
        note=f"{who.name}: {wording.reason if proposed else wording.explanation}",
    )
    return visitor.commit([fact], [change])


def template_used(own: Template, used: Wording | None) -> tuple[Template, bool]:
    """What a template of the program says now, given the wording in use, if there is one; and whether this program
    cannot use that, so that its own words are said.
    """
    if used is None:
        return own, False
    try:
        return template_of(used), False
    except TemplateError:
        return own, True
