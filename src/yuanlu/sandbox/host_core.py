"""The simulated acquirer host without its sockets: a request goes in, a list of actions comes out.

`HostCore.handle` decides by profile, books and faults; the server performs the actions and calls `resume` for what
was held up. Messages:

    0200  sale by card or QR, void, completion and its void, balance
    0100  pre-authorisation and its void
    0220  refund; advices: completion, offline sale, adjustment, tip
    0400  reversal, also as 0401, 0420, 0421
    0600  status inquiry
    0500  settlement, 0320 batch upload, 0620 script result
    0800  sign-in; echo as 0800 or 0820 with management code 301

What each transaction does is in `host_transactions`; here is the way through for all of them.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from yuanlu.iso8583.codec import Codec, MakeMac
from yuanlu.iso8583.errors import DecodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.sandbox.fault_board import FaultBoard
from yuanlu.sandbox.faults import (
    APPROVALS,
    APPROVED_PERCENT,
    AS_USUAL,
    PARTIAL_APPROVAL,
    Commit,
    Effect,
    Fault,
    Line,
    Reply,
)
from yuanlu.sandbox.host_actions import Action, GoDown, HangUp, HeldMessage, Resume, SendBytes, Turn
from yuanlu.sandbox.host_answers import (
    answer_frame,
    balance_text,
    payment_fields,
    plain_texts,
    settlement_date,
    spoilt,
)
from yuanlu.sandbox.host_books import HostBooks
from yuanlu.sandbox.host_keys import HostKeys, mac_bytes
from yuanlu.sandbox.host_original import APPROVED_CODE
from yuanlu.sandbox.host_request import INQUIRY, NO_BATCH, SIGN_IN_CODES, HostRequest, read_request
from yuanlu.sandbox.host_settlement import settle, take_upload
from yuanlu.sandbox.host_terms import HostTerms
from yuanlu.sandbox.host_transactions import UNSUPPORTED_CODE, post, reverse
from yuanlu.sandbox.kinds import ADVICES, SPELLINGS, Kind
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.profiles import PROFILES, RecordState, inquiry_status

OPENING_BALANCE_MINOR = 10_000_000
FIRST_BATCH = "000001"
MAC_OPTIONAL = frozenset({"0500", "0320"})
"""Settlement and upload carry no MAC at terminals; one that is there must be right."""


class HostCore:
    """One host: its books, its memory of payments, its faults. `now_us` is wall time since 1970 UTC.

    `ledger.nets()` tells the truth about each payment: its debits, and as its credits the reversals, voids and refunds
    of it. `books.find` tells what the host remembers.
    """

    def __init__(
        self, *, terms: HostTerms, codec: Codec, keys: HostKeys, faults: FaultBoard, chance: random.Random
    ) -> None:
        self.terms = terms
        self.faults = faults
        self.books = HostBooks(seed=terms.seed, chance=chance)
        self.ledger = self.books.ledger
        self.counters = self.books.counters
        self._codec = codec
        self._profile = PROFILES[terms.profile]
        self._keys = keys
        self._chance = chance
        self._fault_of: dict[PaymentRef, Fault] = {}
        self._reversals_of: dict[PaymentRef, int] = {}

    def state_of(self, ref: PaymentRef) -> RecordState | None:
        """What the host holds this transaction to be; None for one it has not seen."""
        record = self.books.find(ref)
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
        code = self._reverse(turn) if turn.request.is_reversal else self._post(turn, held.effect.code)
        return self._answer(turn, code, held.effect)

    def _dispatch(self, request: HostRequest, now_us: int) -> list[Action]:
        if request.message.mti in ("0800", "0820"):
            return self._manage(Turn(request=request, mac=None, now_us=now_us))
        authentic, mac = self._checked(request)
        turn = Turn(request=request, mac=mac, now_us=now_us)
        if not authentic:
            self.counters["wrong_mac"] += 1
            return self._answer(turn, "A0", AS_USUAL)
        work = self._work_for(request)
        if work is None:
            self.counters["unsupported"] += 1
            return self._answer(turn, UNSUPPORTED_CODE, AS_USUAL)
        return work(turn)

    def _checked(self, request: HostRequest) -> tuple[bool, MakeMac | None]:
        """Whether the request is authentic, and what makes its answer's MAC."""
        message = request.message
        if message.mti in MAC_OPTIONAL and not mac_bytes(message):
            return True, None
        return self._keys.check(message, request.ref.terminal_id)

    def _work_for(self, request: HostRequest) -> Callable[[Turn], list[Action]] | None:
        mti = request.message.mti
        if request.is_reversal:
            return self._reversal
        if mti == INQUIRY:
            return self._inquiry if self._profile.answers_inquiries else None
        if request.kind is not None:
            return self._balance if request.kind is Kind.BALANCE else self._transaction
        return {"0500": self._settlement, "0320": self._upload, "0620": self._script_result}.get(mti)

    def _transaction(self, turn: Turn) -> list[Action]:
        request = turn.request
        effect = self._effect_on(request)
        match effect.commit:
            case Commit.LATE:
                self.books.remember(turn, RecordState.HELD)
                return [self._held(turn, effect)]
            case Commit.NOW:
                code = self._post(turn, effect.code)
            case Commit.NEVER:
                code = effect.code
                if code:  # a message lost on its way leaves no trace at all
                    self.books.decline(turn)
        return self._answer(turn, code, effect)

    def _effect_on(self, request: HostRequest) -> Effect:
        """What befalls this message; counts it on the way."""
        assert request.kind is not None
        self.counters[f"{request.kind.value}s"] += 1
        if self.state_of(request.ref) not in (None, RecordState.BARRED):
            self.counters["advices_repeated" if request.kind in ADVICES else "originals_repeated"] += 1
        message_class = SPELLINGS[request.kind].message_class
        if message_class is None:
            return AS_USUAL
        fault = self.faults.choose(request.ref.terminal_id, request.amount_minor, message_class)
        if fault is None:
            return AS_USUAL
        self.counters[f"fault.{fault.name}"] += 1
        self._fault_of[request.ref] = fault
        return fault.sale

    def _post(self, turn: Turn, code: str) -> str:
        """Post the transaction, or a part of it; the code to answer, `code` instead of 00 if one is asked for."""
        if code == PARTIAL_APPROVAL:
            part = max(1, turn.request.amount_minor * APPROVED_PERCENT // 100)
            turn = replace(turn, request=replace(turn.request, amount_minor=part))
        found = post(self.books, turn, self._profile)
        return (code or found) if found == APPROVED_CODE else found

    def _reversal(self, turn: Turn) -> list[Action]:
        effect = self._effect_on_reversal(turn.request.ref)
        match effect.commit:
            case Commit.LATE:
                return [self._held(turn, effect)]
            case Commit.NOW:
                found = self._reverse(turn)
                code = effect.code or found
            case Commit.NEVER:
                code = effect.code
        return self._answer(turn, code, effect)

    def _effect_on_reversal(self, ref: PaymentRef) -> Effect:
        """What befalls this reversal: the first ones of a transaction may have a fault of their own."""
        self.counters["reversals"] += 1
        times = self._reversals_of[ref] = self._reversals_of.get(ref, 0) + 1
        fault = self._fault_of.get(ref)
        if fault is None or fault.reversal is None or times > fault.reversal_times:
            return AS_USUAL
        return fault.reversal

    def _reverse(self, turn: Turn) -> str:
        return reverse(self.books, turn, self._profile, self.terms.reversal_repeat_code)

    def _inquiry(self, turn: Turn) -> list[Action]:
        """What became of a transaction: of the one that has this STAN and this class of message type."""
        self.counters["inquiries"] += 1
        request = turn.request
        record, asked = self.books.find(request.ref), request.asked_mti
        if record is not None and asked and SPELLINGS[record.kind].mti[:3] != asked[:3]:
            record = None
        state = record.state if record is not None else None
        return self._send(turn, "00", {48: inquiry_status(state)}, AS_USUAL)

    def _settlement(self, turn: Turn) -> list[Action]:
        return self._send(turn, "00", {48: settle(self.books, turn).build()}, AS_USUAL)

    def _upload(self, turn: Turn) -> list[Action]:
        take_upload(self.books, turn)
        return self._send(turn, "00", {}, AS_USUAL)

    def _script_result(self, turn: Turn) -> list[Action]:
        self.counters["script_results"] += 1
        return self._send(turn, "00", {}, AS_USUAL)

    def _balance(self, turn: Turn) -> list[Action]:
        available = OPENING_BALANCE_MINOR + self.ledger.balances.get(turn.request.account, 0)
        return self._send(turn, "00", {54: balance_text(available)}, AS_USUAL)

    def _manage(self, turn: Turn) -> list[Action]:
        """Sign-in with new keys, and everything else of this class answered 00."""
        request = turn.request
        if request.message.mti != "0800" or request.management_code not in SIGN_IN_CODES:
            return self._send(turn, "00", {}, AS_USUAL)
        self.counters["sign_ins"] += 1
        fault = self.faults.choose(request.ref.terminal_id, 0, "sign_in")
        effect = fault.sale if fault is not None else AS_USUAL
        if fault is not None:
            self.counters[f"fault.{fault.name}"] += 1
        if effect.code:
            return self._send(turn, effect.code, {}, effect)
        keys = self._keys.sign_in(request.ref.terminal_id, request.management_code)
        return self._send(turn, "00", {60: _batch_given(request), 62: self._as_field_62(keys)}, effect)

    def _as_field_62(self, keys: bytes) -> str | bytes:
        """Binary where the dialect allows it, else hex characters."""
        return keys.hex().upper() if self._codec.dialect.extended else keys

    def _answer(self, turn: Turn, code: str, effect: Effect) -> list[Action]:
        """The answer to a payment or reversal, and what the fault makes of it."""
        record = self.books.find(turn.request.ref)
        auth_code = record.auth_code if record is not None else ""
        changes = payment_fields(code, settlement_date(turn.now_us), auth_code)
        if code == PARTIAL_APPROVAL and record is not None:
            changes[4] = f"{record.amount_minor:012}"
        return self._send(turn, code or "00", changes, effect)

    def _send(self, turn: Turn, code: str, changes: Mapping[int, str | bytes | None], effect: Effect) -> list[Action]:
        mac = turn.mac if code in APPROVALS or self.terms.mac_on_declines else None
        frame = answer_frame(
            turn.request.message,
            plain_texts(changes, self._codec),
            code=code,
            rrn=self.books.rrn_for(turn.request),
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

    def _held(self, turn: Turn, effect: Effect) -> Resume:
        return Resume(after_ms=self.terms.late_commit_ms, held=HeldMessage(turn=turn, effect=effect))


def _batch_given(request: HostRequest) -> str:
    """Field 60 of the sign-in answer: the terminal's batch, or the first one if it has none yet."""
    batch = request.ref.batch_no if request.ref.batch_no != NO_BATCH else FIRST_BATCH
    return F60(type_code="00", batch_no=batch, management_code=request.management_code).build()
