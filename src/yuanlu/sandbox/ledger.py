"""The books of a simulated host: double entry, so the sum of all accounts never changes (invariant I1).

Each entry moves an amount from one account to another: a payment from the card's account to the merchant's
suspense account, a reversal back. Cards are named by a hash; no card number is in the books. Amounts are in
minor units of one currency.
"""

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum

from yuanlu.kernel.errors import YuanluError


class LedgerError(YuanluError):
    """An entry that double entry forbids."""


class EntryKind(Enum):
    """Which way the cardholder's money went."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PaymentRef:
    """How a host names one payment: terminal 8, merchant 15 characters, batch and STAN 6 digits each."""

    terminal_id: str
    merchant_id: str
    batch_no: str
    stan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One movement between a card's account and a merchant's suspense account, at `at_us` since 1970 UTC."""

    ref: PaymentRef
    kind: EntryKind
    amount_minor: int
    card_account: str
    merchant_account: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """All entries of one payment: `net_minor` below 0 means that the cardholder is still charged."""

    ref: PaymentRef
    debits_minor: int
    credits_minor: int
    debit_count: int
    credit_count: int

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
        amount = entry.amount_minor if entry.kind is EntryKind.CREDIT else -entry.amount_minor
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
    debited = [entry.amount_minor for entry in entries if entry.kind is EntryKind.DEBIT]
    credited = [entry.amount_minor for entry in entries if entry.kind is EntryKind.CREDIT]
    return Net(
        ref=ref,
        debits_minor=sum(debited),
        credits_minor=sum(credited),
        debit_count=len(debited),
        credit_count=len(credited),
    )
