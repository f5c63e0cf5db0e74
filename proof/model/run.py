"""Many seeds, or one: figures of what was run, and for each violation the smallest plan that still shows it.

The product logs what it finds odd; here that is the purpose, so the log is silent while the model runs.
"""

import gc
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from proof.checker import check
from proof.model.plan import FAULTS, Plan, plan_of, without
from proof.model.queries import answered_from_memory
from proof.model.world import Guards, World
from proof.records import Ref, Violation
from yuanlu.journal import tasks

CHUNK = 250
JUMPS = "wall clock jumps"
CRITICAL = 50
GARBAGE_MAX = 20_000


@contextmanager
def modelled() -> Iterator[None]:
    """Within it, worlds can be run: queries are answered from memory, and the log is silent."""
    before, config = tasks.LOOK_EVERY_S, structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(CRITICAL))
    try:
        with answered_from_memory():
            yield
    finally:
        tasks.LOOK_EVERY_S = before
        structlog.configure(**config)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Within it, garbage is looked for once in some dozen worlds, and not among what was there before."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE_MAX)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@dataclass(kw_only=True)
class Figures:
    """What a run of many seeds came to. `failed` holds each seed with its first violation."""

    seeds: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, Violation]] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        """Take another part of the run into account."""
        self.seeds += other.seeds
        self.counts += other.counts
        self.hits += other.hits
        self.failed += other.failed


def violations(plan: Plan, guards: Guards | None = None) -> list[Violation]:
    """What does not hold in the world of this plan."""
    course = World(plan, guards=guards).run()
    return check(replace(course.evidence, calm_outcome=_calm_outcome(plan, guards)))


def _calm_outcome(plan: Plan, guards: Guards | None) -> dict[Ref, tuple[str, int]]:
    """The same world, its wall clock left alone: for I18. Empty where nothing jumps, or where a jump may rightly
    matter: people's deadlines, the host's day and how long a repeat counts are wall time.
    """
    told_by_wall = {"people give back", "till repeats", "day changes", "crash", "crash at a commit", "till voids"}
    if JUMPS not in plan.faults or told_by_wall & plan.faults.keys():
        return {}
    evidence = World(without(plan, faults=[JUMPS]), guards=guards).run().evidence
    nets: Counter[Ref] = Counter()
    for posting in evidence.postings:
        nets[posting.payment] += posting.minor
    return {row.ref: (row.state, nets[row.ref]) for row in evidence.transactions if not row.about}


def run_seeds(first: int, count: int, *, profile: str = "", jobs: int = 1) -> Figures:
    """So many seeds from `first` on."""
    began = time.perf_counter()
    parts = [(start, min(CHUNK, first + count - start), profile) for start in range(first, first + count, CHUNK)]
    figures = Figures()
    if jobs == 1:
        for part in parts:
            figures.add(_run_part(part))
    else:
        with ProcessPoolExecutor(jobs) as pool:
            for found in pool.map(_run_part, parts):
                figures.add(found)
    figures.seconds = time.perf_counter() - began
    return figures


def _run_part(part: tuple[int, int, str]) -> Figures:
    first, count, profile = part
    figures = Figures(seeds=count)
    with modelled(), seldom_collected():
        for seed in range(first, first + count):
            plan = plan_of(seed, profile)
            course = World(plan).run()
            evidence = replace(course.evidence, calm_outcome=_calm_outcome(plan, None))
            figures.counts += course.counts
            figures.hits += Counter(course.hits)
            if found := check(evidence):
                figures.failed.append((seed, found[0]))
    return figures


def shrunk(plan: Plan, invariant: str) -> Plan:
    """The same violation with as few faults and sales as can be; call it within `modelled`."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(plan):
            if any(found.invariant == invariant for found in violations(candidate)):
                plan, smaller = candidate, True
                break
    return plan


def _smaller(plan: Plan) -> Iterable[Plan]:
    if len(plan.sales) > 1:
        yield from (without(plan, sales=[sale.number]) for sale in plan.sales)
    yield from (without(plan, faults=[fault]) for fault in plan.faults)


def told(plan: Plan) -> str:
    """The story of a plan in words, with what does not hold at its end; call it within `modelled`."""
    story = World(plan, trace=True).run().story
    head = f"seed {plan.seed}: host {plan.profile}, packet life {plan.packet_life_ms / 1000:g} s, answers within "
    head += f"{plan.answer_timeout_ms / 1000:g} s, tills wait {plan.wait_ms / 1000:g} s; faults: "
    head += ", ".join(plan.faults) or "none"
    end = [f"  !! {violation}" for violation in violations(plan)] or ["  every invariant holds"]
    return "\n".join([head, *story, *end])


def replay_command(plan: Plan) -> str:
    """What to type to see this plan again."""
    whole = plan_of(plan.seed)
    command = f"python -m proof model --seed {plan.seed} --trace"
    if plan.profile != whole.profile:
        command += f" --profile {plan.profile}"
    sales = {sale.number for sale in plan.sales}
    if len(sales) < len(whole.sales):
        command += " --sales " + ",".join(str(number) for number in sorted(sales))
    if left_out := [name for name in whole.faults if name not in plan.faults]:
        kept = [str(place) for place, name in enumerate(FAULTS) if name in plan.faults]
        command += f" --faults {','.join(kept) or 'none'}" if left_out else ""
    return command


def chosen(seed: int, *, profile: str = "", sales: str = "", faults: str = "") -> Plan:
    """The plan that a replay command names. Raises ValueError for what is no number."""
    plan = plan_of(seed, profile)
    if sales:
        kept = {int(number) for number in sales.split(",")}
        plan = without(plan, sales=[sale.number for sale in plan.sales if sale.number not in kept])
    if faults:
        names = list(FAULTS)
        kept_names = set() if faults == "none" else {names[int(place)] for place in faults.split(",")}
        plan = without(plan, faults=[name for name in plan.faults if name not in kept_names])
    return plan
