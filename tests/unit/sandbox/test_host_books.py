"""Whatever is sent, the books of a careful host balance and give nobody more than was charged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sandbox.hosts import World
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_linked import Slip, linked_reversal_frame, preauth_reversal_frame, slip_of
from yuanlu.sandbox.till_messages import Payment, ReversalDuty

FOLLOWING = (Kind.VOID, Kind.REFUND, Kind.PREAUTH_VOID, Kind.COMPLETION, Kind.COMPLETION_VOID, Kind.COMPLETION_ADVICE)
STEPS = st.tuples(st.sampled_from([*FOLLOWING, "reverse", "repeat"]), st.integers(0, 30), st.sampled_from([1, 40, 100]))


class Shop:
    """A till that does anything with what it did before, sensible or not."""

    def __init__(self, profile: str) -> None:
        self.world = World(profile)
        self.done: list[tuple[Kind, Payment, Slip | None]] = []
        self.slips: list[Slip] = []
        for sell, kind in ((self.world.sold, Kind.SALE), (self.world.authorised, Kind.PREAUTH)):
            payment = self.world.payment(100)
            self.slips.append(sell(payment))
            self.done.append((kind, payment, None))

    def step(self, what: Kind | str, which: int, amount_minor: int) -> None:
        kind, payment, slip = self.done[which % len(self.done)]
        match what:
            case "repeat" if slip is not None:
                self.world.link(kind, payment, slip)
            case "reverse":
                self._reverse(kind, payment, slip)
            case Kind():
                self._follow(what, self.slips[which % len(self.slips)], amount_minor)

    def _follow(self, kind: Kind, slip: Slip, amount_minor: int) -> None:
        payment = self.world.follow(self.done[0][1] if slip.kind is Kind.SALE else self.done[1][1], amount_minor)
        [answer] = self.world.messages(self.world.link(kind, payment, slip))
        self.done.append((kind, payment, slip))
        if answer[39] == "00":
            self.slips.append(slip_of(kind, payment, answer))

    def _reverse(self, kind: Kind, payment: Payment, slip: Slip | None) -> None:
        duty = ReversalDuty(payment=payment)
        if slip is not None:
            self.world.give(linked_reversal_frame(self.world.identity, kind, duty, slip, None))
        elif kind is Kind.SALE:
            self.world.reverse(payment)
        else:
            self.world.give(preauth_reversal_frame(self.world.identity, duty, None))


@pytest.mark.parametrize("profile", ["P1", "P2"])
@given(steps=st.lists(STEPS, max_size=12))
def test_a_careful_host_never_gives_back_more_than_was_charged(profile, steps):
    shop = Shop(profile)
    for step in steps:
        shop.step(*step)
        assert shop.world.core.ledger.total_minor() == 0
        for net in shop.world.core.ledger.nets():
            assert net.net_minor <= 0
            assert 0 <= net.held_minor <= 100
