"""Each story once whole, then for each of its steps: stopped there and gone on with, once and twice."""

import asyncio
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from proof.crashes.scenarios import Scenario, scenarios
from proof.quiet import quiet
from proof.virtual.loop import VirtualLoop
from proof.virtual.machine import prepared
from proof.virtual.town import Town, play
from yuanlu.kernel.errors import YuanluError

FAST = Path("/dev/shm")
AGAIN_STEPS = 7
"""The second stop comes at one of so many steps of the life that recovers."""


class NoScenario(YuanluError):
    """No story has this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run: a story, its seed, and at which step of each life the gateway was stopped."""

    scenario: str
    seed: int
    stops: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A run that did not end well."""

    point: Point
    what: list[str]


@dataclass(slots=True, kw_only=True)
class Result:
    """What was run and found."""

    scenarios: int = 0
    steps: int = 0
    points: int = 0
    kills: int = 0
    violations: list[Violation] = field(default_factory=list)


def run(*, seed: int, whole: bool, tell: Callable[[str], None], jobs: int = 2) -> Result:
    """Every point of every story, or of every second one: an odd seed takes the odd ones. `tell` hears the progress."""
    names = [each.name for each in scenarios()]
    chosen = names if whole else names[seed % 2 :: 2]
    total = Result()
    # A process for each story: its loops and engines are gone with it.
    with multiprocessing.get_context("fork").Pool(jobs, initializer=quiet, maxtasksperchild=1) as pool:
        for result in pool.imap_unordered(_story, [(name, seed) for name in chosen], chunksize=1):
            total.scenarios += result.scenarios
            total.steps += result.steps
            total.points += result.points
            total.kills += result.kills
            total.violations += result.violations
            tell(
                f"{total.scenarios} of {len(chosen)} stories, {total.points} points, {len(total.violations)} violations"
            )
    return total


def _story(given: tuple[str, int]) -> Result:
    name, seed = given
    result = Result(scenarios=1)
    result.violations, steps = _violations(Point(scenario=name, seed=seed, stops=()))
    result.steps = steps
    for step in range(steps):
        for stops in ((step,), (step, step % AGAIN_STEPS)):
            point = Point(scenario=name, seed=seed, stops=stops)
            found, _ = _violations(point)
            result.points += 1
            result.kills += len(stops)
            result.violations += found
    return result


def _violations(point: Point) -> tuple[list[Violation], int]:
    wrong, steps = replay(point)
    return ([Violation(point=point, what=wrong)] if wrong else []), steps


def replay(point: Point) -> tuple[list[str], int]:
    """Play one point; what is wrong at its end, and how many steps its first life took. Raises NoScenario."""
    scenario = next((each for each in scenarios() if each.name == point.scenario), None)
    if scenario is None:
        raise NoScenario(f"no story is called {point.scenario!r}")
    folder = Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))
    try:
        return play(point.seed, lambda loop: _played(loop, folder, scenario, point))
    finally:
        shutil.rmtree(folder)


async def _played(loop: VirtualLoop, folder: Path, scenario: Scenario, point: Point) -> tuple[list[str], int]:
    prepared(folder)
    town = Town(loop, folder, profile=scenario.profile, seed=point.seed)
    try:
        return await _told(town, scenario, point), len(town.lives[0].steps)
    finally:
        town.close()


async def _told(town: Town, scenario: Scenario, point: Point) -> list[str]:
    """What is wrong at the story's end."""
    await town.host.start()
    alive = town.loop.create_task(town.keep_alive(point.stops))
    try:
        await scenario.script(town)
    except TimeoutError:
        return [f"the till was still waiting after {town.loop.time():.0f} s"]
    if not point.stops:
        await alive
    served = await town.quiet()
    alive.cancel()
    [ended] = await asyncio.gather(alive, return_exceptions=True)
    if isinstance(ended, Exception):
        return [f"life {len(town.lives)} did not come up: {ended!r}"]
    verdict = town.verdict()
    wrong = [f"{finding.kind}: {finding.text}" for finding in verdict.findings]
    if not served:
        wrong.append(f"still open: {dict(verdict.by_state)}")
    elif verdict.open:
        wrong.append(f"{verdict.open} open although the gateway is quiet: {dict(verdict.by_state)}")
    if verdict.unexplained:
        wrong.append(f"{verdict.unexplained} abnormal transactions without a cause")
    return wrong
