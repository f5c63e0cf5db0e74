"""The day's balance: what cardholders have been charged, by each witness, and what explains the differences.

Hosts and journal agree but for what is still open or with a person; hosts and tills but for what a till was never told
the end of. Whole minor units throughout; what is left over is a finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from yuanlu.sandbox.story import GIVES_BACK, HOLDS, KEPT, OPEN, PERSON, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What stays charged, in minor units: by the hosts' books, the journal and the tills.

    `unresolved_minor` is what hosts have beyond the journal, of payments that are open or with a person;
    `untold_minor` what they have beyond the tills, of payments that some till was not told the end of.
    """

    hosts_minor: int
    journal_minor: int
    tills_minor: int
    unresolved_minor: int
    untold_minor: int

    @property
    def agrees(self) -> bool:
        """Whether everything is explained, to the fen."""
        with_journal = self.hosts_minor == self.journal_minor + self.unresolved_minor
        return with_journal and self.hosts_minor == self.tills_minor + self.untold_minor


def balance_of(all_stories: Sequence[Story]) -> Balance:
    """Add up every payment; holds and messages that give back move no money under their own name."""
    payments = [story for story in all_stories if story.kind not in GIVES_BACK | HOLDS]
    return Balance(
        hosts_minor=sum(-story.net_minor for story in payments),
        journal_minor=sum(_by_journal(story) for story in payments),
        tills_minor=sum(_by_till(story) for story in payments),
        unresolved_minor=sum(-story.net_minor - _by_journal(story) for story in payments if _unresolved(story)),
        untold_minor=sum(-story.net_minor - _by_till(story) for story in payments if _untold(story)),
    )


def waiting_minor(story: Story) -> int:
    """What a person or the clearing file must decide about, as far as the cardholder is still charged or held."""
    if story.state == PERSON:
        return max(0, -story.net_minor) + max(0, story.held_minor)
    if story.kind in GIVES_BACK | HOLDS:
        return 0
    if story.state not in KEPT:
        return min(story.undoing_minor, max(0, -story.net_minor))
    when_given_back = story.amount_minor - story.returned_minor - story.live_minor
    return min(story.live_minor, max(0, -story.net_minor - when_given_back))


def _by_journal(story: Story) -> int:
    return story.amount_minor - story.returned_minor if story.state in KEPT else 0


def _by_till(story: Story) -> int:
    return story.told[0].amount_minor - story.told_back_minor if story.told_approved else 0


def _unresolved(story: Story) -> bool:
    """Whether host and journal may differ: something is open, or a person has it."""
    return bool(story.state in OPEN or story.state == PERSON or story.live_minor or story.undoing_minor)


def _untold(story: Story) -> bool:
    """Whether host and till may differ: the till was never told how something ended."""
    unasked = any(leg.order_id for leg in story.legs)
    return story.left_open or unasked or any(each.left_open for each in story.followers)
