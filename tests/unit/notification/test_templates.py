"""What may be said: lengths, links, numbers, and values that nobody meant to send."""

import pytest

from yuanlu.causes.cause import Words
from yuanlu.notices import Event
from yuanlu.notification.messages.cardholder import CARDHOLDER as CARDHOLDERS
from yuanlu.notification.messages.cardholder import OUTCOME_UNKNOWN, RETURN_CONFIRMED
from yuanlu.notification.templates import Audience, Template, TemplateError, characters, longest, parts, refuse

VALUES = longest("zh") | {"brand": "原路支付", "shop": "南站出口店", "amount": "¥1,280.00"}


def made(zh: str, en: str = "fine", audience: Audience = Audience.CARDHOLDER) -> Template:
    return Template(
        event=Event.OUTCOME_UNKNOWN, audience=audience, version=1, title=Words(zh="题", en="title"),
        text=Words(zh=zh, en=en),
    )  # fmt: skip


def test_a_real_message_says_what_the_wording_asks_for():
    text = OUTCOME_UNKNOWN.render("zh", VALUES).text
    assert text == (
        "【原路支付】您尾号1451的卡在南站出口店的¥1,280.00交易结果待确认，如已扣款将退回原账户，请勿重复支付。您无需操作。"
    )
    assert characters(text) <= 70


def test_an_emoji_counts_as_two_characters_of_an_sms():
    assert characters("已退回") == 3
    assert characters("👍") == 2


@pytest.mark.parametrize(("length", "count"), [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)], ids=str)
def test_a_long_text_is_charged_in_parts_of_67(length, count):
    assert parts("字" * length) == count


def test_a_template_that_is_too_long_with_the_longest_values_cannot_be_made():
    made("【{brand}】" + "字" * 62)
    with pytest.raises(TemplateError, match="too many for an SMS"):
        made("【{brand}】" + "字" * 63)


@pytest.mark.parametrize(
    "text",
    ["请点 https://t.cn/x", "见 www.example", "见 example.com/a", "查询 t.CN", "拨打 95588", "电话 138 0000 0000",
     "热线 400-123-4567", "卡号 6200000000000005", "回复 12345678"],
)  # fmt: skip
def test_what_a_cardholder_reads_holds_no_link_and_no_number_to_call(text):
    with pytest.raises(TemplateError):
        made(text)
    with pytest.raises(TemplateError):
        refuse("t", Audience.CARDHOLDER, "zh", text, text)


@pytest.mark.parametrize("digits", ["48301", "95588", "80012", "40000", "95012"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("template", CARDHOLDERS, ids=lambda each: each.name)
def test_amounts_dates_and_references_are_no_telephone_numbers_whatever_their_digits(template, language, digits):
    """One case in a hundred ends in what looks like a bank's number: its cardholder is told all the same."""
    ours = {"ref": {"zh": f"工单{digits}", "en": f"case {digits}"}[language], "amount": f"¥{digits}.00"}
    text = template.render(language, longest(language) | ours).text
    assert all(ours[name] in text for name in ours if name in template.variables(language))


def test_a_shop_cannot_smuggle_a_number_to_call_into_a_message():
    with pytest.raises(TemplateError, match="no telephone numbers"):
        OUTCOME_UNKNOWN.render("zh", VALUES | {"shop": "拨95588"})


def test_a_missing_value_is_an_error_and_never_an_empty_place():
    with pytest.raises(TemplateError, match="last4"):
        made("尾号{last4}")
    with pytest.raises(TemplateError, match="shop"):
        OUTCOME_UNKNOWN.render("zh", {name: value for name, value in VALUES.items() if name != "shop"})


def test_a_shop_cannot_smuggle_a_link_or_a_line_into_a_message():
    with pytest.raises(TemplateError, match="no links"):
        OUTCOME_UNKNOWN.render("zh", VALUES | {"shop": "http://x.cn"})
    assert "\n" not in OUTCOME_UNKNOWN.render("zh", VALUES | {"shop": "南站\n店\u200b"}).text


def test_a_card_number_in_what_somebody_wrote_is_shortened():
    template = made("说：{why}", audience=Audience.SUPPORT)
    rendered = template.render("zh", longest("zh") | {"why": "卡 6200000000000005"})
    assert rendered.text == "说：卡 ••0005"
    assert rendered.values == {"why": "卡 ••0005"}


def test_what_somebody_wrote_at_length_is_cut_and_the_message_is_still_sent():
    template = made("说：{why}{why}", audience=Audience.SUPPORT)
    text = template.render("zh", longest("zh") | {"why": "长" * 5_000}).text
    assert text == "说：" + ("长" * 239 + "…") * 2


def test_format_directions_in_a_value_are_only_text():
    assert "{brand.__class__}" in made("在{shop}").render("zh", VALUES | {"shop": "{brand.__class__}"}).text


def test_a_provider_gets_the_values_in_their_order_and_without_the_signature():
    rendered = RETURN_CONFIRMED.render("zh", VALUES)
    assert list(rendered.values) == ["amount", "time", "card", "ref"]


def test_names_and_keys_tell_audience_and_version():
    assert (OUTCOME_UNKNOWN.name, OUTCOME_UNKNOWN.key) == ("outcome_unknown", "outcome_unknown@1")
    assert made("好", audience=Audience.SUPPORT).name == "outcome_unknown.support"
