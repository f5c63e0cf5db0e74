"""The checker: invariants I1 to I18 of `docs/proof.md`, one function each, over plain data.

It knows the host's ledger, the journal's rows and what tills were told, and nothing of the engine that made them: it
imports none of the product. Each function's first line is the predicate.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from proof.records import APPROVALS, Evidence, FactRow, LegRow, Posting, Ref, Sent, TransactionRow, Violation

STEPS = {
    "SEND_INTENT": {"APPROVED", "DECLINED", "UNKNOWN", "RETURNING"},
    "APPROVED": {"CAPTURED", "RETURNING"},
    "UNKNOWN": {"RETURNING", "APPROVED", "DECLINED"},
    "RETURNING": {"RETURNED", "NO_EFFECT", "ESCALATED"},
    "ESCALATED": {"RETURNED", "NO_EFFECT", "CAPTURED"},
    "NO_EFFECT": {"REOPENED"},
    "RETURNED": {"REOPENED", "APPROVED"},
    "DECLINED": {"REOPENED"},
    "REOPENED": {"RETURNING"},
    "CAPTURED": {"ESCALATED", "RETURNING"},
}
"""The states of a payment, written down a second time: an error in the product's table must not excuse itself."""

EXACT = frozenset({"P1", "P2", "P3"})
"""Hosts at which a return is exactly once without a person."""

FINAL = frozenset({"APPROVED", "DECLINED", "CAPTURED", "RETURNED", "NO_EFFECT"})
ORIGINALS = frozenset({"0210", "0110"})
BY_HAND = frozenset({"adjustment", "repayment", "compensation"})
SENT_BY = {"original": "SEND_INTENT", "reversal": "RETURN_REVERSAL"}
"""The fact that must be durable before a frame of this kind leaves. An inquiry moves no money."""


class Case:
    """The evidence, looked up by payment; made once for all invariants."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.legs: dict[str, list[LegRow]] = defaultdict(list)
        for leg in evidence.legs:
            self.legs[leg.transaction].append(leg)
        self.postings: dict[Ref, list[Posting]] = defaultdict(list)
        for posting in evidence.postings:
            self.postings[posting.payment].append(posting)
        self.about: dict[str, list[TransactionRow]] = defaultdict(list)
        for row in evidence.transactions:
            self.about[row.about].append(row)
        self.by_ref = {row.ref: row for row in evidence.transactions}
        self.by_trace = {row.ref[:3]: row for row in evidence.transactions}
        self.facts: dict[str, list[FactRow]] = defaultdict(list)
        for fact in evidence.facts:
            self.facts[fact.subject].append(fact)

    @cached_property
    def sent(self) -> dict[tuple[Ref, str], list[Sent]]:
        """Frames to the host by transaction and kind, in the order in which they left."""
        found: dict[tuple[Ref, str], list[Sent]] = defaultdict(list)
        for sent in self.evidence.sent:
            found[sent.ref, sent.kind].append(sent)
        return found

    @cached_property
    def payments(self) -> Sequence[TransactionRow]:
        """What charges: everything that is about no other transaction."""
        return [row for row in self.evidence.transactions if not row.about]

    def sender_of(self, ref: Ref) -> TransactionRow | None:
        """Whose frame it was; a void that goes on as a refund leaves under another class of message type."""
        return self.by_ref.get(ref) or self.by_trace.get(ref[:3])

    def net(self, ref: Ref) -> int:
        """What the cardholder's account is charged for this payment now, in minor units."""
        return sum(posting.minor for posting in self.postings[ref])

    def returned(self, payment: TransactionRow) -> int:
        """What went back through the host, says the journal; what people paid beside it is in no host's ledger."""
        legs = (leg for leg in self.legs[payment.id] if leg.state == "RETURNED" and leg.kind not in BY_HAND)
        return sum(leg.minor for leg in legs)

    def in_doubt(self, payment: TransactionRow) -> bool:
        """Whether a person has one of its legs, or the message of one: then nobody knows yet where the money is."""
        open_legs = any(leg.state in ("RETURNING", "ESCALATED") for leg in self.legs[payment.id])
        return open_legs or any(row.state not in FINAL for row in self.about[payment.id])


Check = Callable[[Case], Iterator[Violation]]


def i1(case: Case) -> Iterator[Violation]:
    """I1: the two sides of every posting of a host sum to nothing."""
    for posting in case.evidence.postings:
        if sum(minor for _, minor in posting.entries):
            yield Violation(invariant="I1", about=_name(posting.payment), how="a posting does not balance")


def i2(case: Case) -> Iterator[Violation]:
    """I2: at no moment is more credited than debited, nor more debited than was approved once."""
    for ref, postings in case.postings.items():
        net, most = 0, max((posting.minor for posting in postings[:1]), default=0)
        for posting in postings:
            net += posting.minor
            if net < 0:
                yield Violation(invariant="I2", about=_name(ref), how=f"{-net} more given back than was paid")
                break
            if net > most:
                yield Violation(invariant="I2", about=_name(ref), how=f"charged {net} for a payment of {most}")
                break


def i3(case: Case) -> Iterator[Violation]:
    """I3: no payment is captured and wholly returned."""
    for payment in case.payments:
        if payment.state == "CAPTURED" and 0 < payment.paid_minor <= case.returned(payment):
            yield Violation(invariant="I3", about=_name(payment.ref), how="captured, and all of it given back")


def i4(case: Case) -> Iterator[Violation]:
    """I4: at rest the host has what the journal says: captured less its legs, or nothing. P4, P5: or it is watched."""
    if not case.evidence.at_rest:
        return
    for payment in case.payments:
        if payment.state not in FINAL or case.in_doubt(payment):
            continue
        stands = payment.state in ("APPROVED", "CAPTURED")
        expected = payment.paid_minor - case.returned(payment) if stands else _by_hand(case, payment)
        watched = case.evidence.profile not in EXACT and payment.id in case.evidence.watched
        net = case.net(payment.ref)
        if net != expected and not watched:
            how = f"{payment.state}, so the host should hold {expected}; it holds {net}"
            yield Violation(invariant="I4", about=_name(payment.ref), how=how)


def _by_hand(case: Case, payment: TransactionRow) -> int:
    """What people gave back beside the host, of a payment that is returned: the host still holds it."""
    legs = (leg for leg in case.legs[payment.id] if leg.state == "RETURNED" and leg.kind in BY_HAND)
    return sum(leg.minor for leg in legs)


def i5(case: Case) -> Iterator[Violation]:
    """I5: told approved, so it was durably approved before; and with no return since, the host holds the money."""
    for told in case.evidence.told:
        if told.mti not in ORIGINALS or told.code not in APPROVALS:
            continue
        payment = case.by_ref.get(told.ref)
        if payment is None:
            yield Violation(invariant="I5", about=_name(told.ref), how="told approved, and the journal has no trace")
            continue
        durable = (f.durable_s for f in case.facts[payment.id] if f.kind == "APPROVED")
        if not any(at_s <= told.at_s for at_s in durable):
            yield Violation(invariant="I5", about=_name(told.ref), how="told approved before that was durable")
        untouched = not payment.about and not case.legs[payment.id] and case.evidence.at_rest
        if untouched and (net := case.net(told.ref)) != payment.paid_minor:
            how = f"told approved, never returned, and the host holds {net} of {payment.paid_minor}"
            yield Violation(invariant="I5", about=_name(told.ref), how=how)


def i6(case: Case) -> Iterator[Violation]:
    """I6: before each frame that can move money leaves, its own intent is durable."""
    for (ref, kind), frames in case.sent.items():
        if kind not in SENT_BY:
            continue
        payment = case.sender_of(ref)
        facts = case.facts[payment.id] if payment is not None else []
        intents = sorted(fact.durable_s for fact in facts if fact.kind == SENT_BY[kind])
        for n, frame in enumerate(frames):
            if n >= len(intents) or intents[n] > frame.at_s:
                how = f"{kind} number {n + 1} left without a durable intent"
                yield Violation(invariant="I6", about=_name(ref), how=how)
                break


def i7(case: Case) -> Iterator[Violation]:
    """I7: each writer's sequence has no gap, and every answer that a till got stands in the journal."""
    by_writer: dict[int, list[int]] = defaultdict(list)
    for fact in case.evidence.facts:
        by_writer[fact.writer].append(fact.seq)
    for writer, seqs in by_writer.items():
        if sorted(seqs) != list(range(1, len(seqs) + 1)):
            yield Violation(invariant="I7", about=f"writer {writer}", how="its sequence has a gap or a double")
    kept = Counter(
        (shown.stan, shown.mti, shown.code)
        for fact in case.evidence.facts
        for shown in fact.shown
        if shown.direction == "t"
    )
    heard = Counter((told.ref[2], told.mti, told.code) for told in case.evidence.told)
    for (stan, mti, code), times in heard.items():
        if times > kept[stan, mti, code]:
            how = f"{mti} with {code} was told {times} times and recorded {kept[stan, mti, code]} times"
            yield Violation(invariant="I7", about=f"trace number {stan}", how=how)


def i8(case: Case) -> Iterator[Violation]:
    """I8: an original leaves once, ever."""
    for (ref, kind), frames in case.sent.items():
        if kind == "original" and len(frames) > 1:
            yield Violation(invariant="I8", about=_name(ref), how=f"the original left {len(frames)} times")


def i9(case: Case) -> Iterator[Violation]:
    """I9: all attempts of a reversal share identity, amount and account."""
    for (ref, kind), frames in case.sent.items():
        if kind == "reversal" and len({frame.same for frame in frames}) > 1:
            yield Violation(invariant="I9", about=_name(ref), how="its reversals differ")


def i10(case: Case) -> Iterator[Violation]:
    """I10: with the host up for long enough, everything is final, or escalated with the reason for a person."""
    if not case.evidence.at_rest:
        yield Violation(invariant="I10", about="the gateway", how="it never came to rest")
        return
    for row in case.evidence.transactions:
        legs = [leg for leg in case.legs[row.id] if leg.state in ("RETURNING", "ESCALATED")]
        told = any(leg.case_opened and leg.explanation for leg in legs)
        joined = any(fact.kind == "JOINED" for fact in case.facts[row.id])  # a till's word about a closed batch
        watched = row.state == "UNKNOWN" and row.id in case.evidence.watched
        if row.state not in FINAL and not watched and not (row.state == "ESCALATED" and (told or joined)):
            yield Violation(invariant="I10", about=_name(row.ref), how=f"still {row.state}, and nobody has it")
        if row.state in FINAL and any(leg.kind == "reversal" for leg in legs):
            yield Violation(invariant="I10", about=_name(row.ref), how=f"{row.state} with a reversal under way")


def i11(case: Case) -> Iterator[Violation]:
    """I11: all legs that may have given money back sum to no more than was paid, in one currency."""
    for row in case.evidence.transactions:
        legs = [leg for leg in case.legs[row.id] if leg.state != "NO_EFFECT"]
        if sum(leg.minor for leg in legs) > row.paid_minor:
            yield Violation(invariant="I11", about=_name(row.ref), how="its legs give back more than was paid")
        if any(leg.currency != row.currency or leg.minor <= 0 for leg in legs):
            yield Violation(invariant="I11", about=_name(row.ref), how="a leg in another currency, or of nothing")


def i12(case: Case) -> Iterator[Violation]:
    """I12: money goes back to the account that it came from."""
    for ref, postings in case.postings.items():
        if len({posting.account for posting in postings}) > 1:
            yield Violation(invariant="I12", about=_name(ref), how="another account was credited")


def i13(case: Case) -> Iterator[Violation]:
    """I13: states move only along the table."""
    for subject, before, after in case.evidence.moves:
        step = after in STEPS[before] or _two_steps(before, after)
        if not step:
            yield Violation(invariant="I13", about=subject, how=f"{before} became {after}")


def _two_steps(before: str, after: str) -> bool:
    """Doubt and the duty to return become durable together: SEND_INTENT, UNKNOWN, RETURNING in one commit."""
    return before == "SEND_INTENT" and after == "RETURNING"


def i14(case: Case) -> Iterator[Violation]:
    """I14: what people decide has two of them, and the second is not the first."""
    for order in case.evidence.orders:
        if order.checker and order.checker == order.maker:
            yield Violation(invariant="I14", about=order.id, how=f"{order.maker} approved an order of their own")
        undecided = order.state in ("PROPOSED", "REFUSED", "EXPIRED")
        if not order.automatic and not undecided and not order.checker:
            yield Violation(invariant="I14", about=order.id, how=f"{order.state} without a second person")


def i17(case: Case) -> Iterator[Violation]:
    """I17: recovering again changes nothing, and each row stands where its facts end."""
    if not case.evidence.recovered_alike:
        yield Violation(invariant="I17", about="the journal", how="a second recovery changed it")
    for row in case.evidence.transactions:
        versions = sorted(fact.version for fact in case.facts[row.id])
        if versions != list(range(1, row.version + 1)):
            yield Violation(invariant="I17", about=_name(row.ref), how="its row and its facts are at odds")


def i18(case: Case) -> Iterator[Violation]:
    """I18: jumps of the wall clock change no outcome."""
    for ref, calm in case.evidence.calm_outcome.items():
        row = case.by_ref.get(ref)
        found = ("absent" if row is None else row.state, case.net(ref))
        if found != calm:
            yield Violation(invariant="I18", about=_name(ref), how=f"{found} with jumps, {calm} without")


CHECKS: dict[str, Check] = {
    "I1": i1, "I2": i2, "I3": i3, "I4": i4, "I5": i5, "I6": i6, "I7": i7, "I8": i8, "I9": i9, "I10": i10,
    "I11": i11, "I12": i12, "I13": i13, "I14": i14, "I17": i17, "I18": i18,
}  # fmt: skip

ELSEWHERE = {
    "I15": "the audit log is not written by what the model runs",
    "I16": "bytes on disk: the model has none, and seals with nothing",
}
"""Invariants that this level cannot see, and why."""


def check(evidence: Evidence) -> list[Violation]:
    """Everything that does not hold, in the order of the invariants."""
    case = Case(evidence)
    return [violation for find in CHECKS.values() for violation in find(case)]


def _name(ref: Ref) -> str:
    terminal, batch, stan, mti = ref
    return f"{mti} {terminal}+{stan}" + (f" of batch {batch}" if batch else "")
