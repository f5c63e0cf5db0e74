"""A terminal's batch against ours: totals compared, details matched. Pure.

Sides as a terminal counts them (UnionPay POS message specification, field 48 of 0500): what charges is a debit, what
gives back by a message of its own is a credit. So a voided sale is a debit and its void a credit; what was reversed
counts nowhere, and neither does a hold. Domestic and foreign cards are told apart by the terminal alone, so both
halves of field 48 are compared as one sum.

Details are matched by trace number and amount. A trace number is a transaction's name within its batch; the upload
does not say which side an item is on.
"""

from collections import defaultdict
from collections.abc import Sequence
from enum import Enum, StrEnum

from msgspec import Struct

from yuanlu.iso8583.subfields import SettlementTotals


class Standing(Enum):
    """What a terminal's list must have of a transaction of ours; the value is the order in which they are matched."""

    COUNTS = 0
    """It must be in the list."""
    SILENT = 1
    """It may be there or not: a hold, a tip, what an earlier settlement of the batch covered."""
    REVERSED = 2
    """It must not be there: it was reversed, or is being."""
    NOT_APPROVED = 3
    """It must not be there: declined, or its outcome is open."""


class BatchItem(Struct, frozen=True, kw_only=True):
    """One transaction of a batch, amounts in minor units. Of theirs only trace number and amount are known."""

    trace_no: str
    amount_minor: int
    credit: bool = False
    standing: Standing = Standing.COUNTS
    transaction_id: str = ""


class BatchTotals(Struct, frozen=True, kw_only=True):
    """Both sides of a batch, amounts in minor units."""

    debit_minor: int = 0
    debit_count: int = 0
    credit_minor: int = 0
    credit_count: int = 0

    @property
    def count(self) -> int:
        """How many transactions there are."""
        return self.debit_count + self.credit_count


class FindingKind(StrEnum):
    """How the two differ about one transaction, or about all of them."""

    ONLY_OURS = "only_ours"
    """Approved by us, unknown to the terminal."""
    ONLY_THEIRS = "only_theirs"
    """In the terminal, and not approved by us."""
    OTHER_AMOUNT = "other_amount"
    REVERSED_BUT_UPLOADED = "reversed_but_uploaded"
    """The terminal counts it as paid, and the money went back, or is on its way."""
    DUPLICATE = "duplicate"
    """The terminal lists it twice."""
    UNFINISHED = "unfinished"
    """The upload never ended."""
    TOTALS_DIFFER = "totals_differ"
    """Every detail agrees, and the totals differ all the same."""


class Finding(Struct, frozen=True, kw_only=True):
    """One difference. An amount is None on the side that does not have it; `transaction_id` is "" without ours."""

    kind: FindingKind
    trace_no: str
    ours_minor: int | None
    theirs_minor: int | None
    transaction_id: str = ""


def totals_of(items: Sequence[BatchItem]) -> BatchTotals:
    """Both sides of what counts."""
    counted = [item for item in items if item.standing is Standing.COUNTS]
    debits = [item.amount_minor for item in counted if not item.credit]
    credited = [item.amount_minor for item in counted if item.credit]
    return BatchTotals(
        debit_minor=sum(debits), debit_count=len(debits), credit_minor=sum(credited), credit_count=len(credited)
    )


def told_totals(told: SettlementTotals) -> BatchTotals:
    """What the terminal says, domestic and foreign cards together."""
    one, other = told.domestic, told.foreign
    return BatchTotals(
        debit_minor=one.debit_minor + other.debit_minor,
        debit_count=one.debit_count + other.debit_count,
        credit_minor=one.credit_minor + other.credit_minor,
        credit_count=one.credit_count + other.credit_count,
    )


def match_totals(ours: BatchTotals, theirs: BatchTotals) -> bool:
    """Whether amounts and counts agree, side by side."""
    return ours == theirs


def is_complete(theirs: BatchTotals, uploaded: int, announced: int | None) -> bool:
    """Whether what is missing from an upload is missing in the terminal, and not only on the way.

    Both counts that the terminal gave must agree with what came: its totals', and its end message's where it gave one.
    """
    return uploaded == theirs.count and announced in (None, uploaded)


def match_details(ours: Sequence[BatchItem], theirs: Sequence[BatchItem]) -> list[Finding]:
    """Every difference, by trace number. The order of either side does not matter."""
    mine, listed = _by_trace(ours), _by_trace(theirs)
    return [finding for trace in sorted(mine | listed) for finding in _differences(mine[trace], listed[trace])]


def _by_trace(items: Sequence[BatchItem]) -> defaultdict[str, list[BatchItem]]:
    found: defaultdict[str, list[BatchItem]] = defaultdict(list)
    for item in items:
        found[item.trace_no].append(item)
    for same in found.values():
        same.sort(key=lambda item: (item.standing.value, item.amount_minor, item.transaction_id))
    return found


def _differences(ours: list[BatchItem], theirs: list[BatchItem]) -> list[Finding]:
    """What differs under one trace number: pairs of the same amount first, then whatever is left."""
    left, unmatched = list(ours), []
    known: BatchItem | None = None  # what this trace number is taken for; one more item of it is a duplicate
    for item in theirs:
        equal = next((each for each in left if _is_expected(each) and each.amount_minor == item.amount_minor), None)
        if equal is None:
            unmatched.append(item)
        else:
            left.remove(equal)
            known = equal
    findings = []
    for item in unmatched:
        about = left.pop(0) if left else None
        kind = FindingKind.ONLY_THEIRS if about is None else _KIND_OF[about.standing]
        if about is None and known is not None:
            kind, about = FindingKind.DUPLICATE, known
        findings.append(_finding(kind, about, item))
        known = known or about or item
    return findings + [_finding(FindingKind.ONLY_OURS, each, None) for each in left if each.standing is Standing.COUNTS]


def _is_expected(item: BatchItem) -> bool:
    return item.standing in (Standing.COUNTS, Standing.SILENT)


_KIND_OF = {
    Standing.COUNTS: FindingKind.OTHER_AMOUNT,
    Standing.SILENT: FindingKind.OTHER_AMOUNT,
    Standing.REVERSED: FindingKind.REVERSED_BUT_UPLOADED,
    Standing.NOT_APPROVED: FindingKind.ONLY_THEIRS,
}
"""What an item of theirs is that has no equal, by what of ours bears its trace number."""


def _finding(kind: FindingKind, ours: BatchItem | None, theirs: BatchItem | None) -> Finding:
    named = ours or theirs
    assert named is not None, "a finding is about something"
    has_ours = ours is not None and bool(ours.transaction_id) and kind is not FindingKind.ONLY_THEIRS
    return Finding(
        kind=kind,
        trace_no=named.trace_no,
        ours_minor=ours.amount_minor if ours is not None and has_ours else None,
        theirs_minor=theirs.amount_minor if theirs is not None else None,
        transaction_id=ours.transaction_id if ours is not None else "",
    )
