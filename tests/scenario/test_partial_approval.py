"""A payment of which the bank approves a part: everybody counts the part, and the part goes back (domain trap T14)."""

import pytest

from tests.scenario.sandbox_town import SandboxTown, Upstream, sandbox_town
from yuanlu.sandbox.faults import APPROVED_PERCENT, find_fault
from yuanlu.sandbox.kinds import Kind
from yuanlu.sandbox.till_closing import close_batch

ASKED = find_fault("code_10").magic_minor
PART = ASKED * APPROVED_PERCENT // 100


def played(story, folder, dialect: str = "cup-pos"):
    async def play() -> None:
        async with sandbox_town(folder, {"plain": Upstream(host={"dialect": dialect})}) as town:
            await story(town)

    return play()


@pytest.mark.parametrize("dialect", ["cup-pos", "iso87-ascii"])
def test_the_void_of_a_part_gives_the_part_back(run, tmp_path, dialect):
    async def story(town: SandboxTown) -> None:
        place = town.place()
        paper = await place.sold(ASKED)
        payment = paper.ask.payment
        assert (place.code, paper.amount_minor) == ("10", PART)
        assert town.net(payment).debits_minor == (await town.find(payment)).paid.minor == PART
        await place.follow(Kind.VOID, paper)
        assert place.code == "00"
        await town.becomes(payment, "RETURNED")
        assert town.net(payment).net_minor == 0

    run(played(story, tmp_path, dialect))


def test_no_more_than_the_part_is_refunded(run, tmp_path):
    async def story(town: SandboxTown) -> None:
        place = town.place()
        paper = await place.sold(ASKED)
        await place.follow(Kind.REFUND, paper, ASKED)
        assert place.code == "61"
        await place.follow(Kind.REFUND, paper, PART)
        assert place.code == "00"
        assert town.net(paper.ask.payment).net_minor == 0

    run(played(story, tmp_path))


def test_the_tills_reversal_gives_the_part_back(run, tmp_path):
    async def story(town: SandboxTown) -> None:
        place = town.place()
        payment = (await place.sold(ASKED)).ask.payment
        assert await place.reverse(payment, "06") == "00"
        await town.becomes(payment, "RETURNED")
        net = town.net(payment)
        assert (net.debits_minor, net.net_minor) == (PART, 0)

    run(played(story, tmp_path))


def test_the_batch_counts_the_part_on_both_sides(run, tmp_path):
    async def story(town: SandboxTown) -> None:
        place = town.place()
        payment = (await place.sold(ASKED)).ask.payment
        await close_batch(place.till)
        assert (place.told[-1].flag, place.told[-1].amount_minor) == ("1", PART)
        assert (await town.find(payment)).state == "CAPTURED"

    run(played(story, tmp_path))
