"""Amounts and times as people read them."""

import pytest

from yuanlu.kernel.money import Money
from yuanlu.people.figures import capital_text, instant_text, minor_text, with_symbols


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (10, "壹角整"),
        (105, "壹元零伍分"),
        (128_000, "壹仟贰佰捌拾元整"),
        (140_950, "壹仟肆佰零玖元伍角整"),
        (600_714, "陆仟零柒元壹角肆分"),
        (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
        (10_700_053, "壹拾万柒仟元伍角叁分"),
        (10_050_000, "壹拾万零伍佰元整"),
        (10_000_000, "壹拾万元整"),
        (10_000_000_100, "壹亿零壹元整"),
        (10_001_000_000, "壹亿零壹万元整"),
        (999_999_999_999, "玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_an_amount_in_capitals_is_as_vouchers_write_it(minor, text):
    assert capital_text(Money(minor=minor, currency="156")) == "人民币" + text


def test_another_currency_has_no_capitals():
    assert capital_text(Money(minor=100, currency="840")) == ""


def test_amounts_have_their_sign_their_symbol_and_their_decimals():
    assert [minor_text(-3650, "156"), minor_text(128_000, "840"), minor_text(500, "392"), minor_text(5, "999")] == [
        "−¥36.50", "US$1,280.00", "JP¥500", "999 0.05",
    ]  # fmt: skip


def test_an_instant_is_beijing_time_to_the_millisecond():
    assert instant_text(1_760_000_000_007_999) == "2025-10-09 16:53:20.007"


def test_amounts_in_a_text_of_the_machine_are_as_pages_have_them():
    said = with_symbols("void of CNY 1,280.00: given back; CNY -36.50, HKD 2.00, JPY 500, XXX 1.00, CNY 12")
    assert said == "void of ¥1,280.00: given back; −¥36.50, HK$2.00, JP¥500, XXX 1.00, ¥12"
