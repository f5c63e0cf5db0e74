"""What must not be, in one transaction: hosts' books against journal against what tills were told.

`docs/returns.md`, invariants I1 to I5, for sales, holds, and what gives money back. A payment that stands has cost its
cardholder what was paid less what went back, at the host, in the journal and at the till alike:

    lost       the cardholder is charged more than the journal or the till believes, or a hold was never set free
    doubled    more was given back than was charged, or than the journal knows
    told wrong a till was told something that is not so: an approval that is none, a decline of a payment that stays
               charged, a void or refund that the books do not have, or a refused one that they have; 98 means
               "unknown, it is being returned", and 00 to a reversal only "taken over"
    sent twice the host charged it more often than it was asked to
    no case    a person has to decide, and it is in nobody's work list
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yuanlu.sandbox.faults import APPROVALS
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.story import BEING_RETURNED, GIVES_BACK, HOLDS, KEPT, LIVE_LEG, OPEN, PERSON, VOIDS, Story

ENDED_WITHOUT_MONEY = frozenset({"RETURNED", "NO_EFFECT", "DECLINED", "NONE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that must not be: `kind` is lost, doubled, told_wrong, sent_twice, no_case or books."""

    kind: str
    ref: PaymentRef | None
    amount_minor: int
    text: str


def findings_about(story: Story) -> list[Finding]:
    """What must not be, in this transaction."""
    if story.kind in GIVES_BACK:
        checks: Sequence[Callable[[Story], Finding | None]] = (_giving_back_told_wrong, _without_case)
    elif story.kind in HOLDS:
        checks = (_hold_wrong, _never_made_again, _hold_told_wrong, _without_case)
    else:
        checks = (_doubled, _charged_twice, _lost, _never_made_again, _told_wrong, _without_case)
    found = (check(story) for check in checks)
    return [finding for finding in found if finding is not None]


def _finding(story: Story, kind: str, amount_minor: int, text: str) -> Finding:
    return Finding(kind=kind, ref=story.ref, amount_minor=amount_minor, text=f"{text} ({story.kind}, {story.profile})")


def _doubled(story: Story) -> Finding | None:
    if story.net_minor > 0:
        return _finding(story, "doubled", story.net_minor, f"given back twice; journal says {story.state}")
    if story.state not in KEPT or story.host is None:
        return None
    undone = sum(each.amount_minor for each in story.undone_voids)
    unknown = story.host.credits_minor - undone - story.returned_minor - story.live_minor
    if unknown <= 0:
        return None
    return _finding(story, "doubled", unknown, "given back, and the journal does not know it")


def _charged_twice(story: Story) -> Finding | None:
    allowed = 1 + len(story.undone_voids)
    if story.host is None or story.host.debit_count <= allowed:
        return None
    return _finding(story, "sent_twice", 0, f"the host charged it {story.host.debit_count} times, {allowed} expected")


def _lost(story: Story) -> Finding | None:
    """Charged more than the journal or the till believes, or for a sale what no till believes to be one."""
    if story.net_minor >= 0:
        return None
    if story.state in KEPT:
        return _charged_too_much(story)
    charged = -story.net_minor - story.undoing_minor
    if story.state in ENDED_WITHOUT_MONEY and charged > 0:
        return _finding(story, "lost", charged, f"charged, while the journal says {story.state}")
    return None


def _charged_too_much(story: Story) -> Finding | None:
    if not story.told_approved:
        text = f"charged and {story.state}, but its till was not told so"
        return _finding(story, "lost", -story.net_minor, text)
    journal = -story.amount_minor + story.returned_minor
    till = -story.amount_minor + story.told_back_minor
    if story.net_minor >= max(journal, till):
        return None
    who = "the journal" if journal >= till else "the till"
    text = f"{who} counts on {-max(journal, till)}, the cardholder is charged {-story.net_minor}"
    return _finding(story, "lost", max(journal, till) - story.net_minor, text)


def _never_made_again(story: Story) -> Finding | None:
    """A void that was told 98 must end with the money back, or with somebody who works on it."""
    if story.state not in KEPT or story.returned_minor or story.live_minor or story.has_open_order:
        return None
    wanted = (each for each in story.followers if each.kind in VOIDS and BEING_RETURNED in each.codes)
    if not any(not each.till_asked_back for each in wanted):
        return None
    return _finding(story, "lost", story.amount_minor, "its void was in doubt, and nobody made it again")


def _told_wrong(story: Story) -> Finding | None:
    if story.told_approved:
        return _approval_untrue(story)
    charged = story.net_minor < 0
    if story.declined_codes and charged:
        code = story.declined_codes[-1]
        return _finding(story, "told_wrong", -story.net_minor, f"told {code}, a decline, but charged")
    return _reversal_untrue(story)


def _reversal_untrue(story: Story) -> Finding | None:
    if story.till_reversed and story.state in KEPT:
        return _finding(story, "told_wrong", 0, f"reversal taken over, but the journal says {story.state}")
    return None


def _approval_untrue(story: Story) -> Finding | None:
    """A till that was told "approved" must be right to the end, but for what it knows to have gone back."""
    amount = story.told[0].amount_minor
    lowest = -amount + story.told_back_minor
    highest = min(0, lowest + story.may_be_back_minor)
    if story.host is None or not story.host.debits_minor:
        return _finding(story, "told_wrong", amount, f"told approved, not charged; journal {story.state}")
    if story.state not in KEPT and not (story.state == "RETURNED" and highest == 0):
        return _finding(story, "told_wrong", amount, f"told approved, but the journal says {story.state}")
    if story.net_minor > highest:
        return _finding(story, "told_wrong", amount, f"the till counts on {-highest}, charged is {-story.net_minor}")
    return _told_too_soon(story)


def _told_too_soon(story: Story) -> Finding | None:
    """Nobody is told "approved" before it is durable, or "approved" and something else."""
    amount = story.told[0].amount_minor
    told_at_us = min(told.at_us for told in story.told if told.code in APPROVALS)
    approved_at_us = story.journal.approved_at_us if story.journal is not None else None
    if approved_at_us is None or approved_at_us > told_at_us:
        return _finding(story, "told_wrong", amount, "told approved before the journal held the approval")
    if story.declined_codes:
        return _finding(story, "told_wrong", amount, f"told approved and {story.declined_codes[0]}")
    return None


def _giving_back_told_wrong(story: Story) -> Finding | None:
    """What a void or refund was told is in the books, and what was refused is not."""
    amount = story.amount_minor
    if story.told_approved:
        if not story.booked:
            return _finding(story, "told_wrong", amount, "told that it went back, and the books do not have it")
        if story.state not in KEPT:
            return _finding(story, "told_wrong", amount, f"told that it went back, the journal says {story.state}")
        return _told_too_soon(story)
    if story.declined_codes and story.booked:
        code = story.declined_codes[-1]
        return _finding(story, "told_wrong", amount, f"told {code}, a refusal, and the books have it")
    return _reversal_untrue(story)


def _without_case(story: Story) -> Finding | None:
    if not story.with_person or story.in_work:
        return None
    return _finding(story, "no_case", story.amount_minor, "a person must decide, and no case is open")


def _hold_wrong(story: Story) -> Finding | None:
    """A hold that should be free and is not, or the other way round."""
    if story.held_minor < 0:
        return _finding(story, "doubled", -story.held_minor, "set free twice")
    lowest, highest = _expected_hold(story)
    if story.held_minor > highest:
        return _finding(story, "lost", story.held_minor - highest, f"still held, the journal says {story.state}")
    if story.held_minor < lowest:
        return _finding(story, "told_wrong", lowest - story.held_minor, "the journal says held, and it is not")
    if story.state in KEPT and story.held_minor and not story.told_approved:
        return _finding(story, "lost", story.held_minor, "held, but its till was not told so")
    return None


def _expected_hold(story: Story) -> tuple[int, int]:
    """What the journal says to be held, at least and at most."""
    completions = [each.state for each in story.followers if each.kind == "completion"]
    undecided = any(state in OPEN or state == PERSON for state in completions)
    if story.state in OPEN or story.state == PERSON:
        return 0, story.amount_minor
    if story.state not in KEPT or any(state in KEPT for state in completions):
        return 0, 0
    live = undecided or any(leg.state in LIVE_LEG for leg in story.legs)
    return (0 if live else story.amount_minor), story.amount_minor


def _hold_told_wrong(story: Story) -> Finding | None:
    if not story.told_approved:
        if story.declined_codes and story.held_minor > 0:
            code = story.declined_codes[-1]
            return _finding(story, "told_wrong", story.held_minor, f"told {code}, a decline, but held")
        return _reversal_untrue(story)
    may_be_free = story.told_back_minor + story.may_be_back_minor >= story.amount_minor
    if story.state not in KEPT and not (story.state == "RETURNED" and may_be_free):
        return _finding(story, "told_wrong", story.amount_minor, f"told held, but the journal says {story.state}")
    return _told_too_soon(story)
