"""Each story once whole, then for each of its steps: stopped there and gone on with, once and twice."""

import asyncio
import gc
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from proof.crashes.branching import Branches, Ended
from proof.crashes.scenarios import Scenario, scenarios
from proof.quiet import quiet
from proof.virtual.loop import VirtualLoop
from proof.virtual.machine import prepared
from proof.virtual.town import Stops, Town, at_steps, play
from yuanlu.kernel.errors import YuanluError

FAST = Path("/dev/shm")


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


WARM = (
    Point(scenario="a day that settles", seed=1, stops=(5,)),
    Point(scenario="errand void", seed=1, stops=(8, 1)),
    Point(scenario="fault drop_after_commit at P3", seed=1, stops=()),
)
"""Stories that need nearly everything that any needs."""


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
    warm()
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


def warm() -> None:
    """Have this process know already what all that it forks need: statements compiled, messages' plans made."""
    for point in WARM:
        replay(point)
    gc.collect()
    gc.freeze()


def _story(given: tuple[str, int]) -> Result:
    name, seed = given
    result = Result(scenarios=1)
    for end in every_point(name, seed):
        result.points += bool(end.stops)
        result.steps += len(end.stops) == 1
        result.kills += len(end.stops)
        if end.wrong:
            result.violations.append(Violation(point=Point(scenario=name, seed=seed, stops=end.stops), what=end.wrong))
    return result


def every_point(name: str, seed: int) -> list[Ended]:
    """A story stopped at each of its steps, once and twice, and not at all. Raises NoScenario."""
    scenario, home = _scenario(name), _fast_folder()
    try:
        branches = Branches(home)
        return branches.tell(lambda: play(seed, lambda loop: _branching(loop, home, scenario, seed, branches)))
    finally:
        shutil.rmtree(home)


def replay(point: Point) -> tuple[list[str], int]:
    """Play one point; what is wrong at its end, and how many steps its first life took. Raises NoScenario."""
    scenario, home = _scenario(point.scenario), _fast_folder()
    try:
        return play(point.seed, lambda loop: _played(loop, home, scenario, point))
    finally:
        shutil.rmtree(home)


def _scenario(name: str) -> Scenario:
    found = next((each for each in scenarios() if each.name == name), None)
    if found is None:
        raise NoScenario(f"no story is called {name!r}")
    return found


def _fast_folder() -> Path:
    """A new one, in memory where that can be had."""
    return Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))


async def _branching(loop: VirtualLoop, home: Path, scenario: Scenario, seed: int, branches: Branches) -> list[str]:
    town = _town(loop, home, scenario, seed, branches.stops_at)
    branches.begin(town)
    wrong = await _told(town, scenario)
    branches.end(wrong)
    return wrong


async def _played(loop: VirtualLoop, home: Path, scenario: Scenario, point: Point) -> tuple[list[str], int]:
    town = _town(loop, home, scenario, point.seed, at_steps(point.stops))
    try:
        return await _told(town, scenario), len(town.lives[0].steps)
    finally:
        town.close()


def _town(loop: VirtualLoop, home: Path, scenario: Scenario, seed: int, stops: Stops) -> Town:
    folder = home / "town"
    folder.mkdir()
    prepared(folder)
    return Town(loop, folder, stops=stops, profile=scenario.profile, seed=seed)


async def _told(town: Town, scenario: Scenario) -> list[str]:
    """What is wrong at the story's end."""
    await town.host.start()
    alive = town.loop.create_task(town.keep_alive())
    try:
        await scenario.script(town)
    except TimeoutError:
        return [f"the till was still waiting after {town.loop.time():.0f} s"]
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
