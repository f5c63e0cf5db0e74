"""Clearing files against our journal: which line is about which transaction, and what the files say of it. Pure.

A reversed payment may stand in the files as a pair, as nothing, or only as its debit; a voided sale likewise with its
void. Only the debit means that the money is still taken. What is missing from today's file may be in tomorrow's,
because the host's day ends at its cut-over and not at ours: so nothing is concluded before the file of the settlement
date and of the next one are there, whole (存疑, 二次勾对).
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from yuanlu.reconciliation.clearing import Entry, Side

NEAR_US = 36 * 3_600_000_000
"""Trace numbers come again: a line is about a transaction only if their times are not further apart than this."""


class Ours(Struct, frozen=True, kw_only=True):
    """A transaction of ours that a line may be about. `side` is None for what moves no money of its own."""

    transaction_id: str
    merchant_id: str
    terminal_id: str
    stan: str
    rrn: str
    card_last4: str
    side: Side | None
    amount_minor: int
    currency: str
    at_us: int


class Index:
    """Our transactions, by what a line may name them with."""

    def __init__(self, ours: Iterable[Ours]) -> None:
        self._by_trace: defaultdict[tuple[str, str, str], list[Ours]] = defaultdict(list)
        self._by_rrn: defaultdict[tuple[str, str], list[Ours]] = defaultdict(list)
        for each in ours:
            self._by_trace[each.merchant_id, each.terminal_id, each.stan].append(each)
            if each.rrn:
                self._by_rrn[each.merchant_id, each.rrn].append(each)

    def find(self, entry: Entry) -> str:
        """The transaction that the line is about, "" for none that we know.

        Its own first, then the payment that a credit names as its original, then what it takes back under the same
        trace number: a reversal has its original's.
        """
        named = self._by_trace.get((entry.merchant_id, entry.terminal_id, entry.stan), ()) if entry.stan else ()
        if not entry.stan and entry.rrn:
            named = self._by_rrn.get((entry.merchant_id, entry.rrn), ())
        own = [each for each in named if each.side is entry.side and _is_own(entry, each)]
        taken_back = [each for each in named if each.side is not entry.side and _is_near(entry, each)]
        for found in (own, self._originals(entry), taken_back):
            fitting = [each for each in found if each.currency == entry.currency]
            if fitting:
                return min(fitting, key=lambda each: _distance(entry, each)).transaction_id
        return ""

    def _originals(self, entry: Entry) -> list[Ours]:
        if entry.side is not Side.CREDIT:
            return []
        by_rrn = self._by_rrn.get((entry.merchant_id, entry.original_rrn), ()) if entry.original_rrn else ()
        if by_rrn:
            return [each for each in by_rrn if each.side is Side.DEBIT]
        by_trace = self._by_trace.get((entry.merchant_id, entry.terminal_id, entry.original_stan), ())
        return [each for each in by_trace if each.side is Side.DEBIT and _may_be_original(entry, each)]


def _may_be_original(entry: Entry, ours: Ours) -> bool:
    """We may never have heard its reference number; what we did hear must not contradict."""
    same_number = not entry.original_rrn or not ours.rrn
    same_card = not entry.card_last4 or not ours.card_last4 or entry.card_last4 == ours.card_last4
    return same_number and same_card and entry.amount_minor <= ours.amount_minor


def _is_own(entry: Entry, ours: Ours) -> bool:
    """Nothing that both sides know contradicts it."""
    same_number = not entry.rrn or not ours.rrn or entry.rrn == ours.rrn
    same_card = not entry.card_last4 or not ours.card_last4 or entry.card_last4 == ours.card_last4
    return same_number and same_card and _is_near(entry, ours)


def _is_near(entry: Entry, ours: Ours) -> bool:
    return entry.at_us is None or abs(entry.at_us - ours.at_us) <= NEAR_US


def _distance(entry: Entry, ours: Ours) -> tuple[bool, int]:
    """The same amount first, then the nearest time; without one the newest."""
    away = -ours.at_us if entry.at_us is None else abs(entry.at_us - ours.at_us)
    return ours.amount_minor != entry.amount_minor, away


class Standing(StrEnum):
    """What we hold a transaction to be."""

    STANDS = "stands"
    GONE = "gone"
    """Declined, without effect, or given back."""
    IN_DOUBT = "in doubt"
    """A person or the file decides."""
    MOVING = "moving"
    """It is under way; whatever the file says is not its end yet."""


class Holding(Struct, frozen=True, kw_only=True):
    """A transaction as our journal has it, as far as files can confirm it.

    `given_minor` went back beside messages of their own, by a reversal or by hand. `clears` says whether its kind
    appears in files at all: a hold never does. `partner` is the sale of a void, or the void of a sale: a file may show
    neither. `adjusted`: a tip or an adjustment changes what is cleared. Days are ordinals of the host's business day.
    """

    transaction_id: str
    merchant_id: str
    standing: Standing
    side: Side
    amount_minor: int
    given_minor: int = 0
    clears: bool = True
    partner: str = ""
    adjusted: bool = False
    first_day: int
    last_day: int


class Seen(Struct, frozen=True, kw_only=True):
    """The amounts of the lines about one transaction: its own side, and what took it back."""

    own: tuple[int, ...] = ()
    other: tuple[int, ...] = ()

    @property
    def net_minor(self) -> int:
        """What the files leave in effect."""
        return sum(self.own) - sum(self.other)

    @property
    def absent(self) -> bool:
        """No file has it."""
        return not self.own and not self.other


class Verdict(StrEnum):
    """What the files say of a transaction."""

    MATCHED = "matched"
    DOUBTFUL = "doubtful"
    """Not there yet, and not all files are (存疑)."""
    WAITS = "waits"
    """It is under way, or files cannot tell."""
    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    AMOUNT_DIFFERS = "amount_differs"
    TWICE = "twice"
    ENDS_RETURNED = "ends_returned"
    """It was in doubt: taken, and given back."""
    ENDS_NO_EFFECT = "ends_no_effect"
    """It was in doubt: it never took effect, or nothing of it is left."""
    TOOK_EFFECT = "took_effect"
    """It was in doubt: taken, and not given back."""


DIFFERS = frozenset({Verdict.ONLY_OURS, Verdict.ONLY_THEIRS, Verdict.AMOUNT_DIFFERS, Verdict.TWICE})


def verdict(held: Holding, seen: Seen, *, complete: bool, partner_seen: bool) -> Verdict:
    """What the files say. `complete`: all files that could have it are there. `partner_seen`: they have its partner."""
    if held.standing is Standing.MOVING:
        return Verdict.WAITS
    if held.standing is Standing.IN_DOUBT:
        return _in_doubt(held, seen, complete=complete, partner_seen=partner_seen)
    stands = held.standing is Standing.STANDS
    expected_minor = held.amount_minor - held.given_minor if stands else 0
    if not held.clears:
        expected_minor = 0
    netted = stands and seen.absent and bool(held.partner) and not partner_seen
    if seen.net_minor == expected_minor or netted:
        return Verdict.MATCHED if complete or seen.own else Verdict.DOUBTFUL
    if not complete:
        return Verdict.DOUBTFUL
    if held.adjusted and stands and seen.own and not seen.other:
        return Verdict.MATCHED
    return _difference(seen, expected_minor)


def _difference(seen: Seen, expected_minor: int) -> Verdict:
    if len(seen.own) > 1 or len(seen.other) > 1:
        return Verdict.TWICE
    if seen.net_minor == 0:
        return Verdict.ONLY_OURS
    if expected_minor == 0 and seen.net_minor > 0:
        return Verdict.ONLY_THEIRS
    return Verdict.AMOUNT_DIFFERS


def _in_doubt(held: Holding, seen: Seen, *, complete: bool, partner_seen: bool) -> Verdict:
    """The file decides, when it is whole and unmistakable; otherwise it stays a person's.

    A void that no file has may have been netted with its sale, so it is decided only beside its sale's debit.
    """
    if not held.clears:
        return Verdict.WAITS
    if not complete or (held.partner and not partner_seen):
        return Verdict.DOUBTFUL
    if seen.absent:
        return Verdict.ENDS_NO_EFFECT
    if seen.net_minor == 0:
        return Verdict.ENDS_RETURNED
    if seen.own == (held.amount_minor,) and not seen.other:
        return Verdict.TOOK_EFFECT
    return _difference(seen, 0)


class Files(Struct, frozen=True, kw_only=True):
    """Which settlement dates are loaded: (day, merchant), "" for all merchants."""

    loaded: frozenset[tuple[int, str]]

    def cover(self, held: Holding) -> bool:
        """Whether every file is there that could have it: of its settlement date, the next, and what lies between."""
        days = range(held.first_day, held.last_day + 2)
        return all((day, "") in self.loaded or (day, held.merchant_id) in self.loaded for day in days)
