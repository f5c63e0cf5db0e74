"""Hosts of the profiles P1 to P5, written for the model: small, with a ledger of their own, and exact in one
thing only, what they do when a reversal comes (`docs/returns.md`).

    meets …            P1          P2, P3, P5     P4
    unseen original    25, bars    25             00
    approved           00, pays    00, pays       00, pays
    reversed before    00 or 94    P2 as P1; P3, P4, P5: 00, and pays again
    declined           25          25             00

When its business day changes, a host of P2 or P3 no longer finds yesterday's: "not found" then means "not today".
"""

from collections import Counter
from dataclasses import dataclass

from proof.model.dice import Dice, Fates
from proof.model.plan import Plan
from proof.model.wire import original_of, ref_of
from proof.records import Posting, Ref
from yuanlu.iso8583.codec import Message, response_mti

CLEARING = "clearing"
DAY_ENDS_S = 40.0
"""In worlds in which the day changes."""
OPEN_CODES = ("96", "98", "68")


@dataclass(slots=True, kw_only=True)
class Record:
    """What the host holds of one message's transaction. `undone` is minor units given back by others about it."""

    state: str
    minor: int
    account: str
    rrn: str
    payment: Ref
    day: int = 0
    credit: bool = False
    undone: int = 0


class Host:
    """One acquirer's host. `receive` takes a decoded request and returns its answer's frame, or None for silence."""

    def __init__(self, plan: Plan, fates: Fates) -> None:
        self.postings: list[Posting] = []
        self._profile = plan.profile
        self._fates = fates
        self._dice: Dice
        self._came: Counter[tuple[Ref, str]] = Counter()
        self._records: dict[Ref, Record] = {}
        self._repeat_code = "94" if "repeat called duplicate" in plan.faults else "00"
        self._forgets = "day changes" in plan.faults and plan.profile in ("P2", "P3")
        self._day = 0

    def receive(self, message: Message, now_s: float) -> bytes | None:
        """Decide, post, answer."""
        ref = ref_of(message)
        self._came[ref, message.mti] += 1
        self._dice = self._fates.dice("host", ref, message.mti, self._came[ref, message.mti])
        self._day = int(self._forgets and now_s >= DAY_ENDS_S)
        if message.mti[:2] == "06":
            return self._answer(message, "00", {48: f"ST={self._status(ref)}"})
        if message.mti[:2] == "04":
            return self._answer(message, self._reversal(message, ref, now_s), {})
        known = self._records.get(ref)
        if known is not None and known.state != "barred":
            return self._answer(message, "94", {})  # nobody sends an original twice; the checker counts
        if known is not None:  # it was reversed before it came
            self._remember(ref, "declined", int(message[4]), message.get(2) or "", ref)
            return self._answer(message, "25", {})
        if message.mti == "0200" and message[3] == "000000":
            code, changes = self._sale(message, ref, now_s)
        else:
            code, changes = self._giving_back(message, ref, now_s)
        return self._answer(message, code, changes)

    def _befalls(self, fault: str) -> bool:
        return self._fates.befall(fault, self._dice)

    def _sale(self, message: Message, ref: Ref, now_s: float) -> tuple[str, dict[int, str | bytes | None]]:
        minor, account = int(message[4]), message.get(2) or ""
        if self._befalls("host declines"):
            self._remember(ref, "declined", minor, account, ref)
            return "51", {}
        left_open = self._befalls("host leaves it open")
        if left_open and self._dice.random() < 0.5:  # it says so, and did nothing
            self._remember(ref, "declined", minor, account, ref)
            return self._dice.choice(OPEN_CODES), {}
        part = not left_open and minor > 1 and self._befalls("host approves in part")
        paid = minor // 2 if part else minor
        record = self._remember(ref, "approved", paid, account, ref)
        self._post(now_s, ref, ref, account, paid)
        if left_open:
            return self._dice.choice(OPEN_CODES), {}
        return ("10" if part else "00"), {4: f"{paid:012}", 37: record.rrn, 38: "A12345"}

    def _giving_back(self, message: Message, ref: Ref, now_s: float) -> tuple[str, dict[int, str | bytes | None]]:
        """A void or refund."""
        original, minor, account = self._original(message, ref), int(message[4]), message.get(2) or ""
        is_void = message.mti == "0200"
        if original is None or original.state not in ("approved",) or self._befalls("host declines"):
            self._remember(ref, "declined", minor, account, ref)
            return "12", {}
        wrong = minor != original.minor or original.undone if is_void else original.undone + minor > original.minor
        if wrong:
            self._remember(ref, "declined", minor, account, ref)
            return "61", {}
        if self._befalls("host leaves it open") and self._dice.random() < 0.5:
            self._remember(ref, "declined", minor, account, ref)
            return self._dice.choice(OPEN_CODES), {}
        original.undone += minor
        record = self._remember(ref, "approved", minor, original.account, original.payment, credit=True)
        self._post(now_s, original.payment, ref, original.account, -minor)
        return "00", {37: record.rrn, 38: "A12345"}

    def _original(self, message: Message, ref: Ref) -> Record | None:
        named = original_of(message)
        if named is not None:
            return self._records.get((ref[0], named[0], named[1], "0200"))
        rrn = (message.get(37) or "").strip()
        return next((r for r in self._records.values() if rrn and r.rrn == rrn and not r.credit), None)

    def _reversal(self, message: Message, ref: Ref, now_s: float) -> str:
        if self._befalls("reversal refused for keys"):
            return "77"
        if self._befalls("reversal refused for good"):
            return "57"
        left_open = self._befalls("reversal left open")
        if left_open and self._dice.random() < 0.5:
            return "96"
        code = self._reversed(ref, now_s, int(message[4]))
        return "96" if left_open else code

    def _of_today(self, ref: Ref) -> Record | None:
        record = self._records.get(ref)
        if record is not None and record.day != self._day:
            self._fates.hits.add("day changes")
            return None
        return record

    def _reversed(self, ref: Ref, now_s: float, minor: int) -> str:
        record = self._of_today(ref)
        if record is None:
            if self._profile == "P1":
                self._records[ref] = Record(state="barred", minor=minor, account="", rrn="", payment=ref)
            return "00" if self._profile == "P4" else "25"
        if record.state == "barred":
            return "25"
        if record.state == "declined":
            return "00" if self._profile == "P4" else "25"
        if record.undone:  # something else has been done about it since
            return "22"
        if record.state == "reversed":
            if self._profile in ("P1", "P2"):
                return self._repeat_code
            self._fates.hits.add("paid twice")
        self._undo(record, ref, now_s)
        return "00"

    def _undo(self, record: Record, ref: Ref, now_s: float) -> None:
        record.state = "reversed"
        if record.credit:
            original = self._records[record.payment]
            original.undone = max(0, original.undone - record.minor)
        self._post(now_s, record.payment, ref, record.account, record.minor if record.credit else -record.minor)

    def _status(self, ref: Ref) -> str:
        record = self._of_today(ref)
        if record is None:
            return "UNKNOWN"
        return {"approved": "APPROVED", "reversed": "REVERSED"}.get(record.state, "DECLINED")

    def _remember(
        self, ref: Ref, state: str, minor: int, account: str, payment: Ref, *, credit: bool = False
    ) -> Record:
        record = Record(
            state=state, minor=minor, account=account, rrn=f"{len(self._records) + 1:012}", payment=payment,
            credit=credit, day=self._day,
        )  # fmt: skip
        self._records[ref] = record
        return record

    def _post(self, now_s: float, payment: Ref, by: Ref, account: str, minor: int) -> None:
        entries = ((account, -minor), (CLEARING, minor))
        self.postings.append(Posting(at_s=now_s, payment=payment, by=by, account=account, entries=entries))

    def _answer(self, message: Message, code: str, changes: dict[int, str | bytes | None]) -> bytes:
        return message.splice({39: code, **changes}, mti=response_mti(message.mti))
