"""A simulated till: signs in, sells, takes back, and sometimes loses power, network or patience.

It behaves as terminals in the field do (domain notes §2.1): the reversal record is written before a request is
sent; it survives a power cut; it is worked off before the next request; a definite answer deletes it. What was
approved it remembers until its batch is closed. Everything it is told goes to `record`.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.kernel.clock import Clock
from yuanlu.keys.errors import KeyStoreError
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.cards import Card, make_card
from yuanlu.sandbox.faults import APPROVALS, MAGIC_CLASSES, fault_of_amount
from yuanlu.sandbox.kinds import SPELLINGS, Kind
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.region import OUTAGE, Region
from yuanlu.sandbox.till_asks import Ask, Duty, request_frame, undo_frame
from yuanlu.sandbox.till_line import LineClosed, TillLine, open_line
from yuanlu.sandbox.till_linked import slip_of
from yuanlu.sandbox.till_memory import Paper, TillMemory
from yuanlu.sandbox.till_messages import (
    EntryMode,
    Payment,
    TillIdentity,
    answers,
    approved_minor,
    is_authentic,
    keys_content,
    sign_in_frame,
    status_frame,
)
from yuanlu.sandbox.told import Told

FIRST_BATCH = "000001"
NO_BATCH = "000000"
"""In 1987's ASCII a payment carries no batch number."""
REVERSAL_DONE = frozenset({"00", "12", "25"})
SIGN_IN_AGAIN = frozenset({"77", "99", "A0"})
MANAGED_S = 5.0
"""How long it waits for the answer to a sign-in or a status upload."""

RECONNECT_S = 0.2
REVERSAL_PAUSE_S = 0.5
SECOND_ANSWER_S = 2.0


Asked = Literal["request", "reversal"]


class Behaviour(Enum):
    """What the till is up to in one sale."""

    NORMAL = "normal"
    LOSES_POWER = "loses_power"
    CUT_THEN_REPEATS = "cut_then_repeats"
    CUT_THEN_REVERSES = "cut_then_reverses"
    SENDS_TWICE = "sends_twice"
    IMPATIENT = "impatient"
    CHANGES_MIND = "changes_mind"


@dataclass(frozen=True, slots=True, kw_only=True)
class SalePlan:
    """One sale to be made: the amount may be a magic one."""

    amount_minor: int
    entry: EntryMode
    behaviour: Behaviour = Behaviour.NORMAL


class Till:
    """One terminal. Used by one task at a time."""

    def __init__(
        self,
        *,
        identity: TillIdentity,
        address: tuple[str, int],
        store: SoftwareKeyStore,
        wait_ms: int,
        clock: Clock,
        chance: random.Random,
        record: Callable[[Told], None],
        region: Region | None = None,
    ) -> None:
        self.identity = identity
        self.duty: Duty | None = None
        self.chance = chance
        self.memory = TillMemory(chance)
        self.batch_no = FIRST_BATCH
        self.record = record
        self._address = address
        self._store = store
        self._wait_s = wait_ms / 1000
        self._clock = clock
        self._region = region
        self._line: TillLine | None = None
        self._keys: WorkingKeys | None = None
        self._forgets_sign_in = False
        self._stan = 0

    async def sell(self, plan: SalePlan) -> str | None:
        """Make one sale after what is still to be reversed; the code told, None if nothing was told.

        Raises LineClosed when the gateway cannot be reached: then nothing was sent.
        """
        payment = self.new_payment(plan.amount_minor, plan.entry)
        code, _ = await self._ask(Ask(kind=Kind.SALE, payment=payment), plan.behaviour)
        return code

    async def ask(self, ask: Ask, behaviour: Behaviour = Behaviour.NORMAL) -> Paper | None:
        """Make one request of any kind; its paper when it was approved. Raises LineClosed when nothing was sent."""
        _, paper = await self._ask(ask, behaviour)
        return paper

    async def _ask(self, ask: Ask, behaviour: Behaviour) -> tuple[str | None, Paper | None]:
        await self.work_off_duty()
        line = await self.ready_line()
        self.duty = Duty(ask=ask) if ask.reverses else None
        try:
            answer = await self._act(line, ask, behaviour)
        except LineClosed:
            self.close()
            answer = None
        code = answer[39] if answer is not None else None
        cut_off = answer is None and self._region is not None and self._region.dark
        self._tell(ask, "request", code or "", OUTAGE if cut_off else behaviour.value)
        if answer is None or code not in APPROVALS or self.duty is not None:
            return code, None
        return code, self.memory.keep(ask, slip_of(ask.kind, ask.payment, answer), approved_minor(answer, ask.payment))

    async def work_off_duty(self) -> None:
        """Send the reversal that is due, if any, until it is answered 00, 12 or 25."""
        while self.duty is not None:
            try:
                code = await self._reverse_once(await self.ready_line(), self.duty)
            except LineClosed:
                self.close()
                code = None
            if code is None:
                self.duty = replace(self.duty, reason="98")
            elif code in REVERSAL_DONE:
                self.duty = None
                return
            elif code in SIGN_IN_AGAIN:
                self._sign_in_again()
            await asyncio.sleep(REVERSAL_PAUSE_S)

    def close(self) -> None:
        """Hang up, or lose the line."""
        if self._line is not None:
            self._line.cut()
            self._line = None

    def forget_sign_in(self) -> None:
        """What it sends from now on carries no MAC, until somebody tells it to sign in."""
        self._keys, self._forgets_sign_in = None, True

    async def start_anew(self) -> None:
        """The power is back: the till connects and signs in. Raises LineClosed."""
        self.close()
        self._sign_in_again()
        line = await self.ready_line()
        if self._keys is None:
            await self._sign_in(line)

    async def lose_new_keys(self) -> None:
        """It signs in, and does not keep what it is given: it goes on with its old keys. Raises LineClosed."""
        line, old = await self.ready_line(), self._keys
        await self._sign_in(line)
        self._keys = old

    async def tell_status(self, about: Payment | None = None, **said: str | int) -> str:
        """Upload how it is, such as `slip_failed=1`, perhaps about one payment; the code told. Raises LineClosed."""
        named = {} if about is None else {"stan": about.ref.stan, "batch": about.ref.batch_no}
        text = ";".join(f"{key}={value}" for key, value in {**said, **named}.items())
        line, stan = await self.ready_line(), self.next_stan()
        await line.send(status_frame(self.identity, self.batch_no, stan, text, self._keys))
        return (await self._managed(line, "0830", stan))[39]

    async def _act(self, line: TillLine, ask: Ask, behaviour: Behaviour) -> Message | None:
        """Send the request and wait as the behaviour has it."""
        frame = request_frame(self.identity, ask, self._keys)
        await line.send(frame)
        match behaviour:
            case Behaviour.NORMAL:
                return await self._answer(line, ask, self._wait_s)
            case Behaviour.IMPATIENT:
                return await self._answer(line, ask, self.chance.uniform(0.2, 0.8))
            case Behaviour.CHANGES_MIND:
                return await self._approve_then_reverse(line, ask)
            case Behaviour.SENDS_TWICE:
                await line.send(frame)
                answer = await self._answer(line, ask, self._wait_s)
                await self._second_answer(line, ask)
                return answer
            case Behaviour.LOSES_POWER | Behaviour.CUT_THEN_REVERSES:
                await self._interrupted(behaviour)
                return None
            case Behaviour.CUT_THEN_REPEATS:
                await self._interrupted(behaviour)
                line = await self.ready_line()
                await line.send(request_frame(self.identity, ask, self._keys))
                return await self._answer(line, ask, self._wait_s)

    async def _interrupted(self, behaviour: Behaviour) -> None:
        """The line dies: at once and for longer with the power, a little later with the network."""
        if behaviour is Behaviour.LOSES_POWER:
            self.close()
            await asyncio.sleep(self.chance.uniform(0.3, 1.0))
        else:
            await asyncio.sleep(self.chance.uniform(0.0, 0.03))
            self.close()
            await asyncio.sleep(self.chance.uniform(0.05, 0.3))

    async def _approve_then_reverse(self, line: TillLine, ask: Ask) -> Message | None:
        answer = await self._answer(line, ask, self._wait_s)
        if answer is not None and answer[39] in APPROVALS:
            self.duty = Duty(ask=ask, reason="06")
        return answer

    async def _second_answer(self, line: TillLine, ask: Ask) -> None:
        """A frame sent twice may be answered twice; what the second answer says is recorded, too."""
        try:
            message = await self._matching(line, ask, ask.mti, SECOND_ANSWER_S)
        except LineClosed:
            self.close()  # the first answer stands
            return
        if message is not None and is_authentic(message, self.identity, self._keys):
            self._tell(ask, "request", message[39], Behaviour.SENDS_TWICE.value)

    async def _answer(self, line: TillLine, ask: Ask, timeout_s: float) -> Message | None:
        """An authentic answer; the reversal record goes with it. None keeps the record."""
        message = await self._matching(line, ask, ask.mti, timeout_s)
        if message is None:
            return None
        if not is_authentic(message, self.identity, self._keys):
            self.duty = Duty(ask=ask, reason="A0") if ask.reverses else None
            return None
        self.duty = None
        if message[39] in SIGN_IN_AGAIN:
            self._sign_in_again()
        return message

    async def _reverse_once(self, line: TillLine, duty: Duty) -> str | None:
        await line.send(undo_frame(self.identity, duty, self._keys))
        message = await self._matching(line, duty.ask, "0400", self._wait_s)
        code = message.get(39) if message is not None else None
        if message is not None and not is_authentic(message, self.identity, self._keys):
            code = None
        self._tell(duty.ask, "reversal", code or "", Behaviour.NORMAL.value)
        return code

    async def _matching(self, line: TillLine, ask: Ask, mti: str, timeout_s: float) -> Message | None:
        """Wait for the message that answers this one; others are late ones, and passed over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while (left_s := until - loop.time()) > 0:
            message = await line.receive(left_s)
            if message is not None and answers(message, ask.payment, mti, ask.processing_code):
                return message
        return None

    async def ready_line(self) -> TillLine:
        """A connection with working keys. Raises LineClosed."""
        if self._region is not None and self._region.dark:
            self.close()
            raise LineClosed("the whole region has no network")
        if self._line is None:
            self._line = await open_line(self._address, self.identity.codec)
        if self._keys is None and self.identity.mac != "none" and not self._forgets_sign_in:
            try:
                await self._sign_in(self._line)
            except LineClosed:
                self.close()
                raise
        return self._line

    def _sign_in_again(self) -> None:
        self._keys, self._forgets_sign_in = None, False

    async def _sign_in(self, line: TillLine) -> None:
        stan = self.next_stan()
        await line.send(sign_in_frame(self.identity, self.batch_no, stan))
        self._take_keys(await self._managed(line, "0810", stan))

    async def _managed(self, line: TillLine, mti: str, stan: str) -> Message:
        """The answer to a message of management. Raises LineClosed when there is none in time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + MANAGED_S
        while (left_s := until - loop.time()) > 0:
            message = await line.receive(left_s)
            if message is not None and message.mti == mti and message.get(11) == stan:
                return message
        raise LineClosed(f"no {mti} in time")

    def _take_keys(self, message: Message) -> None:
        try:
            scope = self.identity.key_scope or self.identity.terminal_id
            parts = parts_of_field_62(keys_content(message))
            keys = self._store.import_working_keys(scope, parts)
        except (DecodeError, KeyStoreError) as error:
            raise LineClosed(f"sign-in: {error}") from None
        self._keys = keys if self.identity.mac != "none" else None

    def new_payment(self, amount_minor: int, entry: EntryMode, card: Card | None = None) -> Payment:
        """A message of its own, with the next trace number; without `card` a new customer comes."""
        ref = PaymentRef(
            terminal_id=self.identity.terminal_id,
            merchant_id=self.identity.merchant_id,
            batch_no=NO_BATCH if self.identity.codec.dialect.extended else self.batch_no,
            stan=self.next_stan(),
        )
        return Payment(
            ref=ref,
            amount_minor=amount_minor,
            entry=entry,
            card=card if card is not None else make_card(self.chance),
            at_us=self.now_us(),
        )

    def count_anew(self, batch_no: str) -> None:
        """A new batch whose trace numbers begin at one again, as in a till that was reset."""
        self.batch_no, self._stan = batch_no, 0

    def next_stan(self) -> str:
        """The next trace number."""
        self._stan = self._stan % 999_999 + 1
        return f"{self._stan:06}"

    def now_us(self) -> int:
        """Its wall time since 1970 UTC."""
        return self._clock.now().wall_us

    def _tell(self, ask: Ask, asked: Asked, code: str, behaviour: str) -> None:
        payment = ask.payment
        magic = SPELLINGS[ask.kind].message_class in MAGIC_CLASSES
        fault = fault_of_amount(payment.amount_minor) if magic else None
        self.record(
            Told(
                terminal_id=payment.ref.terminal_id,
                merchant_id=payment.ref.merchant_id,
                batch_no=payment.ref.batch_no,
                stan=payment.ref.stan,
                amount_minor=payment.amount_minor,
                asked=asked,
                code=code,
                at_us=self.now_us(),
                kind=ask.kind.value,
                about_stan=ask.slip.ref.stan if ask.slip is not None else "",
                behaviour=behaviour,
                errand=ask.errand,
                fault=fault.name if fault is not None else "",
            )
        )
