"""A process of simulated tills: `python -m yuanlu.sandbox.tills_process CONFIG`.

CONFIG is a TOML file, see `TillsFile`. The tills sell until `seconds` are over or SIGTERM comes, then work off the
reversals they still owe and say so by an empty file, `closed`. At SIGUSR1 they close their batches and end.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from yuanlu.kernel.clock import SystemClock
from yuanlu.kernel.errors import ConfigurationError, YuanluError
from yuanlu.keys.software import SoftwareKeyStore
from yuanlu.sandbox.errands import ErrandPlan, run_errand
from yuanlu.sandbox.region import Region
from yuanlu.sandbox.sales_deck import SalesDeck
from yuanlu.sandbox.till import RECONNECT_S, SalePlan, Till
from yuanlu.sandbox.till_closing import close_batch
from yuanlu.sandbox.till_line import LineClosed
from yuanlu.sandbox.till_messages import TillIdentity
from yuanlu.sandbox.told import ToldWriter
from yuanlu.settings import DialectName, Mac, parse_address

FINISH_S = 20.0
SETTLE_S = 8.0
EVENING_S = 60.0
"""Nobody calls for the settlement so long after the sales: then there is none."""


class TillTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One till, as in the gateway's terminals.csv; its dialect is its acquirer's."""

    terminal_id: str
    merchant_id: str
    acquirer: str
    dialect: DialectName
    wait_ms: int
    in_region: bool = False
    loses_a_sale: bool = False


class TillsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole CONFIG file; paths start at its own folder. `pace_ms` is a till's mean pause between two
    sales.

    The percentages say how many turns meet a host fault, misbehave at the till, ask for a response code, or are no
    plain sale. `seconds` 0 means until SIGTERM. After `outage_at_s` all tills that are `in_region` have no network for
    `outage_s`. A till that `loses_a_sale` has forgotten one when it adds up its day.
    """

    gateway: str
    keys: str
    told: str
    closed: str
    mac: Mac
    seed: int
    seconds: float
    pace_ms: int
    fault_percent: int
    behaviour_percent: int
    code_percent: int
    errand_percent: int
    outage_at_s: float
    outage_s: float
    tills: tuple[TillTerms, ...]


def read_tills(path: Path) -> TillsFile:
    """Read CONFIG. Raises ConfigurationError naming the key that is wrong."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=TillsFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


async def run_tills(path: Path) -> None:
    """Let all tills of CONFIG sell, and end as the module says."""
    file = read_tills(path)
    store = SoftwareKeyStore.open(path.parent / file.keys, mode="sandbox", random_bytes=os.urandom, create=True)
    told = ToldWriter(path.parent / file.told)
    stop, evening = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, evening.set)
    if file.seconds > 0:
        loop.call_later(file.seconds, stop.set)
    region = Region()
    tills = {terms.terminal_id: _till(file, terms, store, told, region) for terms in file.tills}
    outage = loop.create_task(region.fail(file.outage_at_s, file.outage_s))
    await _sell_all(file, tills, region, stop)
    outage.cancel()
    region.dark = False
    (path.parent / file.closed).touch()
    leave = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, leave.set)
    await _happens_within(EVENING_S, evening, leave)
    if evening.is_set():
        for terms in file.tills:
            if terms.loses_a_sale:
                tills[terms.terminal_id].memory.lose_one()
        await _settle_all(list(tills.values()))
    told.close()


async def _sell_all(file: TillsFile, tills: dict[str, Till], region: Region, stop: asyncio.Event) -> None:
    """Until `stop`, and until every till has worked off what it owes."""
    loop = asyncio.get_running_loop()
    decks = {name: _deck(file, name) for name in sorted({terms.acquirer for terms in file.tills})}
    lives = [
        loop.create_task(_live(tills[terms.terminal_id], decks[terms.acquirer], file, stop, _rush(terms, region)))
        for terms in file.tills
    ]
    await stop.wait()
    _, unfinished = await asyncio.wait(lives, timeout=FINISH_S)
    for life in unfinished:
        life.cancel()
    results = await asyncio.gather(*lives, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


def _rush(terms: TillTerms, region: Region) -> asyncio.Event:
    """What calls this till to sell at once: nothing, outside the region."""
    return region.rush if terms.in_region else asyncio.Event()


async def _settle_all(tills: list[Till]) -> None:
    """Every till closes its batch; who gets no answer leaves it open."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S):
            await asyncio.gather(*(close_batch(till) for till in tills))
    for till in tills:
        till.close()


def _deck(file: TillsFile, acquirer: str) -> SalesDeck:
    return SalesDeck(
        random.Random(f"{file.seed}/{acquirer}"),  # noqa: S311 - must be repeatable
        fault_percent=file.fault_percent,
        behaviour_percent=file.behaviour_percent,
        code_percent=file.code_percent,
        errand_percent=file.errand_percent,
    )


def _till(file: TillsFile, terms: TillTerms, store: SoftwareKeyStore, told: ToldWriter, region: Region) -> Till:
    till = Till(
        identity=TillIdentity(
            terminal_id=terms.terminal_id,
            merchant_id=terms.merchant_id,
            dialect=terms.dialect,
            mac=file.mac,
        ),
        address=parse_address(file.gateway, "gateway"),
        store=store,
        wait_ms=terms.wait_ms,
        clock=SystemClock(),
        chance=random.Random(f"{file.seed}/{terms.terminal_id}"),  # noqa: S311 - must be repeatable
        record=told.write,
        region=region if terms.in_region else None,
    )
    if terms.in_region:
        region.join(till.close)
    return till


async def _live(till: Till, deck: SalesDeck, file: TillsFile, stop: asyncio.Event, rush: asyncio.Event) -> None:
    pauses = random.Random(f"{file.seed}/{till.identity.terminal_id}/pauses")  # noqa: S311 - must be repeatable
    while True:
        await _happens_within(pauses.expovariate(1000 / file.pace_ms), stop, rush)
        if stop.is_set():
            break
        try:
            await _turn(till, deck.deal())
        except LineClosed:
            await asyncio.sleep(RECONNECT_S)
    await till.work_off_duty()


async def _turn(till: Till, plan: SalePlan | ErrandPlan) -> None:
    match plan:
        case SalePlan():
            await till.sell(plan)
        case ErrandPlan():
            await run_errand(till, plan)


async def _happens_within(seconds: float, *events: asyncio.Event) -> bool:
    """Wait for the first of these, but no longer than so; whether one came."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)


def main() -> int:
    """Run with the file named on the command line; 2 when that is wrong."""
    try:
        uvloop.run(run_tills(Path(sys.argv[1])))
    except (YuanluError, IndexError) as error:
        sys.stderr.write(f"tills_process: {error or 'give a CONFIG file'}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
