"""Opening a case: in the opener's own commit, so that trouble and its case are durable together.

One transaction has one open case. So the opener reads the latest case of the transaction first (`store.find_case_of`)
and hands it in: an open one takes the new knowledge as another line, a closed one is opened again, none begins one.
If somebody opens one between the reading and the commit, the commit conflicts; read again, then, and build again.

    before = await journal.read(lambda c: find_case_of(c, transaction_id))
    opened = open_case(opening, before, number=case_number(now_us, random_bits), terms=terms, now_us=now_us)
    await journal.commit([*facts, *opened.facts], [*changes, *opened.changes])

A fact that announces a sending must stay the last of its unit: the permit belongs to it.
"""

from collections.abc import Callable

from msgspec.structs import replace

from yuanlu.cases.people import GATEWAY, Actor
from yuanlu.cases.records import PRIORITIES, Case, EventKind, Opening
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState
from yuanlu.cases.writing import Entry, Written, begun, watched, with_deadline, written
from yuanlu.contracts import ServiceLevel
from yuanlu.kernel.card_numbers import without_card_numbers
from yuanlu.kernel.clock import local_time

NUMBER_BITS = 40


def case_number(now_us: int, random_bits: Callable[[int], int]) -> str:
    """A number that people can read out: `C261123-48301926`, the day in Beijing and eight digits.

    The digits are random, since several processes open cases; two that are alike conflict, and the second try is
    another.
    """
    return f"C{local_time(now_us):%y%m%d}-{random_bits(NUMBER_BITS) % 10**8:08}"


def open_case(
    opening: Opening,
    before: Case | None,
    *,
    number: str,
    terms: ServiceLevel,
    now_us: int,
    who: Actor = GATEWAY,
) -> Written:
    """The rows and facts by which `opening` has its case. `before` is the latest of the same transaction or incident;
    `number` is used only when there was none.
    """
    if before is None:
        return _begin(opening, number, terms, now_us, who)
    text = _words(opening)
    priority = min(before.priority, PRIORITIES[opening.severity])
    if before.state is CaseState.CLOSED:
        after = replace(opened_again(before, terms, opening.since_us), priority=priority)
        entry = Entry(kind=EventKind.REOPENED, text=text)
        return written(before, after, who, [entry], now_us, last=watched(after, None, terms, now_us))
    return written(before, replace(before, priority=priority), who, [Entry(kind=EventKind.JOINED, text=text)], now_us)


def _begin(opening: Opening, number: str, terms: ServiceLevel, now_us: int, who: Actor) -> Written:
    case = Case(
        case_id=number,
        transaction_id=opening.transaction_id,
        incident=opening.incident,
        merchant_id=opening.merchant_id,
        terminal_id=opening.terminal_id,
        acquirer=opening.acquirer,
        amount=opening.amount,
        title=opening.title,
        cause=opening.cause,
        severity=opening.severity,
        explanation=opening.explanation,
        evidence=tuple(without_card_numbers(line) for line in opening.evidence),
        is_complex=opening.is_complex,
        may_send_again=opening.may_send_again,
        queue=opening.queue,
        state=CaseState.IN_HAND if opening.owner else CaseState.OPEN,
        level=Level.L1,
        priority=PRIORITIES[opening.severity],
        owner=opening.owner,
        ticket="",
        since_us=opening.since_us,
        deadline_at_us=0,
        snoozed_at_us=0,
        snoozed_until_us=0,
        slept_us=0,
        opened_at_us=now_us,
        changed_at_us=now_us,
        closed_at_us=None,
        outcome="",
        person_needed=None,
        version=1,
    )
    return begun(with_deadline(case, terms), who, Entry(kind=EventKind.OPENED, text=_words(opening)), terms)


def opened_again(before: Case, terms: ServiceLevel, since_us: int) -> Case:
    """A closed case as it is opened again: at the first level, nobody's, with all its time."""
    after = replace(
        before, state=CaseState.OPEN, level=Level.L1, owner="", ticket="", since_us=since_us, slept_us=0,
        snoozed_at_us=0, snoozed_until_us=0, closed_at_us=None, outcome="", person_needed=None,
    )  # fmt: skip
    return with_deadline(after, terms)


def _words(opening: Opening) -> str:
    """Kind of trouble and explanation, as the timeline keeps them."""
    return f"{opening.cause}: {opening.explanation.zh} / {opening.explanation.en}"
