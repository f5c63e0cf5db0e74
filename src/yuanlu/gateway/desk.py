"""One decoded frame of a terminal: who is it, is it authentic, what is wanted; then `flow` has it.

The answer is always a frame with a clear code, or None where silence is configured. Only bytes that are no request
at all have no answer: they raise DecodeError, and the connection is cut.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from yuanlu.causes.evidence import Terminal as Health
from yuanlu.flow.advices import Forwarder
from yuanlu.flow.codes import (
    BUSY_CODE,
    FORMAT_CODE,
    MAC_CODE,
    UNKNOWN_TERMINAL_CODE,
    UNSUPPORTED_CODE,
    WRONG_MERCHANT_CODE,
)
from yuanlu.flow.observing import observe, signed_in
from yuanlu.flow.payment import Caller, Desk, Payment, Reply
from yuanlu.flow.purchase import decline_new, purchase
from yuanlu.flow.records import event, frame, reply_frame
from yuanlu.flow.refusing import NOTHING_MORE, REFUSED, count_cause, with_cause
from yuanlu.flow.reversals import reverse
from yuanlu.flow.settlement import BatchMessage, Settler
from yuanlu.gateway.actions import (
    SIGN_IN_CODES,
    Action,
    FieldWrong,
    action_of,
    management_code,
    safe,
    status_report,
    understand,
)
from yuanlu.gateway.answers import own, relayed, with_batch_number
from yuanlu.gateway.counter import Counters
from yuanlu.gateway.prompts import Prompts
from yuanlu.gateway.sessions import TerminalSession, TerminalSessions
from yuanlu.iso8583.codec import Codec, Message, codec_for, response_mti
from yuanlu.iso8583.errors import DecodeError, EncodeError
from yuanlu.iso8583.subfields import F60
from yuanlu.journal.frames import Direction
from yuanlu.kernel.clock import day_began_us
from yuanlu.kernel.limits import TERMINAL_MARGIN_MS
from yuanlu.keys.errors import KeyStoreError
from yuanlu.keys.mac import MacKey
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.reconciliation.store import BatchKey
from yuanlu.terminals import Terminal

NO_MAC_NEEDED = frozenset({"0800", "0820", "0500", "0320"})
TPDU_FIRST_BYTE = 0x60
NO_PROMPTS = Prompts(on=False)

_log = structlog.get_logger("gateway")


class FrontDesk:
    """Takes each frame to where it belongs; one per gateway."""

    def __init__(
        self, *, desk: Desk, settler: Settler, forwarder: Forwarder, terminals: Mapping[str, Terminal],
        sessions: TerminalSessions, mac: str, in_flight_max: int, in_flight_per_terminal_max: int,
        prompts: Prompts = NO_PROMPTS,
    ) -> None:  # fmt: skip
        self.counters = Counters(refused_by_cause=desk.refused_by_cause)
        self._desk = desk
        self._settler = settler
        self._forwarder = forwarder
        self._terminals = terminals
        self._sessions = sessions
        self._lines = desk.around.lines
        self._mac = mac
        self._prompts = prompts
        self._in_flight_max = in_flight_max
        self._in_flight_per_terminal_max = in_flight_per_terminal_max
        self._in_flight = 0
        self._by_terminal: dict[str, int] = {}
        self._codecs: tuple[Codec, Codec] = (codec_for("cup-pos"), codec_for("iso87-ascii"))

    def read(self, raw: bytes) -> Message:
        """Decode a frame in the dialect that its first byte shows, and make sure that it is a request.

        Raises DecodeError.
        """
        message = self._codecs[raw[0] != TPDU_FIRST_BYTE].decode(raw)
        try:
            response_mti(message.mti)
        except EncodeError as error:
            raise DecodeError(field="mti", offset=message.codec.dialect.mti_at, reason=error.reason) from None
        return message

    async def answer(self, message: Message, connected: Callable[[], bool]) -> Reply:
        """The frame for the terminal."""
        arrived_s = asyncio.get_running_loop().time()
        terminal = self._terminals.get(safe(message, 41))
        if terminal is None:
            self.counters.unknown_terminals += 1
            cause = count_cause(self._desk, NOTHING_MORE, UNKNOWN_TERMINAL_CODE, Health())
            _log.warning("unknown terminal", terminal=safe(message, 41), mti=message.mti, cause=cause)
            return own(message, UNKNOWN_TERMINAL_CODE, self._desk.clock, None)
        if safe(message, 42) != terminal.merchant_id:
            self.counters.wrong_merchants += 1
            cause = count_cause(self._desk, NOTHING_MORE, WRONG_MERCHANT_CODE, Health())
            _log.warning("wrong merchant", terminal=terminal.terminal_id, mti=message.mti, cause=cause)
            return own(message, WRONG_MERCHANT_CODE, self._desk.clock, None)
        session, mac_key = self._session(terminal.terminal_id)
        authentic = self._authentic(message, mac_key)
        if not authentic and await self._refreshed(terminal.terminal_id):
            session, mac_key = self._session(terminal.terminal_id)
            authentic = self._authentic(message, mac_key)
        if not authentic:
            cause = self._wrong_mac(terminal, session)
            _log.warning(
                "wrong MAC", terminal=terminal.terminal_id, mti=message.mti, stan=safe(message, 11), cause=cause
            )
            return own(message, MAC_CODE, self._desk.clock, mac_key)
        if session is not None and message.mti not in NO_MAC_NEEDED:
            self._lines.right_mac(terminal.terminal_id)
        return await self._act(message, terminal, session, mac_key, connected, arrived_s)

    def _session(self, terminal_id: str) -> tuple[TerminalSession | None, MacKey | None]:
        session = self._sessions.find(terminal_id) if self._mac != "none" else None
        return session, session.keys.mac_key(self._mac) if session is not None else None

    async def _refreshed(self, terminal_id: str) -> bool:
        """Where several gateways share the journal, the terminal may have its keys from another one."""
        if self._desk.journal.shared:
            await self._desk.journal.read(partial(self._sessions.refresh, terminal_id=terminal_id))
        return self._desk.journal.shared

    def _wrong_mac(self, terminal: Terminal, session: TerminalSession | None) -> str:
        """Count it; returns its cause. Nobody knows who sent it, so it stays out of the journal."""
        self.counters.wrong_macs += 1
        day_us = day_began_us(self._desk.clock.wall_us())
        health = Health(
            signed_in=session is not None and session.signed_in_at_us >= day_us,
            mac_failures=self._lines.wrong_mac(terminal.terminal_id) if session is not None else 0,
        )
        return count_cause(self._desk, NOTHING_MORE, MAC_CODE, health)

    def line_lost(self, message: Message) -> None:
        """The connection ended while this request was being worked on."""
        name = safe(message, 41)
        if name in self._terminals:
            self._lines.lost(name)

    def _authentic(self, message: Message, mac_key: MacKey | None) -> bool:
        """Checked before any business field is looked at. Sign-in and settlement carry no MAC."""
        if self._mac == "none":
            return True
        number = next((n for n in message.codec.dialect.mac_fields if message.has(n)), 0)
        if not number:
            return message.mti in NO_MAC_NEEDED
        if mac_key is None:
            return False
        content = message.value_bytes(number)
        try:
            given = content if len(content) == 8 else bytes.fromhex(message[number])
            return mac_key.verify(message.mac_input(), given)
        except DecodeError:
            return False

    async def _act(
        self, message: Message, terminal: Terminal, session: TerminalSession | None, mac_key: MacKey | None,
        connected: Callable[[], bool], arrived_s: float,
    ) -> Reply:  # fmt: skip
        """Within the limits of requests in flight."""
        name = terminal.terminal_id
        mine = self._by_terminal.get(name, 0)
        busy = self._in_flight >= self._in_flight_max or mine >= self._in_flight_per_terminal_max
        self._in_flight += 1
        self._by_terminal[name] = mine + 1
        try:
            message.fields()  # every field must be well-formed; what is asked for below costs nothing more
            match action_of(message):
                case Action.SIGN_IN:
                    return await self._sign_in(message, terminal)
                case Action.ECHO | Action.SIGN_OFF as management:
                    return await self._plain(message, terminal, "00", management.value.upper(), "", mac_key)
                case Action.STATUS:
                    return await self._status(message, terminal, mac_key)
                case Action.SETTLEMENT:
                    return await self._batch(message, terminal, mac_key, arrived_s)
                case Action.PAYMENT | Action.ADVICE | Action.REVERSAL as wanted:
                    keys = session.keys if session is not None else None
                    prompts = self._prompts if wanted is Action.PAYMENT else NO_PROMPTS  # nobody reads the others
                    payment = self._payment(message, terminal, keys, mac_key, connected, arrived_s, prompts)
                    return await self._pay(payment, wanted, busy)
                case Action.UNSUPPORTED:
                    why = f"{message.mti} {safe(message, 3)} is not served"
                    return await self._plain(message, terminal, UNSUPPORTED_CODE, REFUSED, why, mac_key)
        except FieldWrong as wrong:
            return await self._plain(message, terminal, wrong.code, REFUSED, str(wrong), mac_key)
        except DecodeError as error:
            self.counters.malformed += 1
            return await self._plain(message, terminal, FORMAT_CODE, REFUSED, str(error), mac_key)
        finally:
            self._in_flight -= 1
            if self._by_terminal[name] == 1:
                del self._by_terminal[name]
            else:
                self._by_terminal[name] -= 1

    def _pay(self, payment: Payment, wanted: Action, busy: bool) -> Awaitable[Reply]:
        if wanted is Action.REVERSAL:  # a reversal is never turned away for load: it is what makes things safe
            return reverse(self._desk, payment)
        if wanted is Action.ADVICE:  # nor is an advice: what it tells of has happened
            return self._forwarder.take(payment)
        if busy:
            self.counters.overloaded += 1
            return decline_new(self._desk, payment, BUSY_CODE, "too many requests in flight")
        return purchase(self._desk, payment)

    async def _batch(self, message: Message, terminal: Terminal, mac_key: MacKey | None, arrived_s: float) -> Reply:
        """0500 or 0320: the answer has a MAC when the request had one."""
        key = mac_key if any(message.has(n) for n in message.codec.dialect.mac_fields) else None
        asked = BatchMessage(
            key=BatchKey(
                terminal_id=terminal.terminal_id, merchant_id=terminal.merchant_id,
                batch_no=F60.parse(message[60]).batch_no,
            ),
            acquirer=terminal.acquirer,
            message=message,
            reply=lambda code, extra: own(message, code, self._desk.clock, key, dict(extra)),
            deadline_s=arrived_s + (terminal.wait_ms - TERMINAL_MARGIN_MS) / 1000,
        )  # fmt: skip
        return await (self._settler.settle(asked) if message.mti == "0500" else self._settler.upload(asked))

    def _payment(
        self, message: Message, terminal: Terminal, keys: WorkingKeys | None, mac_key: MacKey | None,
        connected: Callable[[], bool], arrived_s: float, prompts: Prompts,
    ) -> Payment:  # fmt: skip
        understood = understand(message, terminal.terminal_id, terminal.merchant_id)
        return Payment(
            key=understood.key,
            acquirer=terminal.acquirer,
            kind=understood.kind,
            amount=understood.amount,
            account=understood.account,
            refers_to=understood.refers_to,
            message=message,
            caller=Caller(
                relay=lambda answer: relayed(message, answer, mac_key, prompts.of_hosts(understood.kind, answer)),
                refuse=lambda code: own(
                    message, code, self._desk.clock, mac_key, prompts.of_ours(message, understood.kind, code)
                ),
                connected=connected,
                wait_ms=terminal.wait_ms,
                keys=keys,
            ),
            arrived_s=arrived_s,
        )

    async def _plain(
        self, message: Message, terminal: Terminal, code: str, kind: str, why: str, mac_key: MacKey | None
    ) -> Reply:
        """An answer that needs no transaction; recorded all the same."""
        reply, frames = self._told(message, code, mac_key)
        text = await with_cause(self._desk, terminal.terminal_id, code, why) if kind == REFUSED else code
        await event(self._desk, terminal.merchant_id, terminal.terminal_id, kind, text, frames)
        return reply

    async def _status(self, message: Message, terminal: Terminal, mac_key: MacKey | None) -> Reply:
        """What the terminal says of itself, durable before it is answered."""
        report = status_report(message, terminal.terminal_id, terminal.merchant_id)
        reply, frames = self._told(message, "00", mac_key)
        await observe(self._desk, report, frames)
        return reply

    def _told(self, message: Message, code: str, mac_key: MacKey | None) -> tuple[bytes, bytes]:
        """An answer of our own, with a MAC when the request had one, and both frames as they are kept."""
        key = mac_key if any(message.has(n) for n in message.codec.dialect.mac_fields) else None
        reply = own(message, code, self._desk.clock, key)
        return reply, frame(Direction.FROM_TERMINAL, message) + reply_frame(message, reply)

    async def _sign_in(self, message: Message, terminal: Terminal) -> Reply:
        """New working keys under the terminal's master key, durable before the terminal hears of them."""
        code = management_code(message)
        offered = F60.parse(message[60]).batch_no if message.has(60) else ""
        await self._refreshed(terminal.terminal_id)
        batch_no = await self._settler.next_batch(
            terminal.terminal_id, terminal.merchant_id, self._sessions.next_batch(terminal.terminal_id, offered)
        )
        algorithm = self._mac if self._mac != "none" else "unionpay-ecb"
        try:
            keys = self._desk.keys.issue_working_keys(
                terminal.terminal_id,
                algorithm,
                double_length=code != "001",
                with_track_key=SIGN_IN_CODES[code],
            )
        except KeyStoreError as error:
            return await self._plain(message, terminal, UNSUPPORTED_CODE, REFUSED, str(error), None)
        now_us = self._desk.clock.wall_us()
        session = TerminalSession(batch_no=batch_no, keys=keys, signed_in_at_us=now_us)
        block = keys.for_terminal.to_field_62()
        extra: dict[int, str | bytes] = {62: block if message.codec.dialect.mti_bcd else block.hex().upper().encode()}
        if message.has(60):
            extra[60] = with_batch_number(message, batch_no)
        reply = own(message, "00", self._desk.clock, None, extra)
        frames = frame(Direction.FROM_TERMINAL, message) + reply_frame(message, reply)
        change = self._sessions.change(terminal.terminal_id, session)
        told = signed_in(self._desk, terminal.merchant_id, terminal.terminal_id, batch_no)
        await event(
            self._desk, terminal.merchant_id, terminal.terminal_id, "SIGN_IN", f"batch {batch_no}", frames,
            changes=(change, told),
        )  # fmt: skip
        self._sessions.put(terminal.terminal_id, session)
        self._desk.incidents.restarted(terminal.terminal_id, terminal.merchant_id)
        self._lines.right_mac(terminal.terminal_id)
        return reply
