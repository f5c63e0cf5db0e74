"""A good day in miniature, as all witnesses tell it: one of everything that gives money back."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec.structs import replace as structs_replace

from yuanlu.sandbox.evidence import HostEntry, HostRecord, JournalEntry, OrderEntry, ReturnEntry
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.story import Witnesses, stories
from yuanlu.sandbox.told import Told
from yuanlu.sandbox.verdict import Verdict, judge

TERMINAL, MERCHANT, BATCH = "20000001", "898440153110001", "000001"
PROFILE_OF = {"p1": "P1"}


def ref(stan: int) -> PaymentRef:
    return PaymentRef(terminal_id=TERMINAL, merchant_id=MERCHANT, batch_no=BATCH, stan=f"{stan:06}")


@dataclass
class Day:
    """Witnesses that can be changed: keyed by trace number, so that a test can break one of them."""

    hosts: dict[int, HostEntry] = field(default_factory=dict)
    records: dict[int, HostRecord] = field(default_factory=dict)
    journal: dict[int, JournalEntry] = field(default_factory=dict)
    legs: list[ReturnEntry] = field(default_factory=list)
    orders: list[OrderEntry] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    cases: set[str] = field(default_factory=set)

    def judged(self) -> Verdict:
        heard = Witnesses(
            hosts=list(self.hosts.values()),
            records=list(self.records.values()),
            journal=list(self.journal.values()),
            returns=self.legs,
            orders=self.orders,
            told=self.told,
            cases=frozenset(self.cases),
        )
        joined = stories(heard, PROFILE_OF, {TERMINAL: "p1"})
        return judge(joined, self.legs, {"p1": 0}, PROFILE_OF, self.told)

    def book(self, stan: int, *, debits: int = 0, back: int = 0, held: int = 0, count: int = 1) -> None:
        self.hosts[stan] = HostEntry(
            ref=ref(stan), debits_minor=debits, credits_minor=back, debit_count=count, held_minor=held
        )

    def message(
        self,
        stan: int,
        kind: str,
        amount: int,
        *,
        state: str = "APPROVED",
        code: str = "00",
        record: str | None = "APPROVED",
        about: int | None = None,
        cause: str = "",
    ) -> None:
        """One message by all three witnesses; without `record` the host never had it."""
        if record is not None:
            self.records[stan] = HostRecord(ref=ref(stan), kind=kind, state=record, amount_minor=amount)
        self.journal[stan] = JournalEntry(
            ref=ref(stan),
            transaction_id=f"X{stan}",
            acquirer="p1",
            state=state,
            reason="",
            amount_minor=amount,
            approved_at_us=40 if state in ("APPROVED", "CAPTURED", "RETURNED") else None,
            kind=kind,
            original_id=f"X{about}" if about is not None else "",
            cause=cause,
        )
        self.tell(stan, kind, amount, code, about=about)

    def tell(
        self, stan: int, kind: str, amount: int, code: str, *, about: int | None = None, asked: Any = "request"
    ) -> None:
        self.told.append(
            Told(
                terminal_id=TERMINAL,
                merchant_id=MERCHANT,
                batch_no=BATCH,
                stan=f"{stan:06}",
                amount_minor=amount,
                asked=asked,
                code=code,
                at_us=50,
                kind=kind,
                about_stan=f"{about:06}" if about is not None else "",
            )
        )

    def leg(self, of: int, kind: str, amount: int, state: str = "RETURNED", *, by: int = 0, order: str = "") -> None:
        self.legs.append(
            ReturnEntry(
                transaction_id=f"X{of}",
                acquirer="p1",
                state=state,
                opened_at_us=0,
                closed_at_us=1000 if state in ("RETURNED", "NO_EFFECT") else None,
                kind=kind,
                amount_minor=amount,
                message_id=f"X{by}" if by else "",
                order_id=order,
            )
        )

    def change(self, part: str, stan: int, **values: Any) -> None:
        """Break one witness's word about one transaction."""
        rows: dict[int, Any] = getattr(self, part)
        rows[stan] = replace(rows[stan], **values)

    def retell(self, stan: int, code: str) -> None:
        """The till was told something else."""
        for place, told in enumerate(self.told):
            if told.stan == f"{stan:06}":
                self.told[place] = structs_replace(told, code=code)

    def releg(self, of: int, state: str) -> None:
        """The journal says something else about what went back of a transaction."""
        self.legs = [replace(leg, state=state) if leg.transaction_id == f"X{of}" else leg for leg in self.legs]


Break = Callable[[Day], None]


def good_day() -> Day:
    """Every kind of giving-back, ended as it should."""
    day = Day()
    _voided_and_refunded(day)
    _in_doubt(day)
    _held(day)
    return day


def _voided_and_refunded(day: Day) -> None:
    day.message(1, "sale", 100)
    day.book(1, debits=100)
    day.message(2, "sale", 200, state="RETURNED", record="VOIDED")
    day.message(3, "void", 200, about=2)
    day.leg(2, "void", 200, by=3)
    day.book(2, debits=200, back=200)
    day.message(4, "sale", 300, record="REFUNDED")
    day.message(5, "refund", 100, about=4)
    day.leg(4, "refund", 100, by=5)
    day.tell(6, "refund", 250, "61", about=4)
    day.tell(7, "void", 300, "64", about=4)
    day.book(4, debits=300, back=100)
    day.message(8, "sale", 400, state="CAPTURED")
    day.message(9, "refund", 400, state="DECLINED", code="51", record="DECLINED", about=8)
    day.leg(8, "refund", 400, "NO_EFFECT", by=9)
    day.book(8, debits=400)


def _in_doubt(day: Day) -> None:
    """A void in doubt, reversed and made again; a void that its till took back; a refund that nobody knows."""
    day.message(10, "sale", 500, state="RETURNED", record="VOIDED")
    day.message(11, "void", 500, state="RETURNED", code="98", record="REVERSED", about=10, cause="NO_ANSWER")
    day.leg(10, "void", 500, "NO_EFFECT", by=11)
    day.leg(11, "reversal", 500)
    day.message(12, "void", 500, about=10)
    day.told.pop()  # it was our own: nobody was told
    day.leg(10, "void", 500, by=12, order="O1")
    day.orders.append(OrderEntry(transaction_id="X10", state="DONE", amount_minor=500))
    day.book(10, debits=1000, back=1000, count=2)
    day.message(13, "sale", 600)
    day.message(14, "void", 600, state="RETURNED", code="", record="REVERSED", about=13)
    day.tell(14, "void", 600, "00", about=13, asked="reversal")
    day.leg(13, "void", 600, "NO_EFFECT", by=14)
    day.book(13, debits=1200, back=600, count=2)
    day.message(15, "sale", 700, record="REFUNDED")
    day.message(16, "refund", 300, state="UNKNOWN", code="98", about=15)
    day.leg(15, "refund", 300, "ESCALATED", by=16)
    day.cases.add("X16")
    day.book(15, debits=700, back=300)


def _held(day: Day) -> None:
    """Pre-authorisations: completed, voided, and completed, voided and voided."""
    day.message(20, "preauth", 800, record="COMPLETED")
    day.message(21, "completion", 850, about=20)
    day.book(20, held=0)
    day.book(21, debits=850)
    day.message(22, "preauth", 900, state="RETURNED", record="VOIDED")
    day.message(23, "preauth_void", 900, about=22)
    day.leg(22, "preauth_void", 900, by=23)
    day.book(22, held=0)
    day.message(24, "preauth", 1000)
    day.message(25, "completion", 1000, state="RETURNED", record="VOIDED", about=24)
    day.message(26, "completion_void", 1000, about=25)
    day.leg(25, "completion_void", 1000, by=26)
    day.book(24, held=1000)
    day.book(25, debits=1000, back=1000)
