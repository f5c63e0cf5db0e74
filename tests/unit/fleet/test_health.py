"""A terminal about the time of one payment: what counts, what came too early or too late, what names another."""

from yuanlu.causes.evidence import Break, HandedOver
from yuanlu.fleet.health import (
    AFTER_US,
    BEFORE_US,
    READING_BEFORE_US,
    Moment,
    Seen,
    clearing,
    handed_over,
    suspected_at_us,
    terminal_health,
)
from yuanlu.fleet.observations import Kind, Observation

SECOND_US = 1_000_000
AT_US = 1_760_000_000 * SECOND_US
PAYMENT = Moment(terminal_id="T", transaction_id="t1", at_us=AT_US, waited_until_us=AT_US + 30 * SECOND_US)
ANSWERED = Moment(
    terminal_id="T", transaction_id="t1", at_us=AT_US, waited_until_us=AT_US + SECOND_US, in_order=True
)  # fmt: skip


def row(kind: Kind, after_us: int = 0, value: str = "1", of: str = "") -> Observation:
    return Observation(
        merchant_id="M", terminal_id="T", transaction_id=of, at_us=AT_US + after_us, kind=kind, value=value,
        told_by="terminal",
    )  # fmt: skip


def near(*rows: Observation) -> Seen:
    return Seen(near=rows)


def of_it(*rows: Observation) -> Seen:
    return Seen(of_it=rows)


def test_a_card_that_could_not_be_read_just_before_belongs_to_the_payment():
    read = row(Kind.READ_FAILED, -BEFORE_US, "2")
    assert terminal_health(near(read), PAYMENT).read_failures == 2
    assert terminal_health(near(row(Kind.READ_FAILED, -BEFORE_US - 1, "2")), PAYMENT).read_failures == 0
    assert terminal_health(near(row(Kind.READ_FAILED, AFTER_US + 1, "2")), PAYMENT).read_failures == 0


def test_what_names_another_payment_is_not_about_this_one():
    assert not terminal_health(near(row(Kind.SLIP_FAILED, 5, of="t2")), PAYMENT).slip_failed
    assert terminal_health(of_it(row(Kind.SLIP_FAILED, 5, of="t1")), ANSWERED).slip_failed


def test_a_restart_counts_while_the_terminal_waited_and_not_after_its_answer():
    assert terminal_health(near(row(Kind.RESTARTED, 29 * SECOND_US)), PAYMENT).restarted
    assert not terminal_health(near(row(Kind.RESTARTED, 31 * SECOND_US)), PAYMENT).restarted
    assert not terminal_health(near(row(Kind.RESTARTED, -SECOND_US)), PAYMENT).restarted
    assert not terminal_health(near(row(Kind.RESTARTED, 29 * SECOND_US)), ANSWERED).restarted
    assert terminal_health(of_it(row(Kind.RESTARTED, 29 * SECOND_US, of="t1")), ANSWERED).restarted


def test_a_new_sign_in_while_it_waited_is_a_restart():
    assert terminal_health(near(row(Kind.SIGNED_IN, 10 * SECOND_US, "000001")), PAYMENT).restarted


def test_a_card_taken_out_says_nothing_about_a_payment_that_was_answered():
    removed = near(row(Kind.CARD_REMOVED, 5))
    assert terminal_health(removed, PAYMENT).card_removed
    assert not terminal_health(removed, ANSWERED).card_removed


def test_the_nearest_reading_counts():
    readings = near(row(Kind.SIGNAL, -60 * SECOND_US, "80"), row(Kind.SIGNAL, SECOND_US, "7"))
    assert terminal_health(readings, PAYMENT).signal_percent == 7
    assert terminal_health(near(row(Kind.BATTERY, -READING_BEFORE_US, "0")), PAYMENT).battery_percent == 0
    assert terminal_health(near(), PAYMENT).battery_percent is None


def test_what_stands_holds_until_it_is_taken_back():
    standing = Seen(standing=(row(Kind.TAMPERED, -86_400 * SECOND_US), row(Kind.TEST_TERMINAL)))
    health = terminal_health(standing, ANSWERED)
    assert (health.tampered, health.live, health.moved) == (True, False, False)
    assert suspected_at_us(standing) == AT_US - 86_400 * SECOND_US


def test_a_sign_in_of_yesterday_does_not_count_today():
    day_began_us = AT_US - 3_600 * SECOND_US
    today = Moment(terminal_id="T", at_us=AT_US, waited_until_us=AT_US, day_began_us=day_began_us)
    yesterdays = near(row(Kind.SIGNED_IN, -3_601 * SECOND_US, "000001"))
    assert terminal_health(yesterdays, today).signed_in is False
    assert terminal_health(near(row(Kind.SIGNED_IN, -3_600 * SECOND_US, "000001")), today).signed_in is True
    assert terminal_health(near(row(Kind.SIGNED_IN, 1, "000001")), today).signed_in is False
    assert terminal_health(near(), PAYMENT).signed_in is None


def test_the_last_word_about_the_clearing_file_counts():
    declared = of_it(row(Kind.CLEARING, 1, "only_ours", "t1"), row(Kind.CLEARING, 2, "twice", "t1"))
    assert clearing(declared) is Break.TWICE
    assert clearing(near()) is None
    assert handed_over(of_it(row(Kind.HANDED_OVER, 1, "cash", "t1"))) is HandedOver.CASH
    assert suspected_at_us(declared) == AT_US + 2
