import random
from typing import get_args

import pytest

from yuanlu.kernel.errors import YuanluError
from yuanlu.sandbox.fault_board import ACTIVE_FAULTS_MAX, ActiveFault, FaultBoard
from yuanlu.sandbox.faults import (
    FAULTS,
    FAULTS_BY_NAME,
    Commit,
    MessageClass,
    UnknownFault,
    fault_of_amount,
    find_fault,
)


def board() -> FaultBoard:
    return FaultBoard(random.Random(7))


def test_every_fault_has_a_name_and_an_amount_of_its_own_and_both_languages():
    assert len(FAULTS_BY_NAME) == len(FAULTS) == len({fault.magic_minor for fault in FAULTS})
    for fault in FAULTS:
        assert fault_of_amount(fault.magic_minor) is fault
        assert fault.zh
        assert fault.en
        assert (fault.reversal is None) == (fault.reversal_times == 0)


@pytest.mark.parametrize(
    ("amount_minor", "code", "commit"),
    [
        (660051, "51", Commit.NEVER),
        (660000, "00", Commit.NOW),
        (660098, "98", Commit.NEVER),
        (660100, "A0", Commit.NEVER),
        (660102, "A2", Commit.NOW),
        (660107, "A7", Commit.NEVER),
    ],
)
def test_a_magic_amount_asks_for_a_response_code_and_only_approvals_move_money(amount_minor, code, commit):
    fault = fault_of_amount(amount_minor)
    assert fault is not None
    assert (fault.sale.code, fault.sale.commit) == (code, commit)
    assert find_fault(f"code_{code}").sale == fault.sale


def test_an_ordinary_amount_asks_for_nothing():
    assert fault_of_amount(12_345) is None
    assert fault_of_amount(660108) is None


@pytest.mark.parametrize("name", ["", "delays", "code_5", "code_A8", "code_ZZ", "code_٣٣"])
def test_an_unknown_fault_is_refused_with_the_known_names(name):
    with pytest.raises(UnknownFault, match="drop_after_commit"):
        find_fault(name)


def test_a_counted_fault_is_used_up():
    faults = board()
    faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["delay"], remaining=2))
    assert [faults.choose("T1", 100) is not None for _ in range(3)] == [True, True, False]
    assert faults.active == []


def test_a_fault_for_one_terminal_leaves_the_others_alone():
    faults = board()
    faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["delay"], terminal_id="T1"))
    assert faults.choose("T2", 100) is None
    assert faults.choose("T1", 100) is FAULTS_BY_NAME["delay"]


def test_the_amount_decides_before_what_is_switched_on_and_uses_nothing_up():
    faults = board()
    faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["delay"], remaining=1))
    assert faults.choose("T1", 880001) is FAULTS_BY_NAME["drop_before_commit"]
    assert faults.choose("T1", 100) is FAULTS_BY_NAME["delay"]


@pytest.mark.parametrize("armed", get_args(MessageClass))
def test_a_fault_for_a_class_leaves_the_others_alone_and_is_not_used_up_by_them(armed):
    faults = board()
    faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["delay"], message_class=armed, remaining=1))
    others = [each for each in get_args(MessageClass) if each != armed]
    assert [faults.choose("T1", 100, each) for each in others] == [None] * len(others)
    assert faults.choose("T1", 100, armed) is FAULTS_BY_NAME["delay"]
    assert faults.active == []


@pytest.mark.parametrize(
    ("message_class", "works"),
    [
        ("sale", True),
        ("preauth", True),
        ("void", False),
        ("refund", False),
        ("completion", False),
        ("advice", False),
    ],
)
def test_a_magic_amount_works_for_sales_and_pre_authorisations_only(message_class, works):
    chosen = board().choose("T1", FAULTS_BY_NAME["delay"].magic_minor, message_class)
    assert (chosen is not None) == works


def test_a_rate_hits_about_so_many_and_the_same_ones_with_the_same_seed():
    def hits() -> list[bool]:
        faults = board()
        faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["delay"], rate=0.3))
        return [faults.choose("T1", 100) is not None for _ in range(1000)]

    assert hits() == hits()
    assert 230 < sum(hits()) < 370


def test_clearing_switches_everything_off_and_too_many_are_refused():
    faults = board()
    for _ in range(ACTIVE_FAULTS_MAX):
        faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["delay"]))
    with pytest.raises(YuanluError):
        faults.switch_on(ActiveFault(fault=FAULTS_BY_NAME["delay"]))
    faults.clear()
    assert faults.choose("T1", 100) is None
