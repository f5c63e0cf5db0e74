"""What follows from each difference between a terminal's batch and ours (`docs/returns.md` §4.13).

Approved by us and unknown to the terminal goes back by itself only when the terminal may never have heard of it and
its upload is complete. It goes back by a reversal while the host's day lasts: nobody was told, exactly as when the
line is gone at the approval, so no limit of amounts applies, and the host's profile keeps it to once. After the day
changed a host takes no reversal any more; then it is an order like any other, by itself within the limits and by two
people above them. Everything else is a person's.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.cases.records import Case
from yuanlu.contracts import Terms
from yuanlu.flow.batch_cases import WORDS, case_about, told
from yuanlu.flow.batches import Ended
from yuanlu.flow.payment import Desk
from yuanlu.flow.records import fact, to_state
from yuanlu.journal import tasks
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Fact
from yuanlu.reconciliation.batch import Finding, FindingKind
from yuanlu.reconciliation.store import CASE, RETURNED, Batch, insert_finding
from yuanlu.returns.decision import Decision, Facts, Wish, decide
from yuanlu.returns.obstacles import same_day
from yuanlu.returns.orders import POLICY
from yuanlu.returns.proposing import proposal_rows, proposed
from yuanlu.returns.states import State
from yuanlu.returns.steps import OTHER_REASON, next_version
from yuanlu.returns.ways import Link

Rows = tuple[list[Fact], list[Change]]

FINDING = "BATCH_FINDING"
ORIGIN = "settlement"
UNHEARD = "approved, but the terminal's batch does not have it, and nothing shows that it heard of it"
HEARD = "the terminal may have heard of it, so goods may be out of the door"
INCOMPLETE = "the upload is not complete, so it may only be missing there"


def follow(
    desk: Desk, agreed: Terms, ended: Ended, given_today_minor: int | None, random_bits: Callable[[int], int]
) -> Rows:
    """The rows of every finding of an upload. `given_today_minor`: went back by itself for this merchant today; None:
    nothing may go by itself now.
    """
    facts: list[Fact] = []
    changes: list[Change] = []
    to_people: dict[str, list[Finding]] = {}
    for n, finding in enumerate(ended.findings, start=1):
        link = ended.unheard.get(finding.transaction_id) if finding.kind is FindingKind.ONLY_OURS else None
        way = None if link is None else _given_back(desk, agreed, ended.batch, link, given_today_minor)
        done, why = (CASE, _why(ended, finding)) if way is None else (way.done, UNHEARD)
        changes.append(insert_finding(ended.batch, n, finding, done, why, desk.clock.wall_us()))
        if way is None:
            to_people.setdefault(finding.transaction_id, []).append(finding)
            continue
        if given_today_minor is not None:
            given_today_minor += finding.ours_minor or 0
        facts += way.facts
        changes += way.changes
    ours_not = to_people.pop("", [])
    known = {each.transaction_id: each for each in ended.ours.transactions}
    handed = [examined(desk, ended.batch, known[name], found) for name, found in to_people.items()]
    if ours_not:
        handed.append(handed_over(desk, ended.batch, ours_not, ended.case, agreed, random_bits))
    for more, rows in handed:
        facts += more
        changes += rows
    return facts, changes


def _why(ended: Ended, finding: Finding) -> str:
    if finding.kind is not FindingKind.ONLY_OURS:
        return WORDS[finding.kind].en
    return HEARD if ended.complete else INCOMPLETE


def examined(desk: Desk, batch: Batch, about: Transaction, findings: Sequence[Finding]) -> Rows:
    """What a person has to look into about a transaction of ours: in its timeline, and its look opens the case."""
    found = fact(desk, about, FINDING, version=about.version + 1, note=_note(batch, findings))
    return [found], [next_version(about), tasks.examine(about.transaction_id, desk.clock.wall_us())]


def handed_over(
    desk: Desk, batch: Batch, findings: Sequence[Finding], before: Case | None, agreed: Terms,
    random_bits: Callable[[int], int],
) -> Rows:  # fmt: skip
    """What a person has to look into and no transaction of ours stands for: a fact of its own, and the batch's case."""
    now_us = desk.clock.wall_us()
    found = Fact(
        merchant_id=batch.key.merchant_id, subject_id=desk.identifiers.new(), version=1, kind=FINDING, at_us=now_us,
        terminal_id=batch.key.terminal_id, note=_note(batch, findings),
    )  # fmt: skip
    opened = case_about(batch, findings, before, terms=agreed.service_levels, random_bits=random_bits, now_us=now_us)
    return [found, *opened.facts], list(opened.changes)


def _note(batch: Batch, findings: Sequence[Finding]) -> str:
    return f"batch {batch.key.batch_no}: {'; '.join(told(finding, batch).en for finding in findings)}"


class _Way(Struct, frozen=True, kw_only=True):
    """How it goes back."""

    facts: list[Fact]
    changes: list[Change]
    done: str


def _given_back(desk: Desk, agreed: Terms, batch: Batch, link: Link, given_today_minor: int | None) -> _Way | None:
    """By a reversal on the same day, else by an order; None when no way is open, or nothing may go by itself now."""
    if given_today_minor is None:
        return None
    original, now = link.original, desk.clock.now()
    host = desk.hosts.get(original.acquirer)
    if host is None:  # it is no longer configured
        return None
    if same_day(original, host.terms, now.wall_us):
        return _reversed(desk, batch, link)
    asked = Facts(
        link=link, terms=host.terms, agreed=agreed, automatic_today_minor=given_today_minor, now_us=now.wall_us,
    )  # fmt: skip
    wish = Wish(amount=original.paid, person=False, reason=f"batch {batch.key.batch_no}: {UNHEARD}")
    decision = decide(asked, wish)
    if not isinstance(decision, Decision):
        return None
    order = proposed(decision, wish, link, POLICY, desk.identifiers.new(), ORIGIN, now)
    facts, changes = proposal_rows(order, link, now)
    if order.automatic:
        return _Way(facts=facts, changes=changes, done=RETURNED)
    changes.append(tasks.examine(original.transaction_id, now.wall_us))
    return _Way(facts=facts, changes=changes, done=CASE)  # it waits for two people


def _reversed(desk: Desk, batch: Batch, link: Link) -> _Way:
    original = link.original
    returning = replace(original, state=State.RETURNING, version=original.version + 1, reason=UNHEARD)
    number = sum(1 for leg in link.legs if leg.kind == "reversal") + 1
    opening = desk.returns.opening(
        returning, reason=OTHER_REASON, sent=desk.clock.now(), original_answer="approved", leg_no=number
    )
    note = f"batch {batch.key.batch_no}: {UNHEARD}"
    duty = fact(desk, original, "RETURN_INTENT", version=returning.version, note=note)
    changes = [to_state(desk, original, State.RETURNING, returning.version, UNHEARD), *opening]
    return _Way(facts=[duty], changes=changes, done=RETURNED)
