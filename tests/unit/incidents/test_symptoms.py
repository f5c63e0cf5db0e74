"""What is noticed beside failing payments: counted about their time, and never without bound."""

from yuanlu.incidents.symptoms import LOSSES_KEPT, NAMES_MAX, POWER_CUT_US, TOGETHER_US, Symptoms

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
        seen.restarted("M1", name, T0 + at_s * S)
    seen.restarted("M2", "T9", T0 + 100 * S)
    assert seen.restarts_beside("M1", "T1", T0 + 90 * S) == 2
    assert seen.restarts_beside("M1", "T1", T0 + 101 * S) == 0, "it has not restarted since this payment"
    assert seen.restarts_beside("M1", "T4", T0) == 0
    assert seen.restarts_beside("M2", "T9", T0) == 0
    assert seen.restarts_beside("M3", "T0", T0) == 0


def shop(seen: Symptoms, *at_s: int) -> None:
    for n, each in enumerate(at_s):
        seen.restarted("M1", f"T{n}", T0 + each * S)


def test_a_power_cut_is_restarts_together_just_after_payments_were_lost() -> None:
    seen = Symptoms()
    seen.undelivered("M1", "T1", T0 + 60 * S)
    seen.undelivered("M1", "T2", T0 + 50 * S)
    shop(seen, 200, 210, 230)
    [cut] = seen.power_cuts()
    assert (cut.merchant_id, cut.terminals, cut.since_us) == ("M1", 3, T0 + 50 * S)
    assert seen.power_cuts() == [], "told once"


def test_a_lost_payment_may_be_told_after_the_restart() -> None:
    seen = Symptoms()
    shop(seen, 200, 210, 230)
    assert seen.power_cuts() == [], "every morning they sign in together"
    seen.undelivered("M1", "T0", T0 + 199 * S)
    assert len(seen.power_cuts()) == 1


def test_what_is_no_power_cut() -> None:
    apart, two, long_ago, elsewhere = (Symptoms() for _ in range(4))
    apart.undelivered("M1", "T0", T0)
    shop(apart, 10, 200, 10 + 2 * TOGETHER_US // S)
    two.undelivered("M1", "T0", T0)
    shop(two, 10, 20)
    long_ago.undelivered("M1", "T0", T0)
    shop(long_ago, *(1 + POWER_CUT_US // S for _ in range(3)))
    elsewhere.undelivered("M1", "T7", T0)
    shop(elsewhere, 10, 20, 30)
    assert [each.power_cuts() for each in (apart, two, long_ago, elsewhere)] == [[], [], [], []]
