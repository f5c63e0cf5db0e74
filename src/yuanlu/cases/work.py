"""What a person does with a case, and what the machine does in people's stead: pure builders.

Each gives the facts and changes of one unit, or raises CaseError saying why not. `acting` commits them.
"""

from msgspec.structs import replace

from yuanlu.cases.errors import CaseError
from yuanlu.cases.ladder import latest_waking_us
from yuanlu.cases.opening import opened_again
from yuanlu.cases.people import NAME_CHARACTERS_MAX, Actor, same_person, tidy_name
from yuanlu.cases.records import Case, Decision, EventKind, Outcome
from yuanlu.cases.service_levels import Level
from yuanlu.cases.states import CaseState
from yuanlu.cases.store import insert_attachment
from yuanlu.cases.tables import ATTACHMENT_BYTES_MAX
from yuanlu.cases.texts import text_of
from yuanlu.cases.writing import Entry, Written, watched, with_deadline, written
from yuanlu.contracts import ServiceLevel
from yuanlu.journal import tasks
from yuanlu.kernel.card_numbers import has_card_number
from yuanlu.kernel.clock import local_time

ATTACHMENTS_MAX = 20
FILE_NAME_CHARACTERS_MAX = 120
QUEUE_CHARACTERS_MAX = 40
SUPPORT_QUEUE = "support"
DIAGNOSTICS = "diagnostics.json"

AWAKE_STATES = (CaseState.OPEN, CaseState.IN_HAND, CaseState.SUPPORT)
MONEY_IN_THE_OPEN = frozenset({"SEND_INTENT", "UNKNOWN", "RETURNING", "ESCALATED", "REOPENED"})
"""States of a transaction in which its case stays open; the database holds the same (migration 0004)."""


def assign(case: Case, who: Actor, owner: str, now_us: int, queue: str = "") -> Written:
    """Give the case to a person, or back to the list with owner ""; and to another queue, if one is named.

    A case with technical support comes back by being assigned.
    """
    _refuse_unless(case, "be assigned", *AWAKE_STATES)
    owner, queue = tidy_name(owner), tidy_name(queue) or case.queue
    if len(owner) > NAME_CHARACTERS_MAX or len(queue) > QUEUE_CHARACTERS_MAX:
        raise CaseError("the name of the owner or of the queue is too long")
    if same_person(owner, case.owner) and queue == case.queue and case.state is not CaseState.SUPPORT:
        raise CaseError(f"{case.case_id} is {case.owner or 'nobody'}'s already")
    state = CaseState.IN_HAND if owner else CaseState.OPEN
    moved = f", {case.queue} → {queue}" if queue != case.queue else ""
    text = f"{case.owner or '-'} → {owner or '-'}{moved}"
    after = replace(case, state=state, owner=owner, queue=queue)
    return written(case, after, who, [Entry(kind=EventKind.ASSIGNED, text=text)], now_us)


def note(case: Case, who: Actor, text: str, now_us: int) -> Written:
    """A remark, also on a closed case."""
    entry = Entry(kind=EventKind.NOTE, text=text_of(text, "the note"))
    return written(case, case, who, [entry], now_us)


def attach(case: Case, who: Actor, name: str, content: bytes, attached: int, now_us: int) -> Written:
    """A file as evidence; `attached` files are there already. Also on a closed case."""
    _refuse_file(name, content)
    if attached >= ATTACHMENTS_MAX:
        raise CaseError(f"a case has at most {ATTACHMENTS_MAX} attachments")
    text = content.decode("utf-8", "ignore")
    if has_card_number(text) or has_card_number(name):
        raise CaseError(f"{name} holds a full card number; black it out first, card numbers are not kept")
    return _with_file(case, case, who, name, content, attached, now_us, EventKind.ATTACHED, name)


def _refuse_file(name: str, content: bytes) -> None:
    if not name or len(name) > FILE_NAME_CHARACTERS_MAX or not name.isprintable() or "/" in name or "\\" in name:
        raise CaseError(f"a file's name has 1 to {FILE_NAME_CHARACTERS_MAX} printable characters, and no path")
    if not content:
        raise CaseError(f"{name} is empty")
    if len(content) > ATTACHMENT_BYTES_MAX:
        raise CaseError(f"{name} has {len(content):,} bytes; at most {ATTACHMENT_BYTES_MAX:,} are kept")


def _with_file(
    before: Case, after: Case, who: Actor, name: str, content: bytes, attached: int, now_us: int, kind: EventKind,
    text: str,
) -> Written:  # fmt: skip
    file = insert_attachment(before.case_id, attached + 1, name, content, who.name, now_us)
    return written(before, after, who, [Entry(kind=kind, text=text)], now_us, last=[file])


def snooze(
    case: Case, decision: Decision | None, who: Actor, until_us: int, reason: str, terms: ServiceLevel, now_us: int
) -> Written:
    """Off the list until `until_us`. Refused past the manager's morning, and while a decision waits."""
    _refuse_unless(case, "be snoozed", CaseState.OPEN, CaseState.IN_HAND)
    _refuse_undecided(decision)
    reason = text_of(reason, "the reason to snooze")
    latest_us = latest_waking_us(case, terms, now_us)
    if not now_us < until_us <= latest_us:
        raise CaseError(f"it can sleep until {local_time(latest_us):%Y-%m-%d %H:%M} at most, and not into the past")
    entry = Entry(kind=EventKind.SNOOZED, text=f"{local_time(until_us):%Y-%m-%d %H:%M}: {reason}")
    after = replace(case, state=CaseState.SNOOZED, snoozed_at_us=now_us, snoozed_until_us=until_us)
    return written(case, after, who, [entry], now_us, last=watched(after, None, terms, now_us))


def wake(case: Case, who: Actor, terms: ServiceLevel, now_us: int) -> Written:
    """Back on the list; the lower levels' times move by what it slept."""
    _refuse_unless(case, "be woken", CaseState.SNOOZED)
    slept_us = case.slept_us + max(0, now_us - case.snoozed_at_us)
    state = CaseState.IN_HAND if case.owner else CaseState.OPEN
    after = replace(case, state=state, slept_us=slept_us, snoozed_at_us=0, snoozed_until_us=0)
    after = with_deadline(after, terms)
    entry = Entry(kind=EventKind.WOKEN, text=f"slept {(now_us - case.snoozed_at_us) // 60_000_000} min")
    return written(case, after, who, [entry], now_us, last=watched(after, None, terms, now_us))


def escalate(
    case: Case, decision: Decision | None, who: Actor, reason: str, terms: ServiceLevel, now_us: int
) -> Written:
    """To the next level; by a person with a reason, or by the clock. The owner stays."""
    _refuse_unless(case, "be escalated", *AWAKE_STATES)
    if case.level is Level.MANAGER:
        raise CaseError(f"{case.case_id} is the manager's already; there is nobody above")
    level = Level(case.level + 1)
    text = f"{case.level.name} → {level.name}: {text_of(reason, 'the reason to escalate')}"
    after = with_deadline(replace(case, level=level), terms)
    entry = Entry(kind=EventKind.ESCALATED, text=text)
    last = (*watched(after, decision, terms, now_us), tasks.tell("case", case.case_id, now_us))
    return written(case, after, who, [entry], now_us, last=last)


def hand_over(
    case: Case, decision: Decision | None, who: Actor, reason: str, diagnostics: bytes, attached: int, now_us: int
) -> Written:
    """To technical support, as a ticket with the diagnostic bundle. The deadlines go on."""
    _refuse_unless(case, "be handed over", CaseState.OPEN, CaseState.IN_HAND)
    _refuse_undecided(decision)
    reason = text_of(reason, "the reason to hand over")
    _refuse_file(DIAGNOSTICS, diagnostics)
    ticket = f"{case.case_id}-T{case.version}"
    after = replace(case, state=CaseState.SUPPORT, queue=SUPPORT_QUEUE, owner="", ticket=ticket)
    kind, text = EventKind.HANDED_OVER, f"{ticket}: {reason}"
    handed = _with_file(case, after, who, DIAGNOSTICS, diagnostics, attached, now_us, kind, text)
    return replace(handed, changes=(*handed.changes, tasks.tell("case", case.case_id, now_us)))


def reopen(case: Case, who: Actor, reason: str, terms: ServiceLevel, now_us: int) -> Written:
    """A closed case again, from the first level; its times start now."""
    _refuse_unless(case, "be opened again", CaseState.CLOSED)
    entry = Entry(kind=EventKind.REOPENED, text=text_of(reason, "the reason to open it again"))
    after = opened_again(case, terms, now_us)
    return written(case, after, who, [entry], now_us, last=watched(after, None, terms, now_us))


def close(
    case: Case, decision: Decision | None, money: str, who: Actor, outcome: Outcome, *, person_needed: bool,
    now_us: int, remark: str = "",
) -> Written:  # fmt: skip
    """The end, with an outcome and the answer to "was a person needed?". `money` is the transaction's state.

    Refused while the money is in the open or a decision waits.
    """
    _refuse_unless(case, "be closed", *AWAKE_STATES, CaseState.SNOOZED)
    _refuse_undecided(decision)
    if money in MONEY_IN_THE_OPEN:
        raise CaseError(f"the money is not settled yet ({money}); propose a decision, or wait for the machine")
    after, entry = closed(case, outcome, person_needed=person_needed, remark=remark, now_us=now_us)
    return written(case, after, who, [entry], now_us)


def closed(case: Case, outcome: Outcome, *, person_needed: bool, remark: str, now_us: int) -> tuple[Case, Entry]:
    """The case at its end, and the line that says so."""
    needed = "a person was needed" if person_needed else "no person was needed"
    said = f"; {text_of(remark, 'the remark')}" if remark else ""
    after = replace(
        case, state=CaseState.CLOSED, closed_at_us=now_us, outcome=outcome.value, person_needed=person_needed,
        snoozed_at_us=0, snoozed_until_us=0,
    )  # fmt: skip
    return after, Entry(kind=EventKind.CLOSED, text=f"{outcome.value}; {needed}{said}")


def _refuse_unless(case: Case, what: str, *states: CaseState) -> None:
    if case.state not in states:
        raise CaseError(f"{case.case_id} is {case.state.value} and cannot {what}")


def _refuse_undecided(decision: Decision | None) -> None:
    if decision is not None:
        raise CaseError(f"a decision still waits ({decision.kind.value}, {decision.state.value}); settle it first")
