"""The verdict: hosts' books against journal against what tills were told (`docs/returns.md`, invariants I1 to
I5).

Separate code on purpose: it knows states by their names and shares no rule with the gateway. For each
payment:

    lost       the cardholder stays charged, and the journal believes otherwise or knows nothing
    doubled    more was given back than was charged
    told wrong a till was told something that is not so: an approval that is none, or a decline of a payment
    that
               stays charged; 98 means "unknown, it is being returned", and 00 to a reversal only "taken over"
    waiting    the cardholder stays charged, and the journal says that a person or the clearing file must
    decide
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from yuanlu.sandbox.evidence import HostEntry, JournalEntry, ReturnEntry
from yuanlu.sandbox.faults import APPROVALS
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.told import Told

KEPT = frozenset({"APPROVED", "CAPTURED"})
OPEN = frozenset({"SEND_INTENT", "UNKNOWN", "RETURNING", "REOPENED"})
ABNORMAL = OPEN | {"RETURNED", "NO_EFFECT", "ESCALATED"}
RETURN_CLOSED = frozenset({"RETURNED", "NO_EFFECT"})
AUTOMATIC_PROFILES = frozenset({"P1", "P2", "P3"})
BEING_RETURNED = "98"
TAKEN_OVER = "00"
FINDINGS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that must not be: `kind` is lost, doubled, told_wrong, sent_twice or books."""

    kind: str
    ref: PaymentRef | None
    amount_minor: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything the three witnesses say about one payment."""

    ref: PaymentRef
    profile: str
    host: HostEntry | None
    journal: JournalEntry | None
    told: Sequence[Told]

    @property
    def state(self) -> str:
        """The journal's state, or NONE."""
        return self.journal.state if self.journal is not None else "NONE"

    @property
    def net_minor(self) -> int:
        """Credits less debits at the host; below 0 the cardholder is charged."""
        return self.host.credits_minor - self.host.debits_minor if self.host is not None else 0

    @property
    def sale_codes(self) -> list[str]:
        """What the till was told about the sale, silence left out."""
        return [told.code for told in self.told if told.asked == "sale" and told.code]

    @property
    def till_reversed(self) -> bool:
        """Whether the till asked for the money back and was told that we have taken that over."""
        return any(told.asked == "reversal" and told.code == TAKEN_OVER for told in self.told)

    @property
    def till_asked_back(self) -> bool:
        """Whether the till asked for the money back at all: its customer has no slip then."""
        return any(told.asked == "reversal" for told in self.told)

    @property
    def told_approved(self) -> bool:
        """Whether the till believes to the end that the sale stands."""
        return any(code in APPROVALS for code in self.sale_codes) and not self.till_asked_back

    @property
    def unexplained_silence(self) -> bool:
        """Whether an ordinary sale, without fault or misbehaviour, was never answered."""
        sales = [told for told in self.told if told.asked == "sale"]
        return bool(sales) and not self.sale_codes and (sales[0].behaviour, sales[0].fault) == ("normal", "")

    @property
    def declined_codes(self) -> list[str]:
        """Definite declines among what the till was told."""
        return [code for code in self.sale_codes if code not in APPROVALS and code != BEING_RETURNED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The figures of a run. Amounts in minor units, times in milliseconds.

    `silent` counts ordinary sales that were never answered: a few when the gateway is killed, otherwise a defect.
    """

    transactions: int
    abnormal: int
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
    findings: Sequence[Finding]

    @property
    def passed(self) -> bool:
        """Nothing lost, doubled or told wrong, nothing sent twice, nothing of P1 to P3 still open."""
        return not self.findings and self.open == 0


def stories(
    hosts: Iterable[HostEntry],
    journal: Iterable[JournalEntry],
    told: Iterable[Told],
    profile_of: Mapping[str, str],
    acquirer_of: Mapping[str, str],
) -> list[Story]:
    """Join the witnesses by payment; `acquirer_of` maps a terminal, for payments that the journal has not."""
    by_host = {entry.ref: entry for entry in hosts}
    by_journal = {entry.ref: entry for entry in journal}
    by_told: dict[PaymentRef, list[Told]] = defaultdict(list)
    for each in told:
        by_told[each.ref].append(each)
    refs = sorted(by_host.keys() | by_journal.keys() | by_told.keys())
    return [
        Story(
            ref=ref,
            profile=profile_of.get(acquirer_of.get(ref.terminal_id, ""), ""),
            host=by_host.get(ref),
            journal=by_journal.get(ref),
            told=by_told.get(ref, []),
        )
        for ref in refs
    ]


def findings_about(story: Story) -> list[Finding]:
    """What must not be, in this payment."""
    checks = (_doubled(story), _charged_twice(story), _lost(story), _told_wrong(story))
    return [finding for finding in checks if finding is not None]


def _finding(story: Story, kind: str, amount_minor: int, text: str) -> Finding:
    return Finding(kind=kind, ref=story.ref, amount_minor=amount_minor, text=f"{text} ({story.profile})")


def _doubled(story: Story) -> Finding | None:
    if story.net_minor <= 0:
        return None
    return _finding(story, "doubled", story.net_minor, f"given back twice; journal says {story.state}")


def _charged_twice(story: Story) -> Finding | None:
    if story.host is None or story.host.debit_count <= 1:
        return None
    return _finding(story, "sent_twice", 0, f"the host charged it {story.host.debit_count} times")


def _lost(story: Story) -> Finding | None:
    """Charged, while the journal believes that nothing is, or holds for a sale what no till believes to be
    one.
    """
    if story.net_minor >= 0:
        return None
    amount = -story.net_minor
    if story.state in KEPT:
        if story.told_approved:
            return None
        return _finding(story, "lost", amount, f"charged and {story.state}, but its till was not told so")
    if story.state in ("RETURNED", "NO_EFFECT", "DECLINED", "NONE"):
        return _finding(story, "lost", amount, f"charged, while the journal says {story.state}")
    return None


def _told_wrong(story: Story) -> Finding | None:
    if story.told_approved:
        return _approval_untrue(story)
    charged = story.net_minor < 0
    if story.declined_codes and charged:
        code = story.declined_codes[-1]
        return _finding(story, "told_wrong", -story.net_minor, f"told {code}, a decline, but charged")
    if story.till_reversed and story.state in KEPT:
        return _finding(story, "told_wrong", 0, f"reversal taken over, but the journal says {story.state}")
    return None


def _approval_untrue(story: Story) -> Finding | None:
    """A till that was told "approved" must be right to the end, and not be told before it was durable."""
    amount = story.told[0].amount_minor
    if story.net_minor == 0:
        return _finding(story, "told_wrong", amount, f"told approved, not charged; journal {story.state}")
    if story.state not in KEPT:
        return _finding(story, "told_wrong", amount, f"told approved, but the journal says {story.state}")
    if story.net_minor != -amount:
        return _finding(story, "told_wrong", amount, f"told approved, charged {-story.net_minor}")
    told_at_us = min(told.at_us for told in story.told if told.code in APPROVALS)
    approved_at_us = story.journal.approved_at_us if story.journal is not None else None
    if approved_at_us is None or approved_at_us > told_at_us:
        return _finding(story, "told_wrong", amount, "told approved before the journal held the approval")
    if story.declined_codes:
        return _finding(story, "told_wrong", amount, f"told approved and {story.declined_codes[0]}")
    return None


def judge(
    all_stories: Sequence[Story],
    returns: Sequence[ReturnEntry],
    totals_minor: Mapping[str, int],
    profile_of: Mapping[str, str],
) -> Verdict:
    """Sum up. `totals_minor` is the sum of all accounts of each host, which must be 0 (I1)."""
    found = [finding for story in all_stories for finding in findings_about(story)]
    found += [
        Finding(kind="books", ref=None, amount_minor=total, text=f"the books of {name} do not balance")
        for name, total in totals_minor.items()
        if total
    ]
    in_journal = [story for story in all_stories if story.journal is not None]
    opened = Counter(story.profile for story in in_journal if story.state in OPEN)
    times = _return_times_ms(returns, profile_of)
    everything = [ms for each in times.values() for ms in each]
    return Verdict(
        transactions=len(in_journal),
        abnormal=sum(story.state in ABNORMAL for story in in_journal),
        by_state=Counter(story.state for story in in_journal),
        open=sum(count for profile, count in opened.items() if profile in AUTOMATIC_PROFILES),
        open_by_profile=opened,
        lost_minor=_sum(found, "lost"),
        doubled_minor=_sum(found, "doubled"),
        told_wrong=sum(finding.kind == "told_wrong" for finding in found),
        sent_twice=sum(finding.kind == "sent_twice" for finding in found),
        silent=sum(story.unexplained_silence for story in all_stories),
        awaiting_person_minor=sum(
            -story.net_minor for story in in_journal if story.net_minor < 0 and story.state == "ESCALATED"
        ),
        return_ms_p50=percentile(everything, 50),
        return_ms_p99=percentile(everything, 99),
        return_ms_p99_by_profile={name: percentile(each, 99) for name, each in sorted(times.items())},
        findings=found[:FINDINGS_MAX],
    )


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
