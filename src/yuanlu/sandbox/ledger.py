"""The books of a simulated host: double entry, so the sum of all accounts never changes (invariant I1).

Each entry moves an amount from one account to another: a payment from the card's account to the merchant's
suspense account, a reversal, void or refund back. A pre-authorisation moves it to the merchant's hold account, which
is no debit yet. Cards are named by a hash; no card number is in the books. Amounts are in minor units of one
currency.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum

from yuanlu.kernel.errors import YuanluError


class LedgerError(YuanluError):
    """An entry that double entry forbids."""


class EntryKind(Enum):
    """Which way the cardholder's money went: charged and given back, or set aside and set free."""

    DEBIT = "debit"
    CREDIT = "credit"
    HOLD = "hold"
    RELEASE = "release"

    @property
    def opposite(self) -> "EntryKind":
        """The kind that undoes it."""
        match self:
            case EntryKind.DEBIT:
                return EntryKind.CREDIT
            case EntryKind.CREDIT:
                return EntryKind.DEBIT
            case EntryKind.HOLD:
                return EntryKind.RELEASE
            case EntryKind.RELEASE:
                return EntryKind.HOLD


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PaymentRef:
    """How a host names one payment: terminal 8, merchant 15 characters, batch and STAN 6 digits each."""

    terminal_id: str
    merchant_id: str
    batch_no: str
    stan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement between a card's account and one of a merchant's accounts, at `at_us` since 1970 UTC.

    `ref` is the payment whose money it is: what a void or a refund gives back stands under the original's.
    """

    ref: PaymentRef
    kind: EntryKind
    amount_minor: int
    card_account: str
    merchant_account: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """All entries of one payment: `net_minor` below 0 means that the cardholder is still charged.

    `held_minor` is what a pre-authorisation still holds; it is no part of the net.
    """

    ref: PaymentRef
    debits_minor: int
    credits_minor: int
    debit_count: int
    credit_count: int
    held_minor: int = 0

    @property
    def net_minor(self) -> int:
        """Credits less debits."""
        return self.credits_minor - self.debits_minor


class Ledger:
    """Entries in order, and the balances that follow from them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.balances: dict[str, int] = defaultdict(int)

    def post(self, entry: Entry) -> None:
        """Move the money. LedgerError if the amount is not positive or both accounts are the same."""
        if entry.amount_minor <= 0 or entry.card_account == entry.merchant_account:
            raise LedgerError("an entry moves a positive amount between two accounts")
        to_card = entry.kind in (EntryKind.CREDIT, EntryKind.RELEASE)
        amount = entry.amount_minor if to_card else -entry.amount_minor
        self.balances[entry.card_account] += amount
        self.balances[entry.merchant_account] -= amount
        self.entries.append(entry)

    def total_minor(self) -> int:
        """The sum of all accounts: 0, always."""
        return sum(self.balances.values())

    def nets(self) -> list[Net]:
        """Debits and credits of each payment, in the order of their first entry."""
        by_ref: dict[PaymentRef, list[Entry]] = {}
        for entry in self.entries:
            by_ref.setdefault(entry.ref, []).append(entry)
        return [_net(ref, entries) for ref, entries in by_ref.items()]


def _net(ref: PaymentRef, entries: list[Entry]) -> Net:
    debited = _amounts(entries, EntryKind.DEBIT)
    credited = _amounts(entries, EntryKind.CREDIT)
    return Net(
        ref=ref,
        debits_minor=sum(debited),
        credits_minor=sum(credited),
        debit_count=len(debited),
        credit_count=len(credited),
        held_minor=sum(_amounts(entries, EntryKind.HOLD)) - sum(_amounts(entries, EntryKind.RELEASE)),
    )


def _amounts(entries: list[Entry], kind: EntryKind) -> list[int]:
    return [entry.amount_minor for entry in entries if entry.kind is kind]
