"""Numbers as people write them, and what of an address may be shown."""

import pytest

from yuanlu.notification.addresses import AddressError, masked, mobile_number


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("13800000000", "+8613800000000"), ("138 0000 0000", "+8613800000000"), ("+86 138-0000-0000", "+8613800000000"),
        ("+85261234567", "+85261234567"), (" 19900000000 ", "+8619900000000"),
    ],
)  # fmt: skip
def test_one_number_has_one_form(given, plain):
    assert mobile_number(given) == plain


@pytest.mark.parametrize(
    "given", ["", "1380000000", "138000000000", "12800000000", "+861280000", "+0123456789", "13800000000x", "１３８"]
)
def test_what_is_no_mobile_number_is_refused_and_not_repeated(given):
    with pytest.raises(AddressError) as refused:
        mobile_number(given)
    assert not given or given not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+8613800000000", "138****0000"), ("+85261234567", "+85****4567"), ("li@example.cn", "l***@example.cn"),
        ("finance", "fin***"), ("", ""),
    ],
)  # fmt: skip
def test_an_address_is_shown_so_that_it_can_be_recognised_and_not_used(address, shown):
    assert masked(address) == shown
