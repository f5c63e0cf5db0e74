"""What a simulated host remembers: its records of transactions, its ledger, its counters.

A record holds the entries its transaction posted and which other records it changed. A reversal is the opposite of
both, whatever was done: so a reversed void charges the sale again, and a reversed completion holds the amount again.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from yuanlu.sandbox.host_actions import Turn
from yuanlu.sandbox.host_request import INQUIRY, HostRequest
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.ledger import Entry, EntryKind, Ledger, PaymentRef
from yuanlu.sandbox.profiles import RecordState


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What a transaction did to the record of another one."""

    ref: PaymentRef
    before: RecordState
    after: RecordState


@dataclass(slots=True, kw_only=True)
class Record:
    """What the host remembers of one transaction; it never forgets in this program's life.

    `at_us` is when it was posted or refused, since 1970 UTC. `original` is the transaction that a void, refund or
    completion is about, `refunded_minor` how much of this one has been refunded. `entries` and `shifts` are what a
    reversal undoes.
    """

    kind: Kind
    state: RecordState
    amount_minor: int
    account: str
    at_us: int = 0
    rrn: str = ""
    auth_code: str = ""
    original: PaymentRef | None = None
    refunded_minor: int = 0
    entries: tuple[Entry, ...] = ()
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """An entry, and the transaction by which it was posted: a void's entry stands under its sale. None: by people."""

    by: PaymentRef | None
    entry: Entry


class HostBooks:
    """Records, ledger and counters of one host. `seed` makes the first digits of its retrieval reference numbers."""

    def __init__(self, *, seed: int, chance: random.Random) -> None:
        self.ledger = Ledger()
        self.counters: Counter[str] = Counter()
        self.movements: list[Movement] = []
        self._records: dict[PaymentRef, Record] = {}
        self._by_rrn: dict[str, PaymentRef] = {}
        self._seed = seed
        self._chance = chance
        self._rrn = 0

    def find(self, ref: PaymentRef) -> Record | None:
        """The record of a transaction; None for one not seen."""
        return self._records.get(ref)

    def find_ref(self, rrn: str) -> PaymentRef | None:
        """Whose retrieval reference number (field 37) this is; None for one never given."""
        return self._by_rrn.get(rrn)

    def records(self) -> list[tuple[PaymentRef, Record]]:
        """Everything remembered, oldest first."""
        return list(self._records.items())

    def remember(self, turn: Turn, state: RecordState) -> Record:
        """Note a transaction that moves no money: held up, declined, or reversed before it came."""
        request = turn.request
        record = Record(
            kind=request.kind or Kind.SALE,
            state=state,
            amount_minor=request.amount_minor,
            account=request.account,
            at_us=turn.now_us,
        )
        return self._records.setdefault(request.ref, record)

    def decline(self, turn: Turn) -> None:
        """Note a decline; what is already approved or barred under this name stays as it is."""
        self.counters["declines"] += 1
        record = self.remember(turn, RecordState.DECLINED)
        if record.state is RecordState.HELD:
            record.state = RecordState.DECLINED

    def approve(self, turn: Turn, record: Record) -> None:
        """Keep the record of a transaction, give it its number, post its entries and change other records."""
        request = turn.request
        record.at_us, record.rrn = turn.now_us, self.next_rrn()
        self._by_rrn[record.rrn] = request.ref
        self._records[request.ref] = record
        self._post(request.ref, record.entries)
        for shift in record.shifts:
            self._records[shift.ref].state = shift.after

    def is_overtaken(self, record: Record) -> bool:
        """Whether a record that this one changed has been changed again since."""
        return any(self._records[shift.ref].state is not shift.after for shift in record.shifts)

    def undo(self, ref: PaymentRef, record: Record, now_us: int) -> None:
        """Post the opposite of the entries of `ref`'s record, and change back the records it changed."""
        self._post(ref, [replace(entry, kind=entry.kind.opposite, at_us=now_us) for entry in record.entries])
        for shift in record.shifts:
            other = self._records[shift.ref]
            if other.state is shift.after:
                other.state = shift.before

    def adjust(self, ref: PaymentRef, amount_minor: int, now_us: int) -> None:
        """The acquirer's people give money back beside the message path: a credit adjustment (贷记调整)."""
        record = replace(self._records[ref], amount_minor=amount_minor)
        self._post(None, [entry_of(EntryKind.CREDIT, ref, record, at_us=now_us)])

    def _post(self, by: PaymentRef | None, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.ledger.post(entry)
            self.movements.append(Movement(by=by, entry=entry))
            self.counters[f"{entry.kind.value}s"] += 1

    def rrn_for(self, request: HostRequest) -> str:
        """Field 37 of an answer: a transaction keeps its number, everything else gets a new one."""
        own = not request.is_reversal and request.message.mti != INQUIRY
        record = self.find(request.ref) if own and request.kind is not None else None
        if record is None:
            return self.next_rrn()
        if not record.rrn:
            record.rrn = self.next_rrn()
            self._by_rrn[record.rrn] = request.ref
        return record.rrn

    def next_rrn(self) -> str:
        """A retrieval reference number never given before: 12 digits."""
        self._rrn += 1
        return f"{self._seed % 1000:03}{self._rrn:09}"

    def next_auth_code(self) -> str:
        """An authorisation code (field 38): 6 random digits."""
        return f"{self._chance.randrange(1_000_000):06}"


def entry_of(kind: EntryKind, ref: PaymentRef, record: Record, *, at_us: int) -> Entry:
    """One movement of the record's whole amount under `ref`. Holds stand in an account of their own."""
    held = kind in (EntryKind.HOLD, EntryKind.RELEASE)
    return Entry(
        ref=ref,
        kind=kind,
        amount_minor=record.amount_minor,
        card_account=record.account,
        merchant_account=f"{'hold' if held else 'merchant'}:{ref.merchant_id}",
        at_us=at_us,
    )
