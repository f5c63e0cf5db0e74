"""The verdict of a run: all transactions, what must not be in any of them, and the figures.

What is wrong in one transaction stands in `findings`; here they are summed up. Money that waits for a person or the
clearing file is counted, and is not lost. Givings-back are counted by kind, abnormal transactions by the family of
their cause.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from yuanlu.sandbox.balance import Balance, balance_of, waiting_minor
from yuanlu.sandbox.evidence import ReturnEntry
from yuanlu.sandbox.findings import Finding, findings_about
from yuanlu.sandbox.snapshot import FAMILY_OF, UNKNOWN_FAMILY
from yuanlu.sandbox.story import GIVES_BACK, OPEN, PERSON, Story
from yuanlu.sandbox.told import SETTLEMENT, Told

ABNORMAL = OPEN | {"RETURNED", "NO_EFFECT", PERSON}
RETURN_CLOSED = frozenset({"RETURNED", "NO_EFFECT"})
AUTOMATIC_PROFILES = frozenset({"P1", "P2", "P3"})
AGREED_FLAG = "1"
APPROVED_CODE = "00"
FINDINGS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The figures of a run. Amounts in minor units, times in milliseconds.

    `silent` counts ordinary sales that were never answered: a few when the gateway is killed, otherwise a defect.
    `by_kind` counts what has been given back, by how; `legs` all givings-back by kind and state; `refused` voids and
    refunds that were declined; `unexplained` abnormal transactions without a cause. `batches` counts tills' days:
    agreed, differing, not settled.
    """

    transactions: int
    abnormal: int
    escalated: int
    by_state: Mapping[str, int]
    open: int
    open_by_profile: Mapping[str, int]
    lost_minor: int
    doubled_minor: int
    told_wrong: int
    sent_twice: int
    silent: int
    awaiting_person_minor: int
    return_ms_p50: int
    return_ms_p99: int
    return_ms_p99_by_profile: Mapping[str, int]
    by_kind: Mapping[str, int]
    legs: Mapping[str, Mapping[str, int]]
    refused: Mapping[str, int]
    by_family: Mapping[str, int]
    unexplained: int
    balance: Balance
    findings: Sequence[Finding]
    batches: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Nothing lost, doubled or told wrong, nothing sent twice, nothing of P1 to P3 still open."""
        return not self.findings and self.open == 0


def judge(
    all_stories: Sequence[Story],
    returns: Sequence[ReturnEntry],
    totals_minor: Mapping[str, int],
    profile_of: Mapping[str, str],
    told: Sequence[Told] = (),
) -> Verdict:
    """Sum up. `totals_minor` is the sum of all accounts of each host, which must be 0 (I1)."""
    found = [finding for story in all_stories for finding in findings_about(story)]
    found += [
        Finding(kind="books", ref=None, amount_minor=total, text=f"the books of {name} do not balance")
        for name, total in totals_minor.items()
        if total
    ]
    in_journal = [story for story in all_stories if story.journal is not None]
    abnormal = [story for story in in_journal if story.state in ABNORMAL]
    opened = Counter(story.profile for story in in_journal if story.is_open)
    times = _return_times_ms(returns, profile_of)
    everything = [ms for each in times.values() for ms in each]
    return Verdict(
        transactions=len(in_journal),
        abnormal=len(abnormal),
        escalated=sum(story.with_person for story in in_journal),
        by_state=Counter(story.state for story in in_journal),
        open=sum(count for profile, count in opened.items() if profile in AUTOMATIC_PROFILES),
        open_by_profile=opened,
        lost_minor=_sum(found, "lost"),
        doubled_minor=_sum(found, "doubled"),
        told_wrong=sum(finding.kind == "told_wrong" for finding in found),
        sent_twice=sum(finding.kind == "sent_twice" for finding in found),
        silent=sum(story.unexplained_silence for story in all_stories),
        awaiting_person_minor=sum(waiting_minor(story) for story in in_journal),
        return_ms_p50=percentile(everything, 50),
        return_ms_p99=percentile(everything, 99),
        return_ms_p99_by_profile={name: percentile(each, 99) for name, each in sorted(times.items())},
        by_kind=Counter(entry.kind for entry in returns if entry.state == "RETURNED"),
        legs=_legs(returns),
        refused=Counter(story.kind for story in all_stories if story.kind in GIVES_BACK and story.declined_codes),
        by_family=_families(in_journal),
        unexplained=sum(_is_unexplained(story) for story in abnormal),
        balance=balance_of(all_stories),
        findings=found[:FINDINGS_MAX],
        batches=_batches(told),
    )


def _legs(returns: Iterable[ReturnEntry]) -> dict[str, Mapping[str, int]]:
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for entry in returns:
        by_kind[entry.kind][entry.state] += 1
    return dict(by_kind)


def _families(in_journal: Iterable[Story]) -> Counter[str]:
    """Where the causes lie of all that have one."""
    codes = (story.journal.cause for story in in_journal if story.journal is not None)
    return Counter(FAMILY_OF.get(code, UNKNOWN_FAMILY) for code in codes if code)


def _is_unexplained(story: Story) -> bool:
    """Whether it went wrong and has no cause. What a cashier gave back on purpose did not go wrong."""
    return story.journal is not None and not story.journal.cause and not story.given_back_on_purpose


def _batches(told: Iterable[Told]) -> dict[str, int]:
    """How the tills' batches ended; a code other than 00 leaves a batch open."""
    counts = {"agreed": 0, "differing": 0, "not_settled": 0}
    for each in told:
        if each.kind != SETTLEMENT:
            continue
        if each.code != APPROVED_CODE:
            counts["not_settled"] += 1
        else:
            counts["agreed" if each.flag == AGREED_FLAG else "differing"] += 1
    return counts


def _sum(found: Iterable[Finding], kind: str) -> int:
    return sum(finding.amount_minor for finding in found if finding.kind == kind)


def _return_times_ms(returns: Iterable[ReturnEntry], profile_of: Mapping[str, str]) -> dict[str, list[int]]:
    """From the duty to return to its end, by profile, for those that ended."""
    times: dict[str, list[int]] = defaultdict(list)
    for entry in returns:
        if entry.closed_at_us is not None and entry.state in RETURN_CLOSED:
            taken_us = entry.closed_at_us - entry.opened_at_us
            times[profile_of.get(entry.acquirer, "")].append(taken_us // 1000)
    return times


def percentile(values: Sequence[int], percent: int) -> int:
    """The value that so many percent do not exceed; 0 for no values."""
    if len(values) < 2:
        return values[0] if values else 0
    return round(quantiles(values, n=100, method="inclusive")[percent - 1])
