"""The whole of L2: record once, rebuild images at every step, open each, and start a gateway on some."""

import multiprocessing
import random
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from proof.powerloss.checking import Checker, lay_out
from proof.powerloss.disk import Disk, Image
from proof.powerloss.promises import Promise, Promised, promises
from proof.powerloss.recording import Recording, record
from proof.powerloss.restarting import restart_problems, with_settings
from proof.powerloss.trace import Call, Kind
from proof.quiet import quiet

DIALECT = "cup-pos"
TURNS = 80
RESTART_EVERY = 100
"""A whole gateway is started, twice, on one image in so many."""
FAST = Path("/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One image that does not hold what was promised: the `image`-th at this `place` in the recording."""

    place: int
    image: int
    what: list[str]


@dataclass(slots=True, kw_only=True)
class Result:
    """What was run and found."""

    calls: int = 0
    syncs: int = 0
    frames: int = 0
    images: int = 0
    restarts: int = 0
    violations: list[Violation] = field(default_factory=list)


@contextmanager
def recorded(seed: int, weaknesses: Iterable[str], turns: int = TURNS) -> Iterator[dict[str, Recording]]:
    """Recordings of a gateway without each of these guards (`none`: with all), there for as long as they are used.

    Raises RecordingFailed, and ToolMissing without strace.
    """
    place = Path(tempfile.mkdtemp())
    try:
        yield record({weakness: place / weakness.replace(" ", "-") for weakness in weaknesses}, seed, turns)
    finally:
        shutil.rmtree(place)


def run(recording: Recording, *, seed: int, images: int, keep: Path, jobs: int = 2) -> Result:
    """Check so many images, spread evenly over the recording's calls.

    One with a violation is kept in `keep`, so that `again` can show it.
    """
    calls = recording.calls()
    sent = list(promises(calls, recording.gateway, DIALECT))
    whole = Result(calls=len(calls), syncs=sum(call.kind is Kind.SYNC for call in calls), frames=len(sent))
    parts = [(recording, calls, sent, seed, _spread(images, len(calls)), part, jobs) for part in range(jobs)]
    with multiprocessing.get_context("fork").Pool(jobs, initializer=quiet) as pool:
        for result in pool.starmap(_part, parts):
            whole.images += result.images
            whole.restarts += result.restarts
            whole.violations += result.violations
    if whole.violations:
        shutil.rmtree(keep, ignore_errors=True)
        shutil.copytree(recording.place, keep)
    return whole


def again(recording: Recording, seed: int, place: int, image: int, folder: Path) -> list[str]:
    """Rebuild one image of a kept recording in `folder`, for a look at it; what is wrong with it."""
    calls = recording.calls()
    sent = list(promises(calls, recording.gateway, DIALECT))
    counts = [0] * place + [image + 1] + [0] * (len(calls) - place - 1)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    for *_, content, found in _checked(recording, calls, sent, seed, counts, folder):
        lay_out(content, recording.folder, folder)
        wrong = found
    return wrong


def _part(
    recording: Recording, calls: Sequence[Call], sent: Sequence[Promise], seed: int, counts: Sequence[int], part: int,
    jobs: int,
) -> Result:  # fmt: skip
    """Every `jobs`-th place of the recording."""
    result = Result()
    folder = Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))
    (folder / "data").mkdir()
    mine = [count if place % jobs == part else 0 for place, count in enumerate(counts)]
    try:
        for place, number, image, found in _checked(recording, calls, sent, seed, mine, folder):
            wrong = list(found)
            if not wrong and result.images % RESTART_EVERY == 0 and f"{recording.folder}/data/journal.db" in image:
                lay_out(image, recording.folder, folder)  # as the power cut left it: the check has recovered it
                with_settings(Path(recording.place), folder)
                wrong += restart_problems(folder)
                result.restarts += 1
            result.images += 1
            if wrong:
                result.violations.append(Violation(place=place, image=number, what=wrong))
    finally:
        shutil.rmtree(folder)
    return result


def _checked(
    recording: Recording, calls: Sequence[Call], sent: Sequence[Promise], seed: int, counts: Sequence[int], folder: Path
) -> Iterator[tuple[int, int, Image, list[str]]]:
    """Each image with its place and number, and what is wrong with it; it has been opened in `folder`."""
    disk, promised, left = Disk(), Promised(), deque(sent)
    checker = Checker(recording.folder, folder)
    for place, (call, count) in enumerate(zip(calls, counts, strict=True)):
        disk.begin(call)
        while left and left[0].began <= call.began:
            promised.add(left.popleft())
        if not count:
            continue
        chance = random.Random(f"{seed}/{place}")
        for number, image in enumerate(disk.images(chance, place, count)):
            yield place, number, image, checker.problems(image, promised)


def _spread(images: int, places: int) -> list[int]:
    """How many images at each place, so that there are so many in all."""
    return [images * (place + 1) // places - images * place // places for place in range(places)]
