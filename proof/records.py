"""What a run leaves behind, as plain data: all that the checker reads, and nothing of how it came about.

Every level of proof fills these with a reader of its own: the model from its memory, others from a database, from a
host's books and from what tills wrote down. Times are seconds of one clock that all of them share; a `ref` names a
message's transaction as every side knows it: (terminal, batch, trace number, class of message type).
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

Ref = tuple[str, str, str, str]

APPROVALS = frozenset({"00", "10", "11", "16", "A2", "A4", "A5", "A6"})
"""Field 39 of an approved payment."""


class Posting(Struct, frozen=True, kw_only=True):
    """Two entries of a host's ledger: `minor` from the cardholder's account to the clearing account, or back (below 0).

    `payment` is the sale that it is about, `by` the message that caused it.
    """

    at_s: float
    payment: Ref
    by: Ref
    account: str
    entries: tuple[tuple[str, int], ...]

    @property
    def minor(self) -> int:
        """What the account was charged, in minor units."""
        return -sum(minor for account, minor in self.entries if account == self.account)


class Sent(Struct, frozen=True, kw_only=True):
    """A frame that left for a host. `kind` is original, reversal or inquiry; `same` what no attempt may change."""

    at_s: float
    ref: Ref
    kind: str
    same: tuple[str, ...]


class Told(Struct, frozen=True, kw_only=True):
    """An answer that a till got: message type and response code."""

    at_s: float
    ref: Ref
    mti: str
    code: str


class Shown(Struct, frozen=True, kw_only=True):
    """A frame as a fact holds it: from T or to t the terminal, to h or from H the host."""

    direction: str
    mti: str
    stan: str
    code: str


class FactRow(Struct, frozen=True, kw_only=True):
    """A row of the journal; `durable_s` is when its commit was."""

    subject: str
    version: int
    writer: int
    seq: int
    kind: str
    durable_s: float
    shown: tuple[Shown, ...] = ()


class TransactionRow(Struct, frozen=True, kw_only=True):
    """A transaction as it stands at rest. `about` is the id of what a void or refund refers to."""

    id: str
    ref: Ref
    kind: str
    state: str
    version: int
    paid_minor: int
    currency: str
    about: str


class LegRow(Struct, frozen=True, kw_only=True):
    """A giving-back as it stands at rest; `message` is the void or refund that carried it out."""

    id: str
    transaction: str
    kind: str
    state: str
    minor: int
    currency: str
    message: str
    case_opened: bool
    explanation: str


class OrderRow(Struct, frozen=True, kw_only=True):
    """An order to give back as it stands at rest."""

    id: str
    transaction: str
    state: str
    automatic: bool
    maker: str
    checker: str


class Evidence(Struct, frozen=True, kw_only=True):
    """One run. `profile` is what the host promised; `at_rest` whether everything came to rest in the time it had."""

    profile: str
    at_rest: bool
    postings: Sequence[Posting]
    sent: Sequence[Sent]
    told: Sequence[Told]
    facts: Sequence[FactRow]
    transactions: Sequence[TransactionRow]
    moves: Sequence[tuple[str, str, str]]
    legs: Sequence[LegRow]
    orders: Sequence[OrderRow]
    watched: frozenset[str]
    recovered_alike: bool = True
    """Whether recovering once more from what is durable changed nothing."""
    calm_outcome: Mapping[Ref, tuple[str, int]] = field(default_factory=dict)
    """What the same run without jumps of the wall clock came to: state and net by payment; empty if not compared."""


class Violation(Struct, frozen=True, kw_only=True):
    """An invariant that does not hold, about what, and how."""

    invariant: str
    about: str
    how: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.about}: {self.how}"
