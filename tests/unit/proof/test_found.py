"""What the model has found, kept as the shrunk worlds that showed it. Each failed before its defect was mended."""

import pytest

from proof.model.plan import Plan, Sale
from proof.model.run import modelled, violations


def world(
    seed: int, profile: str, times: tuple[int, int, int], faults: dict[str, float], *sales: tuple[int, int, float, int]
) -> Plan:
    """`times`: answer time-out, packet life and the tills' patience, in ms; a sale: number, till, second, amount."""
    return Plan(
        seed=seed, profile=profile, answer_timeout_ms=times[0], packet_life_ms=times[1], wait_ms=times[2],
        faults=faults, sales=tuple(Sale(number=n, till=till, at_s=at, minor=minor) for n, till, at, minor in sales),
    )  # fmt: skip


FOUND = {
    "a late 96 was taken as a decline, and the money of an approved payment was not returned": world(
        11, "P2", (3_000, 60_000, 30_000), {"host leaves it open": 0.4, "request delayed": 0.5},
        (0, 0, 3.379, 52_482),
    ),
    "a void in doubt beside an order of people could not be closed: its driver went round for ever": world(
        36, "P2", (10_000, 120_000, 15_000),
        {"request lost": 0.334, "host leaves it open": 0.4, "till repeats": 0.21, "till gives up early": 0.316,
         "people give back": 0.7, "till voids": 0.6},
        (1, 0, 3.554, 39_563), (2, 0, 4.773, 23_265), (3, 0, 5.155, 49_000),
    ),
    "the double of an answer about stale keys passed for the next attempt's, and the host paid twice": world(
        239, "P5", (10_000, 20_000, 15_000),
        {"host leaves it open": 0.397, "answer doubled": 0.7, "reversal refused for keys": 0.5, "answer lost": 0.3},
        (0, 1, 0.914, 67_936), (1, 1, 3.276, 62_597),
    ),
    "after a restart with the clock set back, a refusal got a name that was taken, and was not recorded": world(
        55, "P1", (10_000, 60_000, 15_000),
        {"crash at a commit": 0.036, "wall clock jumps": 1.0, "crash": 0.8, "till refunds": 0.6},
        (0, 0, 4.906, 33_333), (1, 0, 5.243, 39_093),
    ),
    "a payment recovered after the host's cut-over counted as sent on the new day, so 'not found' was final": world(
        50, "P2", (10_000, 20_000, 30_000), {"answer lost": 0.308, "crash": 0.8, "day changes": 1.0},
        (0, 0, 4.89, 65_458),
    ),
    "a refund that the host did not find on its next day was taken as declined, though it had been paid": world(
        3, "P3", (20_000, 120_000, 15_000), {"answer lost": 0.4, "day changes": 1.0, "till refunds": 0.6},
        (0, 1, 5.001, 70_006),
    ),
    "a till that was told 98 in place of an approval is in the journal with the approval": world(
        500, "P1", (20_000, 20_000, 15_000), {"answer delayed": 0.328, "slow commits": 0.3},
        (0, 0, 5.058, 34_907),
    ),
    "a till that was told 98 because its return had begun is not in the journal": world(
        780, "P2", (10_000, 20_000, 15_000),
        {"request delayed": 0.364, "answer doubled": 0.22, "answer by another connection": 0.96, "link down": 0.288,
         "till repeats": 0.103, "till asks twice at once": 0.507, "till gives up early": 0.4,
         "crash at a commit": 0.146, "two gateways": 0.385},
        (0, 0, 2.575, 95_937), (1, 0, 8.044, 51_351),
    ),
    "a recovery that lost a race with a repeat left its payment in flight for ever": world(
        1_862, "P1", (3_000, 20_000, 30_000),
        {"till repeats": 0.584, "crash at a commit": 0.097, "two gateways": 0.788, "slow commits": 0.233},
        (0, 0, 4.329, 41_052),
    ),
}  # fmt: skip


@pytest.mark.parametrize("plan", FOUND.values(), ids=FOUND.keys())
def test_it_does_not_happen_again(plan):
    with modelled():
        assert violations(plan) == []
