"""How an action is written: its facts, the case as it stands after it, the timeline, and when time looks again.

A case's facts have the case itself as subject, and its version counts them. So the fact's key and the case's version
are the same compare-and-set: of two people who act on the same version at once, one is told to look again.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.cases.ladder import Rest, deadline_us, due
from yuanlu.cases.people import Actor
from yuanlu.cases.records import Case, Decision, Event, EventKind
from yuanlu.cases.store import insert_case, insert_event, update_case
from yuanlu.cases.texts import TEXT_CHARACTERS_MAX
from yuanlu.contracts import ServiceLevel
from yuanlu.journal import tasks
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.card_numbers import without_card_numbers

TASK_KIND, LANE = "case", "cases"


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that happened to a case: a fact, and a line of its timeline."""

    kind: EventKind
    text: str


class Written(Struct, frozen=True, kw_only=True):
    """What to commit, all or nothing, and the case as it then stands.

    Put the changes behind your own: the money is settled before its case is closed.
    """

    case: Case
    facts: tuple[Fact, ...]
    changes: tuple[Change, ...]


def begun(case: Case, who: Actor, entry: Entry, terms: ServiceLevel) -> Written:
    """A new case, its first fact, and the task that watches over its times."""
    fact, line = _said(case, who, entry, case.version, case.opened_at_us)
    return Written(
        case=case,
        facts=(fact,),
        changes=(insert_case(case), line, *watched(case, None, terms, case.opened_at_us)),
    )


def written(
    before: Case,
    after: Case,
    who: Actor,
    entries: Sequence[Entry],
    now_us: int,
    *,
    first: Sequence[Change] = (),
    last: Sequence[Change] = (),
) -> Written:
    """The case from `before` to `after`. What must be there before the case changes stands in `first`."""
    after = replace(after, version=before.version + len(entries), changed_at_us=now_us)
    said = [_said(after, who, entry, before.version + n, now_us) for n, entry in enumerate(entries, 1)]
    return Written(
        case=after,
        facts=tuple(fact for fact, _ in said),
        changes=(*first, update_case(after, before.version), *(line for _, line in said), *last),
    )


def _said(case: Case, who: Actor, entry: Entry, version: int, now_us: int) -> tuple[Fact, Change]:
    fact = Fact(
        merchant_id=case.merchant_id,
        subject_id=case.case_id,
        version=version,
        kind=entry.kind.fact,
        at_us=now_us,
        terminal_id=case.terminal_id,
        note=f"{who.name}: {entry.text}",
    )
    line = Event(
        case_id=case.case_id, version=version, subject_id=case.case_id, at_us=now_us, kind=entry.kind, who=who.name,
        via=who.via, text=entry.text,
    )  # fmt: skip
    return fact, insert_event(line)


def turned_away(case: Case, who: Actor, text: str, subject_id: str, now_us: int) -> Written:
    """An action that was refused: the case itself does not move."""
    text = without_card_numbers(text)[:TEXT_CHARACTERS_MAX]
    return beside(case, who, Entry(kind=EventKind.REFUSED, text=text), subject_id, now_us)


def beside(case: Case, who: Actor, entry: Entry, subject_id: str, now_us: int) -> Written:
    """Something about a case that does not change it, as a fact under its own new `subject_id`."""
    fact = Fact(
        merchant_id=case.merchant_id,
        subject_id=subject_id,
        version=1,
        kind=entry.kind.fact,
        at_us=now_us,
        terminal_id=case.terminal_id,
        note=f"{case.case_id}: {who.name}: {entry.text}",
    )
    line = Event(
        case_id=case.case_id, version=case.version, subject_id=subject_id, at_us=now_us, kind=entry.kind,
        who=who.name, via=who.via, text=entry.text,
    )  # fmt: skip
    return Written(case=case, facts=(fact,), changes=(insert_event(line),))


def watched(case: Case, decision: Decision | None, terms: ServiceLevel, now_us: int) -> tuple[Change, ...]:
    """The task that looks at the case again when time demands something of it; for actions that move its times."""
    step = due(case, decision, terms, now_us)
    until_us = step.until_us if isinstance(step, Rest) else now_us
    return () if until_us is None else (tasks.put(TASK_KIND, case.case_id, LANE, until_us),)


def with_deadline(case: Case, terms: ServiceLevel) -> Case:
    """The case with the deadline of its level."""
    return replace(case, deadline_at_us=deadline_us(case.level, case.since_us, case.slept_us, terms))
