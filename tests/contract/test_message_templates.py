"""Every template in both languages: with its longest values it may be sent, and it says what the wording rules ask."""

import re

import pytest

from yuanlu.notices import Event
from yuanlu.notification.messages.known import TEMPLATES, find_template
from yuanlu.notification.templates import Audience, characters, longest, parts, said

EACH = [pytest.param(template, language, id=f"{template.key}-{language}") for template in TEMPLATES
        for language in ("zh", "en")]  # fmt: skip
FOR_CARDHOLDERS = [each for each in EACH if each.values[0].audience is Audience.CARDHOLDER]


def text_of(template, language):
    return template.render(language, longest(language)).text


@pytest.mark.parametrize(("template", "language"), FOR_CARDHOLDERS)
def test_an_sms_fits_signed_and_with_the_longest_values(template, language):
    text = text_of(template, language)
    assert text.startswith("【商商商商商商】" if language == "zh" else "[商商商商商商] ")
    assert characters(text) <= 70 if language == "zh" else parts(text) <= 3


@pytest.mark.parametrize(("template", "language"), FOR_CARDHOLDERS)
def test_a_cardholder_reads_the_amount_no_bare_code_no_apology_and_nothing_of_reversals(template, language):
    words = said(template.text, language)
    assert "{amount}" in words
    assert not re.search("冲正|系统繁忙|失败|抱歉|亲|！|!|sorry|reversal|failed|busy", words)
    assert "您" in words or language == "en" or "退回{card}" in words


@pytest.mark.parametrize(("template", "language"), EACH)
def test_both_languages_use_the_same_values(template, language):
    assert set(template.variables(language)) == set(template.variables("zh")), "what one language says, both say"


@pytest.mark.parametrize(("template", "language"), EACH)
def test_every_text_is_in_its_language(template, language):
    words = re.sub(r"\{\w+\}", "", said(template.text, language) + said(template.title, language))
    assert bool(re.search("[\u4e00-\u9fff]", words)) == (language == "zh")


def test_only_what_the_bank_or_a_file_says_is_called_confirmed():
    for template in TEMPLATES:
        sure = template.event in (Event.RETURN_CONFIRMED, Event.NOT_CHARGED)
        for words in (template.text.zh, template.text.en):
            claims = re.search(
                r"】银行确认|银行或清算文件已确认|：?已确认(?:：|原交易)|confirmed by|Confirmed:|confirms", words
            )
            assert bool(claims) == sure, template.key


def test_every_event_is_told_to_somebody_and_the_registered_names_are_unique():
    assert {template.event for template in TEMPLATES} == set(Event)
    assert len({template.name for template in TEMPLATES}) == len(TEMPLATES)
    assert find_template(Event.CASE_ESCALATED, Audience.CARDHOLDER) is None
