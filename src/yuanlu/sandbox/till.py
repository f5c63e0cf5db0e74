"""A simulated till: signs in, sells, and sometimes loses power, network or patience.

It behaves as terminals in the field do (domain notes §2.1): the reversal record is written before a sale is
sent; it survives a power cut; it is worked off before the next sale; a definite answer deletes it. Everything
it is told goes to `record`.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError
from yuanlu.kernel.clock import Clock
from yuanlu.keys.errors import KeyStoreError
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.sandbox.cards import make_card
from yuanlu.sandbox.faults import APPROVALS, fault_of_amount
from yuanlu.sandbox.ledger import PaymentRef
from yuanlu.sandbox.till_line import LineClosed, TillLine, open_line
from yuanlu.sandbox.till_messages import (
    EntryMode,
    Payment,
    ReversalDuty,
    TillIdentity,
    answers,
    is_authentic,
    keys_content,
    reversal_frame,
    sale_frame,
    sign_in_frame,
)
from yuanlu.sandbox.told import Told

FIRST_BATCH = "000001"
NO_BATCH = "000000"
"""In 1987's ASCII a payment carries no batch number."""
REVERSAL_DONE = frozenset({"00", "12", "25"})
SIGN_IN_AGAIN = frozenset({"77", "99", "A0"})
SIGN_IN_TIMEOUT_S = 5.0
RECONNECT_S = 0.2
REVERSAL_PAUSE_S = 0.5
SECOND_ANSWER_S = 2.0


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
    ) -> None:
        self.identity = identity
        self.duty: ReversalDuty | None = None
        self._address = address
        self._store = store
        self._wait_s = wait_ms / 1000
        self._clock = clock
        self._chance = chance
        self._record = record
        self._line: TillLine | None = None
        self._keys: WorkingKeys | None = None
        self._batch = FIRST_BATCH
        self._stan = 0

    async def sell(self, plan: SalePlan) -> str | None:
        """Make one sale after what is still to be reversed; the code told, None if nothing was told.

        Raises LineClosed when the gateway cannot be reached: then nothing was sent.
        """
        await self.work_off_duty()
        line = await self._ready_line()
        payment = self._new_payment(plan)
        self.duty = ReversalDuty(payment=payment)
        try:
            code = await self._act(line, payment, plan.behaviour)
        except LineClosed:
            self._cut()
            code = None
        self._tell(payment, "sale", code or "", plan.behaviour)
        return code

    async def work_off_duty(self) -> None:
        """Send the reversal that is due, if any, until it is answered 00, 12 or 25."""
        while self.duty is not None:
            try:
                code = await self._reverse_once(await self._ready_line(), self.duty)
            except LineClosed:
                self._cut()
                code = None
            if code is None:
                self.duty = replace(self.duty, reason="98")
            elif code in REVERSAL_DONE:
                self.duty = None
                return
            elif code in SIGN_IN_AGAIN:
                self._keys = None
            await asyncio.sleep(REVERSAL_PAUSE_S)

    def close(self) -> None:
        """Hang up."""
        self._cut()

    async def _act(self, line: TillLine, payment: Payment, behaviour: Behaviour) -> str | None:
        """Send the sale and wait as the behaviour has it."""
        frame = sale_frame(self.identity, payment, self._keys)
        await line.send(frame)
        match behaviour:
            case Behaviour.NORMAL:
                return await self._sale_answer(line, payment, self._wait_s)
            case Behaviour.IMPATIENT:
                return await self._sale_answer(line, payment, self._chance.uniform(0.2, 0.8))
            case Behaviour.CHANGES_MIND:
                return await self._approve_then_reverse(line, payment)
            case Behaviour.SENDS_TWICE:
                await line.send(frame)
                code = await self._sale_answer(line, payment, self._wait_s)
                await self._second_answer(line, payment)
                return code
            case Behaviour.LOSES_POWER | Behaviour.CUT_THEN_REVERSES:
                await self._interrupted(behaviour)
                return None
            case Behaviour.CUT_THEN_REPEATS:
                await self._interrupted(behaviour)
                line = await self._ready_line()
                await line.send(sale_frame(self.identity, payment, self._keys))
                return await self._sale_answer(line, payment, self._wait_s)

    async def _interrupted(self, behaviour: Behaviour) -> None:
        """The line dies: at once and for longer with the power, a little later with the network."""
        if behaviour is Behaviour.LOSES_POWER:
            self._cut()
            await asyncio.sleep(self._chance.uniform(0.3, 1.0))
        else:
            await asyncio.sleep(self._chance.uniform(0.0, 0.03))
            self._cut()
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))

    async def _approve_then_reverse(self, line: TillLine, payment: Payment) -> str | None:
        code = await self._sale_answer(line, payment, self._wait_s)
        if code in APPROVALS:
            self.duty = ReversalDuty(payment=payment, reason="06")
        return code

    async def _second_answer(self, line: TillLine, payment: Payment) -> None:
        """A frame sent twice may be answered twice; what the second answer says is recorded, too."""
        try:
            message = await self._matching(line, payment, "0200", SECOND_ANSWER_S)
        except LineClosed:
            self._cut()  # the first answer stands
            return
        if message is not None and is_authentic(message, self.identity, self._keys):
            self._tell(payment, "sale", message[39], Behaviour.SENDS_TWICE)

    async def _sale_answer(self, line: TillLine, payment: Payment, timeout_s: float) -> str | None:
        """The code of an authentic answer; the reversal record goes with it. None keeps the record."""
        message = await self._matching(line, payment, "0200", timeout_s)
        if message is None:
            return None
        if not is_authentic(message, self.identity, self._keys):
            self.duty = ReversalDuty(payment=payment, reason="A0")
            return None
        code = message[39]
        self.duty = None
        if code in SIGN_IN_AGAIN:
            self._keys = None
        return code

    async def _reverse_once(self, line: TillLine, duty: ReversalDuty) -> str | None:
        await line.send(reversal_frame(self.identity, duty, self._keys))
        message = await self._matching(line, duty.payment, "0400", self._wait_s)
        code = message.get(39) if message is not None else None
        if message is not None and not is_authentic(message, self.identity, self._keys):
            code = None
        self._tell(duty.payment, "reversal", code or "", Behaviour.NORMAL)
        return code

    async def _matching(self, line: TillLine, payment: Payment, mti: str, timeout_s: float) -> Message | None:
        """Wait for the message that answers this one; others are late ones, and passed over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        while (left_s := until - loop.time()) > 0:
            message = await line.receive(left_s)
            if message is not None and answers(message, payment, mti):
                return message
        return None

    async def _ready_line(self) -> TillLine:
        """A connection with working keys. Raises LineClosed."""
        if self._line is None:
            self._line = await open_line(self._address, self.identity.codec)
        if self._keys is None and self.identity.mac != "none":
            try:
                await self._sign_in(self._line)
            except LineClosed:
                self._cut()
                raise
        return self._line

    async def _sign_in(self, line: TillLine) -> None:
        stan = self._next_stan()
        await line.send(sign_in_frame(self.identity, self._batch, stan))
        loop = asyncio.get_running_loop()
        until = loop.time() + SIGN_IN_TIMEOUT_S
        while (left_s := until - loop.time()) > 0:
            message = await line.receive(left_s)
            if message is not None and message.mti == "0810" and message.get(11) == stan:
                self._take_keys(message)
                return
        raise LineClosed("no answer to the sign-in")

    def _take_keys(self, message: Message) -> None:
        try:
            scope = self.identity.key_scope or self.identity.terminal_id
            parts = parts_of_field_62(keys_content(message))
            self._keys = self._store.import_working_keys(scope, parts)
        except (DecodeError, KeyStoreError) as error:
            raise LineClosed(f"sign-in: {error}") from None

    def _new_payment(self, plan: SalePlan) -> Payment:
        ref = PaymentRef(
            terminal_id=self.identity.terminal_id,
            merchant_id=self.identity.merchant_id,
            batch_no=NO_BATCH if self.identity.codec.dialect.extended else self._batch,
            stan=self._next_stan(),
        )
        return Payment(
            ref=ref,
            amount_minor=plan.amount_minor,
            entry=plan.entry,
            card=make_card(self._chance),
            at_us=self._clock.now().wall_us,
        )

    def _next_stan(self) -> str:
        self._stan = self._stan % 999_999 + 1
        return f"{self._stan:06}"

    def _cut(self) -> None:
        if self._line is not None:
            self._line.cut()
            self._line = None

    def _tell(self, payment: Payment, asked: str, code: str, behaviour: Behaviour) -> None:
        fault = fault_of_amount(payment.amount_minor)
        self._record(
            Told(
                terminal_id=payment.ref.terminal_id,
                merchant_id=payment.ref.merchant_id,
                batch_no=payment.ref.batch_no,
                stan=payment.ref.stan,
                amount_minor=payment.amount_minor,
                asked="sale" if asked == "sale" else "reversal",
                code=code,
                at_us=self._clock.now().wall_us,
                behaviour=behaviour.value,
                fault=fault.name if fault is not None else "",
            )
        )
