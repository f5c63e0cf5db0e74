"""The simulated acquirer host without its sockets: a request goes in, a list of actions comes out.

`HostCore.handle` decides by profile, ledger and faults; the server performs the actions and calls `resume`
for what was held up. Messages: sale 0200 by card or QR (000000), balance (310000), reversal 0400, 0401, 0420,
0421, status inquiry 0600, sign-in 0800, echo 0800 or 0820 with management code 301.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from yuanlu.iso8583.codec import Codec, MakeMac
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.sandbox.fault_board import FaultBoard
from yuanlu.sandbox.faults import APPROVALS, AS_USUAL, Commit, Effect, Fault, Line, Reply
from yuanlu.sandbox.host_answers import (
    answer_frame,
    balance_text,
    payment_fields,
    plain_texts,
    settlement_date,
    spoilt,
)
from yuanlu.sandbox.host_keys import HostKeys
from yuanlu.sandbox.host_request import BALANCE, NO_BATCH, SALE, SIGN_IN_CODES, HostRequest, read_request
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.ledger import Entry, EntryKind, Ledger, PaymentRef
from yuanlu.sandbox.profiles import PROFILES, RecordState, decide_reversal, inquiry_status

OPENING_BALANCE_MINOR = 10_000_000
FIRST_BATCH = "000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBytes:
    """Write these bytes, length included, to the connection the request came on."""

    after_ms: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """Close the connection the request came on."""

    after_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GoDown:
    """Drop every connection and accept none for so long."""

    for_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request being worked on: `mac` makes the MAC of its answer, `now_us` is when it is worked on."""

    request: HostRequest
    mac: MakeMac | None = field(repr=False)
    now_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMessage:
    """A message held up on its way into the host, with what will befall it."""

    turn: Turn
    effect: Effect
    is_reversal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Give the held message to `HostCore.resume` after so long, even if its connection is gone by then."""

    after_ms: int
    held: HeldMessage


Action = SendBytes | HangUp | GoDown | Resume


@dataclass(slots=True, kw_only=True)
class Record:
    """What the host remembers of one payment; it never forgets in this program's life."""

    state: RecordState
    amount_minor: int
    account: str
    rrn: str = ""
    auth_code: str = ""


class HostCore:
    """One host: its books, its memory of payments, its faults. `now_us` is wall time since 1970 UTC."""

    def __init__(
        self, *, terms: HostTerms, codec: Codec, keys: HostKeys, faults: FaultBoard, chance: random.Random
    ) -> None:
        self.terms = terms
        self.faults = faults
        self.ledger = Ledger()
        self.counters: Counter[str] = Counter()
        self._codec = codec
        self._profile = PROFILES[terms.profile]
        self._keys = keys
        self._chance = chance
        self._records: dict[PaymentRef, Record] = {}
        self._fault_of: dict[PaymentRef, Fault] = {}
        self._reversals_of: Counter[PaymentRef] = Counter()
        self._rrn = 0

    def state_of(self, ref: PaymentRef) -> RecordState | None:
        """What the host holds this payment to be; None for one it has not seen."""
        record = self._records.get(ref)
        return record.state if record is not None else None

    def handle(self, frame: bytes, now_us: int) -> list[Action]:
        """Decide about one frame, given without its length. What cannot be read ends the connection."""
        self.counters["frames"] += 1
        try:
            request = read_request(self._codec.decode(frame))
            return self._dispatch(request, now_us)
        except DecodeError:
            self.counters["unreadable"] += 1
            return [HangUp()]

    def resume(self, held: HeldMessage, now_us: int) -> list[Action]:
        """Go on with a message that was held up: its turn has come now."""
        turn = replace(held.turn, now_us=now_us)
        code = self._reverse(turn) if held.is_reversal else self._charge(turn, held.effect.code)
        return self._answer(turn, code, held.effect)

    def _dispatch(self, request: HostRequest, now_us: int) -> list[Action]:
        mti = request.message.mti
        if mti in ("0800", "0820"):
            return self._manage(Turn(request=request, mac=None, now_us=now_us))
        authentic, mac = self._keys.check(request.message, request.ref.terminal_id)
        turn = Turn(request=request, mac=mac, now_us=now_us)
        if not authentic:
            self.counters["wrong_mac"] += 1
            return self._answer(turn, "A0", AS_USUAL)
        work = self._work_for(mti, request.processing_code)
        if work is None:
            self.counters["unsupported"] += 1
            return self._answer(turn, "40", AS_USUAL)
        return work(turn)

    def _work_for(self, mti: str, processing_code: str) -> Callable[[Turn], list[Action]] | None:
        if mti in ("0400", "0401", "0420", "0421"):
            return self._reversal
        if mti == "0600":
            return self._inquiry if self._profile.answers_inquiries else None
        return {SALE: self._sale, BALANCE: self._balance}.get(processing_code) if mti == "0200" else None

    def _sale(self, turn: Turn) -> list[Action]:
        request = turn.request
        self.counters["sales"] += 1
        if self.state_of(request.ref) not in (None, RecordState.BARRED):
            self.counters["originals_repeated"] += 1
        fault = self.faults.choose(request.ref.terminal_id, request.amount_minor)
        effect = AS_USUAL
        if fault is not None:
            self.counters[f"fault.{fault.name}"] += 1
            self._fault_of[request.ref] = fault
            effect = fault.sale
        match effect.commit:
            case Commit.LATE:
                self._hold(request)
                return [self._held(turn, effect, is_reversal=False)]
            case Commit.NOW:
                code = self._charge(turn, effect.code)
            case Commit.NEVER:
                code = self._refuse(request, effect.code)
        return self._answer(turn, code, effect)

    def _hold(self, request: HostRequest) -> None:
        self._records.setdefault(
            request.ref,
            Record(state=RecordState.HELD, amount_minor=request.amount_minor, account=request.account),
        )

    def _charge(self, turn: Turn, code: str) -> str:
        """Post the payment and return the code to answer, `code` if one is asked for."""
        request = turn.request
        known = self._records.get(request.ref)
        if known is not None and known.state is RecordState.BARRED:
            self.counters["barred"] += 1
            return self._profile.declined_code
        if known is not None and known.state is not RecordState.HELD and self._profile.recognises_repeats:
            return "94"
        if request.amount_minor == 0:
            return "13"
        self._records[request.ref] = Record(
            state=RecordState.APPROVED,
            amount_minor=request.amount_minor,
            account=request.account,
            rrn=self._next_rrn(),
            auth_code=f"{self._chance.randrange(1_000_000):06}",
        )
        self._post(turn, self._records[request.ref], EntryKind.DEBIT)
        self.counters["debits"] += 1
        return code or "00"

    def _refuse(self, request: HostRequest, code: str) -> str:
        """Remember a decline; a payment lost on its way (no code) leaves no trace at all."""
        if code:
            self.counters["declines"] += 1
            self._records.setdefault(
                request.ref,
                Record(state=RecordState.DECLINED, amount_minor=request.amount_minor, account=request.account),
            )
        return code

    def _reversal(self, turn: Turn) -> list[Action]:
        effect = self._effect_on_reversal(turn.request.ref)
        match effect.commit:
            case Commit.LATE:
                return [self._held(turn, effect, is_reversal=True)]
            case Commit.NOW:
                found = self._reverse(turn)
                code = effect.code or found
            case Commit.NEVER:
                code = effect.code
        return self._answer(turn, code, effect)

    def _effect_on_reversal(self, ref: PaymentRef) -> Effect:
        """What befalls this reversal: the first ones of a payment may have a fault of their own."""
        self.counters["reversals"] += 1
        self._reversals_of[ref] += 1
        fault = self._fault_of.get(ref)
        if fault is None or fault.reversal is None or self._reversals_of[ref] > fault.reversal_times:
            return AS_USUAL
        return fault.reversal

    def _reverse(self, turn: Turn) -> str:
        """Give back what the profile gives back; the code to answer."""
        request, record = turn.request, self._records.get(turn.request.ref)
        state = record.state if record is not None else None
        decision = decide_reversal(self._profile, state, self.terms.reversal_repeat_code)
        self.counters["reversals_unseen"] += state is None
        self.counters["reversals_repeated"] += state is RecordState.REVERSED
        if record is None and decision.next_state is not None:
            record = self._records[request.ref] = Record(
                state=decision.next_state, amount_minor=request.amount_minor, account=request.account
            )
        if record is not None and decision.next_state is not None:
            record.state = decision.next_state
            if decision.credits:
                self._post(turn, record, EntryKind.CREDIT)
                self.counters["credits"] += 1
        return decision.code

    def _post(self, turn: Turn, record: Record, kind: EntryKind) -> None:
        ref = turn.request.ref
        self.ledger.post(
            Entry(
                ref=ref,
                kind=kind,
                amount_minor=record.amount_minor,
                card_account=record.account,
                merchant_account=f"merchant:{ref.merchant_id}",
                at_us=turn.now_us,
            )
        )

    def _inquiry(self, turn: Turn) -> list[Action]:
        self.counters["inquiries"] += 1
        return self._send(turn, "00", {48: inquiry_status(self.state_of(turn.request.ref))}, AS_USUAL)

    def _balance(self, turn: Turn) -> list[Action]:
        available = OPENING_BALANCE_MINOR + self.ledger.balances.get(turn.request.account, 0)
        return self._send(turn, "00", {54: balance_text(available)}, AS_USUAL)

    def _manage(self, turn: Turn) -> list[Action]:
        """Sign-in with new keys, and everything else of this class answered 00."""
        request, changes = turn.request, dict[int, str | bytes | None]()
        if request.message.mti == "0800" and request.management_code in SIGN_IN_CODES:
            self.counters["sign_ins"] += 1
            keys = self._keys.sign_in(request.ref.terminal_id, request.management_code)
            changes = {60: _batch_given(request), 62: self._as_field_62(keys)}
        return self._send(turn, "00", changes, AS_USUAL)

    def _as_field_62(self, keys: bytes) -> str | bytes:
        """Binary where the dialect allows it, else hex characters."""
        return keys.hex().upper() if self._codec.dialect.extended else keys

    def _answer(self, turn: Turn, code: str, effect: Effect) -> list[Action]:
        """The answer to a payment or reversal, and what the fault makes of it."""
        record = self._records.get(turn.request.ref)
        auth_code = record.auth_code if record is not None else ""
        changes = payment_fields(code, settlement_date(turn.now_us), auth_code)
        return self._send(turn, code or "00", changes, effect)

    def _send(self, turn: Turn, code: str, changes: Mapping[int, str | bytes | None], effect: Effect) -> list[Action]:
        mac = turn.mac if code in APPROVALS or self.terms.mac_on_declines else None
        frame = answer_frame(
            turn.request.message,
            plain_texts(changes, self._codec),
            code=code,
            rrn=self._rrn_of(turn.request),
            now_us=turn.now_us,
            mac=mac,
        )
        data = spoilt(frame, effect.reply, self._codec, mac, self._chance)
        after_ms = self._chance.randint(self.terms.processing_ms_min, self.terms.processing_ms_max)
        if effect.reply is Reply.LATE:
            after_ms = self.terms.delay_ms
        actions: list[Action] = [SendBytes(after_ms=after_ms, data=data)] if data else []
        return actions + self._line_actions(effect.line, after_ms)

    def _line_actions(self, line: Line, after_ms: int) -> list[Action]:
        match line:
            case Line.STAYS:
                return []
            case Line.CLOSES:
                return [HangUp(after_ms=after_ms)]
            case Line.RESTARTS:
                return [GoDown(for_ms=self.terms.restart_ms)]
            case Line.GOES_DOWN:
                return [GoDown(for_ms=self.terms.down_ms)]

    def _held(self, turn: Turn, effect: Effect, *, is_reversal: bool) -> Resume:
        held = HeldMessage(turn=turn, effect=effect, is_reversal=is_reversal)
        return Resume(after_ms=self.terms.late_commit_ms, held=held)

    def _rrn_of(self, request: HostRequest) -> str:
        record = self._records.get(request.ref)
        if record is not None and record.rrn and request.message.mti == "0200":
            return record.rrn
        return self._next_rrn()

    def _next_rrn(self) -> str:
        self._rrn += 1
        return f"{self.terms.seed % 1000:03}{self._rrn:09}"


def _batch_given(request: HostRequest) -> str:
    """Field 60 of the sign-in answer: the terminal's batch, or the first one if it has none yet."""
    batch = request.ref.batch_no if request.ref.batch_no != NO_BATCH else FIRST_BATCH
    return F60(type_code="00", batch_no=batch, management_code=request.management_code).build()
