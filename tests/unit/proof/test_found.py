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
        19, "P2", (10_000, 60_000, 15_000),
        {"host leaves it open": 0.4, "reversal left open": 0.059, "reversal refused for keys": 0.226,
         "request delayed": 0.5},
        (1, 0, 4.039, 61_077),
    ),
    "a void in doubt beside an order of people could not be closed: its driver went round for ever": world(
        59, "P2", (20_000, 20_000, 15_000),
        {"request lost": 0.334, "host leaves it open": 0.4, "reversal refused for keys": 0.4, "till repeats": 0.21,
         "till asks twice at once": 0.14, "till gives up early": 0.316, "cashier cancels": 0.167,
         "people give back": 0.7, "till voids": 0.6},
        (1, 1, 6.863, 46_519), (2, 0, 7.743, 63_180),
    ),
    "the double of an answer about stale keys passed for the next attempt's, and the host paid twice": world(
        878, "P5", (20_000, 20_000, 30_000),
        {"host leaves it open": 0.397, "answer doubled": 0.7, "reversal refused for keys": 0.5, "answer lost": 0.3},
        (1, 0, 5.942, 19_710), (2, 0, 6.859, 86_301),
    ),
    "after a restart with the clock set back, a refusal got a name that was taken, and was not recorded": world(
        282, "P1", (3_000, 60_000, 30_000),
        {"answer by another connection": 0.101, "link down": 0.267, "till asks twice at once": 0.252,
         "till gives up early": 0.222, "crash at a commit": 0.036, "wall clock jumps": 1.0, "crash": 0.8,
         "till voids": 0.6, "till refunds": 0.6},
        (0, 0, 3.314, 70_233), (1, 0, 5.751, 58_133),
    ),
    "a payment recovered after the host's cut-over counted as sent on the new day, so 'not found' was final": world(
        67, "P2", (20_000, 20_000, 30_000),
        {"request lost": 0.219, "answer lost": 0.308, "answer doubled": 0.447, "crash": 0.8, "day changes": 1.0},
        (0, 0, 5.529, 75_351), (1, 0, 8.521, 69_571),
    ),
    "a refund that the host did not find on its next day was taken as declined, though it had been paid": world(
        32, "P3", (20_000, 20_000, 15_000),
        {"answer lost": 0.4, "answer delayed": 0.179, "answer doubled": 0.052, "till repeats": 0.194,
         "cashier cancels": 0.042, "day changes": 1.0, "till refunds": 0.6},
        (0, 1, 4.18, 1_195), (1, 1, 9.056, 21_353),
    ),
    "a till that was told 98 in place of an approval is in the journal with the approval": world(
        28, "P1", (3_000, 20_000, 15_000),
        {"answer delayed": 0.328, "answer by another connection": 0.187, "link down": 0.479, "slow commits": 0.3},
        (0, 0, 3.974, 30_182), (1, 0, 5.009, 98_227), (2, 1, 9.14, 4_071),
    ),
    "a till that was told 98 because its return had begun is not in the journal": world(
        780, "P2", (10_000, 20_000, 15_000),
        {"request delayed": 0.364, "answer doubled": 0.22, "answer by another connection": 0.96, "link down": 0.288,
         "till repeats": 0.103, "till asks twice at once": 0.507, "till gives up early": 0.4,
         "crash at a commit": 0.146, "two gateways": 0.385},
        (0, 0, 2.575, 95_937), (1, 0, 8.044, 51_351),
    ),
    "a recovery that lost a race with a repeat left its payment in flight for ever": world(
        11_820, "P1", (3_000, 60_000, 30_000),
        {"till repeats": 0.584, "till gives up early": 0.092, "crash at a commit": 0.097, "two gateways": 0.788,
         "slow commits": 0.233},
        (0, 1, 5.347, 3_490), (1, 1, 8.405, 60_013), (2, 0, 9.113, 86_363),
    ),
}  # fmt: skip


@pytest.mark.parametrize("plan", FOUND.values(), ids=FOUND.keys())
def test_it_does_not_happen_again(plan):
    with modelled():
        assert violations(plan) == []
