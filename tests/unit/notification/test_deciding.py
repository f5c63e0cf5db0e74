"""Who hears what and when: by how the payment stands, and by what they have heard."""

import pytest

from tests.unit.notification.payments import NOON_US, beijing_us, payment, terms, yuan
from yuanlu.notices import Event
from yuanlu.notification.deciding import CARDHOLDERS, EVERYBODY, OVERTAKES, Paid, Standing, of_payment

E = Event
MINUTE_US = 60_000_000
CASE = "C261123-48301926"


def said(now, *before, at_us=NOON_US):
    """What is to be said, as events with their rounds."""
    return [(each.event, each.round) for each in of_payment(now, set(before), terms(), at_us).happenings]


@pytest.mark.parametrize(
    ("now", "heard", "expected", "why"),
    [
        (payment(), [], [E.OUTCOME_UNKNOWN], "the doubt is told at once"),
        (payment(), [E.OUTCOME_UNKNOWN], [], "once"),
        (payment(money=Standing.ACCEPTED), [E.OUTCOME_UNKNOWN], [E.RETURN_ACCEPTED], "the end of the doubt"),
        (payment(money=Standing.ACCEPTED), [], [E.RETURN_ACCEPTED], "whoever looks late says what holds now"),
        (payment(money=Standing.CONFIRMED), [E.RETURN_ACCEPTED], [E.RETURN_CONFIRMED], "the bank says so, too"),
        (payment(money=Standing.NOT_CHARGED), [E.OUTCOME_UNKNOWN], [E.NOT_CHARGED], "for whom heard of the doubt"),
        (payment(money=Standing.NOT_CHARGED), [], [], "nobody was ever worried"),
        (payment(money=Standing.STANDS), [], [], "a payment as any other"),
        (payment(money=Standing.STANDS, duplicate=True), [], [E.DUPLICATE_FOUND], "charged twice"),
        (payment(money=Standing.OPEN, duplicate=True), [E.OUTCOME_UNKNOWN], [], "it is going back already"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_said_goes_by_the_state_and_by_what_was_heard(now, heard, expected, why):
    assert [event for event, _ in said(now, *((event, "") for event in heard))] == expected, why


def test_while_it_is_open_it_is_looked_at_again_when_a_person_must_be_on_it():
    assert of_payment(payment(), set(), terms(), NOON_US).again_us == NOON_US + 10 * MINUTE_US


def test_with_a_case_a_day_of_delay_is_told_with_its_promise_and_the_promise_is_kept():
    now, at_us = payment(case_id=CASE), beijing_us("11-23 12:00")
    due = of_payment(now, set(), terms(), at_us)
    assert [(h.event, h.round, h.values["by"].zh) for h in due.happenings] == [
        (E.RETURN_DELAYED, "20261123", "11月23日18:00")
    ]
    assert due.again_us == beijing_us("11-23 17:00"), "an hour before what was promised"
    heard = {(E.RETURN_DELAYED, "20261123")}
    assert of_payment(now, heard, terms(), beijing_us("11-23 13:00")).happenings == ()
    due = of_payment(now, heard, terms(), beijing_us("11-23 17:00"))
    assert [(h.round, h.values["by"].zh) for h in due.happenings] == [("20261124", "11月24日18:00")]
    assert due.again_us == beijing_us("11-24 17:00")


def test_an_incidents_payment_is_late_when_its_time_is_over_though_it_has_no_case_of_its_own():
    now = payment(incident=True)
    assert [event for event, _ in said(now)] == [E.OUTCOME_UNKNOWN]
    assert [event for event, _ in said(now, at_us=NOON_US + 10 * MINUTE_US)] == [E.RETURN_DELAYED]


def test_of_an_incidents_payments_and_of_unexplained_ones_only_cardholders_hear_one_by_one():
    for now in (payment(incident=True), payment(explained=False)):
        [happening] = of_payment(now, set(), terms(), NOON_US).happenings
        assert happening.audiences == CARDHOLDERS
    [happening] = of_payment(payment(), set(), terms(), NOON_US).happenings
    assert happening.audiences == EVERYBODY


def test_orders_that_were_carried_out_are_told_each_with_its_own_amount():
    paid = (
        Paid(order_id="o1", amount=yuan(5_000), compensation=True, confirmed=True, at_us=NOON_US),
        Paid(order_id="o2", amount=yuan(100), compensation=False, confirmed=False, at_us=NOON_US),
        Paid(order_id="o3", amount=yuan(200), compensation=False, confirmed=True, at_us=NOON_US),
    )
    due = of_payment(payment(money=Standing.STANDS, paid=paid), {(E.RETURN_ACCEPTED, "o2")}, terms(), NOON_US)
    assert [(h.event, h.round, h.values["amount"].zh, h.values["extra"].zh) for h in due.happenings] == [
        (E.COMPENSATION_PAID, "o1", "¥1,280.00", "¥50.00"), (E.RETURN_CONFIRMED, "o3", "¥2.00", "-"),
    ]  # fmt: skip


def test_a_qr_payment_has_no_last_digits_and_other_currencies_their_code():
    now = payment(last4="", amount=type(yuan(1))(minor=500, currency="344"))
    [happening] = of_payment(now, set(), terms(), NOON_US).happenings
    assert (happening.values["card"].zh, happening.values["amount"].zh) == ("付款账户", "HKD 5.00")


def test_without_a_case_the_slips_number_is_the_reference_and_with_one_its_last_digits():
    [happening] = of_payment(payment(), set(), terms(), NOON_US).happenings
    assert happening.values["ref"].zh == "凭证000123"
    [happening] = of_payment(payment(case_id=CASE), set(), terms(), NOON_US).happenings
    assert happening.values["ref"].zh == "工单01926"


def test_good_news_overtakes_what_was_still_to_be_said():
    assert E.OUTCOME_UNKNOWN in OVERTAKES[E.RETURN_ACCEPTED]
    assert E.RETURN_ACCEPTED in OVERTAKES[E.RETURN_CONFIRMED]
    assert E.RETURN_CONFIRMED not in set().union(*OVERTAKES.values())
