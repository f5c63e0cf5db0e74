import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuanlu.kernel.errors import YuanluError
from yuanlu.kernel.money import Money, MoneyError, format_minor

AMOUNTS = st.integers(0, 10**12 - 1)


@pytest.mark.parametrize("minor", [-1, 10**12])
def test_an_amount_that_no_message_can_carry_is_refused(minor):
    with pytest.raises(MoneyError, match="minor units"):
        Money(minor=minor, currency="156")
    assert issubclass(MoneyError, YuanluError)


@given(AMOUNTS, AMOUNTS)
def test_money_of_one_currency_adds_up_or_overflows_loudly(a, b):
    one, other = Money(minor=a, currency="156"), Money(minor=b, currency="156")
    if a + b < 10**12:
        assert one.plus(other) == other.plus(one) == Money(minor=a + b, currency="156")
    else:
        with pytest.raises(MoneyError):
            one.plus(other)


def test_money_of_two_currencies_does_not_add_up():
    with pytest.raises(MoneyError, match="cannot add 840 to 156"):
        Money(minor=1, currency="156").plus(Money(minor=1, currency="840"))


SHOWN = [
    (0, "156", "CNY 0.00"),
    (5, "156", "CNY 0.05"),
    (128_000, "156", "CNY 1,280.00"),
    (-5, "156", "CNY -0.05"),
    (1_280, "392", "JPY 1,280"),
    (100, "999", "999 1.00"),
]


@pytest.mark.parametrize(("minor", "currency", "text"), SHOWN)
def test_amounts_are_shown_as_people_write_them(minor, currency, text):
    assert format_minor(minor, currency) == text
    if minor >= 0:
        assert str(Money(minor=minor, currency=currency)) == text
