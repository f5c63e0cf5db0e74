"""What the gateway hands to the flow, and what everything in the flow works with."""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from yuanlu.acquirers.iso8583_host import Iso8583Host
from yuanlu.acquirers.kinds import BALANCE, KINDS
from yuanlu.flow.around import Around
from yuanlu.flow.incidents import IncidentDesk
from yuanlu.flow.open_batches import OpenBatches
from yuanlu.incidents.records import BIN_DIGITS
from yuanlu.iso8583.codec import Message
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.writer import Journal
from yuanlu.kernel.clock import Clock
from yuanlu.kernel.identifiers import IdentifierSource, TransactionKey
from yuanlu.kernel.limits import REPEAT_WINDOW_MS, TERMINAL_MARGIN_MS
from yuanlu.kernel.money import Money
from yuanlu.keys.contract import KeyStore
from yuanlu.keys.working_keys import WorkingKeys
from yuanlu.returns.engine import ReturnEngine

TWICE_WITHIN_S, SALES_REMEMBERED = 600, 4
GIVEN_BACK_WITHIN_S, GIVEN_BACK_REMEMBERED = 3_600, 4

QR_PAYLOAD = re.compile("A3[0-9]{3}([0-9]{2})")
"""Field 59 holds a QR code after its tag and the three digits of its length; its first two digits name the wallet."""

Reply = bytes | None
"""The frame for the terminal, or None for silence."""


class Caller(Struct, frozen=True, kw_only=True):
    """How to speak to the one who asked: a terminal's connection, as far as a transaction needs to know it.

    `relay` turns the host's answer into the frame for the terminal; `refuse` makes an answer of our own with a
    response code; `connected` says whether a frame would still be handed over. `wait_ms` is how long the terminal
    itself waits, `keys` its working keys.
    """

    relay: Callable[[Message], Reply]
    refuse: Callable[[str], Reply]
    connected: Callable[[], bool]
    wait_ms: int
    keys: WorkingKeys | None


class Reference(Struct, frozen=True, kw_only=True):
    """Which transaction a void, refund or completion is about; "" for what the terminal did not say."""

    batch_no: str
    stan: str
    rrn: str


class Payment(Struct, frozen=True, kw_only=True):
    """A request as the gateway understood it: one of `acquirers.kinds`, or a terminal's reversal of one.

    `account` is the card number, or for QR the content of field 59; it is never stored as it is.
    `arrived_s` is the loop's time at which the frame arrived.
    """

    key: TransactionKey
    acquirer: str
    kind: str
    amount: Money
    account: str
    refers_to: Reference | None
    message: Message
    caller: Caller
    arrived_s: float
    order_id: str = ""
    """The order that it carries out, when it is our own and no terminal's."""

    @property
    def moves_money(self) -> bool:
        """Whether there can be anything to return."""
        return self.kind != BALANCE

    @property
    def charges(self) -> bool:
        """Whether an approval that nobody hears of must go back. A void or refund has given money back: it stands."""
        return self.kind != BALANCE and not KINDS[self.kind].gives_back

    @property
    def card_bin(self) -> str:
        """The first six digits of its card, or the first two of its QR code, which name the wallet; "" without both."""
        if self.message.has(2) or self.message.has(35):
            return self.account[:BIN_DIGITS]
        code = QR_PAYLOAD.match(self.account)
        return "" if code is None else code[1]

    @property
    def is_new_sale(self) -> bool:
        """Whether it asks for money without being about another transaction: what an incident may hold."""
        return self.charges and self.refers_to is None

    @property
    def content(self) -> tuple[str, str, Money]:
        """What a repeat must have in common with it while it is in flight; later `Desk.repeats` says it."""
        return self.kind, self.account, self.amount

    @property
    def deadline_s(self) -> float:
        """The loop's time by which the terminal must have our word (`docs/returns.md` §4.3)."""
        return self.arrived_s + (self.caller.wait_ms - TERMINAL_MARGIN_MS) / 1000


class InFlight(Struct, kw_only=True):
    """A payment being worked on: everyone who asked for it, and what they asked."""

    callers: list[Caller]
    content: tuple[str, str, Money]
    _decided: asyncio.Future[None] | None = None

    @property
    def decided(self) -> "asyncio.Future[None]":
        """The moment it is decided; made only for who waits for it."""
        if self._decided is None:
            self._decided = asyncio.get_running_loop().create_future()
        return self._decided

    def decide(self) -> None:
        """Now: tell who waits."""
        if self._decided is not None:
            self._decided.set_result(None)

    def connected(self) -> bool:
        """Whether anyone who asked can still be told."""
        for caller in self.callers:  # noqa: SIM110 - nearly always one, and a generator costs more than asking it
            if caller.connected():
                return True
        return False


class GivenBack(NamedTuple):
    """A void or refund that was approved."""

    transaction_id: str
    original_id: str
    card_token: str
    second: int


@dataclass(kw_only=True)
class Desk:
    """What every part of the flow works with; made once, in `wiring`."""

    journal: Journal
    returns: ReturnEngine
    incidents: IncidentDesk
    hosts: Mapping[str, Iso8583Host]
    keys: KeyStore
    clock: Clock
    identifiers: IdentifierSource
    around: Around
    repeat_window_us: int = REPEAT_WINDOW_MS * 1000
    in_flight: dict[TransactionKey, InFlight] = field(default_factory=dict)
    batches: OpenBatches = field(default_factory=OpenBatches)
    lately: dict[str, deque[tuple[str, int, int]]] = field(default_factory=dict)
    """By terminal: account, amount and second of its last sales, approved or unknown, to notice one charged twice."""
    given_back: dict[str, deque[GivenBack]] = field(default_factory=dict)
    """By terminal: its last voids and refunds. Whether they put a mistake right shows in what is done after them."""
    alarms: int = 0
    """Repeats and reversals refused because their content contradicts the journal."""
    refused_by_cause: dict[str, int] = field(default_factory=dict)
    """Our own refusals since the start, by the code of their cause."""

    def repeats(self, payment: Payment, found: Transaction) -> bool:
        """Whether a request with the key of `found` also has its content: type, amount, currency, account."""
        same = payment.kind == found.kind and payment.amount == found.amount
        return same and self.token(payment) == found.card_token

    def charged_again(self, sale: Transaction) -> bool:
        """Whether this terminal charged the same account the same amount a moment ago. Remembers the sale."""
        second = sale.received_at_us // 1_000_000
        last = self.lately.setdefault(sale.key.terminal_id, deque(maxlen=SALES_REMEMBERED))
        token, amount, again = sale.card_token, sale.amount.minor, False
        for account, minor, at in last:
            if minor == amount and account == token and second - at < TWICE_WITHIN_S:
                again = True
        last.append((token, amount, second))
        return again

    def shown_by(self, done: Transaction) -> tuple[str, ...]:
        """The transactions whose cause may show only now that `done` was approved at the same terminal.

        A sale can be what a void of the same card made room for; a void or refund can be one of several. Remembers it.
        """
        terminal_id, gives_back = done.key.terminal_id, KINDS[done.kind].gives_back
        last = self.given_back.get(terminal_id)
        if last is None and not gives_back:
            return ()
        since = done.received_at_us // 1_000_000 - GIVEN_BACK_WITHIN_S
        near = [each for each in last or () if each.second > since]
        found = [each for each in near if gives_back or each.card_token in ("", done.card_token)]
        shown = [name for each in found for name in (each.transaction_id, each.original_id)]
        if gives_back:
            shown += [done.transaction_id] if found else []
            remembered = self.given_back.setdefault(terminal_id, deque(maxlen=GIVEN_BACK_REMEMBERED))
            remembered.append(
                GivenBack(done.transaction_id, done.original_id, done.card_token, since + GIVEN_BACK_WITHIN_S)
            )
        return tuple(dict.fromkeys(shown))

    def token(self, payment: Payment) -> str:
        """The keyed name of the account; "" when the request names none."""
        return self.keys.card_token(payment.account) if payment.account else ""
