"""What each role may do, and what nobody may do alone."""

import pytest

from yuanlu.access.records import AccessRefused
from yuanlu.access.roles import LANDS_ON, RIGHTS, Right, Role, rights_of
from yuanlu.access.secrets_of_staff import new_totp_secret, refuse_weak_password, totp_step


def test_every_role_has_its_rights_and_its_first_page():
    assert set(RIGHTS) == set(LANDS_ON) == set(Role)


def test_to_approve_is_said_for_each_account_and_only_with_a_role_that_sees_cases():
    assert all(Right.APPROVE not in rights for rights in RIGHTS.values())
    assert Right.APPROVE in rights_of([Role.FINANCE], checker=True)
    assert Right.APPROVE not in rights_of([Role.CASHIER], checker=True)


def test_an_administrator_moves_no_money():
    assert not RIGHTS[Role.ADMINISTRATOR] & {Right.PROPOSE, Right.APPROVE, Right.WORK_CASES}


@pytest.mark.parametrize("password", ["short 1", "onlylettersofenough", "1234567890123", "Li Wei has it 1", "x1" * 65])
def test_a_weak_password_is_refused(password):
    with pytest.raises(AccessRefused):
        refuse_weak_password(password, "Li Wei")


def test_a_one_time_code_is_good_once_and_for_a_minute_and_a_half():
    secret, now_us = new_totp_secret(bytes(range(20))), 1_760_000_000_000_000
    import pyotp  # noqa: PLC0415

    code = pyotp.TOTP(secret).at(now_us // 1_000_000)
    step = totp_step(secret, code, now_us, 0)
    assert step == now_us // 30_000_000
    assert totp_step(secret, code, now_us, step) is None
    assert totp_step(secret, code, now_us + 61_000_000, 0) is None
    assert totp_step(secret, "000000", now_us, 0) is None
