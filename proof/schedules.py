"""L3, schedules: the real asyncio stack in virtual time, each seed another order of everything that can race.

A few tills pay at one gateway at once, with the sandbox's faults and errands; how long each commit, each read and each
piece of data takes is the seed's. In half of the schedules the gateway is killed once on the way.
"""

import asyncio
import gc
import multiprocessing
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from proof.crashes.run import FAST
from proof.quiet import quiet
from proof.virtual.loop import VirtualLoop
from proof.virtual.machine import prepared
from proof.virtual.town import Town, at_steps, play
from yuanlu.sandbox.errands import ErrandPlan, run_errand
from yuanlu.sandbox.sales_deck import SalesDeck
from yuanlu.sandbox.till import Till
from yuanlu.sandbox.till_line import LineClosed
from yuanlu.settings import ProfileName

PROFILES: tuple[ProfileName, ...] = ("P1", "P2", "P3", "P4", "P5")
TILLS = 3
TURNS = 3
KILL_STEPS = 120
"""A kill comes at one of so many steps, or not at all when the schedule has fewer."""
LIVE_S_MAX = 300.0
RETRY_S = 0.25
SEEDS_PER_PROCESS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A schedule that did not end well, by its seed."""

    seed: int
    what: list[str]


@dataclass(slots=True, kw_only=True)
class Result:
    """What was run and found."""

    schedules: int = 0
    transactions: int = 0
    kills: int = 0
    states: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)


def run(*, first: int, count: int, tell: Callable[[str], None], jobs: int = 2) -> Result:
    """So many schedules, from this seed on. `tell` hears the progress."""
    whole = Result()
    warm()
    with multiprocessing.get_context("fork").Pool(jobs, initializer=quiet, maxtasksperchild=1) as pool:
        starts = range(first, first + count, SEEDS_PER_PROCESS)
        parts = [(start, min(SEEDS_PER_PROCESS, first + count - start)) for start in starts]
        for result in pool.imap_unordered(_some, parts, chunksize=1):
            whole.schedules += result.schedules
            whole.transactions += result.transactions
            whole.kills += result.kills
            whole.states += result.states
            whole.violations += result.violations
            tell(f"{whole.schedules} of {count} schedules, {len(whole.violations)} violations")
    return whole


def warm() -> None:
    """Have this process know already what all that it forks need."""
    replay(0, Result())
    gc.collect()
    gc.freeze()


def _some(given: tuple[int, int]) -> Result:
    result = Result()
    for seed in range(given[0], given[0] + given[1]):
        wrong = replay(seed, result)
        result.schedules += 1
        if wrong:
            result.violations.append(Violation(seed=seed, what=wrong))
    return result


def replay(seed: int, result: Result) -> list[str]:
    """Play one schedule and count it; what is wrong at its end."""
    folder = Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))
    try:
        return play(seed, lambda loop: _played(loop, folder, seed, result))
    finally:
        shutil.rmtree(folder)


async def _played(loop: VirtualLoop, folder: Path, seed: int, result: Result) -> list[str]:
    prepared(folder)
    chance = random.Random(f"schedule {seed}")
    stops = at_steps([chance.randrange(KILL_STEPS)] if chance.random() < 0.5 else [])
    town = Town(loop, folder, stops=stops, profile=PROFILES[seed % len(PROFILES)], tills=TILLS, seed=seed)
    try:
        await town.host.start()
        alive = loop.create_task(town.keep_alive())
        deck = SalesDeck(chance, fault_percent=45, behaviour_percent=15, code_percent=5, errand_percent=25)
        await asyncio.wait_for(asyncio.gather(*(_live(till, deck) for till in town.tills)), LIVE_S_MAX)
        served = await town.quiet()
        alive.cancel()
        [ended] = await asyncio.gather(alive, return_exceptions=True)
        verdict = town.verdict()
        result.transactions += verdict.transactions
        result.kills += len(town.lives) - 1
        result.states += Counter(verdict.by_state)
        wrong = [f"{finding.kind}: {finding.text}" for finding in verdict.findings]
        if isinstance(ended, Exception):
            wrong.append(f"life {len(town.lives)} did not come up: {ended!r}")
        if not served or verdict.open:
            wrong.append(f"still open: {dict(verdict.by_state)}")
        if verdict.unexplained:
            wrong.append(f"{verdict.unexplained} abnormal transactions without a cause")
        return wrong
    except TimeoutError:
        return [f"tills were still waiting after {loop.time():.0f} s"]
    finally:
        town.close()


async def _live(till: Till, deck: SalesDeck) -> None:
    for _ in range(TURNS):
        await _reached(lambda: _turn(till, deck))
    await _reached(till.work_off_duty)


async def _turn(till: Till, deck: SalesDeck) -> None:
    plan = deck.deal()
    if isinstance(plan, ErrandPlan):
        await run_errand(till, plan)
    else:
        await till.sell(plan)


async def _reached(ask: Callable[[], Awaitable[None]]) -> None:
    """Until the gateway was there."""
    while True:
        try:
            await ask()
        except LineClosed:
            await asyncio.sleep(RETRY_S)
        else:
            return
