"""The promise hangs on the packet life. Set to a third of the truth, money is lost or paid twice: the checker sees it.

Each world is run a second time with the packet life that its network keeps and nothing else changed: then all is well.
"""

from dataclasses import replace

import pytest

from proof.model.network import BROKEN_PROMISE
from proof.model.plan import Plan, plan_of
from proof.model.run import modelled, violations

FAULTS = {"request delayed": 0.6, "answer lost": 0.5, "request lost": 0.2}


def set_too_small(plan: Plan) -> Plan:
    return replace(plan, faults={BROKEN_PROMISE: 1.0, **FAULTS})


def set_right(plan: Plan) -> Plan:
    return replace(plan, faults=FAULTS)


@pytest.mark.parametrize(
    ("profile", "seed", "invariant", "how"),
    [
        ("P2", 6, "I4", "NO_EFFECT, so the host should hold 0; it holds 40932"),
        ("P3", 0, "I2", "31276 more given back than was paid"),
        ("P3", 0, "I4", "RETURNED, so the host should hold 0; it holds -31276"),
    ],
    ids=["lost at P2", "paid twice at P3", "and the books differ"],
)
def test_with_a_packet_life_that_is_too_small_the_checker_notices(profile, seed, invariant, how):
    plan = plan_of(seed, profile)
    with modelled():
        assert (invariant, how) in [(found.invariant, found.how) for found in violations(set_too_small(plan))]
        assert violations(set_right(plan)) == []


@pytest.mark.parametrize("profile", ["P2", "P3"])
def test_not_only_one_world_shows_it_and_only_worlds_with_it_do(profile):
    plans = [plan_of(seed, profile) for seed in range(40)]
    with modelled():
        broken = [plan.seed for plan in plans if violations(set_too_small(plan))]
        assert broken
        assert [plan.seed for plan in plans if violations(set_right(plan))] == []
