"""What a seed means: the host, the sales, and a random subset of the faults with random weights (swarm testing).

A plan is data. The same plan takes the same course; a smaller plan, with sales or faults taken away, is how a failure
is shrunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

PROFILES = ("P1", "P2", "P3", "P4", "P5")

FAULTS = {
    "request lost": 0.5,
    "request delayed": 0.5,
    "answer lost": 0.5,
    "answer delayed": 0.5,
    "answer doubled": 0.5,
    "answer by another connection": 1.0,
    "link down": 0.5,
    "host declines": 0.4,
    "host leaves it open": 0.4,
    "host approves in part": 0.4,
    "reversal left open": 0.5,
    "reversal refused for keys": 0.4,
    "reversal refused for good": 0.3,
    "repeat called duplicate": 1.0,
    "till repeats": 0.6,
    "till asks twice at once": 0.6,
    "till gives up early": 0.5,
    "cashier cancels": 0.5,
    "till line breaks": 0.4,
    "till reverses what is 98": 1.0,
    "till voids": 0.6,
    "till refunds": 0.6,
    "till closes its batch": 1.0,
    "people give back": 0.7,
    "people click twice": 1.0,
    "crash at a commit": 0.15,
    "crash": 0.8,
    "machine boots": 0.8,
    "two gateways": 1.0,
    "slow commits": 0.3,
    "slow reads": 0.5,
    "wall clock jumps": 1.0,
    "day changes": 1.0,
}
"""Each fault and its greatest weight: the chance that it befalls what it can befall."""

CHOSEN = 0.35
"""The chance that a fault takes part in a seed at all: a few at once find more than all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One sale of a till: when it begins, in seconds, and how much, in minor units."""

    number: int
    till: int
    at_s: float
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A world to be run. `faults` holds the weight of each fault that takes part."""

    seed: int
    profile: str
    answer_timeout_ms: int
    packet_life_ms: int
    wait_ms: int
    faults: dict[str, float]
    sales: tuple[Sale, ...]

    def chance(self, fault: str) -> float:
        """How likely it is; 0 when it takes no part."""
        return self.faults.get(fault, 0.0)

    @property
    def gateways(self) -> int:
        """How many gateways share the journal."""
        return 2 if "two gateways" in self.faults else 1


def plan_of(seed: int, profile: str = "") -> Plan:
    """The world of a seed; `profile` overrides the host's."""
    random = Random(seed)
    chosen = random.choice(PROFILES)
    faults = {
        name: round(random.uniform(0.05, 1.0) * most, 3)
        for name, most in FAULTS.items()
        if random.random() < CHOSEN
    }  # fmt: skip
    if "two gateways" in faults:  # both run on one machine
        faults.pop("machine boots", None)
    if "day changes" in faults:  # the host's day is wall time: at its end that clock must be right
        faults.pop("wall clock jumps", None)
    tills, at_s, sales = random.randint(1, 2), 0.0, []
    for number in range(random.choice((1, 1, 2, 2, 3, 4))):
        at_s += random.uniform(0.0, 6.0)
        sales.append(
            Sale(number=number, till=random.randrange(tills), at_s=round(at_s, 3), minor=random.randint(1, 99_999))
        )
    return Plan(
        seed=seed,
        profile=profile or chosen,
        answer_timeout_ms=random.choice((3_000, 10_000, 20_000)),
        packet_life_ms=random.choice((20_000, 60_000, 120_000)),
        wait_ms=random.choice((15_000, 30_000)),
        faults=faults,
        sales=tuple(sales),
    )


def without(plan: Plan, *, faults: Sequence[str] = (), sales: Sequence[int] = ()) -> Plan:
    """The plan without these faults and sales; what is left takes its course as before, as far as it can."""
    return Plan(
        seed=plan.seed, profile=plan.profile, answer_timeout_ms=plan.answer_timeout_ms,
        packet_life_ms=plan.packet_life_ms, wait_ms=plan.wait_ms,
        faults={name: weight for name, weight in plan.faults.items() if name not in faults},
        sales=tuple(sale for sale in plan.sales if sale.number not in sales),
    )  # fmt: skip
