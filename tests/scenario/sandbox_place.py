"""A till at its till point in the sandbox's town: what a cashier does there."""

import random
from typing import Protocol

from yuanlu.kernel.clock import Clock
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.cards import Card
from yuanlu.sandbox.faults import MessageClass
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till import Behaviour, Till
from yuanlu.sandbox.till_asks import Ask
from yuanlu.sandbox.till_line import TillLine, open_line
from yuanlu.sandbox.till_memory import Paper
from yuanlu.sandbox.till_messages import EntryMode, Payment, ReversalDuty, TillIdentity, reversal_frame
from yuanlu.sandbox.told import Told

PATIENT_MS = 30_000


class Town(Protocol):
    """What a place needs of its town."""

    address: tuple[str, int]
    store: SoftwareKeyStore
    clock: Clock
    chance: random.Random

    def order(self, host: str, fault: str, terminal: str, message_class: MessageClass, count: int) -> None: ...


class Place:
    """A till at its till point: what a cashier does there."""

    def __init__(self, town: Town, host: str, identity: TillIdentity) -> None:
        self.town = town
        self.host = host
        self.identity = identity
        self.told: list[Told] = []
        self._lines: list[TillLine] = []
        self.till = Till(
            identity=identity,
            address=town.address,
            store=town.store,
            wait_ms=PATIENT_MS,
            clock=town.clock,
            chance=town.chance,
            record=self.told.append,
        )

    @property
    def merchant(self) -> str:
        return self.identity.merchant_id

    @property
    def terminal(self) -> str:
        return self.identity.terminal_id

    def payment(
        self, amount: int = 4567, *, card: Card | None = None, entry: EntryMode = EntryMode.MAGSTRIPE
    ) -> Payment:
        """A payment under the till's next trace number."""
        return self.till.new_payment(amount, entry, card)

    async def sell(
        self, amount: int = 4567, *, card: Card | None = None, entry: EntryMode = EntryMode.MAGSTRIPE,
        behaviour: Behaviour = Behaviour.NORMAL,
    ) -> Payment:  # fmt: skip
        """One sale, whatever it is answered."""
        payment = self.payment(amount, card=card, entry=entry)
        await self.till.ask(Ask(kind=Kind.SALE, payment=payment), behaviour)
        return payment

    async def sold(self, amount: int = 4567, *, card: Card | None = None, kind: Kind = Kind.SALE) -> Paper:
        """One payment that is approved."""
        paper = await self.till.ask(Ask(kind=kind, payment=self.payment(amount, card=card)))
        assert paper is not None, self.told[-1]
        return paper

    async def follow(self, kind: Kind, paper: Paper, amount: int = 0) -> Payment:
        """A request about an earlier payment, whatever it is answered."""
        before = paper.ask.payment
        payment = self.payment(amount or paper.amount_minor, card=before.card)
        await self.till.ask(Ask(kind=kind, payment=payment, slip=paper.slip))
        return payment

    def order(self, fault: str, message_class: MessageClass = "sale", count: int = 1) -> None:
        """What befalls this till's next message of this class at its host."""
        self.town.order(self.host, fault, self.terminal, message_class, count)

    @property
    def code(self) -> str:
        """What the till was told last."""
        return self.told[-1].code

    async def line(self) -> TillLine:
        """One more connection, for what a till does not do of itself."""
        line = await open_line(self.town.address, self.identity.codec)
        self._lines.append(line)
        return line

    def leave(self) -> None:
        """Every connection ends."""
        self.till.close()
        for line in self._lines:
            line.cut()

    async def reverse(self, payment: Payment, reason: str) -> str:
        """The till's own reversal; the code that it is told."""
        line = await self.till.ready_line()
        await line.send(reversal_frame(self.identity, ReversalDuty(payment=payment, reason=reason), None))
        answer = await line.receive(5.0)
        assert answer is not None
        return answer[39]
