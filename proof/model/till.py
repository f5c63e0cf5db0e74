"""Tills: they ask once and wait, repeat, give up, reverse until somebody takes the reversal over, void and refund.

A till shows what it hears while it waits; `told` is that, and it is what cashier and customer act upon. Its reversal
duty ends only with an answer to its 0400 (`docs/returns.md`).
"""

import asyncio
from collections.abc import Callable

from proof.model import wire
from proof.model.dice import Fates
from proof.model.gateway import Gateway
from proof.model.loop import VirtualLoop
from proof.model.plan import Plan, Sale
from proof.model.story import Story
from proof.records import APPROVALS, Ref, Told
from yuanlu.iso8583.codec import Message, response_mti
from yuanlu.iso8583.subfields import Totals

BATCH = "000001"
REVERSAL_WAIT_S, REVERSALS_MAX = 20.0, 60
OPEN_CODE, TAKEN_OVER = "98", "00"


class Line:
    """A connection from a till to a gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._broken = False

    def up(self) -> bool:
        """Whether an answer still gets through."""
        return not self._broken and self.gateway.serving

    def cut(self) -> None:
        """It breaks."""
        self._broken = True


class Till:
    """One till and its cashier; its sales go one after the other."""

    def __init__(
        self, *, number: int, plan: Plan, loop: VirtualLoop, fates: Fates, story: Story,
        gateways: Callable[[], list[Gateway]], people: Callable[[Ref, int], None],
    ) -> None:  # fmt: skip
        self.told: list[Told] = []
        self.under_way = 0
        self._id = wire.terminal_id(number)
        self._plan, self._loop, self._fates, self._story = plan, loop, fates, story
        self._cashier, self._way = fates.dice("cashier", number), fates.dice("line", number)
        self._gateways = gateways
        self._people = people
        self._codec = wire.codec_of(plan.profile)
        self._batch = "" if self._codec.dialect.extended else BATCH
        self._stan = 0
        self._line: Line | None = None
        self._waiting: dict[tuple[str, str], asyncio.Future[Message]] = {}
        self._sold: list[tuple[Ref, int]] = []
        self._back: list[int] = []

    async def work(self, sales: list[Sale]) -> None:
        """All of its sales, and the end of the batch."""
        for sale in sales:
            await asyncio.sleep(max(0.0, sale.at_s - self._loop.now_s))
            await self._sell(sale)
        if self._batch and sales and self._befalls("till closes its batch"):
            await self._close_batch()

    def _befalls(self, fault: str) -> bool:
        return self._fates.befall(fault, self._cashier)

    def _new_ref(self, mti: str) -> Ref:
        self._stan += 1
        return self._id, self._batch, f"{self._stan:06}", mti

    async def _sell(self, sale: Sale) -> None:
        ref = self._new_ref("0200")
        card = f"620000{sale.number:010}"
        frame = wire.request(self._codec, type_code=wire.SALE, ref=ref, minor=sale.minor, card=card)
        self._story.tell("till {} sells {} (trace number {})", self._id, sale.minor, ref[2])
        answer = await self._ask_and_doubt(frame, ref)
        if answer is None:
            return
        paid = int(answer[4]) if answer[39] == "10" else sale.minor
        self._sold.append((ref, paid))
        if self._befalls("people give back"):
            self._people(ref, paid)
        await self._afterwards(ref, paid, card, (answer.get(37) or "").strip())

    async def _afterwards(self, sale: Ref, paid: int, card: str, rrn: str) -> None:
        """What the cashier does about an approved sale: void it, or refund some of it, perhaps twice."""
        if self._befalls("till voids"):
            await asyncio.sleep(self._cashier.uniform(0.5, 20.0))
            ref = self._new_ref("0200")
            frame = wire.request(
                self._codec, type_code=wire.VOID, ref=ref, minor=paid, card=card, about=sale, rrn=rrn
            )  # fmt: skip
            self._story.tell("till {} voids {} (trace number {})", self._id, sale[2], ref[2])
            if await self._ask_and_doubt(frame, ref) is not None:
                self._back.append(paid)
        while self._befalls("till refunds"):
            await asyncio.sleep(self._cashier.uniform(0.5, 20.0))
            minor = max(1, int(paid * self._cashier.choice((0.3, 0.6, 1.0))))
            ref = self._new_ref("0220")
            frame = wire.request(
                self._codec, type_code=wire.REFUND, ref=ref, minor=minor, card=card, about=sale, rrn=rrn
            )  # fmt: skip
            self._story.tell("till {} refunds {} of {} (trace number {})", self._id, minor, sale[2], ref[2])
            answer = await self._ask(frame, self._plan.wait_ms / 1000)
            if answer is not None and answer[39] in APPROVALS:
                self._back.append(minor)

    async def _ask_and_doubt(self, frame: bytes, ref: Ref) -> Message | None:
        """Ask for a sale or void; whatever is not clear is reversed. Its answer if it was approved and stands."""
        wait_s = self._plan.wait_ms / 1000
        if self._befalls("till gives up early"):
            wait_s = self._cashier.uniform(0.2, wait_s)
        if self._befalls("cashier cancels"):
            wait_s = self._cashier.uniform(0.0, 2.0)
        answer = await self._ask(frame, wait_s)
        if answer is not None and answer[39] in APPROVALS:
            return answer
        if answer is None or (answer[39] == OPEN_CODE and self._befalls("till reverses what is 98")):
            await self._reverse(frame)
        return None

    async def _reverse(self, frame: bytes) -> None:
        """Until somebody answers it."""
        message = self._codec.decode(frame)
        reversal = wire.reversal(self._codec, message, "98")
        for _ in range(REVERSALS_MAX):
            answer = await self._ask(reversal, REVERSAL_WAIT_S)
            if answer is not None:
                return

    async def _ask(self, frame: bytes, wait_s: float) -> Message | None:
        """Send, wait, show. None when nothing came in time."""
        message = self._codec.decode(frame)
        key = response_mti(message.mti), message[11]
        answer: asyncio.Future[Message] = self._loop.create_future()
        self._waiting[key] = answer
        self._send(frame)
        if self._befalls("till asks twice at once"):
            self._send(frame)
        if self._befalls("till repeats"):
            self.under_way += 1
            self._loop.call_later(self._cashier.uniform(0.1, 2 * wait_s), self._send_again, frame)
        if self._befalls("till line breaks"):
            self._loop.call_later(self._cashier.uniform(0.0, wait_s), self._break)
        try:
            async with asyncio.timeout(wait_s):
                heard = await answer
        except TimeoutError:
            self._story.tell("till {} hears nothing about {}", self._id, message[11])
            return None
        finally:
            self._waiting.pop(key, None)
        told = Told(at_s=self._loop.now_s, ref=wire.ref_of(message), mti=heard.mti, code=heard.get(39) or "")
        self.told.append(told)
        self._story.tell("till {} is told {} {} about {}", self._id, heard.mti, told.code, message[11])
        return heard

    def _break(self) -> None:
        if self._line is not None:
            self._line.cut()

    def _send_again(self, frame: bytes) -> None:
        self.under_way -= 1
        self._send(frame)

    def _send(self, frame: bytes) -> None:
        if self._line is None or not self._line.up():
            serving = [gateway for gateway in self._gateways() if gateway.serving]
            if not serving:
                return
            self._line = Line(self._way.choice(serving))
        line = self._line
        self._loop.call_later(self._way.uniform(0.01, 0.1), self._arrive, line, frame)

    def _arrive(self, line: Line, frame: bytes) -> None:
        line.gateway.receive(frame, line.up, lambda reply: self._answered(line, reply))

    def _answered(self, line: Line, reply: bytes) -> None:
        self._loop.call_later(self._way.uniform(0.01, 0.1), self._hear, line, reply)

    def _hear(self, line: Line, reply: bytes) -> None:
        message = self._codec.decode(reply)
        waiting = self._waiting.get((message.mti, message.get(11) or ""))
        if not line._broken and waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def _close_batch(self) -> None:
        """0500: what it believes, sometimes without its last sale."""
        self._stan += 1
        totals = Totals(
            debit_minor=sum(minor for _, minor in self._sold), debit_count=len(self._sold),
            credit_minor=sum(self._back), credit_count=len(self._back),
        )  # fmt: skip
        self._story.tell("till {} closes its batch: {} sales", self._id, len(self._sold))
        frame = wire.settlement(
            self._codec, terminal=self._id, batch_no=self._batch, stan=f"{self._stan:06}", totals=totals
        )
        await self._ask(frame, self._plan.wait_ms / 1000)
