"""What is noticed beside failing payments: counted about their time, and never without bound."""

import pytest

from yuanlu.incidents.symptoms import (
    LOSSES_KEPT,
    NAMES_MAX,
    POWER_CUT_GOOD_MAX,
    POWER_CUT_US,
    TOGETHER_US,
    Loss,
    Start,
    Symptoms,
)

T0 = 1_760_000_000_000_000
S = 1_000_000


def test_losses_of_a_link_are_counted_about_the_time_of_a_payment() -> None:
    seen = Symptoms()
    for at_s, losses in ((0, 0), (10, 1), (20, 1), (30, 3), (500, 4)):
        seen.link("h1", losses, T0 + at_s * S)
    assert seen.losses("h1", T0, T0 + 60 * S) == 3
    assert seen.losses("h1", T0 + 31 * S, T0 + 600 * S) == 1
    assert seen.losses("h2", T0, T0 + 600 * S) == 0
    seen.link("h1", 10**9, T0 + 501 * S)
    assert seen.losses("h1", T0, T0 + 600 * S) == LOSSES_KEPT


def wrong(seen: Symptoms, name: str, received_s: int, answered_s: int, host: str = "h1") -> int:
    seen.wrong_mac(host, name, T0 + received_s * S, T0 + answered_s * S)
    return seen.wrong_macs(name)


def test_wrong_macs_in_a_row_count_although_we_sign_in_anew_each_time() -> None:
    seen = Symptoms()
    assert [wrong(seen, f"t{n}", 10 * n, 10 * n + 1) for n in range(3)] == [1, 2, 3]
    assert wrong(seen, "x", 100, 101, "h2") == 1, "each host has its own row"
    assert seen.any_wrong
    seen.right_mac("h1")
    assert wrong(seen, "t3", 200, 201) == 1
    assert seen.wrong_macs("t2") == 3, "what was true of a payment stays true of it"
    assert seen.wrong_macs("never wrong") == 0


def test_stale_keys_make_all_answers_under_way_wrong_and_count_once() -> None:
    seen = Symptoms()
    assert [wrong(seen, f"t{n}", n, 10 + n) for n in range(5)] == [1, 1, 1, 1, 1]
    assert wrong(seen, "after", 15, 16) == 2


def test_foreign_answers_are_those_that_came_while_the_terminal_waited() -> None:
    seen = Symptoms()
    for at_s in (1, 5, 9):
        seen.foreign("T1", T0 + at_s * S)
    assert seen.foreign_answers("T1", T0 + 4 * S, T0 + 9 * S) == 2
    assert seen.foreign_answers("T2", T0, T0 + 9 * S) == 0


def test_a_host_that_invents_terminals_fills_no_memory() -> None:
    seen = Symptoms()
    for n in range(NAMES_MAX + 5):
        seen.foreign(f"T{n}", T0)
    assert seen.foreign_answers("T4", T0, T0) == 0
    assert seen.foreign_answers("T5", T0, T0) == 1


def test_terminals_restart_together_or_not() -> None:
    seen = Symptoms()
    for name, at_s in (("T1", 100), ("T2", 110), ("T3", 130), ("T4", 5_000)):
        seen.restarted("M1", name, Start(T0 + at_s * S, 0))
    seen.restarted("M2", "T9", Start(T0 + 100 * S, 0))
    assert seen.restarts_beside("M1", "T1", T0 + 90 * S) == 2
    assert seen.restarts_beside("M1", "T1", T0 + 101 * S) == 0, "it has not restarted since this payment"
    assert seen.restarts_beside("M1", "T4", T0) == 0
    assert seen.restarts_beside("M2", "T9", T0) == 0
    assert seen.restarts_beside("M3", "T0", T0) == 0


def shop(seen: Symptoms, *at_s: int, good: int = 0) -> None:
    for n, each in enumerate(at_s):
        seen.restarted("M1", f"T{n}", Start(T0 + each * S, good))


def lose(seen: Symptoms, terminal: str, came_s: int, noticed_s: int | None = None, good: int = 0) -> None:
    noticed_s = came_s + 1 if noticed_s is None else noticed_s
    seen.undelivered("M1", terminal, Loss(T0 + came_s * S, T0 + noticed_s * S, good))


def test_a_power_cut_is_restarts_together_just_after_payments_were_lost() -> None:
    seen = Symptoms()
    lose(seen, "T1", 60)
    lose(seen, "T2", 50)
    shop(seen, 200, 210, 230)
    [cut] = seen.power_cuts()
    assert (cut.merchant_id, cut.terminal_id, cut.terminals, cut.since_us) == ("M1", "T2", 3, T0 + 50 * S)
    assert seen.power_cuts() == [], "told once"


def test_a_lost_payment_may_be_told_after_the_restart() -> None:
    seen = Symptoms()
    shop(seen, 200, 210, 230)
    assert seen.power_cuts() == [], "every morning they sign in together"
    lose(seen, "T0", 199, 240, good=50)
    assert len(seen.power_cuts()) == 1


def apart(seen: Symptoms) -> None:
    lose(seen, "T0", 0)
    shop(seen, 10, 200, 10 + 2 * TOGETHER_US // S)


def two(seen: Symptoms) -> None:
    lose(seen, "T0", 0)
    shop(seen, 10, 20)


def long_ago(seen: Symptoms) -> None:
    lose(seen, "T0", 0)
    shop(seen, *(1 + POWER_CUT_US // S for _ in range(3)))


def another_till(seen: Symptoms) -> None:
    lose(seen, "T7", 0)
    shop(seen, 10, 20, 30)


def the_others_began_before(seen: Symptoms) -> None:
    shop(seen, 40, 10, 20)
    lose(seen, "T0", 30)


def the_shop_went_on(seen: Symptoms) -> None:
    lose(seen, "T0", 0, good=100)
    shop(seen, 10, 20, 30, good=101 + POWER_CUT_GOOD_MAX)


@pytest.mark.parametrize("tell", [apart, two, long_ago, another_till, the_others_began_before, the_shop_went_on])
def test_what_is_no_power_cut(tell) -> None:
    seen = Symptoms()
    tell(seen)
    assert seen.power_cuts() == []
