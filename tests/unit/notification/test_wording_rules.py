"""What people may put in the place of the program's words: every rule that a draft breaks is named."""

import pytest
from msgspec.structs import replace

from tests.unit.notification.payments import payment, terms
from yuanlu.causes.cause import Words
from yuanlu.notices import Event
from yuanlu.notification.deciding import Paid, Standing, of_payment
from yuanlu.notification.messages.known import TEMPLATES, find_template, offered, template_named
from yuanlu.notification.templates import BUILT_IN_VERSION_MAX, Audience, Rule, longest, registered_name
from yuanlu.notification.wording_rules import Draft, DraftRule, Flaw, filled, flaws, tidy

OWN = template_named("not_charged")
ZH = "【{brand}】查实：{card}在{shop}的{amount}未扣款。{ref}。"
EN = "[{brand}] We checked: {amount} at {shop} was not charged to your {card}. Ref {ref}."
EVENTS_OF_PAYMENTS = [each for each in TEMPLATES if each.event not in (
    Event.CASE_ESCALATED, Event.INCIDENT_BEGAN, Event.INCIDENT_ENDED)]  # fmt: skip


def draft(zh: str = ZH, en: str = EN, title_zh: str = "未扣款", title_en: str = "Not charged") -> Draft:
    return Draft(title=Words(zh=title_zh, en=title_en), text=Words(zh=zh, en=en))


def broken(given: Draft, template=OWN) -> set[tuple[str, str]]:
    """Each broken rule with its language."""
    return {(each.rule.name, each.language) for each in flaws(template, given)}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_the_programs_own_words_keep_to_the_rules(template):
    assert flaws(template, Draft(title=template.title, text=template.text)) == []
    assert template.version <= BUILT_IN_VERSION_MAX, "above are people's"


def test_other_words_that_keep_to_the_rules_have_no_flaw():
    assert flaws(OWN, draft()) == []


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        (draft(zh=""), {("MISSING", "zh")}),
        (draft(title_en=""), {("MISSING", "en")}),
        (draft(zh=ZH + "https://a.cn/x"), {("LINK", "zh")}),
        (draft(title_zh="见 a.com"), {("LINK", "zh")}),
        (draft(zh="【{brand}】{card}在{shop}的{amount}未扣款，问95588。{ref}"), {("TELEPHONE", "zh")}),
        (draft(zh="【{brand}】{card}在{shop}的{amount}未扣款，问９５５８８。{ref}"), {("TELEPHONE", "zh")}),
        (draft(en=EN + " 6200000000000005"), {("CARD_NUMBER", "en"), ("TELEPHONE", "en")}),
        (draft(zh=ZH + "字" * 30), {("SMS", "zh")}),
        (draft(en=EN + " more" * 40), {("SMS", "en")}),
        (draft(title_zh="长" * 121), {("TITLE_LENGTH", "zh")}),
        (draft(zh=ZH + "{cause}", en=EN + "{cause}"), {("UNKNOWN", "zh"), ("UNKNOWN", "en"), ("SMS", "zh")}),
        (draft(zh=ZH + "{nobody}"), {("UNKNOWN", "zh"), ("UNLIKE", "en")}),
        (draft(title_zh="{money}未扣"), {("UNKNOWN", "zh")}),
        (draft(zh="【{brand}】{card}在{shop}未扣款。{ref}。"), {("LEFT_OUT", "zh")}),
        (draft(zh=ZH + "{time}"), {("UNLIKE", "en")}),
        (draft(zh=ZH.removeprefix("【{brand}】")), {("SIGNATURE", "zh")}),
        (draft(en=EN + " {brand}"), {("SIGNATURE", "en")}),
        (draft(zh=ZH + "{amount.__class__}"), {("BRACES", "zh")}),
        (draft(zh=ZH + "{amount:>99999999}"), {("BRACES", "zh")}),
        (draft(en=EN + " }{"), {("BRACES", "en")}),
        (draft(en=EN + " {{amount}}"), {("BRACES", "en")}),
        (draft(zh=EN, en=ZH), {("LANGUAGE", "zh"), ("LANGUAGE", "en"), ("SIGNATURE", "zh"), ("SIGNATURE", "en"),
                               ("SMS", "zh")}),
    ],
    ids=lambda each: "-".join(sorted(f"{rule}.{language}" for rule, language in each)) if isinstance(each, set) else "",
)  # fmt: skip
def test_each_rule_that_a_draft_breaks_is_named_with_its_language(given, rules):
    assert broken(given) == rules


def test_a_flaw_says_how_long_it_is_with_the_longest_values_and_which_variables_are_meant():
    [long] = flaws(OWN, draft(zh=ZH + "字" * 30))
    assert (long.n > long.most, long.most) == (True, 70)
    [without] = flaws(OWN, draft(zh="【{brand}】在{shop}未扣款。"))
    assert without == Flaw(rule=DraftRule.LEFT_OUT, language="zh", names=("amount", "card", "ref"))


def test_what_a_sign_means_in_its_plain_form_makes_no_text_longer():
    """An ellipsis is one character of an SMS, whatever it is made of."""
    room = 70 - len(filled(ZH, longest("zh")))
    assert flaws(OWN, draft(zh=ZH + "…" * room)) == []


def test_merchants_people_may_read_links_and_of_causes_but_no_card_number():
    theirs = find_template(Event.OUTCOME_UNKNOWN, Audience.MERCHANT)
    zh, en = "{amount} {card} {ref} {cause}，见 https://a.example", "{amount} {card} {ref} {cause}: https://a.example"
    assert flaws(theirs, draft(zh=zh, en=en)) == []
    assert broken(draft(zh=zh + " 6200000000000005", en=en), theirs) == {("CARD_NUMBER", "zh")}


def test_what_is_typed_becomes_one_line_without_what_cannot_be_seen():
    assert tidy(" 一行\n二行\u202e\t三 ") == "一行 二行 三"


def said_of(template) -> dict[str, Words]:
    """The values that this event comes with."""
    money = {
        Event.OUTCOME_UNKNOWN: Standing.OPEN, Event.RETURN_DELAYED: Standing.OPEN,
        Event.NOT_CHARGED: Standing.NOT_CHARGED, Event.RETURN_ACCEPTED: Standing.ACCEPTED,
        Event.RETURN_CONFIRMED: Standing.CONFIRMED, Event.DUPLICATE_FOUND: Standing.STANDS,
        Event.COMPENSATION_PAID: Standing.STANDS,
    }[template.event]  # fmt: skip
    late = template.event is Event.RETURN_DELAYED
    now = payment(money=money, duplicate=True, case_id="C261123-48301926" if late else "")
    if template.event is Event.COMPENSATION_PAID:
        paid = Paid(order_id="o", amount=now.amount, compensation=True, confirmed=False, at_us=now.at_us)
        now = replace(now, paid=(paid,))
    heard = {(Event.OUTCOME_UNKNOWN, "")} if template.event is Event.NOT_CHARGED else set()
    due = of_payment(now, heard, terms(), now.at_us)
    [found] = [each for each in due.happenings if each.event is template.event]
    return dict(found.values)


@pytest.mark.parametrize("template", EVENTS_OF_PAYMENTS, ids=lambda each: each.name)
def test_every_variable_that_is_offered_comes_with_the_event_and_means_something(template):
    values = said_of(template)
    for name in offered(template):
        if name not in ("brand", "shop"):  # put in when the message is made
            assert values[name].zh != "-", name


def test_cardholders_are_offered_only_what_an_sms_may_say():
    for template in TEMPLATES:
        if template.audience is Audience.CARDHOLDER:
            assert set(offered(template)) <= set(longest("zh"))
            assert not {"cause", "terminal", "case", "todo", "why"} & set(offered(template)), template.name


def test_providers_know_the_programs_words_by_name_and_peoples_by_version_too():
    assert registered_name("not_charged@1") == registered_name("not_charged@100") == "not_charged"
    assert registered_name("not_charged@101") == "not_charged@101"


def test_every_rule_is_tried_here():
    tried = {"MISSING", "LINK", "SMS", "TELEPHONE", "CARD_NUMBER", "TITLE_LENGTH", "UNKNOWN", "LEFT_OUT", "UNLIKE",
             "SIGNATURE", "BRACES", "LANGUAGE"}  # fmt: skip
    assert {each.name for each in (*Rule, *DraftRule)} - tried == {"LENGTH"}
    everything = find_template(Event.OUTCOME_UNKNOWN, Audience.MERCHANT)
    assert ("LENGTH", "en") in broken(draft(en="{amount} {card} {ref} " + "long " * 200), everything)
