"""What follows from each difference between a terminal's batch and ours (`docs/returns.md` §4.13).

Approved by us and unknown to the terminal goes back by itself only when the terminal may never have heard of it and
its upload is complete. It goes back by a reversal while the host's day lasts: nobody was told, exactly as when the
line is gone at the approval, so no limit of amounts applies, and the host's profile keeps it to once. After the day
changed a host takes no reversal any more; then it is an order like any other, by itself within the limits and by two
people above them. Everything else is a person's.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from yuanlu.contracts import Terms
from yuanlu.flow.batches import Ended
from yuanlu.flow.payment import Desk
from yuanlu.flow.records import fact, to_state
from yuanlu.journal import tasks
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Change, Fact
from yuanlu.kernel.money import format_minor
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

WORDS = {
    FindingKind.ONLY_OURS: "approved by us, unknown to the terminal",
    FindingKind.ONLY_THEIRS: "in the terminal's batch, and not approved by us",
    FindingKind.OTHER_AMOUNT: "the terminal has another amount",
    FindingKind.REVERSED_BUT_UPLOADED: "the terminal counts it as paid, and it was reversed or is being",
    FindingKind.DUPLICATE: "the terminal lists it twice",
    FindingKind.UNFINISHED: "the terminal began to upload its batch and never ended",
}


def follow(desk: Desk, agreed: Terms, ended: Ended, given_today_minor: int) -> Rows:
    """The rows of every finding of an upload. `given_today_minor`: went back by itself for this merchant today."""
    facts: list[Fact] = []
    changes: list[Change] = []
    to_people: dict[str, list[str]] = {}
    for n, finding in enumerate(ended.findings, start=1):
        link = ended.unheard.get(finding.transaction_id) if finding.kind is FindingKind.ONLY_OURS else None
        way = None if link is None else _given_back(desk, agreed, ended.batch, link, given_today_minor)
        done, why = (CASE, _why(ended, finding)) if way is None else (way.done, UNHEARD)
        changes.append(insert_finding(ended.batch, n, finding, done, why, desk.clock.wall_us()))
        if way is None:
            key = finding.transaction_id or f"{n}"
            to_people.setdefault(key, []).append(told(finding, ended.batch))
            continue
        given_today_minor += finding.ours_minor or 0
        facts += way.facts
        changes += way.changes
    known = {each.transaction_id: each for each in ended.ours.transactions}
    for key, texts in to_people.items():
        more, rows = handed_over(desk, ended.batch, known.get(key), texts)
        facts += more
        changes += rows
    return facts, changes


def told(finding: Finding, batch: Batch) -> str:
    """A finding in words, with its trace number and amounts."""
    sides = (("ours", finding.ours_minor), ("theirs", finding.theirs_minor))
    amounts = ", ".join(f"{side} {format_minor(minor, batch.currency)}" for side, minor in sides if minor is not None)
    return f"trace {finding.trace_no}: {WORDS[finding.kind]}" + (f" ({amounts})" if amounts else "")


def _why(ended: Ended, finding: Finding) -> str:
    if finding.kind is not FindingKind.ONLY_OURS:
        return WORDS[finding.kind]
    return HEARD if ended.complete else INCOMPLETE


def handed_over(desk: Desk, batch: Batch, about: Transaction | None, texts: Sequence[str]) -> Rows:
    """What a person has to look into: the hook for cases.

    A transaction of ours gets the fact in its own timeline and is examined, which opens its case. What we do not have
    at all gets a fact of its own, named by the batch.
    """
    note = f"batch {batch.key.batch_no}: {'; '.join(texts)}"
    if about is not None:
        found = fact(desk, about, FINDING, version=about.version + 1, note=note)
        return [found], [next_version(about), tasks.examine(about.transaction_id, desk.clock.wall_us())]
    return [
        Fact(
            merchant_id=batch.key.merchant_id, subject_id=desk.identifiers.new(), version=1, kind=FINDING,
            at_us=desk.clock.wall_us(), terminal_id=batch.key.terminal_id, note=note,
        )
    ], []  # fmt: skip


class _Way(Struct, frozen=True, kw_only=True):
    """How it goes back."""

    facts: list[Fact]
    changes: list[Change]
    done: str


def _given_back(desk: Desk, agreed: Terms, batch: Batch, link: Link, given_today_minor: int) -> _Way | None:
    """By a reversal on the same day, else by an order; None when no way is open."""
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
