"""The driver of orders: gives back by void or refund what was decided, and hands over what it cannot.

One step at a time: look where the order stands, choose the way (policy), make the request as a till would, and let it
go the way of every payment (`flow.purchase`). Whatever happens in between, the next step begins from the journal.
"""

import asyncio
from functools import partial

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from yuanlu.acquirers.kinds import REFUND, VOID_OF
from yuanlu.acquirers.material import account_from, material_of
from yuanlu.acquirers.own_requests import OwnRequest, own_request
from yuanlu.contracts import Agreements
from yuanlu.flow.payment import Caller, Desk, Payment, Reference
from yuanlu.flow.purchase import purchase
from yuanlu.iso8583.codec import Message
from yuanlu.journal import tasks, transactions
from yuanlu.journal.tasks import Claimed, TaskRunner
from yuanlu.journal.unit import Conflict
from yuanlu.kernel.clock import local_time
from yuanlu.kernel.identifiers import TransactionKey
from yuanlu.returns.decision import BY_HAND, VOID_WAY, Decision, Facts, Wish, decide
from yuanlu.returns.orders import TASK_KIND, Order, OrderState, find_order, given_minor, told, update_order
from yuanlu.returns.policy import BACK_OFF_S, SECOND_US, Leg
from yuanlu.returns.proposing import lapsed
from yuanlu.returns.states import State
from yuanlu.returns.steps import sealing_context
from yuanlu.returns.ways import Link, find_link

LOOK_AGAIN_US = SECOND_US
ATTEMPTS_MAX = 6
OUR_WAIT_MS = 120_000

_log = structlog.get_logger("returns")


class Giver:
    """Carries out orders; one per gateway."""

    def __init__(self, desk: Desk, agreements: Agreements) -> None:
        self._desk = desk
        self._agreements = agreements
        lanes = {name: host.terms.settings.reversals_in_flight_max for name, host in desk.hosts.items()}
        self.runner = TaskRunner(kind=TASK_KIND, lanes=lanes, journal=desk.journal, clock=desk.clock, handle=self.drive)

    async def drive(self, task: Claimed) -> None:
        """One step of one order: the handler of the task."""
        read = await self._desk.journal.read(partial(_read, order_id=task.key))
        if read is not None and read[0].state is OrderState.PROPOSED:
            await self._expire(task, read[0], read[1])
            return
        if read is None or read[0].state is not OrderState.RUNNING:
            await self._desk.journal.commit([], [tasks.drop(task)])
            return
        order, link, given = read
        mine = [leg for leg in link.legs if leg.order_id == order.order_id]
        if given >= order.amount.minor:
            await self._close(task, order, link, OrderState.DONE, "given back")
        elif link.live is not None:
            await self._wait_for(task, order, link, link.live)
        else:
            await self._next(task, order, link, given, len(mine))

    async def _expire(self, task: Claimed, order: Order, link: Link) -> None:
        """A proposal whose time is up; the task was put for then."""
        now = self._desk.clock.now()
        if order.expires_at_us > now.wall_us:
            left_us = order.expires_at_us - now.wall_us
            await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + left_us)])
            return
        facts, changes = lapsed(order, link, now)
        if isinstance(await self._desk.journal.commit(facts, [*changes, tasks.drop(task)]), Conflict):
            await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us())])

    async def _wait_for(self, task: Claimed, order: Order, link: Link, live: Leg) -> None:
        """A leg is under way: ours, in doubt, or another's."""
        if live.order_id == order.order_id and live.state is State.ESCALATED:
            await self._close(task, order, link, OrderState.ESCALATED, live.explanation)
            return
        await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us() + LOOK_AGAIN_US)])

    async def _next(self, task: Claimed, order: Order, link: Link, given: int, tried: int) -> None:
        rest = replace(order.amount, minor=order.amount.minor - given)
        chosen = decide(self._facts(link), Wish(amount=rest, person=False, reason=order.reason))
        if not isinstance(chosen, Decision):
            state = OrderState.ESCALATED if chosen.by_person else OrderState.FAILED
            await self._close(task, order, link, state, chosen.why)
        elif chosen.kind in BY_HAND or tried >= ATTEMPTS_MAX:
            await self._close(task, order, link, OrderState.ESCALATED, chosen.why[1])
        else:
            await self._send(task, order, link, chosen, tried)

    def _facts(self, link: Link) -> Facts:
        return Facts(
            link=link,
            terms=self._desk.hosts[link.original.acquirer].terms,
            agreed=self._agreements.of(link.original.key.merchant_id),
            automatic_today_minor=0,  # the order is decided; here only the way is chosen
            now_us=self._desk.clock.wall_us(),
        )

    async def _send(self, task: Claimed, order: Order, link: Link, chosen: Decision, tried: int) -> None:
        """As a till would, but with nobody waiting for the answer."""
        original = link.original
        kind = VOID_OF[original.kind] if chosen.kind == VOID_WAY else REFUND
        payment = await self._payment(order, link, kind, chosen)
        await purchase(self._desk, payment)
        found = await self._desk.journal.read(partial(_read, order_id=order.order_id))
        sent = found is not None and sum(1 for leg in found[1].legs if leg.order_id == order.order_id) > tried
        pause_us = 0 if sent else BACK_OFF_S[min(order.attempts, len(BACK_OFF_S) - 1)] * SECOND_US
        again = replace(order, attempts=order.attempts + (not sent))
        moved = [tasks.move(task, self.runner.now_us() + pause_us)]
        await self._desk.journal.commit([], moved if sent else [update_order(order, again), *moved])
        self.runner.nudge(task.lane)

    async def _payment(self, order: Order, link: Link, kind: str, chosen: Decision) -> Payment:
        desk, original = self._desk, link.original
        key, host = original.key, desk.hosts[original.acquirer]
        assert original.sealed is not None, "a payment that can be given back keeps its account"
        account = account_from(desk.keys.unseal(original.sealed, sealing_context(original.transaction_id)))
        stored = await desk.journal.read(partial(transactions.first_request, transaction=original))
        stan = await desk.journal.read(
            partial(
                transactions.own_stan, terminal_id=key.terminal_id, merchant_id=key.merchant_id, batch_no=key.batch_no
            )
        )
        asked = OwnRequest(
            kind=kind,
            material=material_of(host.codec.decode(stored.masked), account),
            amount_minor=chosen.amount.minor,
            stan=stan,
            batch_no=key.batch_no,
            original_batch_no=key.batch_no,
            original_day=local_time(original.received_at_us).strftime("%m%d"),
            rrn=original.rrn,
            auth_code=original.auth_code,
        )
        message = own_request(host.codec, asked)
        return _as_payment(order, link, kind, chosen, message, account.get(2) or account.get(59, ""))

    async def _close(self, task: Claimed, order: Order, link: Link, state: OrderState, why: str) -> None:
        """It ended, or a person goes on with it."""
        now_us = self._desk.clock.wall_us()
        closed = None if state is OrderState.ESCALATED else now_us
        after = replace(order, state=state, explanation=why, closed_at_us=closed)
        text = f"{order.kind} of {order.amount}: {why}"
        facts, changes = told(link.original, f"RETURN_{state}", text, self._desk.clock.now())
        looked = tasks.examine(order.transaction_id, now_us)
        done = await self._desk.journal.commit(facts, [*changes, update_order(order, after), tasks.drop(task), looked])
        if isinstance(done, Conflict):
            await self._desk.journal.commit([], [tasks.move(task, self.runner.now_us())])
            self.runner.nudge(task.lane)
        elif state is not OrderState.DONE:
            _log.warning("an order needs a person", order=order.order_id, state=state.value, reason=why)


def _read(connection: Connection, order_id: str) -> tuple[Order, Link, int] | None:
    order = find_order(connection, order_id)
    if order is None:
        return None
    return order, find_link(connection, order.transaction_id), given_minor(connection, order_id)


def _as_payment(order: Order, link: Link, kind: str, chosen: Decision, message: Message, account: str) -> Payment:
    """Our own request, with nobody to answer."""
    key = link.original.key
    own_key = TransactionKey(
        terminal_id=key.terminal_id, merchant_id=key.merchant_id, batch_no=key.batch_no, stan=message[11],
        mti_class=message.mti,
    )  # fmt: skip
    nobody = Caller(relay=lambda _: None, refuse=lambda _: None, connected=lambda: True, wait_ms=OUR_WAIT_MS, keys=None)
    return Payment(
        key=own_key,
        acquirer=link.original.acquirer,
        kind=kind,
        amount=chosen.amount,
        account=account,
        refers_to=Reference(batch_no=key.batch_no, stan=key.stan, rrn=""),
        message=message,
        caller=nobody,
        arrived_s=asyncio.get_running_loop().time(),
        order_id=order.order_id,
    )
