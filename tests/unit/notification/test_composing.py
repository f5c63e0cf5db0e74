"""From what happened to messages: who, in which language, under which shop's name, not before when."""

import pytest

from tests.unit.notification.payments import CONTACT, FINANCE, MERCHANT, NOON_US, beijing_us, payment, terms, yuan
from yuanlu.notices import Event, Recipient, Shop, Telling
from yuanlu.notification.composing import PEOPLES, addresses, compose, people
from yuanlu.notification.deciding import Standing, of_payment
from yuanlu.notification.states import STEPS, Sending
from yuanlu.notification.templates import Audience, TemplateError, characters


def composed(now, notification, *, contacts=(CONTACT,), at_us=NOON_US, contract="", peoples=PEOPLES):
    """The messages of everybody, for all that is to be said."""
    found = []
    for person in people(contract, notification, notification, contacts):
        for happening in of_payment(now, set(), notification, at_us).happenings:
            message = compose(happening, person, notification, notification, f"m{len(found)}", at_us, peoples)
            found += [] if message is None else [message]
    return found


def test_the_cardholder_and_the_merchants_people_are_told_in_their_own_words():
    finance, cardholder = composed(payment(), terms())
    assert (cardholder.audience, cardholder.ways, cardholder.masked) == (Audience.CARDHOLDER, ("phone",), "138****0000")
    assert cardholder.text.startswith("【原路支付】您尾号1451的卡在南站出口店")
    assert (finance.audience, finance.person, finance.masked) == (Audience.MERCHANT, "/finance", "f***@example.cn")
    assert "系统正在冲正" in finance.text
    assert "冲正" not in cardholder.text, "cardholders read of going back"


def test_nothing_that_is_kept_holds_the_address():
    assert not any("finance@example.cn" in str(message) for message in composed(payment(), terms()))


def test_a_long_shop_name_gives_way_to_the_short_one_and_that_to_none():
    def shop_in(shop):
        return composed(payment(), terms(shops={MERCHANT: shop}))[1].text

    assert "在西安高新万达广场南站出口旗舰店的" not in shop_in(
        Shop(name="西安高新万达广场南站出口旗舰店", short="南站店")
    )
    assert "在南站店的" in shop_in(Shop(name="西安高新万达广场南站出口旗舰店", short="南站店"))
    assert "在商户的" in shop_in(Shop(name="西安高新万达广场南站出口旗舰店"))
    assert "在商户的" in composed(payment(), terms(shops={}))[1].text


def test_an_amount_of_twelve_digits_does_not_fit_and_is_an_error_not_a_cut_text():
    with pytest.raises(TemplateError, match="too many"):
        composed(payment(money=Standing.ACCEPTED, amount=yuan(999_999_999_999)), terms(brand="原路支付平台"))


@pytest.mark.parametrize("standing", list(Standing))
def test_every_sms_fits_with_real_values(standing):
    now = payment(money=standing, duplicate=True, amount=yuan(999_999_999), case_id="C261123-48301926")
    for message in composed(now, terms(recipients=())):
        assert characters(message.text) <= 70, message.text


def test_in_the_night_only_what_is_urgent_goes_out_and_it_is_of_use_for_hours_only():
    night_us, morning_us = beijing_us("11-24 03:00"), beijing_us("11-24 08:00")
    unknown = composed(payment(), terms(), at_us=night_us)[1]
    accepted = composed(payment(money=Standing.ACCEPTED), terms(), at_us=night_us)[1]
    assert (unknown.not_before_us, unknown.expires_at_us - night_us) == (night_us, 6 * 3_600_000_000)
    assert (accepted.not_before_us, accepted.expires_at_us - morning_us) == (morning_us, 72 * 3_600_000_000)


def test_a_recipient_may_want_only_some_events_and_another_language():
    picky = Recipient(name="boss", via=("chat",), to="b", language="en", events=(Event.RETURN_CONFIRMED,))
    notification = terms(recipients=(picky,), sms=())
    assert composed(payment(), notification) == []
    [message] = composed(payment(money=Standing.CONFIRMED), notification)
    assert "The bank or the clearing file confirms" in message.text


def test_no_sms_without_a_channel_and_none_where_the_contract_wants_none():
    for more in ({"sms": ()}, {"cardholders": False}):
        assert [each.audience for each in composed(payment(), terms(**more))] == [Audience.MERCHANT]


def test_whom_everybodys_terms_name_is_the_same_person_in_every_contract():
    notification, own = terms(), Recipient(name="finance", via=("chat",), to="other")
    [inherited] = people("chain", notification.everybody(), notification)
    [other] = people("chain", Telling(recipients=(own,)), notification)
    assert (inherited.person, other.person) == ("/finance", "chain/finance")
    known = addresses({"": notification.everybody(), "chain": Telling(recipients=(own,))})
    assert (known["/finance"], known["chain/finance"]) == (FINANCE.to, "other")


def test_the_same_of_the_same_subject_is_one_message_whatever_the_words_version():
    first = composed(payment(), terms())[1]
    assert first.once == "tok|outcome_unknown|01KAQ|"


def test_every_state_but_unwanted_can_be_brought_back():
    assert STEPS[Sending.UNWANTED] == frozenset()
    assert {state for state, after in STEPS.items() if Sending.WAITING in after} == {
        Sending.SENT, Sending.DELIVERED, Sending.UNDELIVERED, Sending.FAILED, Sending.OVERTAKEN,
    }  # fmt: skip
