"""A process of simulated tills: `python -m yuanlu.sandbox.tills_process CONFIG`.

CONFIG is a TOML file, see `TillsFile`. The tills sell until `seconds` are over or SIGTERM comes, then work
off the reversals they still owe and hang up.
"""

import asyncio
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
from yuanlu.sandbox.sales_deck import SalesDeck
from yuanlu.sandbox.till import RECONNECT_S, Till
from yuanlu.sandbox.till_line import LineClosed
from yuanlu.sandbox.till_messages import TillIdentity
from yuanlu.sandbox.told import ToldWriter
from yuanlu.settings import DialectName, Mac, parse_address

FINISH_S = 20.0


class TillTerms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One till, as in the gateway's terminals.csv; its dialect is its acquirer's."""

    terminal_id: str
    merchant_id: str
    acquirer: str
    dialect: DialectName
    wait_ms: int


class TillsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole CONFIG file; paths start at its own folder. `pace_ms` is a till's mean pause between two
    sales.

    The percentages say how many sales meet a host fault, misbehave at the till, or ask for a response code.
    `seconds` 0 means until SIGTERM.
    """

    gateway: str
    keys: str
    told: str
    mac: Mac
    seed: int
    seconds: float
    pace_ms: int
    fault_percent: int
    behaviour_percent: int
    code_percent: int
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
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if file.seconds > 0:
        loop.call_later(file.seconds, stop.set)
    decks = {name: _deck(file, name) for name in sorted({terms.acquirer for terms in file.tills})}
    lives = [
        loop.create_task(_live(_till(file, terms, store, told), decks[terms.acquirer], file, stop))
        for terms in file.tills
    ]
    await stop.wait()
    _, unfinished = await asyncio.wait(lives, timeout=FINISH_S)
    for life in unfinished:
        life.cancel()
    results = await asyncio.gather(*lives, return_exceptions=True)
    told.close()
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


def _deck(file: TillsFile, acquirer: str) -> SalesDeck:
    return SalesDeck(
        random.Random(f"{file.seed}/{acquirer}"),  # noqa: S311 - must be repeatable
        fault_percent=file.fault_percent,
        behaviour_percent=file.behaviour_percent,
        code_percent=file.code_percent,
    )


def _till(file: TillsFile, terms: TillTerms, store: SoftwareKeyStore, told: ToldWriter) -> Till:
    return Till(
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
    )


async def _live(till: Till, deck: SalesDeck, file: TillsFile, stop: asyncio.Event) -> None:
    pauses = random.Random(f"{file.seed}/{till.identity.terminal_id}/pauses")  # noqa: S311 - must be repeatable
    while not await _stopped_within(stop, pauses.expovariate(1000 / file.pace_ms)):
        try:
            await till.sell(deck.deal())
        except LineClosed:
            await asyncio.sleep(RECONNECT_S)
    await till.work_off_duty()
    till.close()


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


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
