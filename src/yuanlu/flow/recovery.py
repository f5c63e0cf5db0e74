"""After a crash: what was perhaps sent is unknown, and goes back (`docs/returns.md` §4.8). Never a re-send.

Reads only what is open, by partial indexes: a million closed payments cost nothing here.
"""

import asyncio
from functools import partial

import structlog
from msgspec.structs import replace

from yuanlu.acquirers.kinds import BALANCE, is_advice, is_reversed
from yuanlu.flow.asking import left_unknown
from yuanlu.flow.payment import Desk
from yuanlu.flow.records import Unit, fact, to_state
from yuanlu.journal import transactions
from yuanlu.journal.transactions import Transaction
from yuanlu.journal.unit import Conflict
from yuanlu.returns.states import State
from yuanlu.returns.steps import NO_ANSWER_REASON
from yuanlu.returns.ways import find_link

CRASHED = "the gateway stopped before the answer"

_log = structlog.get_logger("recovery")


async def recover(desk: Desk) -> int:
    """Turn every payment that nobody works on any more into a return; returns how many there were."""
    found = await desk.journal.read(transactions.left_in_flight)
    live = await desk.journal.live()  # read after: who is not in it had gone before, or has no payment in `found`
    left = [
        transaction
        for transaction, writer_id in found
        if (live is None or writer_id not in live)
        and not is_advice(transaction.kind)  # an advice has its task, and goes on by itself
    ]
    await asyncio.gather(*(_give_back(desk, each) for each in left))  # together, so that they share commits
    if left:
        _log.warning("payments were in flight when the gateway stopped; they are being returned", count=len(left))
    return len(left)


async def take_over(desk: Desk) -> bool:
    """What gateways left that died beside us; whether there were any. Two that do it at once do no harm: each row
    moves from version to version.
    """
    gone = await desk.journal.gone()
    if not gone:
        return False
    _log.warning("another gateway is gone; its work is taken over", writers=gone)
    await recover(desk)
    await desk.journal.release(gone, desk.clock.wall_us())
    return True


async def _give_back(desk: Desk, transaction: Transaction) -> None:
    """Until it is durable: another process may write about the same payment at this moment."""
    while transaction.state == State.SEND_INTENT:
        if not isinstance(await desk.journal.commit(*await _unit(desk, transaction)), Conflict):
            return
        transaction = await desk.journal.read(partial(transactions.get, transaction_id=transaction.transaction_id))


async def _unit(desk: Desk, transaction: Transaction) -> Unit:
    version = transaction.version + 1
    if not is_reversed(transaction.kind) and transaction.original_id:
        # A refund in flight: it is neither reversed nor sent again; evidence decides.
        link = await desk.journal.read(partial(find_link, original_id=transaction.original_id))
        return left_unknown(desk, transaction, link, CRASHED)
    if transaction.kind == BALANCE:
        return (
            [fact(desk, transaction, State.DECLINED, version=version, note=CRASHED)],
            [to_state(desk, transaction, State.DECLINED, version, CRASHED)],
        )
    # It left at the latest before now: windows measured from now are long enough.
    opening = desk.returns.opening(
        replace(transaction, state=State.RETURNING), reason=NO_ANSWER_REASON, sent=desk.clock.now()
    )
    return (
        [
            fact(desk, transaction, State.UNKNOWN, version=version, note=CRASHED),
            fact(desk, transaction, "RETURN_INTENT", version=version + 1, note="reversal, reason 98"),
        ],
        [to_state(desk, transaction, State.RETURNING, version + 1, CRASHED), *opening],
    )
