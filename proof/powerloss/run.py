"""The whole of L2: record once, rebuild images at every step, open each, and start a gateway on some."""

import multiprocessing
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proof.powerloss.checking import lay_out, problems
from proof.powerloss.disk import Disk
from proof.powerloss.promises import Promise, promises
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


def run(*, seed: int, images: int, keep: Path, jobs: int = 2, turns: int = TURNS, weakness: str = "none") -> Result:
    """Record a gateway and check so many images, spread evenly over its calls. Raises RecordingFailed.

    A recording with a violation is kept in `keep`, so that `again` can show it.
    """
    place = Path(tempfile.mkdtemp())
    try:
        recording = record(place, seed, turns, weakness)
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
            shutil.copytree(place, keep)
        return whole
    finally:
        shutil.rmtree(place)


def again(recording: Recording, seed: int, place: int, image: int, folder: Path) -> list[str]:
    """Rebuild one image of a kept recording in `folder`, for a look at it; what is wrong with it."""
    calls = recording.calls()
    sent = list(promises(calls, recording.gateway, DIALECT))
    counts = [0] * place + [image + 1] + [0] * (len(calls) - place - 1)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    return [what for _, found in _checked(recording, calls, sent, seed, counts, folder) for what in found]


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
        for (place, image), found in _checked(recording, calls, sent, seed, mine, folder):
            wrong = list(found)
            if not wrong and result.images % RESTART_EVERY == 0 and (folder / "data" / "journal.db").exists():
                with_settings(Path(recording.place), folder)
                wrong += restart_problems(folder)
                result.restarts += 1
            result.images += 1
            if wrong:
                result.violations.append(Violation(place=place, image=image, what=wrong))
    finally:
        shutil.rmtree(folder)
    return result


def _checked(
    recording: Recording, calls: Sequence[Call], sent: Sequence[Promise], seed: int, counts: Sequence[int], folder: Path
) -> Iterator[tuple[tuple[int, int], list[str]]]:
    """Each image, laid out in `folder`, and what is wrong with it."""
    disk, told = Disk(), 0
    for place, (call, count) in enumerate(zip(calls, counts, strict=True)):
        disk.begin(call)
        while told < len(sent) and sent[told].began <= call.began:
            told += 1
        if not count:
            continue
        chance = random.Random(f"{seed}/{place}")
        for number, image in enumerate(disk.images(chance, place, count)):
            lay_out(image, recording.folder, folder)
            yield (place, number), problems(folder, sent[:told])


def _spread(images: int, places: int) -> list[int]:
    """How many images at each place, so that there are so many in all."""
    return [images * (place + 1) // places - images * place // places for place in range(places)]
