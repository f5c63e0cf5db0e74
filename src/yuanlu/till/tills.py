"""Our own till: it signs its terminals in, sends what clients ask for, and reverses what nobody may keep.

A payment is durable with its number before its frame leaves, and its answer before the client hears of it. Without an
answer that can be trusted the client is told "unknown", and the till owes a reversal (0400), also across a crash: the
keeper goes on until the gateway has taken it over. So whoever was told "unknown" gets the money back. A void or refund
is never reversed; what became of it the journal says.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import KINDS
from yuanlu.acquirers.terms import APPROVALS, PARTIAL_APPROVAL
from yuanlu.iso8583.codec import Message
from yuanlu.iso8583.errors import DecodeError, EncodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.journal.transactions import find_by_key
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.errors import KeyStoreError
from yuanlu.keys.transport import parts_of_field_62
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.terminals import Terminal
from yuanlu.till import messages, store
from yuanlu.till.line import Line
from yuanlu.till.messages import Identity
from yuanlu.till.records import (
    Source,
    TillKind,
    TillPayment,
    TillRefused,
    TillState,
    TillUnavailable,
    Told,
    Undo,
    Wish,
)

UNKNOWN_CODE, TAKEN_OVER_CODE = "98", "00"
SIGN_IN_AGAIN = frozenset({"77", "99", "A0"})
NO_ANSWER, CLIENT_CHANGED_MIND = "98", "06"
MANAGED_S = 5.0
"""How long a sign-in and a reversal wait for their answer."""
BUSY_S = 5.0
"""How long a request waits for its turn at a terminal."""
KEEP_EVERY_S = 1.0
LOST_AFTER_US = 120_000_000
"""A payment that the journal has not seen for so long after its end never reached the gateway."""
GRACE_US = 5_000_000

Result = TypeVar("Result")
_log = structlog.get_logger("yuanlu.till")


class Store(Protocol):
    """The database, as an event loop sees it."""

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """What `query` finds."""

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Rows that are no facts, in a transaction of their own."""


class Tills:
    """All terminals that take payments as JSON; one per process."""

    def __init__(
        self, *, line: Line, terminals: Mapping[str, Terminal], dialects: Mapping[str, str], mac: str, store: Store,
        keys: KeyStore, clock: Clock, identifiers: IdentifierSource, at_once_max: int,
    ) -> None:  # fmt: skip
        self._line = line
        self._terminals = terminals
        self._dialects = dialects
        self._mac = mac
        self._store = store
        self._keys = keys
        self._clock = clock
        self._identifiers = identifiers
        self._at_once_max = at_once_max
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._signing_in: dict[str, asyncio.Lock] = {}
        self._signed_in: dict[str, tuple[str, WorkingKeys | None]] = {}
        self._live: set[str] = set()
        self._reversing: set[str] = set()
        self._nudge = asyncio.Event()

    async def pay(self, wish: Wish, original: TillPayment | None = None) -> TillPayment:
        """Ask the gateway for it, once, and say what it said. Raises TillRefused or TillUnavailable when nothing was
        made or sent.
        """
        turn = self._turns.setdefault(wish.terminal_id, asyncio.Semaphore(self._at_once_max))
        try:
            async with asyncio.timeout(BUSY_S):
                await turn.acquire()
        except TimeoutError:
            raise TillUnavailable(f"{wish.terminal_id} is busy with other payments") from None
        try:
            return await self._paid(wish, original)
        finally:
            turn.release()

    async def _paid(self, wish: Wish, original: TillPayment | None) -> TillPayment:
        identity = self._identity(wish.terminal_id)
        batch_no, keys = await self._session(identity)
        wanted = self._payment(wish, identity, batch_no, original)
        self._frame(identity, wanted, wish.source, original, keys)  # what does not fit is refused without a number
        self._live.add(wanted.payment_id)
        try:
            payment = await self._store.write(lambda c: store.begin(c, wanted))
            frame = self._frame(identity, payment, wish.source, original, keys)
            told = await self._told(identity, payment, frame, keys)
            settled = await self._store.write(
                lambda c: store.settle(c, payment.payment_id, told, self._clock.wall_us())
            )
        finally:
            self._live.discard(wanted.payment_id)
        if settled.undo is Undo.DUE:
            self._nudge.set()
        return settled

    def _identity(self, terminal_id: str) -> Identity:
        terminal = self._terminals[terminal_id]
        return Identity(
            terminal_id=terminal_id, merchant_id=terminal.merchant_id, dialect=self._dialects[terminal.acquirer],
            mac=self._mac,
        )  # fmt: skip

    def _payment(self, wish: Wish, identity: Identity, batch_no: str, original: TillPayment | None) -> TillPayment:
        now_us = self._clock.wall_us()
        confirm = None if wish.confirm_within_us is None else now_us + wish.confirm_within_us
        return TillPayment(
            payment_id=self._identifiers.new(), tenant=wish.tenant, key=wish.key, kind=wish.kind,
            original_id=original.payment_id if original is not None else "", terminal_id=wish.terminal_id,
            merchant_id=identity.merchant_id, batch_no=batch_no, stan="000000", mti_class=KINDS[wish.kind.value].mti,
            amount=wish.amount, entry=wish.entry, reference=wish.reference, made_by=wish.made_by, made_at_us=now_us,
            changed_at_us=now_us, confirm_by_us=confirm,
        )  # fmt: skip

    def _frame(
        self, identity: Identity, payment: TillPayment, source: Source | None, original: TillPayment | None,
        keys: WorkingKeys | None,
    ) -> bytes:  # fmt: skip
        try:
            return messages.request(identity, payment, source, original, keys)
        except EncodeError as error:
            raise TillRefused(f"field {error.field} of the message cannot hold this: {error.reason}") from None

    async def _told(self, identity: Identity, payment: TillPayment, frame: bytes, keys: WorkingKeys | None) -> Told:
        """Send it once, and understand the answer."""
        wait_s = self._terminals[payment.terminal_id].wait_ms / 1000
        try:
            answer = await self._ask(identity, payment.mti_class, payment.stan, frame, wait_s)
        except TillUnavailable as error:
            _log.warning("a payment was not sent", payment=payment.payment_id, reason=str(error))
            return Told(state=TillState.NOT_SENT)
        doubt = Undo.DUE if payment.kind is TillKind.SALE else Undo.NO
        if answer is None:
            return Told(state=TillState.UNKNOWN, undo=doubt)
        code = messages.lenient(answer, 39)
        if code in SIGN_IN_AGAIN:
            self._signed_in.pop(payment.terminal_id, None)
        if not messages.is_authentic(answer, self._mac, keys):
            refused = code in SIGN_IN_AGAIN and not await self._store.read(
                lambda c: find_by_key(c, payment.transaction_key)
            )
            return Told(
                state=TillState.DECLINED if refused else TillState.UNKNOWN,
                code=code,
                undo=Undo.NO if refused else doubt,
            )
        return _understood(answer, code)

    async def _ask(self, identity: Identity, mti: str, stan: str, frame: bytes, wait_s: float) -> Message | None:
        terminal_id = identity.terminal_id
        return await self._line.ask(
            identity.codec, frame, lambda message: messages.answers(message, mti, terminal_id, stan), wait_s
        )

    async def _session(self, identity: Identity) -> tuple[str, WorkingKeys | None]:
        """Batch number and working keys; signs in first where they are missing. Raises TillUnavailable."""
        async with self._signing_in.setdefault(identity.terminal_id, asyncio.Lock()):
            found = self._signed_in.get(identity.terminal_id)
            if found is None:
                found = self._signed_in[identity.terminal_id] = await self._sign_in(identity)
            return found

    async def _sign_in(self, identity: Identity) -> tuple[str, WorkingKeys | None]:
        name, merchant_id = identity.terminal_id, identity.merchant_id
        extended = identity.codec.dialect.extended
        if self._mac == "none" and extended:
            return messages.NO_BATCH, None
        before = await self._store.read(lambda c: store.batch_of(c, name))
        stan = await self._store.write(lambda c: store.next_stan(c, name, merchant_id, before))
        answer = await self._ask(identity, "0800", stan, messages.sign_in(identity, before, stan), MANAGED_S)
        if answer is None or messages.lenient(answer, 39) != "00":
            code = "no answer" if answer is None else messages.lenient(answer, 39)
            raise TillUnavailable(f"{name} could not sign in at the gateway ({code})")
        try:
            batch_no = messages.NO_BATCH if extended else F60.parse(answer[60]).batch_no
            content = messages.keys_content(answer)
            keys = None if self._mac == "none" else self._keys.import_working_keys(name, parts_of_field_62(content))
        except (DecodeError, KeyStoreError, ValueError) as error:
            raise TillUnavailable(f"{name} could not sign in at the gateway: {error}") from None
        return batch_no, keys

    async def cancel(self, payment: TillPayment) -> TillPayment:
        """Take a sale back: the till's reversal. The gateway has taken it over when `undo` is DONE; else the keeper
        goes on. What was declined or never sent stays as it is.
        """
        if payment.state in (TillState.DECLINED, TillState.NOT_SENT) or payment.undo is not Undo.NO:
            return payment
        await self._store.write(lambda c: store.order_undo(c, payment.payment_id, self._clock.wall_us()))
        await self._reverse(payment)
        found = await self._store.read(lambda c: store.find_payment(c, payment.payment_id))
        assert found is not None, "what was begun is never deleted"
        return found

    async def confirm(self, payment: TillPayment) -> bool:
        """The client has the answer; False when it is reversed already, or there is nothing to confirm."""
        return await self._store.write(lambda c: store.confirmed(c, payment.payment_id, self._clock.wall_us()))

    async def keep(self) -> None:
        """Work off what is owed, for ever: answers that never came, confirmations that never came, reversals."""
        while True:
            try:
                await self.look()
            except Exception as error:
                _log.error("the till's keeper failed; it goes on", reason=type(error).__name__)
            self._nudge.clear()
            try:
                async with asyncio.timeout(KEEP_EVERY_S):
                    await self._nudge.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One round of the keeper."""
        now_us = self._clock.wall_us()
        for lost in await self._store.read(lambda c: store.left_sent(c, now_us - GRACE_US)):
            if lost.payment_id not in self._live and lost.made_at_us + self._wait_us(lost) + GRACE_US < now_us:
                await self._give_up(lost, now_us)
        for each in await self._store.read(lambda c: store.unconfirmed(c, now_us)):
            await self._store.write(lambda c, each=each: store.order_undo(c, each.payment_id, now_us))  # type: ignore[misc]
        for due in await self._store.read(store.to_undo):
            if due.terminal_id in self._terminals:
                await self._reverse(due)

    def _wait_us(self, payment: TillPayment) -> int:
        terminal = self._terminals.get(payment.terminal_id)
        return 0 if terminal is None else terminal.wait_ms * 1000

    async def _give_up(self, lost: TillPayment, now_us: int) -> None:
        """A process ended while it waited: nobody was told, and nobody will be."""
        told = Told(state=TillState.UNKNOWN, undo=Undo.DUE if lost.kind is TillKind.SALE else Undo.NO)
        await self._store.write(lambda c: store.settle(c, lost.payment_id, told, now_us))

    async def _reverse(self, payment: TillPayment) -> None:
        """One try: 0400 to the gateway, when the journal knows the payment."""
        if payment.payment_id in self._reversing:
            return
        self._reversing.add(payment.payment_id)
        try:
            undo = await self._reversed(payment)
            if undo is not Undo.DUE:
                await self._store.write(lambda c: store.undone(c, payment.payment_id, undo, self._clock.wall_us()))
        except (TillUnavailable, EncodeError) as error:
            _log.warning("a reversal waits", payment=payment.payment_id, reason=str(error))
        finally:
            self._reversing.discard(payment.payment_id)

    async def _reversed(self, payment: TillPayment) -> Undo:
        known = await self._store.read(lambda c: find_by_key(c, payment.transaction_key))
        if known is None:
            lost = payment.state is not TillState.SENT and payment.changed_at_us + LOST_AFTER_US < self._clock.wall_us()
            return Undo.DONE if lost else Undo.DUE
        identity = self._identity(payment.terminal_id)
        _, keys = await self._session(identity)
        reason = CLIENT_CHANGED_MIND if payment.state is TillState.APPROVED else NO_ANSWER
        frame = messages.reversal(identity, payment, reason, keys)
        answer = await self._ask(identity, "0400", payment.stan, frame, MANAGED_S)
        if answer is None or not messages.is_authentic(answer, self._mac, keys):
            self._signed_in.pop(payment.terminal_id, None)
            return Undo.DUE
        code = messages.lenient(answer, 39)
        if code == TAKEN_OVER_CODE:
            return Undo.DONE
        if code in SIGN_IN_AGAIN:
            self._signed_in.pop(payment.terminal_id, None)
            return Undo.DUE
        _log.error("the gateway refused a reversal", payment=payment.payment_id, code=code)
        return Undo.REFUSED


def _understood(answer: Message, code: str) -> Told:
    state = (
        TillState.APPROVED if code in APPROVALS else TillState.UNKNOWN if code == UNKNOWN_CODE else TillState.DECLINED
    )
    amount = messages.lenient(answer, 4) if code == PARTIAL_APPROVAL else ""
    return Told(
        state=state, code=code, rrn=messages.lenient(answer, 37), auth_code=messages.lenient(answer, 38),
        date_mmdd=messages.lenient(answer, 13), approved_minor=int(amount) if amount.isdecimal() else None,
    )  # fmt: skip
