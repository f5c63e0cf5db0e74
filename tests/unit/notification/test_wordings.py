"""People's own words in the place of the program's: when they are said, and when the program's own are after all."""

import pytest
from msgspec.structs import replace

from tests.unit.notification.payments import payment, terms, yuan
from tests.unit.notification.test_composing import composed
from yuanlu.causes.cause import Words
from yuanlu.flow.telling import usable
from yuanlu.notices import AliyunSms, Sandbox, TencentSms
from yuanlu.notification.deciding import Standing
from yuanlu.notification.delivering import outgoing
from yuanlu.notification.messages.known import TEMPLATES, template_named
from yuanlu.notification.templates import TemplateError, characters, longest
from yuanlu.notification.wording_rules import filled
from yuanlu.notification.wordings import Wording, WordingState, next_version, template_of
from yuanlu.people.notifications import as_registered

MINE = Wording(
    name="return_accepted", version=101, back=False, title=Words(zh="退回已受理", en="Return accepted"),
    text=Words(
        zh="【{brand}】{amount}退往您{card}，已受理。{ref}。", en="[{brand}] {amount} to your {card}: accepted. {ref}.",
    ),
    reason="shorter", state=WordingState.APPROVED, maker="Li", checker="Wang", proposed_at_us=1, decided_at_us=2,
)  # fmt: skip
ACCEPTED = payment(money=Standing.ACCEPTED)


def peoples(wording: Wording = MINE) -> dict:
    return {wording.name: template_of(wording)}


def sms_of(notification, now=ACCEPTED, wording: Wording = MINE):
    """What the cardholder hears."""
    return next(each for each in composed(now, notification, peoples=peoples(wording)) if each.contact_id)


def test_approved_words_are_said_and_the_message_keeps_their_version():
    message = sms_of(terms())
    assert message.text == "【原路支付】¥1,280.00退往您尾号1451的卡，已受理。凭证000123。"
    assert (message.template, message.once.split("|")[1]) == ("return_accepted@101", "return_accepted")
    assert list(message.values) == ["amount", "card", "ref"]


def test_other_audiences_and_other_events_keep_the_programs_words():
    finance, cardholder = composed(ACCEPTED, terms(), peoples=peoples())
    assert (finance.template, cardholder.template) == ("return_accepted.merchant@1", "return_accepted@101")
    assert composed(payment(), terms(), peoples=peoples())[1].template == "outcome_unknown@1"


def test_when_and_how_long_it_is_told_stays_as_the_program_says():
    unknown = template_named("outcome_unknown")
    made = template_of(replace(MINE, name="outcome_unknown"))
    assert (made.urgent, made.useful_hours, made.event) == (True, unknown.useful_hours, unknown.event)


def test_a_provider_that_has_not_registered_the_words_sends_the_programs_own():
    some = {"return_accepted.zh": "SMS_1"}
    both = some | {"return_accepted@101.zh": "SMS_2"}

    def aliyun(templates):
        return AliyunSms(access_key_id="i", access_key_secret="k", sign_name="原路支付", templates=templates)

    def tencent(templates):
        return TencentSms(secret_id="i", secret_key="k", app_id="1", sign_name="原路支付", templates=templates)

    for channels, ways, version in (
        ({"a": aliyun(some)}, ("a",), 1), ({"t": tencent(some)}, ("t",), 1),
        ({"a": aliyun(both)}, ("a",), 101), ({"t": tencent(both)}, ("t",), 101),
        ({"a": aliyun(both), "t": tencent(some)}, ("a", "t"), 1),
        ({"a": aliyun(both), "t": tencent(both)}, ("a", "t"), 101),
        ({"a": aliyun(both), "t": tencent(some)}, ("a",), 101),
        ({"a": aliyun(both), "p": Sandbox()}, ("a", "p"), 101),
    ):  # fmt: skip
        message = sms_of(terms(channels=channels, sms=ways, recipients=()))
        assert message.template == f"return_accepted@{version}", ways
        name = "return_accepted" if version == 1 else "return_accepted@101"
        assert outgoing(message, "+8613800000000").template == name, "as the settings map it"


def test_words_that_do_not_fit_the_real_values_give_way_to_the_programs_own():
    """The longest amounts that occur are shorter; but whatever comes, a cardholder hears of his money."""
    room = 70 - characters(filled(MINE.text.zh, longest("zh")))
    wide = replace(MINE, name="duplicate_found", text=Words(zh=MINE.text.zh + "字" * room, en=MINE.text.en))
    long_brand = terms(brand="原路支付平台")
    for amount, version in ((yuan(128_000), 101), (yuan(99_999_999_999), 1)):
        now = payment(money=Standing.STANDS, duplicate=True, amount=amount)
        assert sms_of(long_brand, now, wide).template == f"duplicate_found@{version}"


def test_a_value_that_the_event_does_not_come_with_gives_way_to_the_programs_own():
    older = replace(MINE, text=Words(zh=MINE.text.zh + "{level}", en=MINE.text.en + "{level}"))
    assert sms_of(terms(), wording=older).template == "return_accepted@1"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"name": "gone"}, "no words for a template"),
        ({"back": True}, "no words for a template"),
        ({"text": Words(zh=MINE.text.zh + "a.cn", en=MINE.text.en)}, "no links"),
    ],
    ids=["name", "back", "rule"],
)
def test_what_this_program_cannot_use_is_an_error_for_whoever_asks(changed, why):
    with pytest.raises(TemplateError, match=why):
        template_of(replace(MINE, **changed))


def test_at_the_gateway_only_what_this_program_can_use_takes_the_place_of_its_own_words():
    gone = replace(MINE, name="gone")
    forbidden = replace(MINE, name="not_charged", text=Words(zh=MINE.text.zh + "a.cn", en=MINE.text.en))
    assert usable([gone, MINE, forbidden]) == peoples()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_a_provider_registers_is_the_whole_text_but_for_the_signature_that_he_puts_before_it(language):
    named, numbered = as_registered(template_of(MINE), language)
    assert (named, numbered) == {
        "zh": ("${amount}退往您${card}，已受理。${ref}。", "{1}退往您{2}，已受理。{3}。"),
        "en": ("${amount} to your ${card}: accepted. ${ref}.", "{1} to your {2}: accepted. {3}."),
    }[language]
    unsigned = template_named("case_escalated.support")
    assert as_registered(unsigned, language)[1].startswith({"zh": "工单 {1}，", "en": "Case {1}, "}[language])


def test_versions_rise_from_above_the_programs():
    assert (next_version([]), next_version([101]), next_version([103, 101])) == (101, 102, 104)
    assert max(each.version for each in TEMPLATES) < next_version([])
